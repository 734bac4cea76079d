/** Storing: keys, lanes, waits, `--if-queued`, bulk. */
/* eslint-disable jest/no-export -- a suite that the test file of each store runs */
import { describe, expect, test } from '@jest/globals';

import type { NewItem } from '../../../../src/core/nouns/item.js';
import { about, Bench, bytes, HOUR, item, SECOND, T0, type OpenSubject } from './harness.js';

async function* inBatches(...batches: (readonly NewItem[] | Error)[]): AsyncGenerator<readonly NewItem[]> {
  for (const batch of batches) {
    await Promise.resolve();
    if (batch instanceof Error) throw batch;
    yield batch;
  }
}

export function enqueueConformance(open: OpenSubject): void {
  const bench = (): Promise<Bench> => Bench.open(open);

  describe('enqueue', () => {
    test('ids ascend, are never given twice, and everything that was given comes back', async () => {
      const b = await bench();
      const payload = Uint8Array.from({ length: 256 }, (_, index) => index);
      const given = item({
        method: 'POST',
        path: '/a?b=c',
        headers: { 'x-trace': 'one', 'accept-language': 'nb' },
        contentType: 'application/octet-stream',
        payload,
        ...about('activity/42'),
        operation: 'check-out',
        idempotencyKey: 'order:42',
        notBefore: { delayMs: HOUR },
        expires: { at: T0 + 5 * HOUR },
        maxRetries: 3,
        tags: ['a', 'b'],
      });
      const [first] = await b.add(given);
      const [second] = await b.add({});
      expect(second).toBeGreaterThan(first!);
      const stored = await b.one(first!);
      expect(stored).toMatchObject({
        createdAt: T0,
        method: 'POST',
        path: '/a?b=c',
        headers: given.headers,
        contentType: 'application/octet-stream',
        payloadBytes: 256,
        payloadSha256: '40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880',
        entity: { type: 'activity', id: '42' },
        operation: 'check-out',
        idempotencyKey: 'order:42',
        state: 'pending',
        notBefore: T0 + HOUR,
        expiresAt: T0 + 5 * HOUR,
        maxRetries: 3,
        retryCount: 0,
        attemptCount: 0,
        tags: ['a', 'b'],
        waiting: 'waiting',
        attempts: [],
      });
      expect(Buffer.from(stored.payload!)).toEqual(Buffer.from(payload));
    });

    test('no payload has neither bytes nor a content type, an empty payload has both', async () => {
      const b = await bench();
      const [none, empty] = await b.add({ method: 'DELETE' }, { payload: new Uint8Array(0) });
      expect(await b.one(none!)).toMatchObject({ payload: undefined, payloadBytes: undefined, contentType: undefined });
      expect(await b.one(empty!)).toMatchObject({ payloadBytes: 0, contentType: 'application/json' });
    });

    test('an item that gave no key has one of its own, a UUIDv7', async () => {
      const b = await bench();
      const { idempotencyKey } = await b.enqueue({});
      expect(idempotencyKey).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    });

    test('an implicit target is made with its base URL', async () => {
      const b = await bench();
      await b.add({ target: 'https://a.example', implicitBaseUrl: 'https://a.example' });
      expect(await b.store.targets()).toMatchObject([
        { name: 'https://a.example', implicitBaseUrl: 'https://a.example', order: 'entity', state: 'untried' },
      ]);
    });

    test('one bad item of several stores nothing of the others', async () => {
      const b = await bench();
      await b.add({ idempotencyKey: 'k', path: '/a' });
      const items = [item({ idempotencyKey: 'new' }), item({ idempotencyKey: 'k', path: '/b' })];
      await expect(b.store.enqueue(items, { now: T0, ifQueued: 'append' })).rejects.toMatchObject({
        code: 'key-conflict',
      });
      expect(await b.store.findKey('new')).toBeUndefined();
      expect((await b.status()).counts.pending).toBe(1);
    });
  });

  describe('keys', () => {
    const content = {
      idempotencyKey: 'k',
      path: '/a',
      payload: bytes('{"a":1}'),
      headers: { b: '1', a: '2' },
      ...about('a/1'),
    };

    test('the same key with the same content answers the item that is there', async () => {
      const b = await bench();
      const first = await b.enqueue(content);
      const again = await b.enqueue({ ...content, headers: { a: '2', b: '1' } });
      expect(again).toEqual({ ...first, duplicate: true });
      expect((await b.status()).counts.pending).toBe(1);
    });

    test('times, retries and tags are not part of the content', async () => {
      const b = await bench();
      const first = await b.enqueue(content);
      const again = await b.enqueue({
        ...content,
        tags: ['x'],
        maxRetries: 1,
        notBefore: { delayMs: HOUR },
        expires: { delayMs: HOUR },
      });
      expect(again).toMatchObject({ id: first.id, duplicate: true });
    });

    test.each<[string, Partial<NewItem>]>([
      ['path', { path: '/b' }],
      ['method', { method: 'POST' }],
      ['payload', { payload: bytes('{"a":1.0}') }],
      ['content type', { contentType: 'text/plain' }],
      ['headers', { headers: { b: '1' } }],
      ['entity', about('a/2')],
      ['operation', { operation: 'other' }],
      ['target', { target: 'staging' }],
    ])('the same key with another %s is a key-conflict that names the item', async (_name, other) => {
      const b = await bench();
      const { id } = await b.enqueue(content);
      await expect(b.enqueue({ ...content, ...other })).rejects.toMatchObject({
        code: 'key-conflict',
        message: expect.stringContaining(`item ${id}`),
      });
      expect((await b.status()).counts.pending).toBe(1);
    });

    test('a key answers with the state its item is in by now', async () => {
      const b = await bench();
      const { id } = await b.enqueue(content);
      await (await b.start()).send(id, 'delivered');
      expect(await b.enqueue(content)).toMatchObject({ id, state: 'completed', duplicate: true });
    });

    test('twice in one batch is one item', async () => {
      const b = await bench();
      const results = await b.store.enqueue([item(content), item(content)], { now: T0, ifQueued: 'append' });
      expect(results.map(({ duplicate }) => duplicate)).toEqual([false, true]);
      expect(results[0]!.id).toBe(results[1]!.id);
    });

    test('the key that an edited item had before still answers for what it had then', async () => {
      const b = await bench();
      const { id } = await b.enqueue(content);
      const newKey = await b.edit(id);
      expect(await b.enqueue(content)).toMatchObject({ id, duplicate: true });
      expect(await b.store.findKey('k')).toBe(id);
      expect(await b.store.findKey(newKey)).toBe(id);
      await expect(b.enqueue({ ...content, path: '/b' })).rejects.toMatchObject({ code: 'key-conflict' });
    });

    test('the key of a pruned item still answers, and still tells other content', async () => {
      const b = await bench();
      const { id } = await b.enqueue(content);
      await (await b.start()).send(id, 'delivered');
      await b.store.prune(
        { completedBefore: b.now + 1, payloadsBefore: undefined },
        { limit: 10, dryRun: false, now: b.now },
      );
      expect(await b.store.get([id], b.now)).toEqual([]);
      expect(await b.enqueue(content)).toMatchObject({ id, state: 'completed', duplicate: true });
      await expect(b.enqueue({ ...content, path: '/b' })).rejects.toMatchObject({ code: 'key-conflict' });
      expect(await b.store.findKey('k')).toBe(id);
      const fresh = await b.enqueue({ ...content, idempotencyKey: 'other' });
      expect(fresh.id).toBeGreaterThan(id);
    });
  });

  describe('lanes', () => {
    test('entity: items of one entity wait for each other, others do not', async () => {
      const b = await bench();
      const [a1, , b1, none1, , other] = await b.add(
        about('a/1'),
        about('a/1'),
        about('b/1'),
        {},
        {},
        { target: 'staging', ...about('a/1') },
      );
      expect(await (await b.start()).claimIds()).toEqual([a1, b1, none1, other]);
      expect(await b.fourWays()).toEqual({ due: 0, waiting: 0, held: 0, blocked: 2 });
    });

    test('strict: one lane for the whole target', async () => {
      const b = await bench();
      await b.order('strict');
      const [first] = await b.add(about('a/1'), about('b/1'), {});
      expect(await (await b.start()).claimIds()).toEqual([first]);
    });

    test('none: every item is its own lane', async () => {
      const b = await bench();
      await b.order('none');
      const ids = await b.add(about('a/1'), about('a/1'), {}, {});
      expect(await (await b.start()).claimIds()).toEqual(ids);
    });

    test('an item that waits for its time blocks the ones behind it in its lane', async () => {
      const b = await bench();
      const [head, behind] = await b.add({ ...about('a/1'), notBefore: { delayMs: HOUR } }, about('a/1'));
      const sender = await b.start();
      expect(await sender.claimIds()).toEqual([]);
      expect(await b.one(behind!)).toMatchObject({
        waiting: 'blocked',
        waitingOn: { kind: 'item', id: head, state: 'pending', notBefore: T0 + HOUR },
      });
      b.now += HOUR;
      expect(await sender.claimIds()).toEqual([head]);
    });

    test('an item without entity and with a time ahead has a lane of its own', async () => {
      const b = await bench();
      const [delayed, now] = await b.add({ notBefore: { delayMs: HOUR } }, {});
      const sender = await b.start();
      expect(await sender.claimIds()).toEqual([now]);
      expect(await b.fourWays()).toMatchObject({ waiting: 1, blocked: 0 });
      b.now += HOUR;
      expect(await sender.claimIds()).toEqual([delayed]);
    });

    test('a due time that has passed already is due', async () => {
      const b = await bench();
      const ids = await b.add({ ...about('a/1'), notBefore: { at: T0 - HOUR } });
      expect(await (await b.start()).claimIds()).toEqual(ids);
    });

    test('in a strict lane a delayed head holds everything behind it', async () => {
      const b = await bench();
      await b.order('strict');
      await b.add({ notBefore: { delayMs: HOUR } }, about('b/1'));
      expect(await (await b.start()).claimIds()).toEqual([]);
      expect(await b.fourWays()).toEqual({ due: 0, waiting: 1, held: 0, blocked: 1 });
    });
  });

  describe('if-queued', () => {
    const write = about('a/1');

    test('keep answers the unsent item of the same target, entity and operation', async () => {
      const b = await bench();
      const { id } = await b.enqueue(write);
      expect(await b.enqueue({ ...write, path: '/newer' }, 'keep')).toMatchObject({
        id,
        duplicate: true,
        state: 'pending',
      });
      expect((await b.status()).counts.pending).toBe(1);
    });

    test.each<[string, Partial<NewItem>]>([
      ['target', { target: 'staging' }],
      ['entity', about('a/2')],
      ['operation', { operation: 'submit' }],
    ])('keep appends when the %s is another', async (_name, other) => {
      const b = await bench();
      await b.enqueue(write);
      expect(await b.enqueue({ ...write, ...other }, 'keep')).toMatchObject({ duplicate: false });
    });

    test('keep appends when the old one was on the wire', async () => {
      const b = await bench();
      const { id } = await b.enqueue(write);
      await (await b.start()).send(id, 'unknown');
      expect(await b.enqueue(write, 'keep')).toMatchObject({ duplicate: false });
    });

    test('replace discards the old one with a note, and the new one takes its lane', async () => {
      const b = await bench();
      const { id: old } = await b.enqueue(write);
      const { id, replaced } = await b.enqueue({ ...write, path: '/newer' }, 'replace');
      expect(replaced).toBe(old);
      expect(await b.states(old, id)).toEqual(['discarded', 'pending']);
      expect(await b.store.history({ item: old, since: undefined, limit: 10 })).toMatchObject([{ event: 'discarded' }]);
      expect(await (await b.start()).claimIds()).toEqual([id]);
    });

    test('replace leaves an old one that another write follows, and appends', async () => {
      const b = await bench();
      const [old, submit] = await b.add(write, { ...write, operation: 'submit' });
      const { id, replaced } = await b.enqueue(write, 'replace');
      expect(replaced).toBeUndefined();
      expect(await b.states(old!, submit!, id)).toEqual(['pending', 'pending', 'pending']);
    });

    test('replace leaves an old one that was on the wire or is being sent', async () => {
      const b = await bench();
      const { id: old } = await b.enqueue(write);
      const sender = await b.start();
      const [claim] = await sender.claim();
      expect(await b.enqueue(write, 'replace')).toMatchObject({ replaced: undefined });
      await sender.settle(claim!, 'unknown');
      expect(await b.enqueue({ ...write, operation: 'x' }, 'replace')).toMatchObject({ replaced: undefined });
      expect(await b.states(old)).toEqual(['pending']);
    });

    test('replace of the last of three keeps the first at the head', async () => {
      const b = await bench();
      const [first, second] = await b.add({ ...write, operation: 'create' }, write);
      const { id, replaced } = await b.enqueue(write, 'replace');
      expect(replaced).toBe(second);
      expect(await (await b.start()).claimIds()).toEqual([first]);
      expect(await b.one(id)).toMatchObject({ waiting: 'blocked', waitingOn: { id: first } });
    });

    test('replace under order none works without a lane', async () => {
      const b = await bench();
      await b.order('none');
      const { id: old } = await b.enqueue(write);
      const { id, replaced } = await b.enqueue(write, 'replace');
      expect(replaced).toBe(old);
      expect(await (await b.start()).claimIds()).toEqual([id]);
    });

    test('the key comes before if-queued', async () => {
      const b = await bench();
      const { id } = await b.enqueue({ ...write, idempotencyKey: 'k' });
      await b.enqueue(write);
      expect(await b.enqueue({ ...write, idempotencyKey: 'k' }, 'replace')).toMatchObject({ id, duplicate: true });
    });
  });

  describe('bulk', () => {
    test('stores all batches in order and counts what was there already', async () => {
      const b = await bench();
      await b.add({ idempotencyKey: 'k' });
      const batches = inBatches(
        [item(about('a/1')), item({ idempotencyKey: 'k' })],
        [item(about('a/1')), item(about('b/1'))],
      );
      const result = await b.store.bulk(batches, { now: () => T0 });
      expect(result).toMatchObject({ count: 4, duplicates: 1, lastId: result.firstId! + 2 });
      expect((await b.status()).counts.pending).toBe(4);
      expect((await b.fourWays()).blocked).toBe(1);
    });

    test('a failing source stores nothing of what came before', async () => {
      const b = await bench();
      const failing = inBatches([item(about('a/1')), item({ target: 'new' })], new Error('line 3 is bad'));
      await expect(b.store.bulk(failing, { now: () => T0 })).rejects.toThrow('line 3 is bad');
      expect((await b.status()).counts.pending).toBe(0);
      expect(await b.store.targets()).toEqual([]);
    });

    test('a key conflict in a late batch stores nothing', async () => {
      const b = await bench();
      const bad = inBatches([item({ idempotencyKey: 'k' })], [item({ idempotencyKey: 'k', path: '/other' })]);
      await expect(b.store.bulk(bad, { now: () => T0 })).rejects.toMatchObject({ code: 'key-conflict' });
      expect(await b.store.findKey('k')).toBeUndefined();
    });

    test('no batch at all is no failure', async () => {
      const b = await bench();
      const empty = { firstId: undefined, lastId: undefined, count: 0, duplicates: 0 };
      expect(await b.store.bulk(inBatches(), { now: () => T0 })).toEqual(empty);
    });

    test('others of the same program wait for a bulk that is under way', async () => {
      const b = await bench();
      let goOn = (): void => undefined;
      const gate = new Promise<void>((resolve) => (goOn = resolve));
      async function* slow(): AsyncGenerator<NewItem[]> {
        yield [item({ path: '/first' })];
        await gate;
        yield [item({ path: '/second' })];
      }
      const bulk = b.store.bulk(slow(), { now: () => T0 });
      await new Promise((resolve) => setTimeout(resolve, 20));
      const single = b.enqueue({ path: '/third' });
      goOn();
      const { firstId, lastId } = await bulk;
      expect(lastId).toBe(firstId! + 1);
      expect((await single).id).toBe(lastId! + 1);
    });
  });

  test('waits and deadlines given as a span count from the moment of storing', async () => {
    const b = await bench();
    b.now = T0 + 7 * SECOND;
    const [id] = await b.add({ notBefore: { delayMs: SECOND }, expires: { delayMs: HOUR } });
    expect(await b.one(id!)).toMatchObject({ notBefore: T0 + 8 * SECOND, expiresAt: T0 + 7 * SECOND + HOUR });
  });
}
