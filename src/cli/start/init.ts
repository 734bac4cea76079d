/** oclif's first hook: from here on a failing stdout is handled, also for help, which oclif prints by itself. */
import type { Hook } from '@oclif/core';
import { guardStreams } from '../program/output.js';

const hook: Hook.Init = () => {
  guardStreams();
  return Promise.resolve();
};

export default hook;
