import { describe, expect, test } from '@jest/globals';

import { STATES } from '../../../../src/core/nouns/item.js';
import type { ArchivedItem, StoreOptions } from '../../../../src/core/store/archive.js';
import { startServer } from '../../../support/rest-server.js';
import { testQueue, type TestQueue } from '../../../support/queue.js';

const BY = { who: 'a test', command: 'import', reason: undefined };

async function allOf({ queue }: TestQueue): Promise<ArchivedItem[]> {
  const { lastId } = await queue.archive.extent({});
  const items: ArchivedItem[] = [];
  for (let page = await queue.archive.scan({}, { after: 0, upTo: lastId, limit: 2 }); page.length > 0;) {
    items.push(...page);
    page = await queue.archive.scan({}, { after: items.at(-1)!.id, upTo: lastId, limit: 2 });
  }
  return items;
}

async function move(
  from: TestQueue,
  to: TestQueue,
  more: Partial<StoreOptions> = {},
): ReturnType<TestQueue['queue']['archive']['store']> {
  const items = await allOf(from);
  const batches = async function* (): AsyncGenerator<ArchivedItem[]> {
    for (const item of items) yield [item];
  };
  return to.queue.archive.store(batches(), {
    targets: await from.queue.archive.targets(),
    pause: undefined,
    by: BY,
    now: to.clock.now(),
    detail: {},
    ...more,
  });
}

/** Completed, in review, blocked behind it, backing off, waiting for its time, discarded, edited. */
async function fullQueue(): Promise<{ from: TestQueue; url: string }> {
  const server = await startServer({
    answer: ({ path }) => {
      if (path.includes('refuse')) return { status: 422, body: { message: 'phone must be digits' } };
      return path.includes('fail') ? { status: 500 } : { status: 201, body: { id: 7 } };
    },
  });
  const from = testQueue({ api: { baseUrl: server.url } }, { defaultTarget: 'api' });
  const write = (path: string, more = {}): ReturnType<TestQueue['queue']['enqueue']> =>
    from.queue.enqueue({ method: 'POST', path, json: { path }, entity: { type: 'thing', id: path }, ...more });
  await write('/one', { headers: [['accept-language', 'nb']], tags: ['a', 'b'] });
  await write('/refuse', { entity: { type: 'thing', id: 'x' } });
  await write('/behind', { entity: { type: 'thing', id: 'x' } });
  await write('/fail');
  await write('/later', { delay: '1h', entity: undefined, maxRetries: 3 });
  const gone = await write('/gone');
  await from.queue.desk.discard({ ids: [gone.id] }, { dryRun: false, by: { ...BY, reason: 'no use' } });
  await from.queue.enqueue({ method: 'DELETE', path: '/plain' });
  await from.queue.drain();
  await from.queue.enqueue({ method: 'PUT', path: '/text', contentType: 'text/plain', body: 'é\n' });
  return { from, url: server.url };
}

describe('an archive', () => {
  test('moves complete items: the other queue reads the same', async () => {
    const { from } = await fullQueue();
    const to = testQueue({});
    const report = await move(from, to);
    expect(report).toMatchObject({ firstId: 1, lastId: 8, count: 8, duplicates: 0 });
    expect(await allOf(to)).toEqual(await allOf(from));
    const states = (await allOf(to)).map(({ state, retryCount, review }) => [state, retryCount, review?.message]);
    expect(states).toEqual([
      ['completed', 0, undefined],
      ['review', 0, 'phone must be digits'],
      ['pending', 0, undefined],
      ['pending', expect.any(Number), undefined],
      ['pending', 0, undefined],
      ['discarded', 0, undefined],
      ['completed', 0, undefined],
      ['pending', 0, undefined],
    ]);
    expect(await to.queue.archive.targets()).toEqual(await from.queue.archive.targets());
  });

  test('counts imported items by state and sends them in order', async () => {
    const { from, url } = await fullQueue();
    const to = testQueue({ api: { baseUrl: url } });
    await move(from, to);
    const [before, after] = [await from.queue.status(), await to.queue.status()];
    expect(after.counts).toEqual(before.counts);
    expect(after.reviewGroups).toEqual(before.reviewGroups);
    expect({ due: after.due, waiting: after.waiting, blocked: after.blocked }).toEqual({
      due: before.due,
      waiting: before.waiting,
      blocked: before.blocked,
    });
    await to.queue.retry({ ids: [2] });
    expect(await to.queue.drain()).toMatchObject({ attempts: 2, review: 1 });
  });

  test('stores the same items only once', async () => {
    const { from } = await fullQueue();
    const to = testQueue({});
    await move(from, to);
    const first = await allOf(to);
    expect(await move(from, to)).toMatchObject({ count: 8, duplicates: 8, firstId: 1, lastId: 8 });
    expect(await allOf(to)).toEqual(first);
  });

  test('gives new ids, in order, in a queue that held items before', async () => {
    const { from } = await fullQueue();
    const to = testQueue({ other: { baseUrl: 'https://other.example.org' } });
    await to.queue.enqueue({ method: 'PUT', path: '/own' });
    expect(await move(from, to)).toMatchObject({ firstId: 2, lastId: 9 });
    expect((await allOf(to)).map(({ path }) => path)).toEqual(['/own', ...(await allOf(from)).map(({ path }) => path)]);
  });

  test('refuses a key that exists with other content, and stores nothing', async () => {
    const { from } = await fullQueue();
    const to = testQueue({ api: { baseUrl: 'https://other.example.org' } });
    const [, , , , , , , last] = await allOf(from);
    await to.queue.enqueue({ method: 'PUT', path: '/other', idempotencyKey: last!.idempotencyKey });
    await expect(move(from, to)).rejects.toMatchObject({
      code: 'key-conflict',
      message: expect.stringContaining('nothing was stored'),
    });
    expect(await allOf(to)).toHaveLength(1);
  });

  test('stores nothing when the last check fails', async () => {
    const { from } = await fullQueue();
    const to = testQueue({});
    const beforeCommit = (): never => {
      throw new Error('the file changed');
    };
    await expect(move(from, to, { beforeCommit })).rejects.toThrow('the file changed');
    expect(await allOf(to)).toEqual([]);
  });

  test('pauses the targets in the same commit, so that nothing can be sent in between', async () => {
    const { from, url } = await fullQueue();
    const to = testQueue({ api: { baseUrl: url } });
    expect((await move(from, to, { pause: 'imported' })).paused).toEqual(['api']);
    expect((await to.queue.status()).targets[0]).toMatchObject({ name: 'api', state: 'paused', reason: 'imported' });
    expect((await to.queue.drain()).attempts).toBe(0);
    await to.queue.desk.resume({ target: 'api' }, BY);
    await move(from, to, { pause: 'imported' });
    expect((await to.queue.drain()).attempts).toBe(0);
  });

  test('does not send an item to another server after it was sent to one', async () => {
    const { from } = await fullQueue();
    const other = await startServer();
    const to = testQueue({ api: { baseUrl: other.url } });
    await move(from, to);
    await to.queue.drain();
    expect(other.requests).toEqual([]);
    expect((await to.queue.status()).targets[0]).toMatchObject({ state: 'misconfigured' });
  });

  test('turns an open attempt into one with an unknown outcome', async () => {
    const { from } = await fullQueue();
    const [item] = await allOf(from);
    const open = {
      ...item!.attempts[0]!,
      outcome: undefined,
      durationMs: undefined,
      status: undefined,
      response: undefined,
    };
    const sending: ArchivedItem = { ...item!, state: 'sending', attempts: [open] };
    const to = testQueue({});
    const batches = async function* (): AsyncGenerator<ArchivedItem[]> {
      yield [sending];
    };
    await to.queue.archive.store(batches(), { targets: [], pause: undefined, by: BY, now: 1, detail: {} });
    expect(await allOf(to)).toMatchObject([{ state: 'pending', attempts: [{ outcome: 'unknown', number: 1 }] }]);
  });
});

test('unfinished items copied from a queue that may have sent them are marked so', async () => {
  const { from } = await fullQueue();
  const plain = testQueue({});
  await move(from, plain);
  const copies = testQueue({});
  await move(from, copies, { areCopies: true });
  const arrivals = async ({ queue }: TestQueue): Promise<string[]> => {
    const { items } = await queue.list({ states: [...STATES] }, { limit: 50 });
    return items
      .toSorted((a, b) => a.id - b.id)
      .map(({ state, mayHaveArrived }) => `${state} ${String(mayHaveArrived)}`);
  };
  const before = await arrivals(from);
  expect(await arrivals(plain)).toEqual(before);
  expect(before.filter((text) => text.endsWith(' 1'))).toEqual(['pending 1']);
  expect(await arrivals(copies)).toEqual(
    before.map((text) => (/^(pending|review)/.test(text) ? text.replace('undefined', '0') : text)),
  );
  expect((await copies.queue.status()).reviewGroups).toMatchObject([{ mayHaveArrived: true }]);
  const [waiting] = (await copies.queue.list({ states: ['pending'], entities: [{ type: 'thing', id: 'x' }] })).items;
  const newer = await copies.queue.enqueue(
    { method: 'POST', path: '/behind', entity: 'thing/x', json: 1, target: 'api' },
    { ifQueued: 'keep' },
  );
  expect(newer.id).not.toBe(waiting?.id);
});
