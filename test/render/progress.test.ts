import { expect, test } from '@jest/globals';

import { progressText } from '../../src/render/progress.js';

test.each([
  [0, 100, 400, 'sending: 0 of 100'],
  [50, 100, 10_000, 'sending: 50 of 100 (5.0/s, 10 s left)'],
  [1200, 100_000, 1000, 'sending: 1200 of 100000 (1200/s, 1 min 23 s left)'],
  [100, 100, 1000, 'sending: 100 of 100 (100/s)'],
  [120, 100, 1000, 'sending: 120 of 120 (120/s)'],
  [30, undefined, 1000, 'sending: 30 (30/s)'],
])('%d of %d after %d ms', (done, total, elapsed, text) => {
  expect(progressText('sending', done, total, elapsed)).toBe(text);
});
