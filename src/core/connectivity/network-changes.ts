/**
 * Watches for network changes that the operating system reports. Linux uses rtnetlink, macOS a routing socket; Node can
 * open neither, so a system program does (`ip monitor`, `route monitor`). Without one, polling `interfaces.ts` is
 * enough. A change means only: look now.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { platform } from 'node:os';

import type { Clock } from '../nouns/clock.js';

const MONITORS: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'ip monitor link address route',
  darwin: 'route -n monitor',
};

/** Plugging in a cable causes several events: wait until they pause, ms, but not longer than the second value. */
const SETTLE_MS = 50;
const SETTLE_AT_MOST_MS = 250;

/** How often a monitor that ends at once is restarted, with doubled pauses; then polling has to do. */
const STARTS = 5;
const RESTART_MS = 1_000;
/** One that lived this long counts as sound again, ms. */
const SOUND_MS = 60_000;

export interface NetworkChangesOptions {
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  /** Ends the monitor and the watch. */
  signal: AbortSignal;
  /** The command line to run instead of the platform's; for tests. */
  monitor?: string;
}

/** Calls `onNews` after each change, until `signal`. Resolves early where the system tells nothing. */
export async function watchNetwork(options: NetworkChangesOptions, onNews: () => void): Promise<void> {
  const { clock, signal } = options;
  const monitor = options.monitor ?? MONITORS[platform()];
  if (monitor === undefined) return;
  const settled = settle(clock, signal, onNews);
  for (let failures = 0; failures < STARTS && !signal.aborted; failures += 1) {
    const startedAt = clock.monotonic();
    await runMonitor(monitor, options, settled);
    if (clock.monotonic() - startedAt > SOUND_MS) failures = 0;
    await clock.sleep(RESTART_MS * 2 ** failures, signal);
  }
}

/** Gathers the events of one change. */
function settle(clock: Clock, signal: AbortSignal, onNews: () => void): () => void {
  let first = 0;
  let last = 0;
  let isRunning = false;
  return () => {
    last = clock.monotonic();
    if (isRunning) return;
    isRunning = true;
    first = last;
    void (async () => {
      const end = (): number => Math.min(last + SETTLE_MS, first + SETTLE_AT_MOST_MS);
      while (clock.monotonic() < end() && !signal.aborted) await clock.sleep(end() - clock.monotonic() + 1, signal);
      isRunning = false;
      if (!signal.aborted) onNews();
    })();
  };
}

/** Resolves when the monitor has ended. */
function runMonitor(monitor: string, { env, signal }: NetworkChangesOptions, onOutput: () => void): Promise<void> {
  return new Promise((resolve) => {
    // The shell becomes the monitor. A companion waits until our end of stdin closes, also when we are killed, and ends
    // the monitor. A session of its own protects it from the terminal's Ctrl-C.
    const script = `PATH="$PATH:/usr/sbin:/sbin"; exec 3<&0; { read -r _ <&3; kill $$; } >/dev/null 2>&1 & exec ${monitor}`;
    let child: ChildProcess;
    try {
      child = spawn('/bin/sh', ['-c', script], {
        stdio: ['pipe', 'pipe', 'ignore'],
        detached: true,
        env: { ...env, LC_ALL: 'C' },
      });
    } catch {
      resolve(); // No more processes allowed: polling has to do.
      return;
    }
    const stop = (): void => void child.stdin?.end();
    const over = (): void => {
      signal.removeEventListener('abort', stop);
      stop();
      child.stdout?.destroy();
      resolve();
    };
    child.on('error', over);
    child.on('exit', over);
    child.stdin?.on('error', () => undefined);
    child.stdout?.on('data', onOutput);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    // A hint must not keep the process alive.
    child.unref();
    for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref?: () => void } | null)?.unref?.();
  });
}
