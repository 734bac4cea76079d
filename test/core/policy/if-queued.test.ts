import { expect, test } from '@jest/globals';

import { decideIfQueued } from '../../../src/core/policy/if-queued.js';

const last = { isLastOfLane: () => true };
const followed = { isLastOfLane: () => false };

test.each([
  ['append', undefined, 'append'],
  ['keep', undefined, 'append'],
  ['replace', undefined, 'append'],
  ['append', last, 'append'],
  ['append', followed, 'append'],
  ['keep', last, 'keep'],
  ['keep', followed, 'keep'],
  ['replace', last, 'replace'],
  ['replace', followed, 'append'],
] as const)('--if-queued %s, with an unsent write %j: %s', (ifQueued, unsent, action) => {
  expect(decideIfQueued(ifQueued, unsent)).toBe(action);
});

test('the lane is looked at only to replace', () => {
  const isLastOfLane = (): never => {
    throw new Error('looked at');
  };
  expect(decideIfQueued('keep', { isLastOfLane })).toBe('keep');
});
