/** Items moved whole from one queue into another of the same kind. */
/* eslint-disable jest/no-export -- part of a suite that the test file of each store runs */
import { describe, expect, test } from '@jest/globals';

import type { ArchivedItem, StoreOptions, StoreReport } from '../../../../src/core/store/archive.js';
import type { Store } from '../../../../src/core/store/store.js';
import { about, Bench, bytes, HOUR, item, type OpenSubject } from './harness.js';

const BY = { who: 'kari', command: 'import', reason: undefined };
const SERVER = 'https://api.example.org/v1';

async function allOf({ archive }: Store): Promise<ArchivedItem[]> {
  const { lastId } = await archive.extent({});
  const items: ArchivedItem[] = [];
  for (let after = 0; ; after = items.at(-1)!.id) {
    const page = await archive.scan({}, { after, upTo: lastId, limit: 2 });
    if (page.length === 0) return items;
    items.push(...page);
  }
}

async function move(b: Bench, to: Store, more: Partial<StoreOptions> = {}): Promise<StoreReport> {
  const items = await allOf(b.store);
  const batches = async function* (): AsyncGenerator<ArchivedItem[]> {
    for (const item of items) yield [item];
  };
  const targets = await b.store.archive.targets();
  return to.archive.store(batches(), { targets, pause: undefined, by: BY, now: b.now, detail: {}, ...more });
}

/** Completed, in review, blocked behind it, backing off, waiting, edited; one target is bound to a server. */
async function fill(b: Bench): Promise<number[]> {
  const ids = await b.add(
    { ...about('a/1'), payload: bytes('{"a":1}'), tags: ['x'] },
    { ...about('b/1'), payload: bytes('{"b":1}'), headers: { 'accept-language': 'nb' } },
    about('b/1'),
    about('c/1'),
    { notBefore: { at: b.now + HOUR } },
  );
  const sender = await b.start();
  const [target] = await b.store.targets();
  await sender.step({ targets: [{ target: target!.id, change: { boundTo: SERVER }, note: undefined }] });
  const [one, two, four] = await sender.claim(3);
  await sender.settle(one!, 'delivered', { status: 201 });
  await sender.settle(two!, 'rejected', { status: 422 });
  await sender.settle(four!, 'transient', { status: 500, retryAfterMs: HOUR });
  await sender.end();
  const { revision, path, headers, contentType } = await b.one(ids[1]!);
  const content = { path, headers, contentType, payload: bytes('{"b":2}') };
  await b.change({ kind: 'edit', id: ids[1]!, revision, content, fields: ['/b'] }, 'a typo');
  return ids;
}

export function archiveConformance(open: OpenSubject): void {
  const bench = (): Promise<Bench> => Bench.open(open);

  test('items move whole, and moving them twice is moving them once', async () => {
    const b = await bench();
    const ids = await fill(b);
    const other = await b.another();
    expect(await move(b, other)).toMatchObject({ count: ids.length, duplicates: 0, firstId: 1, lastId: ids.length });
    const [before, after] = [await allOf(b.store), await allOf(other)];
    expect(after).toEqual(before);
    expect(after.map(({ state }) => state)).toEqual(['completed', 'review', 'pending', 'pending', 'pending']);
    expect(after[1]).toMatchObject({ attempts: [{ status: 422 }], revisions: [{ number: 0 }] });
    expect(after[1]!.history.map(({ event }) => event)).toContain('edited');
    expect(await move(b, other)).toMatchObject({ count: ids.length, duplicates: ids.length });
    expect(await allOf(other)).toEqual(after);
  });

  test('a target that comes with items keeps the base URL that their attempts went to', async () => {
    const b = await bench();
    await fill(b);
    const other = await b.another();
    await move(b, other);
    expect(await other.targets()).toMatchObject([{ name: 'main', boundTo: SERVER }]);
  });

  describe('nothing is stored', () => {
    test('when a key is there with other content', async () => {
      const b = await bench();
      await fill(b);
      const last = (await allOf(b.store)).at(-1)!;
      const other = await b.another();
      await other.enqueue([item({ path: '/other', idempotencyKey: last.idempotencyKey })], {
        now: b.now,
        ifQueued: 'append',
      });
      await expect(move(b, other)).rejects.toMatchObject({ code: 'key-conflict' });
      expect(await allOf(other)).toHaveLength(1);
    });

    test('when the last check before the commit fails', async () => {
      const b = await bench();
      await fill(b);
      const other = await b.another();
      const beforeCommit = (): never => {
        throw new Error('the file changed');
      };
      await expect(move(b, other, { beforeCommit })).rejects.toThrow('the file changed');
      expect(await allOf(other)).toEqual([]);
    });
  });

  test('an import that pauses does so in the same commit', async () => {
    const b = await bench();
    await fill(b);
    const other = await b.another();
    expect((await move(b, other, { pause: 'imported' })).paused).toEqual(['main']);
    expect((await other.targets())[0]!.paused).toMatchObject({ reason: 'imported' });
  });

  test('unfinished copies say that the original may have sent them', async () => {
    const b = await bench();
    await fill(b);
    const other = await b.another();
    await move(b, other, { areCopies: true });
    const arrived = (await allOf(other)).map(({ state, mayHaveArrived }) => [state, mayHaveArrived]);
    expect(arrived).toEqual([
      ['completed', undefined],
      ['review', 0],
      ['pending', 0],
      ['pending', 0],
      ['pending', 0],
    ]);
  });
}
