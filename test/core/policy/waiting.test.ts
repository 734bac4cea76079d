import { describe, expect, test } from '@jest/globals';

import type { Eligibility } from '../../../src/core/policy/lane.js';
import { headWaitsFor, lastErrorOf, waitingKind, type PendingPlace } from '../../../src/core/policy/waiting.js';
import { HOUR, NOW, row, rowIn } from './settle-context.js';

const PAUSE = { since: NOW - HOUR, until: undefined, reason: 'asked for' };
const place = (eligibility: Eligibility | undefined, notBefore?: number): PendingPlace => ({
  eligibility,
  notBefore,
  entityPause: eligibility === 'paused' ? PAUSE : undefined,
});

describe('a pending item is', () => {
  test.each([
    ['blocked', undefined, 'online', undefined],
    ['blocked', undefined, 'offline', undefined],
    ['held', 'paused', 'online', 'entity-paused'],
    ['held', 'ready', 'offline', 'target'],
    ['held', 'waiting', 'misconfigured', 'target'],
    ['waiting', 'waiting', 'online', 'time'],
    ['due', 'ready', 'online', undefined],
    ['due', 'ready', 'suspect', undefined],
  ] as const)('%s with eligibility %s at a target that is %s', (kind, eligibility, state, cause) => {
    const target = rowIn(state);
    const at = place(eligibility, eligibility === 'waiting' ? NOW + 1 : undefined);
    expect(waitingKind(at, target, NOW)).toBe(kind);
    expect(headWaitsFor(at, target, NOW)?.kind).toBe(cause);
  });

  test('due as soon as its time has come, though nobody has marked it yet', () => {
    expect(waitingKind(place('waiting', NOW), row(), NOW)).toBe('due');
  });

  test('due but still explained by its target when it is to test a refused credential', () => {
    const auth = row({ state: 'auth', until: NOW - 1, setAt: NOW - HOUR, reason: '401' });
    expect(waitingKind(place('ready'), auth, NOW)).toBe('due');
    expect(headWaitsFor(place('ready'), auth, NOW)).toMatchObject({ kind: 'target', state: 'auth', reason: '401' });
  });

  test('held by the pause of its target, whatever lies below', () => {
    const paused = { ...rowIn('unavailable'), paused: { ...PAUSE, by: 'kari' } };
    expect(headWaitsFor(place('ready'), paused, NOW)).toEqual({
      kind: 'target',
      name: 'production',
      state: 'paused',
      ...PAUSE,
    });
  });
});

describe('the last error of an item', () => {
  const last = { outcome: 'transient', status: 500, message: '500 oops', endedAt: NOW } as const;
  const review = (reason: 'expired' | 'exhausted' | 'rejected') =>
    ({ reason, status: undefined, message: 'of the group', at: NOW + 1 }) as const;

  test('is its last failed attempt', () => {
    expect(lastErrorOf(undefined, last)).toEqual({ outcome: 'transient', status: 500, message: '500 oops', at: NOW });
    expect(lastErrorOf(review('rejected'), last)).toMatchObject({ outcome: 'transient', message: '500 oops' });
  });

  test('is what a rule said when it flagged the item', () => {
    expect(lastErrorOf(review('expired'), last)).toMatchObject({ outcome: 'expired', message: 'of the group' });
  });

  test('is told in its own words, not in those of the first item of its group', () => {
    expect(lastErrorOf(review('exhausted'), last)).toMatchObject({ outcome: 'exhausted', message: '500 oops' });
    expect(lastErrorOf(review('exhausted'), undefined)).toMatchObject({ message: 'of the group' });
  });

  test('is none when nothing failed', () => {
    expect(lastErrorOf(undefined, undefined)).toBeUndefined();
    expect(lastErrorOf(undefined, { ...last, outcome: 'delivered' })).toBeUndefined();
  });
});
