import { describe, expect, test } from '@jest/globals';

import { checkStatus, DEFAULT_CHECK } from '../../../src/core/policy/status-check.js';
import { statusAnswer } from '../../../src/core/policy/status-answer.js';
import type { StatusReport, TargetStatus } from '../../../src/core/nouns/report.js';

const at = (hours: number, minutes: number): number => new Date(2026, 10, 23, hours, minutes).getTime();
const NOW = at(12, 0);
const RUNNER = {
  kind: 'watch' as const,
  id: 'r',
  pid: 812,
  host: 'field-1',
  bootId: 'b',
  since: at(8, 0),
  lastActiveAt: at(11, 59),
};

const TARGET: TargetStatus = {
  name: 'production',
  state: 'online',
  since: at(9, 12),
  until: undefined,
  reason: undefined,
  tries: 0,
  pending: 0,
  sending: 0,
  review: 0,
  due: 0,
  waiting: 0,
  held: 0,
  blocked: 0,
  behindReview: 0,
};

function report(change: Partial<StatusReport> = {}, counts: Partial<StatusReport['counts']> = {}): StatusReport {
  return {
    queue: '/data/syncq.db',
    config: undefined,
    exists: true,
    counts: { pending: 0, sending: 0, completed: 0, review: 0, discarded: 0, ...counts },
    due: 0,
    waiting: 0,
    blocked: 0,
    held: 0,
    oldestPendingAt: undefined,
    lastCompletedAt: undefined,
    nextDueAt: undefined,
    targets: [],
    pausedEntities: [],
    runner: undefined,
    lastRun: undefined,
    reviewGroups: [],
    copyOf: undefined,
    ...change,
  };
}

const offline = (pending: number): TargetStatus => ({
  ...TARGET,
  state: 'offline',
  pending,
  held: 1,
  blocked: pending - 1,
});

describe('the answer of status', () => {
  test.each<[string[], StatusReport]>([
    [['No queue yet at /data/syncq.db (user ada)'], report({ exists: false })],
    [['all delivered'], report()],
    [['all delivered'], report({}, { completed: 12, discarded: 1 })],
    [['1 needs you'], report({}, { review: 1 })],
    [['3 need you'], report({}, { review: 3, completed: 9 })],
    [['1 needs you, 2 wait behind it'], report({ blocked: 2, targets: [{ ...TARGET, pending: 2, review: 1, blocked: 2, behindReview: 2 }] }, { review: 1, pending: 2 })],
    [['2 need you, 1 waits behind them'], report({ blocked: 1, targets: [{ ...TARGET, pending: 1, review: 2, blocked: 1, behindReview: 1 }] }, { review: 2, pending: 1 })],
    [['12 wait: production is offline since 09:12'], report({ held: 1, blocked: 11, targets: [offline(12)] }, { pending: 12 })],
    [['1 waits: production is offline since 09:12'], report({ held: 1, targets: [offline(1)] }, { pending: 1 })],
    [['3 need you', '12 wait: production is offline since 09:12'], report({ held: 1, blocked: 11, targets: [{ ...offline(12), review: 3 }] }, { pending: 12, review: 3 })],
    [['12 items are due and nobody is sending. Start: syncq watch (or syncq run)'], report({ due: 12 }, { pending: 12 })],
    [['1 item is due and nobody is sending. Start: syncq watch (or syncq run)'], report({ due: 1 }, { pending: 1 })],
    [['1 item is due and nobody is sending. Start: syncq watch (or syncq run)'], report({}, { sending: 1 })],
    [['3 are being sent (watch, pid 812)'], report({ due: 2, runner: RUNNER }, { pending: 2, sending: 1 })],
    [['1 is being sent (watch, pid 812)'], report({ runner: RUNNER }, { sending: 1 })],
    [['5 wait for their time, the next at 14:30'], report({ waiting: 5, nextDueAt: at(14, 30) }, { pending: 5 })],
    [['1 waits for its time, the next at 14:30'], report({ waiting: 1, nextDueAt: at(14, 30) }, { pending: 1 })],
    [
      ['1 waits: the settings of production need mending since 09:12: 20 items refused with 404, none delivered: is the base URL right?'],
      report({ held: 1, targets: [{ ...TARGET, state: 'misconfigured', reason: '20 items refused with 404, none delivered: is the base URL right?', pending: 1, held: 1 }] }, { pending: 1 }),
    ],
    [['1 waits: activity/42 is paused since 09:12: on leave'], report({ held: 1, pausedEntities: [{ entity: { type: 'activity', id: '42' }, since: at(9, 12), until: undefined, reason: 'on leave', by: 'ada' }] }, { pending: 1 })],
    [['this is a copy (of /data/a.db): nothing is sent from it', '2 items are due'], report({ due: 2, copyOf: '/data/a.db' }, { pending: 2 })],
    // A hold whose time is over: still named, and a runner helps unless the credential must be renewed.
    [['1 waits: production is unavailable since 09:12', 'nobody is sending. Start: syncq watch (or syncq run)'], report({ due: 1, targets: [{ ...TARGET, state: 'unavailable', until: at(9, 13), pending: 1, due: 1 }] }, { pending: 1 })],
    [['1 waits: production is unavailable since 09:12'], report({ due: 1, runner: RUNNER, targets: [{ ...TARGET, state: 'unavailable', until: at(9, 13), pending: 1, due: 1 }] }, { pending: 1 })],
    [['3 wait: production does not accept the credential since 09:12: token expired'], report({ due: 3, targets: [{ ...TARGET, state: 'auth', until: at(9, 13), reason: 'token expired', pending: 3, due: 3 }] }, { pending: 3 })],
    // What is blocked counts with what blocks it.
    [
      ['2 need you, 4 wait behind them', '3 wait: production does not accept the credential since 09:12', '1 item is due and nobody is sending. Start: syncq watch (or syncq run)', '5 wait behind earlier items'],
      report({ due: 2, blocked: 11, targets: [{ ...TARGET, state: 'auth', pending: 6, due: 1, blocked: 5, behindReview: 3, review: 1 }, { ...TARGET, name: 'staging', pending: 7, due: 1, blocked: 6, behindReview: 1, review: 1 }] }, { pending: 13, review: 2 }),
    ],
    [['1 waits for its time', '1 waits behind an earlier item'], report({ waiting: 1, blocked: 1, nextDueAt: at(11, 0) }, { pending: 2 })],
  ])('%j', (lines, facts) => {
    expect(statusAnswer(facts, { now: NOW, terminal: true }, 'ada')).toEqual(lines);
  }); // prettier-ignore

  test('leaves the user out where nobody knows one', () => {
    expect(statusAnswer(report({ exists: false }), { now: NOW, terminal: true })).toEqual([
      'No queue yet at /data/syncq.db',
    ]);
  });
});

describe('the limits of status --check', () => {
  const HOUR = 3_600_000;

  test('pass on an empty queue and on one that does not exist', () => {
    expect(checkStatus(report(), DEFAULT_CHECK, NOW)).toEqual({ ok: true, failed: [] });
    expect(checkStatus(report({ exists: false }), DEFAULT_CHECK, NOW)).toEqual({ ok: true, failed: [] });
  });

  test('pass at the limit and fail past it', () => {
    expect(checkStatus(report({ oldestPendingAt: NOW - HOUR }), { maxAgeMs: HOUR }, NOW).ok).toBe(true);
    expect(checkStatus(report({ oldestPendingAt: NOW - HOUR - 1 }), { maxAgeMs: HOUR }, NOW)).toEqual({
      ok: false,
      failed: [{ limit: 'max-age', allowed: HOUR, actual: HOUR + 1 }],
    });
    expect(checkStatus(report({}, { review: 2 }), { maxReview: 2 }, NOW).ok).toBe(true);
    expect(checkStatus(report({}, { review: 3 }), { maxReview: 2 }, NOW).failed).toEqual([
      { limit: 'max-review', allowed: 2, actual: 3 },
    ]);
  });

  test('fail for a target that needs a person and has items, whatever the limits', () => {
    for (const state of ['auth', 'misconfigured'] as const) {
      const withItems = report({ targets: [{ ...TARGET, state, pending: 1 }] }, { pending: 1 });
      expect(checkStatus(withItems, {}, NOW).failed).toEqual([
        { limit: 'target', allowed: 'online', actual: state, target: 'production' },
      ]);
      expect(checkStatus(report({ targets: [{ ...TARGET, state }] }), {}, NOW).ok).toBe(true);
    }
  });

  test('count idleness from the last sign of a runner, and only while something waits', () => {
    const lastRun = {
      kind: 'run' as const,
      startedAt: at(9, 0),
      endedAt: at(9, 1),
      exitCode: 0,
      delivered: 0,
      remaining: 1,
    };
    const stuck = report({ oldestPendingAt: at(8, 0), lastRun });
    expect(checkStatus(stuck, { maxIdleMs: HOUR }, NOW).failed).toEqual([
      { limit: 'max-idle', allowed: HOUR, actual: NOW - at(9, 1) },
    ]);
    expect(checkStatus(report({ lastRun }), { maxIdleMs: HOUR }, NOW).ok).toBe(true);
    expect(checkStatus({ ...stuck, oldestPendingAt: at(11, 30) }, { maxIdleMs: HOUR }, NOW).ok).toBe(true);
    expect(checkStatus({ ...stuck, runner: RUNNER }, { maxIdleMs: HOUR }, NOW).ok).toBe(true);
  });
});
