import { describe, expect, test } from '@jest/globals';

import { OUTCOMES, type Outcome } from '../../../src/core/nouns/item.js';
import {
  enterState,
  gateOf,
  holdIsOver,
  isPaused,
  isSendable,
  onlineTime,
  shownState,
} from '../../../src/core/policy/target-state.js';
import { settledAs, TARGET_ROW_STATES } from './transitions.js';
import type { TargetRow } from '../../../src/core/nouns/target.js';
import {
  DAY,
  decided,
  HOLD_MARK,
  HOUR,
  MINUTE,
  NOW,
  row,
  rowIn,
  targetAfterwards,
  TESTER_ATTEMPT,
  type Situation,
} from './settle-context.js';

const FAILURES = ['unknown', 'unavailable', 'transient'] as const;
const SOUND = ['delivered', 'rejected', 'conflict', 'redirect'] as const;
const TIMED = ['throttled', 'unavailable', 'auth'] as const;

describe('suspect, then unavailable', () => {
  test.each(['unknown', 'unavailable'] as const)(
    'one %s makes a target suspect, a second one in a row unavailable',
    (outcome) => {
      const suspect = targetAfterwards(outcome);
      expect(suspect).toMatchObject({
        state: 'suspect',
        until: undefined,
        tester: 7,
        holdMark: TESTER_ATTEMPT,
        since: NOW,
      });
      const held = targetAfterwards(outcome, { target: suspect, attempt: TESTER_ATTEMPT + 1, facts: { id: 8 } });
      expect(held).toMatchObject({
        state: 'unavailable',
        until: NOW + 5_000,
        setAt: NOW,
        holdStep: 0,
        tester: 8,
        tries: 2,
      });
    },
  );

  test('a 500 on an open target is its item’s own; on one that is being tested, the test failed', () => {
    expect(targetAfterwards('transient', { target: rowIn('online') }).state).toBe('online');
    expect(targetAfterwards('transient', { target: rowIn('suspect') })).toMatchObject({
      state: 'unavailable',
      until: NOW + 5_000,
    });
    expect(targetAfterwards('transient', { target: rowIn('unavailable', { holdStep: 2 }) })).toMatchObject({
      until: NOW + 40_000,
      holdStep: 3,
    });
    expect(targetAfterwards('transient', { target: rowIn('throttled') }).state).toBe('online');
  });

  test('the hold doubles with each tester that fails, up to five minutes', () => {
    let target = rowIn('unavailable');
    const waits: number[] = [];
    for (let attempt = TESTER_ATTEMPT; waits.length < 8; attempt += 1) {
      target = targetAfterwards('unavailable', { target, attempt });
      waits.push((target.until ?? 0) - NOW);
    }
    expect(waits).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
    expect(target.since).toBe(NOW - HOUR);
  });

  test('sixteen failures at the onset are one', () => {
    let target = row();
    for (let attempt = 101; attempt <= 116; attempt += 1)
      target = targetAfterwards('unavailable', { target, attempt, lastAttempt: 116, facts: { id: attempt } });
    expect(target).toMatchObject({ state: 'suspect', tester: 101, tries: 16, holdStep: 0 });
  });

  test.each(SOUND)('%s ends either at once', (outcome) => {
    expect(targetAfterwards(outcome, { target: rowIn('suspect', { tries: 9 }) })).toMatchObject({
      state: 'online',
      tries: 0,
      reason: undefined,
    });
    expect(targetAfterwards(outcome, { target: rowIn('unavailable', { holdStep: 5 }) })).toMatchObject({
      state: 'online',
      holdStep: 0,
      until: undefined,
    });
  });

  test('an answer from before the doubt ends a doubt, but no hold', () => {
    expect(targetAfterwards('delivered', { target: rowIn('suspect'), attempt: HOLD_MARK }).state).toBe('online');
    expect(
      targetAfterwards('delivered', { target: rowIn('unavailable', { holdStep: 3, tries: 9 }), attempt: HOLD_MARK }),
    ).toMatchObject({
      state: 'unavailable',
      holdStep: 3,
      until: NOW - 1,
      tries: 0,
      soundAttempt: HOLD_MARK,
    });
  });
});

describe('a runner that died', () => {
  const crash = (target: TargetRow, attempt = 3): TargetRow =>
    targetAfterwards('unknown', { target, attempt, lastAttempt: 200, end: { crashed: true } });

  test.each(['untried', 'online'] as const)('makes a target that is %s suspect', (state) => {
    expect(crash(rowIn(state))).toMatchObject({ state: 'suspect', tester: 7, holdMark: 200 });
  });

  test.each(TARGET_ROW_STATES.filter((state) => state !== 'untried' && state !== 'online'))(
    'changes nothing of one that is %s but who is tested next',
    (state) => {
      const before = rowIn(state);
      for (const attempt of [3, TESTER_ATTEMPT]) {
        const { tester, tries, ...rest } = crash(before, attempt);
        expect({ tester, tries }).toEqual({ tester: 7, tries: 1 });
        expect(rest).toMatchObject({
          state,
          until: before.until,
          holdStep: 0,
          holdMark: HOLD_MARK,
          reason: before.reason,
        });
      }
    },
  );
});

describe('what was under way when a hold began', () => {
  test.each(TIMED)('does not end, lengthen or replace %s', (state) => {
    const target = rowIn(state, { until: NOW + HOUR, holdStep: 2 });
    for (const outcome of OUTCOMES) {
      const after = targetAfterwards(outcome, { target, attempt: HOLD_MARK });
      expect([outcome, after.state, after.until, after.holdStep, after.tester]).toEqual([
        outcome,
        state,
        NOW + HOUR,
        2,
        0,
      ]);
    }
  });

  test('nothing but mending ends misconfigured, and nothing covers its reason', () => {
    for (const holdKind of ['config', 'credential', 'tls', 'binding', 'breaker'] as const) {
      for (const outcome of OUTCOMES) {
        const after = targetAfterwards(outcome, {
          target: rowIn('misconfigured', { holdKind }),
          attempt: TESTER_ATTEMPT,
        });
        expect([outcome, after.state, after.holdKind, after.reason]).toEqual([
          outcome,
          'misconfigured',
          holdKind,
          'why it is misconfigured',
        ]);
      }
    }
  });

  test('offline ends by whatever came over the network', () => {
    expect(
      OUTCOMES.map((outcome) => [outcome, settledAs('offline', outcome, HOLD_MARK)]).filter(
        ([, state]) => state === 'offline',
      ),
    ).toEqual([
      ['offline', 'offline'],
      ['unknown', 'offline'],
      ['misconfigured', 'offline'],
    ]);
    expect(targetAfterwards('unknown', { target: rowIn('offline'), end: { status: 200 } }).state).toBe('suspect');
  });

  test('a longer Retry-After of the same burst wins, a shorter one does not', () => {
    const target = rowIn('throttled', { until: NOW + MINUTE });
    const late = (retryAfterMs: number | undefined): TargetRow =>
      targetAfterwards('throttled', { target, attempt: HOLD_MARK, end: { retryAfterMs } });
    expect(late(2 * MINUTE)).toMatchObject({ until: NOW + 2 * MINUTE, setAt: NOW, holdStep: 0 });
    expect(late(30_000).until).toBe(NOW + MINUTE);
    expect(late(undefined).until).toBe(NOW + MINUTE);
  });
});

describe('throttled', () => {
  test.each([
    ['no hint', undefined, 5_000],
    ['a hint', 90_000, 90_000],
    ['more than a day', 30 * DAY, DAY],
    ['0', 0, 1_000],
  ])('%s: until', (_which, retryAfterMs, wait) => {
    expect(targetAfterwards('throttled', { end: { retryAfterMs } })).toMatchObject({
      state: 'throttled',
      until: NOW + wait,
      holdMark: TESTER_ATTEMPT,
    });
  });

  test('again and again without a hint doubles', () => {
    expect(targetAfterwards('throttled', { target: rowIn('throttled', { holdStep: 3 }) })).toMatchObject({
      until: NOW + 80_000,
      holdStep: 4,
    });
    expect(targetAfterwards('throttled', { target: rowIn('throttled', { holdStep: 30 }) }).until).toBe(
      NOW + 5 * MINUTE,
    );
  });

  test.each(SOUND)('ends by its tester: %s', (outcome) => {
    expect(targetAfterwards(outcome, { target: rowIn('throttled') }).state).toBe('online');
  });
});

describe('auth', () => {
  test('waits a minute, doubling to an hour', () => {
    expect(targetAfterwards('auth')).toMatchObject({ state: 'auth', until: NOW + MINUTE, holdStep: 0 });
    expect(targetAfterwards('auth', { target: rowIn('auth', { holdStep: 1 }) })).toMatchObject({
      until: NOW + 4 * MINUTE,
      holdStep: 2,
    });
    expect(targetAfterwards('auth', { target: rowIn('auth', { holdStep: 40 }) }).until).toBe(NOW + HOUR);
  });

  test.each(FAILURES)('%s of its tester ends nothing and keeps the reason', (outcome) => {
    expect(targetAfterwards(outcome, { target: rowIn('auth') })).toMatchObject({
      state: 'auth',
      until: NOW + 2 * MINUTE,
      holdStep: 1,
      reason: 'why it is auth',
    });
  });

  test.each(SOUND)('%s ends it', (outcome) => {
    expect(targetAfterwards(outcome, { target: rowIn('auth') }).state).toBe('online');
  });
});

describe('testers rotate', () => {
  test.each(['throttled', 'unavailable', 'auth', 'suspect'] as const)(
    'whatever a tester of %s fails with, the next one comes after it',
    (state) => {
      for (const outcome of [
        'unknown',
        'unavailable',
        'transient',
        'throttled',
        'auth',
        'offline',
        'misconfigured',
      ] as const) {
        expect([outcome, targetAfterwards(outcome, { target: rowIn(state), facts: { id: 42 } }).tester]).toEqual([
          outcome,
          42,
        ]);
      }
    },
  );
});

describe('the breaker', () => {
  const refuse = (target: TargetRow, laneKey: number, more: Situation = {}): TargetRow =>
    targetAfterwards('rejected', { target, facts: { id: Math.abs(laneKey), laneKey }, end: { status: 404 }, ...more });
  const afterRefusals = (lanes: readonly number[], more: Situation = {}): TargetRow =>
    lanes.reduce((target, lane) => refuse(target, lane, more), row());
  const lanes = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);

  test('holds the target at the 20th refusal from as many lanes', () => {
    expect(afterRefusals(lanes(19)).state).toBe('online');
    expect(afterRefusals(lanes(20))).toMatchObject({
      state: 'misconfigured',
      holdKind: 'breaker',
      reason: '20 items refused with 404, none delivered: is the base URL right?',
      refusals: undefined,
      until: undefined,
    });
  });

  test('does not count the same lane twice', () => {
    expect(afterRefusals([...lanes(19), 1, 5, 19, 7]).state).toBe('online');
    expect(afterRefusals([...lanes(19), ...lanes(19), -20]).state).toBe('misconfigured');
  });

  test.each(['delivered', 'redirect'] as const)('starts anew after %s', (outcome) => {
    const between = targetAfterwards(outcome, { target: afterRefusals(lanes(19)) });
    expect(between.refusals).toBeUndefined();
    expect(refuse(between, 20)).toMatchObject({ state: 'online', refusals: { status: 404, lanes: [20] } });
  });

  test('starts anew with another status, and not with failures that are no refusal', () => {
    const nineteen = afterRefusals(lanes(19));
    expect(refuse(nineteen, 20, { end: { status: 400 } })).toMatchObject({
      state: 'online',
      refusals: { status: 400, lanes: [20] },
    });
    for (const outcome of ['unavailable', 'transient', 'throttled', 'offline', 'auth'] as const) {
      expect(targetAfterwards(outcome, { target: nineteen }).refusals).toEqual(nineteen.refusals);
    }
  });

  test('counts conflicts with one status as refusals', () => {
    const conflict = (target: TargetRow, lane: number): TargetRow =>
      targetAfterwards('conflict', { target, facts: { laneKey: lane } });
    expect(lanes(20).reduce(conflict, row()).holdKind).toBe('breaker');
  });

  test('has its own threshold, and 0 turns it off without keeping a list', () => {
    expect(afterRefusals(lanes(3), { config: { breaker: 3 } }).holdKind).toBe('breaker');
    const off = afterRefusals(lanes(50), { config: { breaker: 0 } });
    expect(off).toMatchObject({ state: 'online', refusals: undefined });
  });

  test('is not fed by an item that was refused before it was sent', () => {
    const nineteen = afterRefusals(lanes(19));
    expect(decided('rejected', { target: nineteen, facts: { laneKey: 20 }, end: { status: undefined } })).toMatchObject(
      { move: { to: 'review' }, target: {} },
    );
  });

  test('keeps the answers of others that were under way out of its hold', () => {
    expect(targetAfterwards('delivered', { target: afterRefusals(lanes(20)), attempt: TESTER_ATTEMPT }).state).toBe(
      'misconfigured',
    );
  });
});

describe('how many may go now', () => {
  const slots = (target: TargetRow, inFlight = 0): unknown => gateOf(target, NOW, inFlight, 4);

  test.each(['untried', 'online'] as const)('%s: up to the limit, in the order of the log', (state) => {
    expect(slots(rowIn(state))).toEqual({ slots: 4, rotate: false });
    expect(slots(rowIn(state), 3)).toEqual({ slots: 1, rotate: false });
    expect(slots(rowIn(state), 9)).toEqual({ slots: 0, rotate: false });
  });

  test.each(['suspect', ...TIMED] as const)('%s: one at a time, in rotation, once its time is over', (state) => {
    expect(slots(rowIn(state))).toEqual({ slots: 1, rotate: true });
    expect(slots(rowIn(state), 1)).toEqual({ slots: 0, rotate: true });
  });

  test.each(TIMED)('%s: nothing before its time', (state) => {
    expect(slots(rowIn(state, { until: NOW + 1 }))).toEqual({ slots: 0, rotate: false });
  });

  test('unavailable because of one item alone: one of another lane, at once', () => {
    const one = { until: NOW + 1, tester: 7, failItem: 7, failAttempt: 60, failOtherAttempt: 40, soundAttempt: 50 };
    expect(slots(rowIn('unavailable', one))).toEqual({ slots: 1, rotate: true, exceptTester: true });
    expect(slots(rowIn('unavailable', one), 1)).toEqual({ slots: 0, rotate: false });
    expect(slots(rowIn('unavailable', { ...one, failOtherAttempt: 51 }))).toEqual({ slots: 0, rotate: false });
    expect(slots(rowIn('unavailable', { ...one, failItem: 8 }))).toEqual({ slots: 0, rotate: false });
    expect(slots(rowIn('throttled', one))).toEqual({ slots: 0, rotate: false });
    const paused = { since: NOW - HOUR, until: undefined, reason: 'maintenance', by: 'ann' };
    expect(slots(rowIn('unavailable', { ...one, paused }))).toEqual({ slots: 0, rotate: false });
  });

  test.each(['offline', 'misconfigured'] as const)('%s: nothing', (state) => {
    expect(slots(rowIn(state, { until: NOW - 1 }))).toEqual({ slots: 0, rotate: false });
  });

  test('a pause closes any of them until it is lifted or runs out', () => {
    const paused = { since: NOW - HOUR, until: undefined, reason: 'maintenance', by: 'ann' };
    for (const state of TARGET_ROW_STATES) {
      expect(isSendable(rowIn(state, { paused }), NOW)).toBe(false);
      expect(shownState(rowIn(state, { paused }), NOW)).toBe('paused');
      expect(shownState(rowIn(state), NOW)).toBe(state);
    }
    expect(isPaused(row({ paused: { ...paused, until: NOW + 1 } }), NOW)).toBe(true);
    expect(isPaused(row({ paused: { ...paused, until: NOW } }), NOW)).toBe(false);
  });
});

describe('the clock', () => {
  test('running back a minute behind the beginning of a hold ends it', () => {
    const target = rowIn('unavailable', { until: NOW + 365 * DAY, setAt: NOW + 364 * DAY });
    expect(holdIsOver(target, NOW)).toBe(true);
    expect(holdIsOver({ ...target, setAt: NOW + MINUTE }, NOW)).toBe(false);
    expect(holdIsOver(rowIn('offline', { until: undefined }), NOW)).toBe(false);
  });

  test('time offline is added up when it ends, never below zero', () => {
    expect(
      enterState(rowIn('offline', { since: NOW - HOUR, offlineMs: MINUTE }), NOW, 'online', undefined).offlineMs,
    ).toBe(HOUR + MINUTE);
    expect(
      enterState(rowIn('offline', { since: NOW + HOUR, offlineMs: MINUTE }), NOW, 'online', undefined).offlineMs,
    ).toBeUndefined();
    expect(enterState(rowIn('offline', { since: NOW - HOUR }), NOW, 'offline', 'still')).toMatchObject({
      since: NOW - HOUR,
      reason: 'still',
    });
    expect(onlineTime(rowIn('offline', { since: NOW - HOUR, offlineMs: MINUTE }), NOW)).toBe(NOW - HOUR - MINUTE);
    expect(onlineTime(rowIn('online', { since: NOW - HOUR, offlineMs: MINUTE }), NOW)).toBe(NOW - MINUTE);
  });
});

test('every failure is a try, every sound answer ends the count', () => {
  for (const outcome of OUTCOMES) {
    const { tries } = targetAfterwards(outcome, { target: rowIn('suspect', { tries: 36 }) });
    expect([outcome, tries]).toEqual([outcome, (SOUND as readonly Outcome[]).includes(outcome) ? 0 : 37]);
  }
});

describe('answers that cannot be read', () => {
  const end = { isUnreadable: true, message: 'the answer of api.example.org cannot be read: it is not HTTP' };
  const first = targetAfterwards('unknown', { end });

  test('the second in a row holds the target, whichever items got them: one tester, 1 min doubling to 1 h', () => {
    expect(first).toMatchObject({ state: 'suspect', holdKind: 'unreadable' });
    let held = targetAfterwards('unknown', { end, target: first, facts: { id: 8 }, attempt: TESTER_ATTEMPT + 1 });
    expect(held).toMatchObject({ state: 'misconfigured', holdKind: 'unreadable', reason: end.message });
    const waits: number[] = [];
    let now = NOW;
    for (let attempt = TESTER_ATTEMPT + 2; attempt < TESTER_ATTEMPT + 11; attempt += 1) {
      waits.push(((held.until ?? 0) - now) / MINUTE);
      expect(isSendable(held, now)).toBe(false);
      now = held.until ?? 0;
      expect(gateOf(held, now, 0, 16)).toEqual({ slots: 1, rotate: true });
      expect(gateOf(held, now, 1, 16)).toMatchObject({ slots: 0 });
      held = targetAfterwards('unknown', { end, target: held, now, attempt });
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(targetAfterwards('delivered', { target: held, now, attempt: TESTER_ATTEMPT + 20 })).toMatchObject({
      state: 'online',
      holdKind: undefined,
      until: undefined,
    });
  });

  test('nothing but a sound answer comes between: not an outage, not silence, not a probe', () => {
    const offline = targetAfterwards('offline', { target: first, attempt: TESTER_ATTEMPT + 1 });
    const back = { ...offline, ...enterState(offline, NOW, 'online', undefined) };
    expect(back).toMatchObject({ state: 'online', holdKind: 'unreadable' });
    const attempt = TESTER_ATTEMPT + 2;
    expect(targetAfterwards('unknown', { end, target: back, attempt }).state).toBe('misconfigured');
    expect(targetAfterwards('delivered', { target: back, attempt })).toMatchObject({ holdKind: undefined });
    expect(targetAfterwards('unknown', { target: back, attempt })).toMatchObject({ state: 'suspect' });
  });

  test('a settings hold of another kind is not ended by an answer', () => {
    const held = rowIn('misconfigured', { holdKind: 'breaker' });
    expect(targetAfterwards('delivered', { target: held }).state).toBe('misconfigured');
    expect(isSendable(held, NOW + DAY)).toBe(false);
  });
});
