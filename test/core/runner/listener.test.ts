/** What a listener of the caller throws: no delivery is disturbed, the run stops, and the error comes at its end. */
import { describe, expect, test } from '@jest/globals';

import type { QueueEvent } from '../../../src/core/nouns/events.js';
import { startServer } from '../../support/rest-server.js';
import { testQueue } from '../../support/queue.js';

/** Throws at every event of these kinds; the first error is the one that is told. */
function listener(...kinds: QueueEvent['event'][]): { heard: string[]; onEvent: (event: QueueEvent) => void } {
  const heard: string[] = [];
  return {
    heard,
    onEvent: ({ event }) => {
      heard.push(event);
      if (kinds.includes(event)) throw new Error(`at ${event}, ${heard.length}`);
    },
  };
}

const three = ['a', 'b', 'c'].map((name) => ({ method: 'POST', path: `/${name}`, entity: `x/${name}`, json: 1 }));

describe('a listener that throws', () => {
  test.each(['sending', 'delivered'] as const)(
    'at %s: its item is delivered and recorded, nothing more is sent',
    async (kind) => {
      const server = await startServer();
      const { queue } = testQueue({ api: { baseUrl: server.url } });
      await queue.enqueueMany(three);
      const told = listener(kind);
      await expect(queue.drain({ onEvent: told.onEvent })).rejects.toThrow(new RegExp(`^at ${kind}, `));
      const known = told.heard.filter((event) => event === 'sending' || event === 'delivered');
      expect(known).toEqual(['sending', 'delivered']);
      const { items } = await queue.inspect([1, 2, 3]);
      expect(items.map(({ state }) => state)).toEqual(['completed', 'pending', 'pending']);
      expect(server.requests).toHaveLength(1);
      expect((await queue.status()).lastRun).toMatchObject({ exitCode: 1, delivered: 1 });
      expect(await queue.drain()).toMatchObject({ stopped: 'drained', delivered: 2 });
      expect((await queue.inspect([1, 2, 3])).items.flatMap(({ attempts }) => attempts)).toHaveLength(3);
    },
  );

  test('ends a watch with its first error, after the events before it', async () => {
    const server = await startServer({ answer: { status: 422 } });
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueueMany(three.slice(0, 1));
    const told = listener('sending', 'review');
    const pulled: string[] = [];
    const watch = async (): Promise<void> => {
      for await (const { event } of queue.watch({ onEvent: told.onEvent })) pulled.push(event);
    };
    await expect(watch()).rejects.toThrow('at sending, ');
    expect(pulled).toEqual(expect.arrayContaining(['started', 'sending', 'review', 'stopped']));
    expect(told.heard).toEqual(pulled);
    expect((await queue.inspect([1])).items[0]).toMatchObject({ state: 'review' });
    expect(await queue.runner()).toBeUndefined();
  });

  test('does not disturb a drain that waits: it ends at once', async () => {
    const server = await startServer({ answer: { status: 503 } });
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueueMany(three.slice(0, 1));
    const { onEvent } = listener('retrying');
    await expect(queue.drain({ wait: true, onEvent })).rejects.toThrow('at retrying');
    expect((await queue.inspect([1])).items[0]?.attempts.map(({ outcome }) => outcome)).toEqual(['unavailable']);
  });

  test('may also be the watchdog of a watch: what is under way then is delivered', async () => {
    const server = await startServer({ answer: { status: 200, delayMs: 500 } });
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueueMany(three.slice(0, 1));
    const onTurn = (): void => {
      if (server.requests.length > 0) throw new Error('at the watchdog');
    };
    const watch = async (): Promise<void> => {
      // A commit from outside makes it look around while the request is on its way.
      for await (const { event } of queue.watch({ onTurn }))
        if (event === 'sending') void server.waitFor(1).then(() => queue.enqueueMany(three.slice(1)));
    };
    await expect(watch()).rejects.toThrow('at the watchdog');
    const { items } = await queue.inspect([1, 2, 3]);
    expect(items.map(({ state }) => state)).toEqual(['completed', 'pending', 'pending']);
    expect(await queue.runner()).toBeUndefined();
  });
});
