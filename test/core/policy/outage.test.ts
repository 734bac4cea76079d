import { describe, expect, test } from '@jest/globals';

import { OUTCOMES, type Outcome } from '../../../src/core/nouns/item.js';
import { countsAgainstItem, isServerFailure, isSound } from '../../../src/core/policy/outage.js';
import { decide } from '../../../src/core/policy/settle.js';
import { gateOf } from '../../../src/core/policy/target-state.js';
import type { ItemFacts } from '../../../src/core/store/store.js';
import type { TargetRow } from '../../../src/core/nouns/target.js';
import { CONFIG, context, DAY, end, facts, HOUR, NOW, row } from './settle-context.js';

describe('which ends say something about the server', () => {
  test('three failures could be its own', () => {
    expect(OUTCOMES.filter(isServerFailure)).toEqual(['unknown', 'unavailable', 'transient']);
  });

  test('four answers are sound, and only with a status', () => {
    const sound = OUTCOMES.filter((outcome) => isSound({ outcome, status: 200 }));
    expect(sound.sort()).toEqual(['conflict', 'delivered', 'redirect', 'rejected']);
    expect(OUTCOMES.filter((outcome) => isSound({ outcome, status: undefined }))).toEqual([]);
  });
});

describe('a failure counts', () => {
  test.each<[Outcome, Partial<TargetRow> & { failMark: number | undefined }, boolean, string]>([
    // outcome, what was recorded, counted
    ['unavailable', { failMark: undefined, soundAttempt: 99 }, false, 'the first never, whatever others got'],
    [
      'unavailable',
      { failMark: 50, soundAttempt: 50 },
      false,
      'not on an answer to an attempt begun before the previous failure',
    ],
    ['unavailable', { failMark: 50, soundAttempt: 51 }, true, 'on an answer to one begun after it'],
    ['unknown', { failMark: 50, soundAttempt: 51 }, true, 'for silence likewise'],
    ['transient', { failMark: 50, soundAttempt: 51 }, true, 'for a 500 likewise'],
    ['unavailable', { failMark: 50, soundAttempt: 0 }, false, 'not for a lone item answered 503'],
    ['unknown', { failMark: 50, soundAttempt: 0 }, false, 'not for a lone item that times out'],
    ['transient', { failMark: 50, soundAttempt: 0 }, true, 'for a lone item answered 500'],
    [
      'transient',
      { failMark: 50, soundAttempt: 0, failItem: 9, failAttempt: 49 },
      true,
      'also when another failed before it',
    ],
    [
      'transient',
      { failMark: 50, soundAttempt: 0, failItem: 9, failAttempt: 51 },
      false,
      'not when another failed since',
    ],
    [
      'transient',
      { failMark: 50, soundAttempt: 0, failItem: 9, failAttempt: 50 },
      false,
      'not when another under way beside it failed',
    ],
    [
      'transient',
      { failMark: 50, soundAttempt: 0, failItem: 7, failAttempt: 50, failOtherAttempt: 49 },
      true,
      'own failures say nothing of others',
    ],
    [
      'transient',
      { failMark: 50, soundAttempt: 0, failItem: 7, failAttempt: 60, failOtherAttempt: 51 },
      false,
      'unless others failed too',
    ],
  ])('%s %o: %s (%s)', (outcome, { failMark, ...target }, counted) => {
    expect(countsAgainstItem({ facts: facts({ failMark }), end: end(outcome), target: row(target) })).toBe(counted);
  });

  test.each(OUTCOMES.filter((outcome) => !isServerFailure(outcome)))('never for %s', (outcome) => {
    const { target } = context(outcome);
    expect(
      countsAgainstItem({ facts: facts({ failMark: 1 }), end: end(outcome), target: { ...target, soundAttempt: 99 } }),
    ).toBe(false);
  });
});

/** A server and its items, one lane each, driven through the rules alone: the clock jumps to whatever is due next. */
class Outage {
  readonly items = new Map<number, ItemFacts>();
  readonly waits = new Map<number, number>();
  readonly flagged = new Map<number, string>();
  readonly delivered: number[] = [];
  readonly sent: number[] = [];
  target: TargetRow = row({ state: 'untried', holdMark: 0 });
  now = NOW;
  readonly #answer: (item: number, now: number) => Outcome;
  #attempt = 0;

  constructor(items: readonly number[], answer: (item: number, now: number) => Outcome) {
    for (const id of items) this.items.set(id, facts({ id, laneKey: id }));
    this.#answer = answer;
  }

  /** Sends until `until`, with up to `concurrency` under way at once, all of which end together. */
  run(until: number, concurrency = 1): this {
    while (this.now < until && this.items.size > 0) {
      const batch = this.#claim(concurrency);
      if (batch.length === 0) this.#sleep();
      else this.#settle(batch);
    }
    return this;
  }

  #claim(concurrency: number): { id: number; attempt: number }[] {
    const gate = gateOf(this.target, this.now, 0, concurrency);
    const except = gate.exceptTester === true ? this.target.tester : undefined;
    const isReady = (id: number): boolean => (this.waits.get(id) ?? 0) <= this.now && id !== except;
    const ready = [...this.items.keys()].filter(isReady).sort((a, b) => a - b);
    const rotated = [...ready.filter((id) => id > this.target.tester), ...ready];
    const chosen = (gate.rotate ? rotated : ready).slice(0, gate.slots);
    return chosen.map((id) => ({ id, attempt: (this.#attempt += 1) }));
  }

  #sleep(): void {
    const ends = [...this.waits.values(), this.target.until ?? 0].filter((at) => at > this.now);
    this.now = Math.min(...ends);
    if (this.now === Infinity) throw new Error('stuck: nothing will ever be due');
  }

  #settle(batch: readonly { id: number; attempt: number }[]): void {
    for (const { id, attempt } of batch) {
      this.now += 100;
      this.sent.push(id);
      const item = this.items.get(id) ?? facts();
      const settlement = { facts: item, end: end(this.#answer(id, this.now)), claim: { item: id, attempt } };
      const { move, target } = decide({
        ...settlement,
        target: this.target,
        config: CONFIG,
        lastAttempt: this.#attempt,
        now: this.now,
        random: 0.5,
      });
      this.target = { ...this.target, ...target };
      if (move.to === 'pending') {
        this.items.set(id, { ...item, ...move });
        this.waits.set(id, move.notBefore ?? 0);
        continue;
      }
      this.items.delete(id);
      this.waits.delete(id);
      if (move.to === 'completed') this.delivered.push(id);
      else this.flagged.set(id, move.reason);
    }
  }
}

const ids = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);
const MONDAY = NOW + 2.5 * DAY;

describe('a server that is down for a weekend flags nothing', () => {
  test.each<[Outcome, number]>([
    ['unavailable', 1],
    ['unavailable', 16],
    ['unknown', 1],
    ['unknown', 4],
  ])('with %s, %i at a time', (failure, concurrency) => {
    const outage = new Outage(ids(20), (_item, now) => (now < MONDAY ? failure : 'delivered')).run(
      MONDAY + HOUR,
      concurrency,
    );
    expect([...outage.flagged]).toEqual([]);
    expect(outage.delivered).toHaveLength(20);
  });

  test.each([1, 16])('with 500, %i at a time', (concurrency) => {
    const outage = new Outage(ids(20), (_item, now) => (now < MONDAY ? 'transient' : 'delivered')).run(
      MONDAY + DAY,
      concurrency,
    );
    expect([...outage.flagged]).toEqual([]);
    expect(outage.delivered).toHaveLength(20);
  });

  test('with one item only, answered 503', () => {
    const outage = new Outage([1], (_item, now) => (now < MONDAY ? 'unavailable' : 'delivered')).run(MONDAY + HOUR);
    expect(outage.delivered).toEqual([1]);
  });

  test('and is asked at most once in five minutes', () => {
    const outage = new Outage(ids(20), () => 'unavailable').run(MONDAY);
    expect(outage.sent.length).toBeLessThan((MONDAY - NOW) / 300_000 + 10);
  });
});

describe('an item that breaks the server', () => {
  test.each<Outcome>(['unknown', 'unavailable', 'transient'])(
    'by %s is found, and its neighbours are delivered',
    (failure) => {
      const outage = new Outage(ids(30), (item) => (item === 3 ? failure : 'delivered')).run(NOW + DAY);
      // All neighbours are gone after the first round: what is left alone is flagged for 500, and waits for the rest.
      expect(outage.delivered).toHaveLength(29);
      expect([...outage.flagged]).toEqual(failure === 'transient' ? [[3, 'exhausted']] : []);
    },
  );

  test('is flagged while others go on being delivered', () => {
    let next = 2;
    const busy = new Outage([1], (item) => (item === 1 ? 'unknown' : 'delivered'));
    while (busy.now < NOW + 2.5 * DAY && busy.flagged.size === 0) {
      busy.items.set((next += 1), facts({ id: next, laneKey: next }));
      busy.run(busy.now + 60_000);
      busy.now += 60_000;
    }
    expect([...busy.flagged]).toEqual([[1, 'exhausted']]);
  });

  test('holds up nobody while it is the only one that fails: who comes meanwhile is sent at once', () => {
    let next = 1;
    const quiet = new Outage([1], (item) => (item === 1 ? 'unavailable' : 'delivered'));
    while (quiet.flagged.size === 0) {
      const isHeld = (): boolean => (quiet.target.until ?? 0) > quiet.now || (quiet.waits.get(1) ?? 0) > quiet.now;
      do quiet.run(quiet.now + 1);
      while (quiet.items.has(1) && !isHeld());
      const arrived = quiet.now;
      quiet.items.set((next += 1), facts({ id: next, laneKey: next }));
      while (quiet.items.has(next)) quiet.run(quiet.now + 1);
      expect(quiet.now - arrived).toBeLessThanOrEqual(200);
    }
  });

  test('shares its hold with the next one that fails: a server that is down is asked once more, not by each new item', () => {
    const down = new Outage([1], () => 'unavailable').run(NOW + HOUR);
    for (let id = 2; id <= 20; id += 1) down.items.set(id, facts({ id, laneKey: id }));
    const before = down.sent.length;
    down.run(down.now + 1);
    expect(down.sent.slice(before)).toEqual([2]);
    expect(down.target.until! - down.now).toBeGreaterThan(4 * 60_000);
  });

  test('together with a second one does not stop the rest: testers rotate', () => {
    const outage = new Outage(ids(6), (item) => (item <= 2 ? 'unavailable' : 'delivered')).run(NOW + HOUR);
    expect(outage.delivered.sort()).toEqual([3, 4, 5, 6]);
  });

  test('is seen by a person after three days, also when it is alone', () => {
    for (const failure of ['unknown', 'unavailable'] as const) {
      const outage = new Outage([1], () => failure).run(NOW + 4 * DAY);
      expect([...outage.flagged]).toEqual([[1, 'exhausted']]);
      expect(outage.now - NOW).toBeGreaterThan(3 * DAY);
    }
  });
});

test('a probe is no evidence: a healthy /health beside a failing API flags nothing', () => {
  // What a probe may change is the state (afterProbe: online); the row's record of answers stays as it is.
  const outage = new Outage(ids(5), () => 'unavailable');
  for (let i = 0; i < 200; i += 1) {
    outage.run(outage.now + 10_000);
    outage.target = { ...outage.target, state: 'online', until: undefined, holdStep: 0 };
  }
  expect([...outage.flagged]).toEqual([]);
  expect(outage.items.size).toBe(5);
});

test('answers that began before the onset are no evidence against those that failed after it', () => {
  // Sixteen under way: one is answered 503 first, then another's 200 comes in, then the first one's retry fails too.
  const first = decide({ ...context('unavailable', { attempt: 1, lastAttempt: 16 }) });
  const failed = first.move.to === 'pending' ? first.move : undefined;
  const target = {
    ...row(),
    ...first.target,
    ...decide(context('delivered', { target: { ...row(), ...first.target }, attempt: 9, lastAttempt: 16 })).target,
  };
  const again = decide(context('unavailable', { facts: { ...facts(), ...failed }, target, attempt: 17 }));
  expect(target.soundAttempt).toBe(9);
  expect(again.counted).toBe(false);
});
