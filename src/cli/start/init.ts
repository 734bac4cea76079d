/** oclif's first hook: from here on errors of stdout are handled, also for help, which oclif prints by itself. */
import type { Hook } from '@oclif/core';
import { guardStreams } from '../program/output.js';

const hook: Hook.Init = () => {
  guardStreams();
  return Promise.resolve();
};

export default hook;
