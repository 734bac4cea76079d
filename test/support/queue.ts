/** A real queue in a temporary directory, sending to real servers, with a wall clock that a test can move. */
import { join } from 'node:path';

import { afterEach } from '@jest/globals';

import { systemClock, type Clock } from '../../src/core/nouns/clock.js';
import { parseConfig } from '../../src/core/config/validate.js';
import { LocalQueue } from '../../src/core/queue/local-queue.js';
import { openSqliteStore } from '../../src/core/store/sqlite/store.js';
import type { Store } from '../../src/core/store/store.js';
import { tempDirectory } from './temp.js';

export interface TestQueue {
  queue: LocalQueue;
  store: Store;
  path: string;
  clock: MovableClock;
}

/** The real clock, moved: waits of the queue pass when a test says so; timers inside a drain stay real. */
export class MovableClock implements Clock {
  #offsetMs = 0;

  now(): number {
    return systemClock.now() + this.#offsetMs;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }

  advance(ms: number): void {
    this.#offsetMs += ms;
  }
}

const opened: LocalQueue[] = [];

afterEach(async () => {
  for (const queue of opened.splice(0)) await queue.close();
});

/** @param targets as in the config file */
export function testQueue(
  targets: Record<string, unknown>,
  more: { path?: string; defaultTarget?: string; env?: Record<string, string> } = {},
): TestQueue {
  const path = more.path ?? join(tempDirectory(), 'queue.db');
  const clock = new MovableClock();
  const config = parseConfig(
    { targets, ...(more.defaultTarget === undefined ? {} : { defaultTarget: more.defaultTarget }) },
    { source: undefined, baseDir: '/' },
  );
  const uid = process.getuid?.();
  const store = openSqliteStore({ path, mode: 'create', clock, uid, allowNetworkDisk: false });
  const queue = new LocalQueue({
    store,
    config,
    configIsKnown: true,
    env: more.env ?? {},
    version: 'test',
    clock,
    random: () => 0.5,
  });
  opened.push(queue);
  return { queue, store, path, clock };
}
