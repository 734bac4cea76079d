/** The small pure parts: ages, retention, the order of a story. */
import { describe, expect, test } from '@jest/globals';

import type { Attempt, ItemDetail } from '../../../src/core/nouns/item.js';
import type { HistoryEntry } from '../../../src/core/store/store.js';
import { AGE_BOUNDS_MS, AGE_TITLES, ageRange, ageTable, type AgeCount } from '../../../src/core/policy/ages.js';
import { hasRules, isPruneDue, PRUNE_EVERY_MS, pruneRules } from '../../../src/core/policy/retention.js';
import { timeline } from '../../../src/core/queue/timeline.js';

const NOW = 1_750_000_000_000;

describe('ages', () => {
  test('every moment lies in exactly one column', () => {
    const moments = AGE_BOUNDS_MS.flatMap((bound) => [NOW - bound - 1, NOW - bound, NOW - bound + 1]).concat(
      NOW,
      NOW + 1,
      0,
    );
    for (const at of moments) {
      const columns = AGE_TITLES.filter((_title, bucket) => {
        const { from = -Infinity, to = Infinity } = ageRange(bucket, NOW);
        return at >= from && at < to;
      });
      expect(columns).toHaveLength(1);
    }
  });

  test('rows add up, all targets come first, and a bound that was reached is said', () => {
    const cell = (target: string, kind: AgeCount['kind'], bucket: number, count: number, capped = false): AgeCount => ({
      target,
      kind,
      bucket,
      count,
      capped,
    });
    const rows = ageTable([cell('b', 'waiting', 0, 2), cell('a', 'waiting', 0, 3, true), cell('a', 'review', 7, 1)]);
    expect(rows.map(({ target, kind, total }) => [target, kind, total.count, total.capped])).toEqual([
      [undefined, 'waiting', 5, true],
      [undefined, 'review', 1, false],
      ['a', 'waiting', 3, true],
      ['a', 'review', 1, false],
      ['b', 'waiting', 2, false],
    ]);
    expect(rows[1]!.buckets.map(({ count }) => count)).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  });
});

describe('retention', () => {
  test('without rules nothing is let go', () => {
    expect(hasRules(pruneRules({ completedMs: undefined, payloadsMs: undefined }, NOW))).toBe(false);
    expect(pruneRules({ completedMs: 1000, payloadsMs: undefined }, NOW)).toEqual({
      completedBefore: NOW - 1000,
      payloadsBefore: undefined,
    });
  });

  test.each([
    [undefined, true],
    [NOW, false],
    [NOW - PRUNE_EVERY_MS + 1, false],
    [NOW - PRUNE_EVERY_MS, true],
    [NOW + 1, true],
  ])('looked at %p: due is %p', (last, due) => {
    expect(isPruneDue(last, NOW)).toBe(due);
  });
});

describe('a story', () => {
  const event = (at: number, name: string): HistoryEntry => ({
    id: at,
    at,
    item: 7,
    target: undefined,
    who: 'kari',
    command: name,
    event: name,
    reason: undefined,
    detail: undefined,
  });
  const item = {
    id: 7,
    createdAt: 10,
    target: 'api',
    attempts: [{ number: 1, startedAt: 30 } as Attempt],
  } as ItemDetail;

  test('is told in the order of time, storing first', () => {
    expect(timeline(item, [event(20, 'a'), event(40, 'b')]).map(({ kind, at }) => [kind, at])).toEqual([
      ['stored', 10],
      ['event', 20],
      ['attempt', 30],
      ['event', 40],
    ]);
  });

  test('begins at a time', () => {
    expect(timeline(item, [event(20, 'a'), event(40, 'b')], 30).map(({ at }) => at)).toEqual([30, 40]);
  });

  test('of an item that is gone is what people did', () => {
    expect(timeline(undefined, [event(20, 'a')])).toHaveLength(1);
  });
});
