import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import type { Clock } from '../../../src/core/nouns/clock.js';
import { systemClock } from '../../../src/core/nouns/clock.js';
import { watchNetwork } from '../../../src/core/connectivity/network-changes.js';
import type { News } from '../../../src/core/connectivity/recheck-triggers.js';
import { watchRecheckTriggers } from '../../../src/core/connectivity/recheck-triggers.js';
import { startNode } from '../../support/process.js';
import { tempDirectory } from '../../support/temp.js';

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

function stopper(): AbortController {
  const stop = new AbortController();
  stops.push(stop);
  return stop;
}

const env = { PATH: process.env['PATH'] };

async function until(holds: () => boolean, timeoutMs = 5000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error('it did not come true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie that nobody waits for is dead for our purpose.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the monitor of the operating system', () => {
  test('gathers the events of one change into one piece of news', async () => {
    const { signal } = stopper();
    let news = 0;
    void watchNetwork(
      { clock: systemClock, env, signal, monitor: 'sh -c "echo a; echo b; echo c; exec sleep 60"' },
      () => {
        news += 1;
      },
    );
    await until(() => news > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(news).toBe(1);
  });

  test('is ended by the signal', async () => {
    const stop = stopper();
    const file = join(tempDirectory(), 'pid');
    const watching = watchNetwork(
      { clock: systemClock, env, signal: stop.signal, monitor: `sh -c 'echo $$ > ${file}; echo up; exec sleep 60'` },
      () => undefined,
    );
    await until(() => safeRead(file) !== '');
    const pid = Number(safeRead(file));
    expect(isAlive(pid)).toBe(true);
    stop.abort();
    await watching;
    await until(() => !isAlive(pid));
  });

  test('is given up after a few starts when it ends each time', async () => {
    const { signal } = stopper();
    const file = join(tempDirectory(), 'starts');
    const slept: number[] = [];
    const clock: Clock = { ...systemClock, sleep: (ms) => (slept.push(ms), Promise.resolve()) };
    await watchNetwork({ clock, env, signal, monitor: `sh -c 'echo x >> ${file}; exit 1'` }, () => undefined);
    expect(safeRead(file).trim().split('\n')).toHaveLength(5);
    expect(slept.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
  });

  test('dies with a process that is killed', async () => {
    const directory = tempDirectory();
    const file = join(directory, 'pid');
    const script = join(directory, 'watcher.mjs');
    // The same command line that network-news.ts runs, started by a process that gets no chance to clean up.
    const source = readFileSync(new URL('../../../src/core/connectivity/network-changes.ts', import.meta.url), 'utf8');
    const line = /const script = `(.*)`;/
      .exec(source)![1]!
      .replace('${monitor}', () => `sh -c 'echo $$ > ${file}; exec sleep 60'`);
    writeFileSync(
      script,
      `import { spawn } from 'node:child_process';
       spawn('/bin/sh', ['-c', ${JSON.stringify(line)}], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
       setInterval(() => {}, 1000);`,
    );
    const parent = startNode([script]);
    await until(() => safeRead(file) !== '');
    const pid = Number(safeRead(file));
    expect(isAlive(pid)).toBe(true);
    await parent.kill('SIGKILL');
    await until(() => !isAlive(pid));
  });
});

function safeRead(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** A clock that sleeps in no time and may jump in its sleep. */
class JumpyClock implements Clock {
  wall = 1_700_000_000_000;
  mono = 1000;
  jumps: { wall: number; mono: number }[] = [];
  now = (): number => this.wall;
  monotonic = (): number => this.mono;
  sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (signal?.aborted === true) return;
    const jump = this.jumps.shift() ?? { wall: 0, mono: 0 };
    this.wall += ms + jump.wall;
    this.mono += ms + jump.mono;
  };
}

async function newsAfter(jump: { wall: number; mono: number }): Promise<News[]> {
  const stop = stopper();
  const clock = new JumpyClock();
  const heard: News[] = [];
  clock.jumps = [{ wall: 0, mono: 0 }, jump];
  // No monitor: it would sleep on the same clock.
  const watching = watchRecheckTriggers(
    { clock, env: { PATH: '' }, signal: stop.signal, isWaiting: () => false },
    (news) => {
      heard.push(news);
    },
  );
  await until(() => clock.mono > 8000 + jump.mono);
  stop.abort();
  await watching;
  return heard;
}

describe('the clocks', () => {
  test.each([
    ['the machine slept ten minutes', { wall: 600_000, mono: 0 }, 0],
    ['the process was stopped ten minutes', { wall: 600_000, mono: 600_000 }, 0],
    ['the clock was set two hours back', { wall: -7_200_000, mono: 0 }, 7_200_000],
    ['the clock was set a month on', { wall: 30 * 86_400_000, mono: 0 }, 0],
  ])('tell that %s', async (_what, jump, backMs) => {
    const heard = (await newsAfter(jump)).filter(({ kind }) => kind === 'woke');
    expect(heard).toEqual([{ kind: 'woke', isBreak: true, backMs }]);
  });

  test('say nothing of a second lost', async () => {
    expect((await newsAfter({ wall: 1000, mono: 1000 })).filter(({ kind }) => kind === 'woke')).toEqual([]);
  });
});

/** Slim images allow a namespace and have no `ip`. */
const canUnshare =
  spawnSync('unshare', ['-rn', 'ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']).status === 0;

test('a real change of the network is told within half a second', async () => {
  if (!canUnshare) {
    console.log('skipped: no permission to make a network namespace');
    return;
  }
  const directory = tempDirectory();
  const script = join(directory, 'change.sh');
  const change =
    'ip link add v0 type veth peer name v1; (sleep 0.3; ip link set v0 up) & exec ip monitor link address route';
  writeFileSync(script, `${change}\n`);
  const { signal } = stopper();
  let news = 0;
  void watchNetwork({ clock: systemClock, env, signal, monitor: `unshare -rn sh ${script}` }, () => {
    news += 1;
  });
  await until(() => news > 0, 3000);
  expect(news).toBeGreaterThan(0);
});
