import { describe, expect, test } from '@jest/globals';

import type { Clock } from '../../../src/core/nouns/clock.js';
import { Prober } from '../../../src/core/connectivity/prober.js';
import type { ProbeResult } from '../../../src/core/send/result.js';
import { rowIn } from '../policy/settle-context.js';

const HOUR = 3_600_000;
const SECOND = 1_000;

/** Looks once a second for as long as it is told, and notes which target was probed when. */
async function look(targets: number, isWaiting: (target: number) => boolean, ms: number): Promise<[number, number][]> {
  let now = 0;
  const clock: Clock = { now: () => now, monotonic: () => now, sleep: () => Promise.resolve() };
  const prober = new Prober({ probing: 'always', clock, random: () => 0.5 });
  const rows = Array.from({ length: targets }, (_, index) => ({ ...rowIn('offline'), id: index + 1 }));
  const probes: [number, number][] = [];
  const down: ProbeResult = { kind: 'unreachable', code: 'x', message: 'x', durationMs: 1 };
  for (; now < ms; now += SECOND) {
    prober.begin();
    for (const row of rows) {
      const ask = (): Promise<ProbeResult> => {
        probes.push([row.id, now]);
        return Promise.resolve(down);
      };
      prober.wants(row, isWaiting(row.id), ask, () => undefined);
    }
    await Promise.resolve();
    await Promise.resolve();
  }
  return probes;
}

describe('targets that nothing waits for', () => {
  test.each([1, 2, 10, 30])('take turns, %i of them, and cost 12 connections in an hour together', async (targets) => {
    const probes = await look(targets, () => false, 5 * HOUR);
    for (const [, from] of probes) {
      const within = probes.filter(([, at]) => at >= from && at <= from + HOUR);
      expect(within.length).toBeLessThanOrEqual(12);
    }
    expect(probes.length).toBeGreaterThan(55);
    const counts = Array.from({ length: targets }, (_, index) => probes.filter(([id]) => id === index + 1).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test('do not slow down one that something waits for', async () => {
    const probes = await look(10, (target) => target === 7, HOUR);
    expect(probes.filter(([id]) => id === 7).length).toBeGreaterThan(360);
    expect(probes.filter(([id]) => id !== 7).length).toBeLessThanOrEqual(12);
  });
});
