/** oclif's first hook: from here on a failing stdout is handled, also for help, which oclif prints by itself. */
import type { Hook } from '@oclif/core';
import { EXIT } from './exit-codes.js';
import { asOutputError, guardStreams, writeErr } from './output.js';

const hook: Hook.Init = () => {
  let isTold = false;
  guardStreams((error) => {
    process.exitCode = EXIT.noQueue;
    if (!isTold) void writeErr(`error: ${asOutputError(error).message}\n`);
    isTold = true;
  });
  return Promise.resolve();
};

export default hook;
