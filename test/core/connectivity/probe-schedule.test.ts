import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { IDLE_PAUSE_MS, ProbeSchedule } from '../../../src/core/connectivity/probe-schedule.js';

/** No chance: pauses are at their longest. */
const longest = (): ProbeSchedule => new ProbeSchedule(() => 0);

/** Probes at the earliest allowed moments, and fails each time. */
function failingStarts(schedule: ProbeSchedule, count: number, isWaiting = true): number[] {
  const starts: number[] = [];
  let now = 100_000;
  for (let n = 0; n < count; n += 1) {
    now = Math.max(now, schedule.nextAt(isWaiting, now));
    starts.push(now);
    schedule.connecting(now);
    schedule.failed();
  }
  return starts;
}

const gaps = (starts: readonly number[]): number[] => starts.slice(1).map((at, index) => at - starts[index]!);

describe('probes of a target that something waits for', () => {
  test('start at once, then after 1 s doubling to 10 s', () => {
    expect(gaps(failingStarts(longest(), 8))).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  });

  test('come up to a fifth later by chance, at the cap a fifth earlier: never more often than once a second, nor after 10 s', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (random) => {
        const found = gaps(failingStarts(new ProbeSchedule(() => random), 8));
        [1000, 2000, 4000, 8000, 8000, 8000, 8000].forEach((least, index) => {
          expect(found[index]!).toBeGreaterThanOrEqual(least - 1e-6);
          expect(found[index]!).toBeLessThanOrEqual(Math.min(10_000, index < 4 ? least * 1.2 : 10_000));
        });
      }),
    );
  });

  test('count their pause from the start of the one before, so that one that hung is part of it', () => {
    const schedule = longest();
    failingStarts(schedule, 6);
    const start = 500_000;
    schedule.connecting(start);
    schedule.failed();
    expect(schedule.nextAt(true, start + 10_000)).toBe(start + 10_000);
  });

  test('start afresh only after an answer of the API', () => {
    const schedule = longest();
    failingStarts(schedule, 6);
    schedule.answered();
    expect(gaps(failingStarts(schedule, 3))).toEqual([1000, 2000]);
  });
});

describe('news of the network', () => {
  test('makes the next probe due at once, whatever the pause has grown to', () => {
    const schedule = longest();
    const last = failingStarts(schedule, 7).at(-1)!;
    schedule.news(last + 3000);
    expect(schedule.nextAt(true, last + 3000)).toBe(last + 3000);
  });

  test('that never ends leaves every third probe all its time: a slow link connects in it', () => {
    const schedule = longest();
    let now = 0;
    const bounds: (number | undefined)[] = [];
    for (let n = 0; n < 6; n += 1) {
      schedule.news(now);
      now = schedule.nextAt(true, now);
      bounds.push(schedule.timeoutMs);
      schedule.connecting(now);
      schedule.failed();
    }
    expect(bounds).toEqual([350, 350, undefined, 350, 350, undefined]);
  });

  test('is good for three probes in quick succession: a cable just plugged in loses the first packets', () => {
    const schedule = longest();
    let now = failingStarts(schedule, 7).at(-1)! + 3000;
    schedule.news(now);
    const seen: [number, number | undefined][] = [];
    for (let n = 0; n < 4; n += 1) {
      const at = schedule.nextAt(true, now);
      seen.push([at - now, schedule.timeoutMs]);
      now = at;
      schedule.connecting(now);
      schedule.failed();
    }
    expect(seen).toEqual([
      [0, 350],
      [350, 350],
      [350, undefined],
      [4000, undefined],
    ]);
  });

  test('opens at most one connection a second after a burst of three, however the link flaps', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 200, maxLength: 400 }), (steps) => {
        const schedule = longest();
        const starts: number[] = [];
        let now = 10_000;
        for (const step of steps) {
          now += step;
          schedule.news(now);
          if (now < schedule.nextAt(true, now)) continue;
          starts.push(now);
          schedule.connecting(now);
          schedule.failed();
        }
        for (const [index, start] of starts.entries()) {
          const inTenSeconds = starts.slice(index).filter((at) => at < start + 10_000).length;
          expect(inTenSeconds).toBeLessThanOrEqual(10 + 3);
        }
      }),
    );
  });

  test('does not start the pauses afresh again while the link flaps', () => {
    const schedule = longest();
    let now = failingStarts(schedule, 6).at(-1)!;
    const pauses: number[] = [];
    for (let flap = 0; flap < 3; flap += 1) {
      now += 4000;
      schedule.news(now);
      for (let look = 0; look < 3; look += 1) {
        schedule.connecting(now);
        schedule.failed();
      }
      pauses.push(schedule.nextAt(true, now) - now);
    }
    expect(pauses).toEqual([4000, 10_000, 10_000]);
  });
});

describe('a target that nothing waits for', () => {
  test('is probed at most 12 times an hour, whatever the network does', () => {
    const schedule = longest();
    let probes = 0;
    let now = 10_000;
    schedule.connecting(now);
    schedule.failed();
    for (const end = now + 3_600_000; now <= end; now += 1000) {
      schedule.news(now);
      if (now < schedule.nextAt(false, now)) continue;
      probes += 1;
      schedule.connecting(now);
      schedule.failed();
    }
    expect(probes).toBeLessThanOrEqual(12);
    expect(Math.floor(3_600_000 / IDLE_PAUSE_MS) + 1).toBe(12);
  });

  test('is probed at once when something comes to wait for it', () => {
    const schedule = longest();
    const last = failingStarts(schedule, 6).at(-1)!;
    expect(schedule.nextAt(false, last + 60_000)).toBe(last + IDLE_PAUSE_MS);
    expect(schedule.nextAt(true, last + 60_000)).toBeLessThanOrEqual(last + 60_000);
  });
});
