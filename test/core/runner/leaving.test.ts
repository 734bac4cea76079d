/** How a run ends from outside: the iteration of a watch is left, the queue is closed, or the run was asked for wrongly. */
import { describe, expect, test } from '@jest/globals';

import { QueueError } from '../../../src/core/nouns/errors.js';
import { startServer } from '../../support/rest-server.js';
import { testQueue } from '../../support/queue.js';
import { until } from '../../support/until.js';

const write = { method: 'POST', path: '/a', json: {} } as const;
/** How long a slow answer takes: much less than the grace. */
const SLOW_MS = 1_000;

describe('leaving the iteration of a watch', () => {
  test.each(['break', 'throw'] as const)('by %s stops it, and the right to send is free', async (how) => {
    const server = await startServer();
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    const watch = async (): Promise<void> => {
      for await (const _event of queue.watch()) {
        if (how === 'throw') throw new Error('of the reader');
        break;
      }
    };
    if (how === 'throw') await expect(watch()).rejects.toThrow('of the reader');
    else await watch();
    expect(await queue.runner()).toBeUndefined();
    await queue.enqueue(write);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(server.requests).toHaveLength(0);
    expect(await queue.drain()).toMatchObject({ stopped: 'drained', delivered: 1 });
  });

  test('lets requests in flight end, records them, and claims nothing more', async () => {
    const server = await startServer({ answer: { status: 200, delayMs: SLOW_MS } });
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueueMany([
      { ...write, entity: 'x/1' },
      { ...write, entity: 'x/1' },
    ]);
    for await (const { event } of queue.watch()) if (event === 'sending') break;
    const { items } = await queue.inspect([1, 2]);
    expect(items.map(({ state }) => state)).toEqual(['completed', 'pending']);
    expect((await queue.status()).lastRun).toMatchObject({ kind: 'watch', delivered: 1, remaining: 1 });
  });

  test('may be done by hand, also while an event is awaited, and twice', async () => {
    const { queue } = testQueue({ api: { baseUrl: 'http://127.0.0.1:1' } });
    const events = queue.watch()[Symbol.asyncIterator]();
    while ((await events.next()).value?.event !== 'idle');
    const next = events.next();
    expect(await events.return?.()).toEqual({ done: true, value: undefined });
    expect(await next).toMatchObject({ done: true });
    expect(await events.return?.()).toEqual({ done: true, value: undefined });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});

describe('closing a queue', () => {
  test('ends a drain first: its request is recorded, its report comes', async () => {
    const server = await startServer({ answer: { status: 200, delayMs: SLOW_MS } });
    const test = testQueue({ api: { baseUrl: server.url } });
    await test.queue.enqueueMany([write, write]);
    const drained = test.queue.drain();
    await server.waitFor(1);
    await Promise.all([test.queue.close(), test.queue.close()]);
    await test.queue.close();
    expect(await drained).toMatchObject({ stopped: 'signal', delivered: 1, remaining: { due: 1 } });
    const { queue } = testQueue({ api: { baseUrl: server.url } }, { path: test.path });
    const { items } = await queue.inspect([1, 2]);
    expect(items.map(({ state }) => state)).toEqual(['completed', 'pending']);
    expect(await queue.drain()).toMatchObject({ delivered: 1 });
    expect(server.requests).toHaveLength(2);
  });

  test('ends a watch and a wait', async () => {
    const { queue } = testQueue({ api: { baseUrl: 'http://127.0.0.1:1' } });
    const { id } = await queue.enqueue({ ...write, delay: 60_000 });
    const seen: string[] = [];
    const watch = (async () => {
      for await (const { event } of queue.watch()) seen.push(event);
    })();
    const waited = queue.wait([id]);
    await until(() => seen.includes('idle'));
    await queue.close();
    await watch;
    expect(seen.at(-1)).toBe('stopped');
    expect(await waited).toMatchObject({ done: false, failed: false, items: [{ id }] });
  });

  test('is told by every later call', async () => {
    const { queue } = testQueue({ api: { baseUrl: 'http://127.0.0.1:1' } });
    await queue.enqueue(write);
    await queue.close();
    const by = { who: 'kari', command: 'test', reason: undefined };
    const calls: Record<string, () => unknown> = {
      enqueue: () => queue.enqueue(write),
      enqueueMany: () => queue.enqueueMany([write]),
      draftContext: () => queue.draftContext(),
      enqueueFrom: () => queue.enqueueFrom(['{}']),
      status: () => queue.status(),
      inspect: () => queue.inspect([1]),
      list: () => queue.list({}),
      attention: () => queue.attention(),
      findKey: () => queue.findKey('k'),
      retry: () => queue.retry({ ids: [1] }),
      pause: () => queue.desk.pause('all', by),
      next: () => queue.next([]),
      runner: () => queue.runner(),
      drain: () => queue.drain(),
      dryRun: () => queue.dryRun(),
      watch: () => queue.watch()[Symbol.asyncIterator]().next(),
      wait: () => queue.wait([1]),
      targetSummaries: () => queue.targetSummaries(),
      history: () => queue.history(),
      record: () => queue.record({ ...by, item: undefined, target: undefined, event: 'x', detail: undefined }),
      ages: () => queue.desk.ages(),
      erase: () => queue.desk.erase({ type: 'x', id: '1' }, { dryRun: false, by }),
      scan: () => queue.archive.extent({}),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error: unknown = await Promise.resolve(call()).catch((thrown: unknown) => thrown);
      expect([name, error]).toEqual([name, expect.any(QueueError)]);
      expect([name, error]).toMatchObject([name, { code: 'usage', message: expect.stringContaining('was closed') }]);
    }
  });
});

describe('a run that was asked for wrongly', () => {
  const noSignal = { aborted: false } as AbortSignal;

  test.each(['stop', 'abort'])('%s that is no signal is refused, and the right to send stays free', async (name) => {
    const server = await startServer();
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueue(write);
    const refused = expect.objectContaining({
      code: 'usage',
      message: expect.stringMatching(`${name}: .*AbortSignal`) as unknown,
    });
    await expect(queue.drain({ [name]: noSignal })).rejects.toEqual(refused);
    expect(() => queue.watch({ [name]: noSignal })).toThrow(refused);
    expect(await queue.drain()).toMatchObject({ stopped: 'drained', delivered: 1 });
  });

  test('whatever throws while a runner is set up, or tells its exit code, the right to send is given back', async () => {
    const server = await startServer();
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueue(write);
    const broken = Object.assign(new EventTarget(), { aborted: false }) as unknown as AbortSignal;
    broken.addEventListener = () => {
      throw new Error('no listener here');
    };
    await expect(queue.drain({ abort: broken })).rejects.toThrow('no listener here');
    const stopCode = (): never => {
      throw new Error('no code');
    };
    await expect(queue.drain({ stopCode })).rejects.toThrow('no code');
    const watch = async (): Promise<void> => {
      for await (const { event } of queue.watch({ stopCode })) if (event === 'started') break;
    };
    await expect(watch()).rejects.toThrow('no code');
    expect(await queue.runner()).toBeUndefined();
    expect(await queue.drain()).toMatchObject({ stopped: 'drained' });
  });

  test('a target that nobody knows is refused: by a drain, a watch and a dry run', async () => {
    const server = await startServer();
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueue(write);
    const refused = { code: 'unknown-target', message: 'there is no target nope' };
    const target = 'nope';
    await expect(queue.drain({ target })).rejects.toMatchObject(refused);
    await expect(queue.dryRun({ target })).rejects.toMatchObject(refused);
    await expect(queue.watch({ target })[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
    expect(await queue.runner()).toBeUndefined();
  });

  test('a target that only the queue knows, or that a config just lost, is none', async () => {
    const server = await startServer();
    const { queue } = testQueue({});
    const { id } = await queue.enqueue({ ...write, path: `${server.url}/a` });
    const target = (await queue.inspect([id])).items[0]?.target ?? '';
    expect(await queue.dryRun({ target })).toHaveLength(1);
    for await (const { event } of queue.watch({ target })) if (event === 'delivered') break;
    const seen: string[] = [];
    for await (const { event } of queue.watch({ target: 'lost', isReload: true })) {
      seen.push(event);
      if (event === 'idle') break;
    }
    expect(seen).toContain('started');
  });
});
