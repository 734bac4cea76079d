/** What a watch that lives on sees to: clocks that jump, networks that change, targets that nobody had told it of. */
import { describe, expect, test } from '@jest/globals';

import type { QueueEvent, WatchOptions } from '../../../src/core/index.js';
import { startServer } from '../../support/rest-server.js';
import type { TestQueue } from '../../support/queue.js';
import { testQueue } from '../../support/queue.js';
import { until } from '../../support/until.js';

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

/** Runs a watch while `body` does. */
async function watching({ queue }: TestQueue, body: () => Promise<void>, more: WatchOptions = {}): Promise<void> {
  const stop = new AbortController();
  const events: QueueEvent[] = [];
  const watch = (async () => {
    for await (const event of queue.watch({ ...more, stop: stop.signal })) events.push(event);
  })();
  try {
    await until(() => events.some(({ event }) => event === 'started'));
    await body();
  } finally {
    stop.abort();
    await watch;
  }
}

const write = { method: 'POST', path: '/a', json: {} } as const;

describe('a watch', () => {
  test('counts no time that it slept through towards the patience with a failing item', async () => {
    const server = await startServer({ answer: { status: 502 } });
    const test = testQueue({ api: { baseUrl: server.url } });
    const { id } = await test.queue.enqueue(write);
    await watching(test, async () => {
      await server.waitFor(2);
      await until(async () => (await test.queue.status()).targets[0]?.state === 'unavailable');
      test.clock.advance(30 * DAY);
      await server.waitFor(3);
      await until(async () => (await test.queue.inspect([id])).items[0]?.attempts.length === 3);
    });
    expect((await test.queue.inspect([id])).items[0]).toMatchObject({ state: 'pending', retryCount: 0 });
    // Awake, patience runs on.
    await test.queue.drain();
    test.clock.advance(4 * DAY);
    await test.queue.drain();
    expect((await test.queue.inspect([id])).items[0]).toMatchObject({ state: 'review', reviewReason: 'exhausted' });
  });

  test('tries a target that is held for its failures once, when the network is another', async () => {
    const server = await startServer({ answer: { status: 503 } });
    const test = testQueue({ api: { baseUrl: server.url } });
    await test.queue.enqueue(write);
    await watching(test, async () => {
      await server.waitFor(2);
      await until(async () => (await test.queue.status()).targets[0]?.state === 'unavailable');
      // A clock that is set back is news as well, and makes the hold 25 s long.
      test.clock.advance(-20 * SECOND);
      const begun = performance.now();
      await server.waitFor(3);
      expect(performance.now() - begun).toBeLessThan(4000);
      // A second time within half a minute it is not.
      test.clock.advance(-20 * SECOND);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(server.requests).toHaveLength(3);
    });
  });

  test('says of a target that it was not told of what is missing, and sends the rest', async () => {
    const server = await startServer();
    const test = testQueue({ api: { baseUrl: server.url } });
    const other = testQueue(
      { api: { baseUrl: server.url }, added: { baseUrl: server.url } },
      { path: test.path, defaultTarget: 'api' },
    );
    const names: string[] = [];
    const body = async (): Promise<void> => {
      await other.queue.enqueue({ ...write, target: 'added' });
      await until(async () => (await test.queue.status()).targets.some(({ state }) => state === 'misconfigured'));
      await other.queue.enqueue({ ...write, target: 'added' });
      await other.queue.enqueue({ ...write, target: 'api' });
      await server.waitFor(1);
    };
    await watching(test, body, { onUnknownTarget: (name) => void names.push(name) });
    const { targets } = await test.queue.status();
    expect(targets.find(({ name }) => name === 'added')).toMatchObject({
      held: 1,
      blocked: 1,
      reason: 'target added is not in the config',
    });
    expect(names).toEqual(['added']);
  });

  test('keeps the base URL that a person accepted, although its own config is older', async () => {
    const [old, moved] = [await startServer(), await startServer()];
    const test = testQueue({ api: { baseUrl: old.url } });
    const other = testQueue({ api: { baseUrl: moved.url } }, { path: test.path });
    const by = { who: 'kari', command: 'target accept', reason: undefined };
    await watching(test, async () => {
      await other.queue.enqueue(write);
      await old.waitFor(1);
      await other.queue.desk.acceptTarget('api', by);
      await other.queue.enqueue(write);
      await old.waitFor(2);
      await until(async () => (await test.queue.status()).counts.completed === 2);
    });
    expect((await test.store.targets())[0]).toMatchObject({ boundTo: moved.url, state: 'online' });
  });

  test('binds a target that is free to its base URL at once, not at the next start', async () => {
    const server = await startServer({ answer: { hang: true } });
    const test = testQueue({ api: { baseUrl: server.url } });
    await watching(test, async () => {
      await test.queue.enqueue(write);
      await until(async () => (await test.store.targets())[0]?.boundTo !== undefined);
    });
    expect((await test.store.targets())[0]?.boundTo).toBe(server.url);
  });
});
