import { expect, test } from '@jest/globals';
import type { Comparison } from '../../../src/core/replay/compare.js';
import { MOST_DETAILS, SummaryMaker } from '../../../src/core/replay/summary.js';

function compared(item: number, more: Partial<Comparison>): Comparison {
  const side = { status: 201, durationMs: 5, message: undefined };
  return {
    item,
    operation: 'create',
    method: 'POST',
    path: '/a',
    sentPath: '/a',
    original: side,
    replay: side,
    verdict: 'same',
    reason: undefined,
    body: [],
    earlier: false,
    ...more,
  };
}

test('answers of another class come before bodies that differ, however many of these there are', () => {
  const maker = new SummaryMaker();
  const body = [{ path: '/ok', kind: 'changed' as const, original: 'true', replay: 'false' }];
  for (let item = 1; item <= MOST_DETAILS + 10; item += 1) maker.add(compared(item, { body }));
  maker.add(compared(5000, { verdict: 'differs', replay: { status: 500, durationMs: 5, message: 'no' } }));
  const { differences, bodyDiffers } = maker.finish();
  expect(differences).toHaveLength(MOST_DETAILS);
  expect(differences[0]?.item).toBe(5000);
  expect(differences[1]?.item).toBe(1);
  expect(bodyDiffers).toBe(MOST_DETAILS + 10);
});
