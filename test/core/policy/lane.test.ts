import { describe, expect, test } from '@jest/globals';

import { headEligibility, laneOf, stillAhead } from '../../../src/core/policy/lane.js';

describe('an item is in', () => {
  test.each([
    ['none', 'entity', false, undefined],
    ['none', undefined, true, undefined],
    ['strict', 'entity', false, 'shared'],
    ['strict', undefined, true, 'shared'],
    ['entity', 'entity', false, 'entity'],
    ['entity', 'entity', true, 'entity'],
    ['entity', undefined, false, 'shared'],
    ['entity', undefined, true, undefined],
  ] as const)('order %s, entity %s, a time of its own: %s -> lane %s', (order, entity, ownTime, lane) => {
    expect(laneOf(order, entity, 'shared', ownTime)).toBe(lane);
  });
});

describe('the head of a lane is', () => {
  test.each([
    ['ready', false, false],
    ['waiting', false, true],
    ['paused', true, false],
    ['paused', true, true],
  ] as const)('%s when its entity is paused: %s, its time is ahead: %s', (eligibility, paused, waits) => {
    expect(headEligibility(paused, waits)).toBe(eligibility);
  });
});

test('a time that has come is nothing to wait for', () => {
  expect([undefined, null, 9, 10, 11].map((time) => stillAhead(time, 10))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    11,
  ]);
});
