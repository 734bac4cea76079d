import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { backoffCeilingMs, backoffMs, holdMs, isOver } from '../../../src/core/policy/backoff.js';
import { CONFIG, DAY, HOUR, MINUTE, NOW } from './settle-context.js';

const { retry } = CONFIG;

describe("an item's own backoff", () => {
  test.each([
    [1, 5_000],
    [2, 15_000],
    [3, 45_000],
    [4, 135_000],
    [8, 10_935_000],
    [9, 6 * HOUR],
    [10, 6 * HOUR],
    [5_000, 6 * HOUR],
  ])('retry %i waits %i ms at most', (n, ceiling) => {
    expect(backoffCeilingMs(n, retry)).toBe(ceiling);
  });

  test('ten retries take about sixteen hours', () => {
    const waits = Array.from({ length: 10 }, (_, index) => backoffCeilingMs(index + 1, retry));
    const hours = waits.reduce((sum, wait) => sum + wait, 0) / HOUR;
    expect(hours).toBeGreaterThan(16);
    expect(hours).toBeLessThan(17);
  });

  test('half of it is fixed, half random', () => {
    expect(backoffMs(2, retry, 0, undefined)).toBe(7_500);
    expect(backoffMs(2, retry, 0.5, undefined)).toBe(11_250);
    expect(backoffMs(2, retry, 1 - 2 ** -53, undefined)).toBe(15_000);
  });

  test("a server's hint is a floor and is not jittered", () => {
    expect(backoffMs(1, retry, 0.9, 60_000)).toBe(60_000);
    expect(backoffMs(1, retry, 0, 100)).toBe(2_500);
  });

  test('it is always a whole number between half its ceiling and its ceiling, or the hint', () => {
    const policy = fc.record({
      max: fc.constant(10),
      baseMs: fc.integer({ min: 0, max: DAY }),
      factor: fc.double({ min: 1, max: 100, noNaN: true }),
      capMs: fc.integer({ min: 0, max: 30 * DAY }),
    });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        policy,
        random,
        fc.option(fc.integer({ min: 0, max: DAY }), { nil: undefined }),
        (n, p, r, hint) => {
          const ceiling = backoffCeilingMs(n, p);
          const delay = backoffMs(n, p, r, hint);
          expect(Number.isInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(Math.max(Math.floor(ceiling / 2), hint ?? 0));
          expect(delay).toBeLessThanOrEqual(Math.max(Math.ceil(ceiling), hint ?? 0));
        },
      ),
    );
  });
});

describe("a target's hold", () => {
  test.each([
    ['unavailable', [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]],
    ['throttled', [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]],
    ['auth', [1, 2, 4, 8, 16, 32, 60, 60].map((minutes) => minutes * MINUTE)],
  ] as const)('%s doubles to its bound', (kind, waits) => {
    expect(waits.map((_, step) => holdMs(kind, step))).toEqual(waits);
    expect(holdMs(kind, 100_000)).toBe(waits.at(-1));
  });
});

describe('a wait', () => {
  test.each([
    ['before its end', NOW + 1, NOW - HOUR, false],
    ['at its end', NOW, NOW - HOUR, true],
    ['when the clock ran back a little behind its beginning', NOW + HOUR, NOW + MINUTE, false],
    ['when the clock ran back further', NOW + HOUR, NOW + MINUTE + 1, true],
  ])('%s', (_when, until, setAt, over) => {
    expect(isOver(until, setAt, NOW)).toBe(over);
  });
});
