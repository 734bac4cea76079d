import { describe, expect, test } from '@jest/globals';

import type { ArchivedItem, Recipient, StoreOptions } from '../../../../src/core/store/archive.js';
import { testQueue, type TestQueue } from '../../../support/queue.js';
import { startServer } from '../../../support/rest-server.js';
import { archivedItem } from '../../transfer/support.js';

const BY = { who: 'kari', command: 'target accept', reason: undefined };
const write = { method: 'PUT' as const, path: '/a' };
const delivered = (baseUrl: string, target = 'api'): Recipient => ({ baseUrl, target, why: 'delivered' });

/** The same queue, for a config that has the target elsewhere. */
function movedTo({ path }: TestQueue, baseUrl: string): TestQueue {
  return testQueue({ api: { baseUrl } }, { path });
}

let sent = 0;

/** In a lane of its own: what was refused before holds nothing up. */
async function send({ queue }: TestQueue): Promise<void> {
  await queue.enqueue({ ...write, entity: { type: 'thing', id: String(sent++) } });
  await queue.drain();
}

const events = async ({ store }: TestQueue): Promise<unknown[]> =>
  (await store.history({ item: undefined, since: undefined, limit: 100 })).map(({ event, detail }) => [event, detail]);

describe('recipients', () => {
  test('are servers with deliveries, not servers that a target was only bound to', async () => {
    const [server, idle] = [await startServer(), await startServer({ answer: { status: 422 } })];
    const test = testQueue({ api: { baseUrl: server.url }, idle: { baseUrl: idle.url } }, { defaultTarget: 'api' });
    expect(await test.queue.archive.recipients()).toEqual([]);
    await test.queue.enqueue({ ...write, target: 'idle' });
    await send(test);
    expect(idle.requests).toHaveLength(1);
    expect((await test.store.targets()).map(({ boundTo }) => boundTo)).toEqual(expect.arrayContaining([idle.url]));
    expect(await test.queue.archive.recipients()).toEqual([delivered(server.url)]);
  });

  test('stay known when the target moves several times and its items are pruned', async () => {
    const servers = [await startServer(), await startServer(), await startServer()];
    let test = testQueue({ api: { baseUrl: servers[0]!.url } });
    await send(test);
    for (const { url } of servers.slice(1)) {
      test = movedTo(test, url);
      await send(test);
    }
    const urls = servers.map(({ url }) => url);
    const [now, rules] = [test.clock.now(), { completedBefore: test.clock.now() + 1, payloadsBefore: undefined }];
    expect(await test.store.prune(rules, { limit: 100, dryRun: false, now })).toMatchObject({ items: 3 });
    expect(await test.queue.archive.recipients()).toEqual(urls.map((url) => delivered(url)));
    expect(await events(test)).toEqual([
      ['moved', { from: urls[0], to: urls[1], delivered: true }],
      ['moved', { from: urls[1], to: urls[2], delivered: true }],
    ]);
  });

  test('stay known when a person accepts the new base URL', async () => {
    const [old, next] = [await startServer(), await startServer()];
    const first = testQueue({ api: { baseUrl: old.url } });
    await send(first);
    const second = movedTo(first, next.url);
    await second.queue.desk.acceptTarget('api', BY);
    expect(await events(second)).toEqual([['accepted', { from: old.url, to: next.url, delivered: true }]]);
    await second.queue.desk.renameTarget('api', 'other', BY);
    expect(await second.queue.archive.recipients()).toContainEqual(delivered(old.url));
  });

  test('do not grow when a target moves before a delivery, or within a server', async () => {
    const [refusing, server] = [await startServer({ answer: { status: 422 } }), await startServer()];
    const first = testQueue({ api: { baseUrl: refusing.url } });
    await send(first);
    const second = movedTo(first, server.url);
    await second.queue.desk.acceptTarget('api', BY);
    await send(second);
    await send(movedTo(second, `${server.url}/v2`));
    expect(await second.queue.archive.recipients()).toEqual([delivered(`${server.url}/v2`)]);
    expect(await events(second)).toEqual([['accepted', { from: refusing.url, to: server.url, delivered: false }]]);
  });
});

describe('recipients of imported items', () => {
  const store = async ({ queue, clock }: TestQueue, more: Partial<StoreOptions>, id = 1): Promise<unknown> => {
    const batches = async function* (): AsyncGenerator<ArchivedItem[]> {
      yield [archivedItem({ id })];
    };
    const [bound] = [{ name: 'api', order: 'entity' as const, implicitBaseUrl: undefined, boundTo: 'https://a.example.org', delivered: false }]; // prettier-ignore
    return queue.archive.store(batches(), { targets: [bound], pause: undefined, by: BY, now: clock.now(), detail: {}, ...more }); // prettier-ignore
  };

  test('are those recorded in the import', async () => {
    const to = testQueue({});
    const recipients: Recipient[] = [delivered('https://p.example.org', 'gone'), { baseUrl: undefined, target: 'api', why: 'untold' }]; // prettier-ignore
    await store(to, { recipients });
    expect(await to.queue.archive.recipients()).toEqual(recipients);
  });

  test('grow when the same items are imported again after deliveries elsewhere', async () => {
    const to = testQueue({});
    await store(to, { recipients: [] });
    const recipients = [delivered('https://p.example.org')];
    for (let n = 0; n < 3; n += 1) await store(to, { recipients });
    expect(await to.queue.archive.recipients()).toEqual(recipients);
    expect(await events(to)).toHaveLength(2);
  });

  test('are all bound servers, in doubt, when the import recorded none', async () => {
    const to = testQueue({});
    await store(to, {});
    await store(to, { recipients: [] }, 2);
    expect(await to.queue.archive.recipients()).toEqual([
      { baseUrl: 'https://a.example.org', target: 'api', why: 'untold' },
    ]);
  });
});
