/** A dry run against the run that follows it: what it lists is what is sent, in that order. */
import { describe, expect, jest, test } from '@jest/globals';

import { Connection } from '../../../src/core/store/sqlite/file/connection.js';
import type { TestQueue } from '../../support/queue.js';
import { testQueue } from '../../support/queue.js';
import type { RestServer } from '../../support/rest-server.js';
import { startServer } from '../../support/rest-server.js';

const MINUTE = 60_000;
const BY = { who: 'kari', command: 'test', reason: undefined };

interface Line {
  test: TestQueue;
  server: RestServer;
  /** Answers the id. */
  add: (entity: string | undefined, more?: object) => Promise<number>;
  /** The ids that a dry run lists. */
  listed: (options?: { limit?: number }) => Promise<number[]>;
  /** The ids that a run sends now. */
  sent: () => Promise<number[]>;
}

async function line(order: 'entity' | 'strict' | 'none' = 'entity'): Promise<Line> {
  const server = await startServer({ answer: ({ path }) => ({ status: path === '/refused' ? 422 : 200 }) });
  const test = testQueue({ api: { baseUrl: server.url, order } });
  const { queue } = test;
  return {
    test,
    server,
    add: async (entity, more = {}) =>
      (await queue.enqueue({ method: 'POST', path: '/a', json: {}, ...(entity && { entity }), ...more })).id,
    listed: async (options) => (await queue.dryRun(options)).map(({ item }) => item),
    sent: async () => {
      const ids: number[] = [];
      await queue.drain({
        onEvent: (event) => {
          if (event.event === 'sending') ids.push(event.item);
        },
      });
      return ids;
    },
  };
}

describe('a dry run lists what a run sends', () => {
  test('in the order of the log, what stands behind an item included', async () => {
    const { add, listed, sent, test, server } = await line();
    const first = [await add('x/1'), await add('x/2'), await add('x/1'), await add(undefined), await add('x/2')];
    expect(await test.queue.dryRun({ limit: 1 })).toEqual([
      { item: 1, target: 'api', method: 'POST', url: `${server.url}/a`, payloadBytes: 2 },
    ]);
    expect(await listed({ limit: 3 })).toEqual([1, 2, 3]);
    expect(await listed()).toEqual(first);
    expect(await sent()).toEqual(first);
    expect(await listed()).toEqual([]);
  });

  test('nothing behind an item in review', async () => {
    const { add, listed, sent } = await line();
    await add('x/1', { path: '/refused' });
    expect(await sent()).toEqual([1]);
    await add('x/1');
    const free = await add('x/2');
    expect(await listed()).toEqual([free]);
    expect(await sent()).toEqual([free]);
  });

  test('nothing of a paused entity, until its pause is over', async () => {
    const { add, listed, sent, test } = await line('strict');
    const what = { entity: { type: 'x', id: '2' } };
    // A target has its order from its first run on.
    await add('x/1');
    await sent();
    const ids = [await add('x/1'), await add('x/2'), await add('x/1')];
    await test.queue.desk.pause(what, BY, { until: test.clock.now() + MINUTE });
    expect(await listed()).toEqual([2]);
    expect(await sent()).toEqual([2]);
    expect(await listed()).toEqual([]);
    test.clock.advance(2 * MINUTE);
    expect(await listed()).toEqual(ids.slice(1));
    expect(await sent()).toEqual(ids.slice(1));
  });

  test('nothing that is due later or behind such an item, and all of it when its time has come', async () => {
    const { add, listed, sent, test } = await line();
    await add('x/1', { delay: MINUTE });
    await add('x/1');
    await add('x/2');
    await add('x/2', { delay: MINUTE });
    await add('x/2');
    expect(await listed()).toEqual([3]);
    expect(await sent()).toEqual([3]);
    test.clock.advance(2 * MINUTE);
    expect(await listed()).toEqual([1, 2, 4, 5]);
    expect(await sent()).toEqual([1, 2, 4, 5]);
  });

  test('nothing whose deadline has passed, nor behind it', async () => {
    const { add, listed, sent, test } = await line();
    await add('x/1', { expires: MINUTE });
    await add('x/1');
    await add('x/2');
    await add('x/2', { expires: MINUTE });
    expect(await listed()).toEqual([1, 2, 3, 4]);
    test.clock.advance(2 * MINUTE);
    expect(await listed()).toEqual([3]);
    expect(await sent()).toEqual([3]);
  });

  test('each for itself where a target keeps no order', async () => {
    const { add, listed } = await line('none');
    const ids = [await add('x/1'), await add('x/1')];
    expect(await listed()).toEqual(ids);
  });
});

test('a dry run costs what it lists, not what waits', async () => {
  const { test, add, sent, listed } = await line();
  await add('x/1', { path: '/refused' });
  await sent();
  const draft = { method: 'POST', path: '/a', entity: 'x/1', json: {} };
  await test.queue.enqueueMany(Array.from({ length: 2_000 }, () => draft));
  const free = await add('x/2');
  const asked = jest.spyOn(Connection.prototype, 'sql');
  try {
    expect(await listed()).toEqual([free]);
    expect(asked.mock.calls.length).toBeLessThan(20);
  } finally {
    asked.mockRestore();
  }
});
