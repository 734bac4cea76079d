/** `--because`: why a person changes something, in their own words. */
import { Flags } from '@oclif/core';
import { refuseUsage } from '../program/usage.js';

const because = {
  description: 'why, for the history',
  helpValue: 'TEXT',
  // oclif expects a promise.

  parse: async (text: string): Promise<string> => {
    if (text.trim() === '') refuseUsage('--because is empty', 'Say why, for whoever looks at it later.');
    return text;
  },
} as const;

export const becauseFlag = { because: Flags.string(because) };
export const requiredBecauseFlag = {
  because: Flags.string({ ...because, description: 'how you know, for the history', required: true }),
};
