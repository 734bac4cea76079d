import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { workInLanes, type Job } from '../../../src/core/replay/lanes.js';

const never = new AbortController().signal;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function* jobsOf(lanes: readonly string[], onRead?: (n: number) => void): AsyncGenerator<Job<number>> {
  for (const [n, lane] of lanes.entries()) {
    onRead?.(n);
    yield { value: n, lane, bytes: 10 };
  }
}

const options = { concurrency: 3, windowJobs: 100, windowBytes: 1e6, stop: never };

describe('work in lanes', () => {
  test('keeps the order in each lane, does everything once, and never more at once than allowed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 10 }),
        async (lanes, concurrency, windowJobs) => {
          const begun: number[] = [];
          const busy = new Set<string>();
          let most = 0;
          await workInLanes(
            jobsOf(lanes),
            async (n) => {
              const lane = lanes[n]!;
              expect(busy.has(lane)).toBe(false);
              busy.add(lane);
              begun.push(n);
              most = Math.max(most, busy.size);
              await new Promise(setImmediate);
              busy.delete(lane);
            },
            { ...options, concurrency, windowJobs },
          );
          expect(most).toBeLessThanOrEqual(concurrency);
          for (const lane of 'abcd') {
            const inLane = begun.filter((n) => lanes[n] === lane);
            expect(inLane).toEqual([...inLane].sort((a, b) => a - b));
          }
          expect([...begun].sort((a, b) => a - b)).toEqual(lanes.map((_lane, n) => n));
        },
      ),
    );
  });

  test('one at a time goes through the log as it is', async () => {
    const begun: number[] = [];
    await workInLanes(jobsOf(['a', 'a', 'b', 'a', 'c']), async (n) => void begun.push(n), {
      ...options,
      concurrency: 1,
    });
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  test('reads no further ahead than its window', async () => {
    let [done, furthest] = [0, 0];
    const lanes = Array.from({ length: 50 }, () => 'a');
    await workInLanes(
      jobsOf(lanes, (n) => (furthest = Math.max(furthest, n - done))),
      async () => {
        await pause(1);
        done += 1;
      },
      { ...options, windowJobs: 8 },
    );
    expect(done).toBe(50);
    expect(furthest).toBeLessThanOrEqual(8);
    const bytes = { ...options, windowBytes: 30 };
    [done, furthest] = [0, 0];
    await workInLanes(
      jobsOf(lanes, (n) => (furthest = Math.max(furthest, n - done))),
      async () => void (done += 1),
      bytes,
    );
    expect(furthest).toBeLessThanOrEqual(4);
  });

  test('starts nothing after it was stopped, and lets what is under way end', async () => {
    const stop = new AbortController();
    let [begun, ended] = [0, 0];
    await workInLanes(
      jobsOf(['a', 'b', 'c', 'd', 'e', 'f']),
      async () => {
        if (++begun === 2) stop.abort();
        await pause(10);
        ended += 1;
      },
      { ...options, stop: stop.signal },
    );
    expect(begun).toBeLessThanOrEqual(3);
    expect(ended).toBe(begun);
  });

  test('throws what a job or the reading threw, after the others have ended', async () => {
    let ended = 0;
    const work = async (n: number): Promise<void> => {
      await pause(n === 0 ? 1 : 20);
      if (n === 0) throw new Error('a job failed');
      ended += 1;
    };
    await expect(workInLanes(jobsOf(['a', 'b', 'c', 'd', 'e']), work, options)).rejects.toThrow('a job failed');
    expect(ended).toBe(2);
    const broken = (async function* (): AsyncGenerator<Job<number>> {
      yield { value: 1, lane: 'a', bytes: 1 };
      throw new Error('reading failed');
    })();
    await expect(workInLanes(broken, work, options)).rejects.toThrow('reading failed');
  });
});
