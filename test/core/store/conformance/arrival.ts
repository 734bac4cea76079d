/** Attempts that may have arrived: remembered until the item ends, whatever comes after them. */
/* eslint-disable jest/no-export -- a suite that the test file of each store runs */
import { describe, expect, test } from '@jest/globals';

import type { Edit } from '../../../../src/core/store/store.js';
import { about, Bench, bytes, type OpenSubject } from './harness.js';

const arrived = { mayHaveArrived: true };
const edit = (revision = 0): Edit => ({
  revision,
  content: { path: '/a', headers: {}, contentType: 'application/json', payload: bytes('{"a":2}') },
  fields: ['/a'],
});

export function arrivalConformance(open: OpenSubject): void {
  const bench = (): Promise<Bench> => Bench.open(open);

  describe('an attempt that may have arrived', () => {
    test('is remembered by its number, the first of several, until the item ends', async () => {
      const b = await bench();
      const [id] = await b.add(about('a/1'));
      const sender = await b.start();
      const seen: (number | undefined)[] = [];
      const look = async (): Promise<void> => void seen.push((await b.one(id!)).mayHaveArrived);
      await sender.send(id!, 'offline');
      await look();
      await sender.send(id!, 'unknown', arrived);
      await look();
      await sender.send(id!, 'transient', { ...arrived, status: 500 });
      await look();
      await sender.send(id!, 'conflict', { status: 409 });
      await look();
      await b.change({ kind: 'edit', id: id!, yes: true, ...edit() });
      await look();
      await b.retry(id!);
      await look();
      const [claim] = await sender.claim();
      await look();
      expect(claim!.facts.mayHaveArrived).toBe(2);
      await sender.settle(claim!, 'delivered');
      await look();
      expect(seen).toEqual([undefined, 2, 2, 2, 2, 2, 2, undefined]);
    });

    test('is the one of a runner that died, also when the next answer is a refusal', async () => {
      const b = await bench();
      const [id, behind] = await b.add(about('a/1'), about('a/1'));
      const dead = await b.start();
      await dead.claim();
      expect(await b.one(id!)).toMatchObject({ state: 'sending', mayHaveArrived: undefined });
      await b.subject.killRunner(dead.session);
      expect(await b.one(id!)).toMatchObject({ state: 'sending', isOrphaned: true, mayHaveArrived: 1 });
      expect((await b.one(behind!)).waitingOn).toMatchObject({ id, mayHaveArrived: 1 });
      await (await b.start()).send(id!, 'rejected', { status: 422 });
      expect(await b.one(id!)).toMatchObject({ state: 'review', mayHaveArrived: 1 });
    });

    test('puts its item into another review group, which a list of items of the same cause respects', async () => {
      const b = await bench();
      const [lost, plain, first] = await b.add(about('a/1'), about('a/2'), about('a/3'));
      const sender = await b.start();
      const [one, two, three] = await sender.claim(3);
      const refusal = { status: 409, message: 'exists' };
      await sender.settle(one!, 'unknown', arrived);
      await sender.settle(two!, 'conflict', refusal);
      await sender.settle(three!, 'conflict', { ...refusal, ...arrived });
      await sender.send(lost!, 'conflict', refusal);
      const { reviewGroups } = await b.status();
      expect(reviewGroups).toMatchObject([
        { count: 2, firstId: lost, status: 409, message: 'exists', mayHaveArrived: true },
        { count: 1, firstId: plain, status: 409, message: 'exists', mayHaveArrived: false },
      ]);
      expect(await b.list({ like: lost! })).toEqual([lost, first]);
      expect(await b.list({ like: plain! })).toEqual([plain]);
      const groups = [{ mayHaveArrived: true }, { mayHaveArrived: false }];
      const filter = { states: ['review' as const] };
      expect(await b.change({ kind: 'discard', filter, dryRun: true })).toMatchObject({
        groups,
        unknown: [lost, first],
      });
    });

    test('of the item ahead is known to those that wait behind it', async () => {
      const b = await bench();
      const [ahead, behind] = await b.add(about('a/1'), about('a/1'));
      const sender = await b.start();
      await sender.send(ahead!, 'unknown', arrived);
      await sender.send(ahead!, 'conflict');
      expect((await b.one(behind!)).waitingOn).toMatchObject({ kind: 'item', id: ahead, mayHaveArrived: 1 });
    });

    test('keeps an edit from being made, or begun, until somebody says yes: a new key makes another write of it', async () => {
      const b = await bench();
      const [id] = await b.add({ payload: bytes('{"a":1}') });
      const sender = await b.start();
      await sender.send(id!, 'unknown', arrived);
      await sender.send(id!, 'conflict');
      const before = await b.one(id!);
      const skipped = [{ id, code: 'confirm-needed', reason: 'attempt 1 may have arrived' }];
      expect(await b.change({ kind: 'edit', id: id!, ...edit() })).toMatchObject({ changed: [], skipped });
      expect(await b.change({ kind: 'begin-edit', id: id! })).toMatchObject({ changed: [], skipped });
      expect(await b.one(id!)).toEqual(before);
      expect(await b.change({ kind: 'edit', id: id!, yes: true, ...edit() })).toMatchObject({
        changed: [id],
        unknown: [id],
      });
      expect((await b.one(id!)).idempotencyKey).not.toBe(before.idempotencyKey);
      expect(await b.retry(id!)).toMatchObject({ changed: [id], unknown: [id], underNewKey: [id] });
    });

    test('needs no yes for a retry, which keeps the key, and is none under a new key when it came after the edit', async () => {
      const b = await bench();
      const [id] = await b.add({ payload: bytes('{"a":1}') });
      await b.change({ kind: 'edit', id: id!, ...edit() });
      const sender = await b.start();
      await sender.send(id!, 'unknown', arrived);
      await sender.send(id!, 'conflict');
      expect(await b.retry(id!)).toMatchObject({ changed: [id], unknown: [id], underNewKey: [] });
    });

    test('is in the history of what people then did', async () => {
      const b = await bench();
      const [id] = await b.add({});
      const sender = await b.start();
      await sender.send(id!, 'unknown', arrived);
      await sender.send(id!, 'rejected');
      await b.discard(id!);
      expect((await b.store.history({ item: id, since: undefined, limit: 1 }))[0]?.detail).toMatchObject({
        mayHaveArrived: 1,
      });
    });
  });

  describe('an item that was claimed once', () => {
    test.each(['keep', 'replace'] as const)('and given back is left alone by --if-queued %s', async (ifQueued) => {
      const b = await bench();
      const [id] = await b.add({ ...about('a/1'), payload: bytes('1') });
      const sender = await b.start();
      const [claim] = await sender.claim();
      await sender.step({ release: [claim!] });
      expect(await b.one(id!)).toMatchObject({ state: 'pending', attemptCount: 0, mayHaveArrived: undefined });
      expect(await b.enqueue({ ...about('a/1'), payload: bytes('2') }, ifQueued)).toMatchObject({
        id: id! + 1,
        duplicate: false,
        replaced: undefined,
      });
      expect(await b.states(id!)).toEqual(['pending']);
    });
  });
}
