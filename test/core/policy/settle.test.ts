import { describe, expect, test } from '@jest/globals';

import type { Outcome, ReviewReason } from '../../../src/core/nouns/item.js';
import { CRASH_LIMIT } from '../../../src/core/policy/settle.js';
import type { ItemMove } from '../../../src/core/store/store.js';
import { DAY, decided, HOUR, MINUTE, NOW, row, rowIn, targetAfterwards, type Situation } from './settle-context.js';

type Pending = Extract<ItemMove, { to: 'pending' }>;

function pending(outcome: Outcome, situation: Situation = {}): Pending {
  const { move } = decided(outcome, situation);
  if (move.to !== 'pending') throw new Error(`it went to ${move.to}`);
  return move;
}

/** An item that failed before, at a time when another's attempt 50 was the latest; since then one was answered. */
const AGAIN: Situation = {
  facts: { failMark: 50, failures: 1, failingSince: NOW - MINUTE },
  target: row({ soundAttempt: 60 }),
};

describe('every row of the outcome table', () => {
  test.each([
    // outcome, item, counts the first time, counts again with evidence, target
    ['delivered', 'completed', false, false, 'online'],
    ['offline', 'pending', false, false, 'offline'],
    ['unknown', 'pending', false, true, 'suspect'],
    ['unavailable', 'pending', false, true, 'suspect'],
    ['throttled', 'pending', false, false, 'throttled'],
    ['transient', 'pending', false, true, 'online'],
    ['auth', 'pending', false, false, 'auth'],
    ['conflict', 'review', false, false, 'online'],
    ['rejected', 'review', false, false, 'online'],
    ['redirect', 'review', false, false, 'online'],
    ['misconfigured', 'pending', false, false, 'misconfigured'],
  ] as const)('%s: the item is %s', (outcome, to, countsFirst, countsAgain, target) => {
    expect(decided(outcome)).toMatchObject({ move: { to }, counted: countsFirst });
    expect(decided(outcome, AGAIN)).toMatchObject({ move: { to }, counted: countsAgain });
    expect(targetAfterwards(outcome).state).toBe(target);
    expect(targetAfterwards(outcome, { target: row({ state: 'untried' }) }).state).toBe(target);
  });

  test.each<[Outcome, ReviewReason]>([
    ['rejected', 'rejected'],
    ['conflict', 'conflict'],
    ['redirect', 'redirect'],
  ])('%s gives its own reason and the server’s message', (outcome, reason) => {
    expect(
      decided(outcome, { facts: { retryCount: 3 }, end: { message: 'phone must be digits', cause: 'phone' } }).move,
    ).toEqual({
      to: 'review',
      reason,
      message: 'phone must be digits',
      cause: 'phone',
      retryCount: 3,
    });
  });
});

describe('an item whose target has to wait', () => {
  test.each<Outcome>(['offline', 'throttled', 'auth', 'misconfigured'])('%s costs it nothing', (outcome) => {
    const before = { retryCount: 2, failures: 4, failMark: 50, failingSince: NOW - HOUR, unreadable: 0 };
    expect(pending(outcome, { facts: { ...before, crashes: 3 }, target: row({ soundAttempt: 60 }) })).toEqual({
      to: 'pending',
      notBefore: undefined,
      ...before,
      crashes: 0,
    });
  });

  test.each<Outcome>(['unknown', 'unavailable'])('%s that does not count leaves it due at once', (outcome) => {
    expect(pending(outcome, { lastAttempt: 105 })).toEqual({
      to: 'pending',
      notBefore: undefined,
      retryCount: 0,
      failures: 1,
      crashes: 0,
      failMark: 105,
      failingSince: NOW,
      unreadable: 0,
    });
  });
});

describe("an item's own wait", () => {
  test('a 500 waits, counted or not', () => {
    expect(pending('transient')).toMatchObject({ notBefore: NOW + 3_750, retryCount: 0 });
    expect(pending('transient', AGAIN)).toMatchObject({ notBefore: NOW + 11_250, retryCount: 1 });
  });

  test('a counted failure of any kind waits', () => {
    expect(pending('unknown', AGAIN)).toMatchObject({ notBefore: NOW + 11_250, retryCount: 1, failures: 2 });
    expect(pending('unavailable', AGAIN)).toMatchObject({ notBefore: NOW + 11_250, retryCount: 1, failures: 2 });
  });

  test('it grows with failures in a row, also with those that did not count', () => {
    const facts = { failures: 3, failMark: 50, failingSince: NOW - HOUR };
    expect(pending('transient', { facts, target: row({ soundAttempt: 60 }), random: 0 }).notBefore).toBe(NOW + 67_500);
  });

  test('Retry-After is its floor', () => {
    expect(pending('transient', { end: { retryAfterMs: 20 * MINUTE } }).notBefore).toBe(NOW + 20 * MINUTE);
  });
});

describe('the threshold', () => {
  const last = { failMark: 50, failures: 10, retryCount: 9, failingSince: NOW - 16 * HOUR };
  const evidence = row({ soundAttempt: 60 });

  test('is reached by the tenth counted failure', () => {
    expect(pending('transient', { facts: { ...last, retryCount: 8 }, target: evidence }).retryCount).toBe(9);
    expect(decided('transient', { facts: last, target: evidence }).move).toMatchObject({
      to: 'review',
      reason: 'exhausted',
      retryCount: 10,
    });
  });

  test('is not reached by a failure that does not count', () => {
    expect(
      pending('unavailable', { facts: { ...last, retryCount: 10 }, target: row({ soundAttempt: 50 }) }).retryCount,
    ).toBe(10);
  });

  test("can be the item's own, higher or lower", () => {
    expect(pending('transient', { facts: { ...last, maxRetries: 11 }, target: evidence }).retryCount).toBe(10);
    expect(decided('transient', { facts: { ...last, retryCount: 1, maxRetries: 2 }, target: evidence }).move.to).toBe(
      'review',
    );
  });

  test('of 0 or 1 ends with the first counted failure', () => {
    for (const max of [0, 1]) {
      const { retry } = { retry: { max, baseMs: 5_000, factor: 3, capMs: HOUR } };
      expect(pending('transient', { config: { retry } }).retryCount).toBe(0);
      expect(decided('transient', { ...AGAIN, config: { retry } }).move).toMatchObject({
        reason: 'exhausted',
        retryCount: 1,
      });
    }
  });
});

describe('patience', () => {
  const since = (failingSince: number): NonNullable<Situation['facts']> => ({
    failMark: 50,
    failures: 40,
    failingSince,
  });

  test('ends for an item whose failures go back three days, though none counted', () => {
    expect(pending('unavailable', { facts: since(NOW - 3 * DAY) }).failingSince).toBe(NOW - 3 * DAY);
    expect(decided('unavailable', { facts: since(NOW - 3 * DAY - 1) }).move).toMatchObject({
      to: 'review',
      reason: 'exhausted',
      message: 'because of unavailable',
      retryCount: 0,
    });
  });

  test('is a setting of the target', () => {
    const config = { patienceMs: HOUR };
    expect(decided('unknown', { facts: since(NOW - HOUR - 1), config }).move.to).toBe('review');
    expect(decided('unknown', { facts: since(NOW - HOUR), config }).move.to).toBe('pending');
  });

  test('does not run while the target is offline, over or not', () => {
    const friday = NOW - 4 * DAY;
    expect(pending('unavailable', { facts: since(friday), target: row({ offlineMs: 2 * DAY }) }).to).toBe('pending');
    const stillOffline = row({ state: 'offline', since: NOW - 2 * DAY, offlineMs: 0 });
    expect(pending('unknown', { facts: since(friday), target: stillOffline, end: { crashed: true } }).to).toBe(
      'pending',
    );
  });

  test('starts in the online time of the target', () => {
    expect(pending('unknown', { target: row({ offlineMs: 5 * HOUR }) }).failingSince).toBe(NOW - 5 * HOUR);
  });

  test('is not lengthened by a clock that was ahead when the first failure was recorded', () => {
    expect(pending('unknown', { facts: since(NOW + 365 * DAY) }).failingSince).toBe(NOW);
  });

  test('does not end by what is no failure', () => {
    for (const outcome of ['offline', 'throttled', 'auth', 'misconfigured'] as const) {
      expect(pending(outcome, { facts: since(NOW - 30 * DAY) }).failingSince).toBe(NOW - 30 * DAY);
    }
  });
});

describe('a runner that died while sending', () => {
  const crash = (crashes: number, more: Situation = {}): Situation => ({
    end: { crashed: true },
    facts: { crashes },
    ...more,
  });

  test('leaves its item pending, the deaths counted', () => {
    expect(pending('unknown', crash(0))).toMatchObject({ crashes: 1, notBefore: undefined, retryCount: 0 });
  });

  test(`sends it to review at the ${CRASH_LIMIT}th death in a row`, () => {
    expect(pending('unknown', crash(CRASH_LIMIT - 2)).crashes).toBe(4);
    expect(decided('unknown', crash(CRASH_LIMIT - 1)).move).toMatchObject({
      to: 'review',
      reason: 'unknown',
      message: 'syncq died 5 times in a row while sending this item',
      cause: 'syncq died 5 times in a row while sending this item',
    });
  });

  test('is forgotten by any end that was recorded', () => {
    for (const outcome of [
      'offline',
      'unknown',
      'unavailable',
      'throttled',
      'transient',
      'auth',
      'misconfigured',
    ] as const) {
      expect(pending(outcome, { facts: { crashes: 4 } }).crashes).toBe(0);
    }
  });
});

describe('a server that does not honour the key', () => {
  const config = { onUnknown: 'review' as const };

  test('has its unknown items looked at by a person', () => {
    expect(decided('unknown', { config }).move).toMatchObject({
      to: 'review',
      reason: 'unknown',
      message: 'because of unknown',
    });
    expect(decided('unknown', { config, end: { crashed: true } }).move).toMatchObject({
      to: 'review',
      reason: 'unknown',
    });
  });

  test('still has 503 and 500 tried again', () => {
    expect(decided('unavailable', { config }).move.to).toBe('pending');
    expect(decided('transient', { config }).move.to).toBe('pending');
  });
});

test('an answer that comes after the target was held moves its item all the same', () => {
  for (const state of ['offline', 'throttled', 'unavailable', 'auth', 'misconfigured'] as const) {
    const late: Situation = { target: rowIn(state), attempt: 90 };
    expect(decided('delivered', late).move.to).toBe('completed');
    expect(decided('rejected', late).move.to).toBe('review');
    expect(decided('transient', late).move).toMatchObject({ to: 'pending', notBefore: NOW + 3_750 });
  }
});

describe('an answer that cannot be read', () => {
  const isUnreadable = { isUnreadable: true };
  const once = { unreadable: 1, failures: 1, failMark: 100, failingSince: NOW };

  test('the first leaves the item where it is and is counted in a row', () => {
    expect(pending('unknown', { end: isUnreadable })).toMatchObject({ notBefore: undefined, unreadable: 1 });
    expect(pending('offline', { facts: once })).toMatchObject({ unreadable: 1 });
    expect(pending('throttled', { facts: once })).toMatchObject({ unreadable: 0 });
    expect(pending('unavailable', { facts: once })).toMatchObject({ unreadable: 0 });
  });

  test('the second in a row of the only item that gets them needs a person', () => {
    const alone = row({ failItem: 7, failAttempt: 100, failOtherAttempt: 99 });
    expect(decided('unknown', { end: isUnreadable, facts: once, target: alone }).move).toMatchObject({
      to: 'review',
      reason: 'unknown',
      message: 'because of unknown',
    });
    expect(pending('unknown', { facts: once, target: alone })).toMatchObject({ unreadable: 1 });
  });

  test('where another item failed since, it is not the fault of this one', () => {
    const lastWasAnother = row({ failItem: 8, failAttempt: 101, failOtherAttempt: 100 });
    const otherBetween = row({ failItem: 7, failAttempt: 102, failOtherAttempt: 101 });
    const together = row({ failItem: 8, failAttempt: 100, failOtherAttempt: 100 });
    for (const target of [lastWasAnother, otherBetween, together])
      expect(pending('unknown', { end: isUnreadable, facts: once, target })).toMatchObject({ unreadable: 2 });
  });
});
