/** The support desk: editing, forgetting, and how old what waits is. */
/* eslint-disable jest/no-export -- a suite that the test file of each store runs */
import { describe, expect, test } from '@jest/globals';

import type { Edit, ItemContent } from '../../../../src/core/store/store.js';
import { about, Bench, bytes, HOUR, item, SECOND, type OpenSubject } from './harness.js';

const DAY = 24 * HOUR;

const content = (more: Partial<ItemContent> = {}): ItemContent => ({
  path: '/activities/1',
  headers: {},
  contentType: 'application/json',
  payload: bytes('{"a":2}'),
  ...more,
});
const edit = (revision = 0, more: Partial<ItemContent> = {}): Edit => ({
  revision,
  content: content(more),
  fields: ['/a'],
});
const KARI = { who: 'kari', command: 'erase', reason: undefined };

export function deskConformance(open: OpenSubject): void {
  const bench = (): Promise<Bench> => Bench.open(open);

  describe('an edit', () => {
    test('keeps id, place and attempts, and gives the new version a key of its own', async () => {
      const b = await bench();
      const [first, second] = await b.add({ ...about('a/1'), payload: bytes('{"a":1}') }, about('a/1'));
      const sender = await b.start();
      await sender.send(first!, 'rejected', { status: 422 });
      const before = await b.one(first!);
      b.now += SECOND;
      const report = await b.change({ kind: 'edit', id: first!, ...edit() }, 'a typo');
      expect(report).toMatchObject({ changed: [first], from: { review: 1 }, unknown: [] });
      const after = await b.one(first!);
      expect(Buffer.from(after.payload!).toString()).toBe('{"a":2}');
      expect(after).toMatchObject({ state: 'review', reviewReason: 'rejected', revision: 1, attemptCount: 1 });
      expect(after.idempotencyKey).not.toBe(before.idempotencyKey);
      expect(after.attempts[0]!.idempotencyKey).toBe(before.idempotencyKey);
      expect(await b.store.revisions(first!)).toMatchObject([
        {
          number: 0,
          at: b.now,
          who: 'kari',
          reason: 'a typo',
          attempts: 1,
          idempotencyKey: before.idempotencyKey,
          payloadBytes: 7,
        },
      ]);
      await b.retry(first!);
      expect(await sender.claimIds()).toEqual([first]);
      expect(await b.one(second!)).toMatchObject({ waiting: 'blocked' });
    });

    test('lets the old key and the new one answer a repeated enqueue, each with its own content', async () => {
      const b = await bench();
      const draft = { payload: bytes('{"a":1}'), idempotencyKey: 'old' };
      const [id] = await b.add(draft);
      await b.change({ kind: 'edit', id: id!, ...edit() });
      const { idempotencyKey: key } = await b.one(id!);
      expect(await b.enqueue(draft)).toMatchObject({ id, duplicate: true });
      expect(await b.enqueue({ payload: bytes('{"a":2}'), idempotencyKey: key })).toMatchObject({
        id,
        duplicate: true,
      });
      await expect(b.enqueue({ payload: bytes('{"a":2}'), idempotencyKey: 'old' })).rejects.toMatchObject({
        code: 'key-conflict',
      });
    });

    test('makes the key that the server may know already another one, and a retry says so', async () => {
      const b = await bench();
      const [id] = await b.add({ payload: bytes('{"a":1}') });
      await (await b.start()).send(id!, 'unknown');
      const retry = { kind: 'retry', filter: { ids: [id!] }, expires: undefined, dryRun: false } as const;
      expect(await b.change(retry)).toMatchObject({ unknown: [id], underNewKey: [] });
      await b.change({ kind: 'edit', id: id!, yes: true, ...edit() });
      expect(await b.change(retry)).toMatchObject({ unknown: [id], underNewKey: [id] });
    });

    test('sends the new bytes of a pending item, in backoff or not, and forgets its fail mark', async () => {
      const b = await bench();
      const [id] = await b.add({ payload: bytes('{"a":1}') });
      const sender = await b.start();
      await sender.send(id!, 'transient', { retryAfterMs: HOUR });
      await b.change({ kind: 'edit', id: id!, ...edit() });
      expect(await b.one(id!)).toMatchObject({ state: 'pending', waiting: 'waiting', notBefore: b.now + HOUR });
      b.now += HOUR;
      const [claim] = await sender.claim();
      expect(Buffer.from(claim!.request.payload!).toString()).toBe('{"a":2}');
      expect(claim!.facts).toMatchObject({ failMark: undefined, retryCount: 1, attemptNumber: 2 });
    });

    test('is refused while the item is sent, once it is final, and when somebody else was quicker', async () => {
      const b = await bench();
      const [id] = await b.add({ payload: bytes('{"a":1}') });
      await b.change({ kind: 'edit', id: id!, ...edit() });
      expect((await b.change({ kind: 'edit', id: id!, ...edit(0) })).skipped).toMatchObject([
        { id, reason: expect.stringContaining('somebody else') },
      ]);
      const sender = await b.start();
      const [claim] = await sender.claim();
      expect((await b.change({ kind: 'edit', id: id!, ...edit(1) })).skipped).toMatchObject([{ id, state: 'sending' }]);
      await sender.settle(claim!, 'delivered');
      expect((await b.change({ kind: 'edit', id: id!, ...edit(1) })).skipped).toMatchObject([
        { id, state: 'completed' },
      ]);
      expect((await b.change({ kind: 'edit', id: 99, ...edit() })).missing).toEqual([99]);
      expect(await b.store.revisions(id!)).toHaveLength(1);
    });

    test('warns of an item that the server may have', async () => {
      const b = await bench();
      const [id] = await b.add({});
      await (await b.start()).send(id!, 'unknown');
      expect(await b.change({ kind: 'edit', id: id!, yes: true, ...edit() })).toMatchObject({
        changed: [id],
        unknown: [id],
      });
    });
  });

  describe('an item that is open in an editor', () => {
    test('is in review (editing), blocks its lane, and comes back to where it stood in it', async () => {
      const b = await bench();
      const [first, second] = await b.add({ ...about('a/1'), payload: bytes('{"a":1}') }, about('a/1'));
      const { token } = await b.change({ kind: 'begin-edit', id: first! });
      expect(await b.one(first!)).toMatchObject({ state: 'review', reviewReason: 'editing' });
      const sender = await b.start();
      expect(await sender.claimIds()).toEqual([]);
      await b.change({ kind: 'end-edit', id: first!, token: token!, edit: edit() });
      expect(await b.one(first!)).toMatchObject({ state: 'pending', waiting: 'due', revision: 1 });
      expect(await sender.claimIds()).toEqual([first]);
      expect(await b.one(second!)).toMatchObject({ waiting: 'blocked' });
    });

    test('goes back to the middle of its lane, to its wait, and to its cause, when the edit is abandoned', async () => {
      const b = await bench();
      const [bad, waits, behind] = await b.add(about('a/1'), about('b/1'), about('a/1'));
      const sender = await b.start();
      const [first, second] = await sender.claim();
      await sender.settle(first!, 'rejected', { status: 422, message: 'no' });
      await sender.settle(second!, 'transient', { retryAfterMs: HOUR });
      for (const id of [bad!, waits!, behind!]) {
        const before = await b.one(id);
        const { token } = await b.change({ kind: 'begin-edit', id });
        b.now += SECOND;
        expect((await b.change({ kind: 'end-edit', id, token: token!, edit: undefined })).changed).toEqual([id]);
        expect(await b.one(id)).toEqual(before);
      }
      expect((await b.status()).reviewGroups).toMatchObject([{ reason: 'rejected', count: 1, message: 'no' }]);
    });

    test('is freed by retry, and the late end of the edit then changes nothing', async () => {
      const b = await bench();
      const [id] = await b.add({ payload: bytes('{"a":1}') });
      const { token } = await b.change({ kind: 'begin-edit', id: id! });
      expect((await b.change({ kind: 'begin-edit', id: id! })).skipped[0]!.reason).toMatch(
        /kari has it open.*syncq retry/,
      );
      expect((await b.change({ kind: 'edit', id: id!, ...edit() })).skipped).toHaveLength(1);
      await b.retry(id!);
      expect((await b.change({ kind: 'end-edit', id: id!, token: token!, edit: edit() })).skipped).toHaveLength(1);
      const again = await b.change({ kind: 'begin-edit', id: id! });
      expect((await b.change({ kind: 'end-edit', id: id!, token: token!, edit: edit() })).skipped).toHaveLength(1);
      await b.change({ kind: 'end-edit', id: id!, token: again.token!, edit: undefined });
      expect(await b.one(id!)).toMatchObject({ state: 'pending', revision: 0 });
    });
  });

  describe('items of one cause', () => {
    test('are found by any one of them', async () => {
      const b = await bench();
      const ids = await b.add(
        { operation: 'a', ...about('a/1') },
        { operation: 'a', ...about('a/2') },
        { operation: 'b', ...about('a/3') },
      );
      const sender = await b.start();
      for (const claim of await sender.claim()) await sender.settle(claim, 'rejected', { status: 422, message: 'no' });
      expect(await b.list({ like: ids[1]! })).toEqual([ids[0], ids[1]]);
      expect(await b.list({ like: 99 })).toEqual([]);
      const report = await b.change({ kind: 'retry', filter: { like: ids[2]! }, expires: undefined, dryRun: false });
      expect(report.changed).toEqual([ids[2]]);
    });
  });

  describe('retention', () => {
    const prune = async (b: Bench, rules: { completed?: number; payloads?: number }, limit = 100, dryRun = false) =>
      b.store.prune(
        {
          completedBefore: rules.completed === undefined ? undefined : b.now - rules.completed,
          payloadsBefore: rules.payloads === undefined ? undefined : b.now - rules.payloads,
        },
        { limit, dryRun, now: b.now },
      );

    test('removes finished items by their end, a few at a time, and nothing that is unfinished', async () => {
      const b = await bench();
      const [done, dropped, bad, waits] = await b.add(about('a/1'), about('a/2'), about('a/3'), about('a/4'));
      const sender = await b.start();
      const [one, , three] = await sender.claim(3);
      await sender.settle(one!, 'delivered');
      await sender.settle(three!, 'rejected', { status: 422 });
      const [, two] = await sender.claim(0);
      expect(two).toBeUndefined();
      await sender.end();
      const next = await b.start();
      await b.discard(dropped!);
      b.now += 10 * DAY;
      const [late] = await b.add(about('a/5'));
      await next.step();
      await b.retry(waits!);
      expect(await prune(b, { completed: 30 * DAY })).toEqual({ items: 0, payloads: 0, more: false });
      expect(await prune(b, { completed: DAY }, 100, true)).toEqual({ items: 2, payloads: 0, more: false });
      expect(await prune(b, { completed: DAY }, 1)).toEqual({ items: 1, payloads: 0, more: true });
      expect(await prune(b, { completed: DAY }, 100)).toEqual({ items: 1, payloads: 0, more: false });
      expect((await b.store.get([done!, dropped!, bad!, waits!, late!], b.now)).map(({ id }) => id)).toEqual([
        bad,
        waits,
        late,
      ]);
      expect((await b.status()).counts).toMatchObject({ completed: 0, discarded: 0, review: 1, pending: 2 });
    });

    test('lets the keys of removed items go on to answer for a year, older ones included', async () => {
      const b = await bench();
      const draft = { ...about('a/1'), payload: bytes('{"a":1}'), idempotencyKey: 'first' };
      const [id] = await b.add(draft);
      await b.change({ kind: 'edit', id: id!, ...edit() });
      const { idempotencyKey: key } = await b.one(id!);
      await (await b.start()).send(id!, 'delivered');
      b.now += 2 * DAY;
      expect(await b.store.pruned([id!])).toEqual([]);
      await prune(b, { completed: DAY });
      const left = { id, idempotencyKey: key, state: 'completed', removedAt: b.now };
      expect(await b.store.pruned([id!, id! + 1])).toEqual([left]);
      expect(await b.enqueue(draft)).toMatchObject({ id, duplicate: true, state: 'completed' });
      expect(await b.enqueue({ ...draft, payload: bytes('{"a":2}'), idempotencyKey: key })).toMatchObject({
        id,
        duplicate: true,
      });
      await expect(b.enqueue({ ...draft, payload: bytes('3') })).rejects.toMatchObject({ code: 'key-conflict' });
      b.now += 366 * DAY;
      await prune(b, { completed: DAY });
      expect(await b.store.pruned([id!])).toEqual([]);
      expect(await b.enqueue(draft)).toMatchObject({ duplicate: false });
    });

    test('removes the payload alone where only that is asked for; length, checksum and key stay', async () => {
      const b = await bench();
      const draft = { payload: bytes('{"a":1}'), idempotencyKey: 'first' };
      const [id, bodiless] = await b.add(draft, {});
      const sender = await b.start();
      await sender.send(id!, 'transient', { message: 'said {"a":1}' });
      await sender.send(id!, 'delivered', {
        response: { status: 200, headers: {}, body: bytes('said {"a":1}'), complete: true },
      });
      await sender.send(bodiless!, 'delivered');
      const { payloadSha256 } = await b.one(id!);
      b.now += 2 * DAY;
      expect(await prune(b, { payloads: DAY, completed: 30 * DAY }, 100, true)).toEqual({
        items: 0,
        payloads: 1,
        more: false,
      });
      expect(await prune(b, { payloads: DAY, completed: 30 * DAY })).toEqual({ items: 0, payloads: 1, more: false });
      expect(await prune(b, { payloads: DAY, completed: 30 * DAY })).toEqual({ items: 0, payloads: 0, more: false });
      const after = await b.one(id!);
      expect(after).toMatchObject({
        payload: undefined,
        payloadGone: true,
        payloadBytes: 7,
        payloadSha256,
        state: 'completed',
      });
      expect(JSON.stringify(after)).not.toContain('said');
      expect(await b.one(bodiless!)).toMatchObject({ payloadGone: false });
      expect(await b.enqueue(draft)).toMatchObject({ id, duplicate: true });
      expect(await b.store.lastPrune()).toBe(b.now);
    });
  });

  describe('erase', () => {
    test('removes everything about one entity but a tombstone, and discards what is unfinished', async () => {
      const b = await bench();
      const marked = { payload: bytes('{"who":"MARK"}') };
      const [done, bad, later, other] = await b.add(
        { ...about('person/7'), ...marked },
        { ...about('person/7'), ...marked },
        { ...about('person/7'), ...marked },
        { ...about('person/8'), ...marked },
      );
      const sender = await b.start();
      await sender.send(done!, 'delivered', {
        response: { status: 200, headers: {}, body: bytes('MARK'), complete: true },
      });
      const claims = await sender.claim();
      for (const claim of claims)
        await sender.settle(claim, 'rejected', { status: 422, message: `no MARK ${claim.item}`, cause: 'no' });
      await b.change({ kind: 'edit', id: bad!, ...edit(0, { payload: bytes('{"who":"MARK 2"}') }) }, 'MARK was wrong');
      const shown = await b.store.erase({ type: 'person', id: '7' }, { dryRun: true, by: KARI, now: b.now });
      expect(shown).toMatchObject({ items: [done, bad, later], discarded: [bad, later] });
      expect(await b.states(bad!)).toEqual(['review']);
      const report = await b.store.erase({ type: 'person', id: '7' }, { dryRun: false, by: KARI, now: b.now });
      expect(report).toMatchObject({ items: [done, bad, later], discarded: [bad, later], revisions: 1, cleared: true });
      const left = await b.store.get([done!, bad!, later!], b.now);
      expect(left.map(({ state, payloadGone, payload }) => ({ state, payloadGone, payload }))).toEqual([
        { state: 'completed', payloadGone: true, payload: undefined },
        { state: 'discarded', payloadGone: true, payload: undefined },
        { state: 'discarded', payloadGone: true, payload: undefined },
      ]);
      const history = await b.store.history({ item: undefined, since: undefined, limit: 100 });
      expect(JSON.stringify([left, history])).not.toContain('MARK');
      expect(history.filter(({ event }) => event === 'erased').map(({ item: id }) => id)).toEqual([done, bad, later]);
      // The cause goes on with the words of the item that still has it.
      expect((await b.status()).reviewGroups).toMatchObject([
        { firstId: other, count: 1, message: `no MARK ${other}` },
      ]);
      expect(await b.store.erase({ type: 'person', id: '7' }, { dryRun: false, by: KARI, now: b.now })).toMatchObject({
        items: [],
      });
    });

    test('lets the next of a shared lane go on, and spares an item that somebody has open', async () => {
      const b = await bench();
      await b.order('strict');
      const [gone, next] = await b.add(about('person/7'), about('person/8'));
      const { token } = await b.change({ kind: 'begin-edit', id: next! });
      await b.store.erase({ type: 'person', id: '7' }, { dryRun: false, by: KARI, now: b.now });
      await b.change({ kind: 'end-edit', id: next!, token: token!, edit: undefined });
      const sender = await b.start();
      expect(await sender.claimIds()).toEqual([next]);
      expect(await b.states(gone!)).toEqual(['discarded']);
    });

    test('is refused while an item about it is being sent', async () => {
      const b = await bench();
      const [id] = await b.add({ ...about('person/7'), payload: bytes('1') });
      await (await b.start()).claim();
      const erasing = b.store.erase({ type: 'person', id: '7' }, { dryRun: false, by: KARI, now: b.now });
      await expect(erasing).rejects.toMatchObject({ code: 'busy' });
      expect(await b.states(id!)).toEqual(['sending']);
    });
  });

  describe('ages', () => {
    test('are counted by target, waiting and review apart, from the later of storing and the asked-for time', async () => {
      const b = await bench();
      await b.add(about('a/1'), { ...about('a/2'), target: 'other' });
      b.now += 2 * DAY;
      const [fresh] = await b.add(about('a/3'), { ...about('a/4'), notBefore: { delayMs: HOUR } });
      const sender = await b.start();
      const claims = await sender.claim();
      await sender.settle(
        claims.find((claim) => claim.item === fresh)!,
        'rejected',
        { status: 422 },
      );
      const cells = await b.store.ages(b.now);
      expect(cells).toHaveLength(4);
      expect(cells).toEqual(
        expect.arrayContaining([
          { target: 'main', kind: 'waiting', bucket: 5, count: 1, capped: false },
          { target: 'other', kind: 'waiting', bucket: 5, count: 1, capped: false },
          { target: 'main', kind: 'waiting', bucket: 0, count: 1, capped: false },
          { target: 'main', kind: 'review', bucket: 0, count: 1, capped: false },
        ]),
      );
      expect(item().target).toBe('main');
    });
  });
}
