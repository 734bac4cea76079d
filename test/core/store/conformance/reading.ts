/** Reading: lists, pages, filters, what needs attention, counts, leftovers, changes. */
/* eslint-disable jest/no-export -- a suite that the test file of each store runs */
import { describe, expect, test } from '@jest/globals';

import type { ItemSummary, State } from '../../../../src/core/nouns/item.js';
import type { Filter } from '../../../../src/core/store/store.js';
import { about, Bench, bytes, HOUR, SECOND, T0, type OpenSubject } from './harness.js';

/** Forty items of every kind, in every state. */
async function populated(open: OpenSubject): Promise<Bench> {
  const b = await Bench.open(open);
  const sender = await b.start();
  for (let n = 0; n < 40; n += 1) {
    b.now += SECOND;
    await b.add({
      ...about(n % 5 === 4 ? `person/${n}` : `activity/${n}`),
      target: n % 3 === 0 ? 'staging' : 'main',
      operation: n % 4 === 0 ? 'create' : 'update',
      path: `/x/${n}_50%`,
      tags: n % 2 === 0 ? ['even', `n${n}`] : [],
      idempotencyKey: `key-${n}`,
      ...(n % 7 === 6 ? { notBefore: { delayMs: HOUR } } : {}),
    });
    const ending = n % 8;
    if (ending > 5 || n % 7 === 6) continue;
    const [claim] = await sender.claim(1);
    if (claim === undefined) continue;
    if (ending === 0) await sender.settle(claim, 'delivered', { status: 200 });
    if (ending === 1) await sender.settle(claim, 'rejected', { status: 422, message: `phone ${n} is no number` });
    if (ending === 2) await sender.settle(claim, 'conflict', { status: 409 });
    if (ending === 3) await sender.settle(claim, 'transient', { status: 500, retryAfterMs: HOUR });
    if (ending === 4) {
      await sender.settle(claim, 'rejected', { status: 404 });
      await b.discard(claim.item);
    }
    // 5 is being sent
  }
  // Tried, and due again at once.
  const [claim] = await sender.claim(1);
  await sender.settle(claim!, 'unavailable', { status: 503 });
  return b;
}

const UNFINISHED: readonly State[] = ['pending', 'sending', 'review'];

/** What a filter means, said a second time. */
function matches(filter: Filter, found: ItemSummary): boolean {
  const { states, entities, targets, operations, tags, reasons, statuses, since, until, search } = filter;
  const status = found.lastError?.status ?? found.response?.status;
  const entity = found.entity === undefined ? '' : `${found.entity.type}/${found.entity.id}`;
  const scope = (): boolean => {
    if (states !== undefined) return states.includes(found.state) || states.some((name) => name === found.waiting);
    if (entities !== undefined) return UNFINISHED.includes(found.state);
    if (reasons !== undefined) return found.state === 'review';
    if (search !== undefined || statuses !== undefined) {
      return found.state === 'review' || (found.state === 'pending' && found.attemptCount > 0);
    }
    return UNFINISHED.includes(found.state);
  };
  const has = (text: string | undefined): boolean =>
    text?.toLowerCase().includes((search ?? '').toLowerCase()) ?? false;
  return (
    scope() &&
    (entities === undefined ||
      entities.some(({ type, id }) => found.entity?.type === type && (id === undefined || found.entity.id === id))) &&
    (targets === undefined || targets.includes(found.target)) &&
    (operations === undefined || operations.includes(found.operation)) &&
    (tags === undefined || tags.some((tag) => found.tags.includes(tag))) &&
    (reasons === undefined || (found.state === 'review' && reasons.includes(found.reviewReason!))) &&
    (statuses === undefined ||
      statuses.some(({ from, to }) => status !== undefined && status >= from && status <= to)) &&
    (since === undefined || found.createdAt >= since) &&
    (until === undefined || found.createdAt < until) &&
    (search === undefined ||
      [found.path, entity, ...found.tags, found.idempotencyKey, found.lastError?.message].some(has))
  );
}

const VALUES: { [Name in keyof Filter]-?: readonly NonNullable<Filter[Name]>[] } = {
  ids: [],
  like: [],
  behind: [],
  states: [
    ['pending'],
    ['due', 'held', 'review'],
    ['blocked', 'waiting'],
    ['review', 'sending'],
    ['completed', 'discarded', 'review'],
  ],
  entities: [
    [
      { type: 'activity', id: undefined },
      { type: 'person', id: '4' },
    ],
  ],
  targets: [['main', 'nowhere']],
  operations: [['update']],
  tags: [['even', 'n7']],
  reasons: [['rejected']],
  statuses: [
    [
      { from: 400, to: 499 },
      { from: 500, to: 500 },
    ],
  ],
  since: [T0 + 10 * SECOND],
  until: [T0 + 35 * SECOND],
  search: ['1'],
};
const DIMENSIONS = [
  'states',
  'entities',
  'targets',
  'operations',
  'tags',
  'reasons',
  'statuses',
  'since',
  'until',
  'search',
] as const;

/** Every subset of the dimensions, with every value of each. */
function combinations(from: number): Filter[] {
  const name = DIMENSIONS[from];
  if (name === undefined) return [{}];
  const rest = combinations(from + 1);
  return [...rest, ...VALUES[name].flatMap((value) => rest.map((filter) => ({ ...filter, [name]: value })))];
}

export function readingConformance(open: OpenSubject): void {
  describe('select', () => {
    test('every combination of filters lists exactly the items that match, and page by page the same', async () => {
      const b = await populated(open);
      const ids = Array.from({ length: 40 }, (_, index) => index + 1);
      const all = (await b.store.select({ ids }, { after: undefined, limit: 100, now: b.now })).items;
      expect(all).toHaveLength(40);
      expect(new Set(all.map((found) => found.state))).toEqual(
        new Set(['pending', 'sending', 'review', 'completed', 'discarded']),
      );
      const wrong: unknown[] = [];
      for (const filter of combinations(0)) {
        const expected = all.filter((found) => matches(filter, found)).map((found) => found.id);
        const listed = await b.list(filter);
        const paged: number[] = [];
        let after: number | undefined;
        do {
          const page = await b.store.select(filter, { after, limit: 7, now: b.now });
          paged.push(...page.items.map((found) => found.id));
          after = page.next;
        } while (after !== undefined);
        const sorted = listed.toSorted((left, right) => left - right);
        if (String(sorted) !== String(expected) || String(paged) !== String(listed))
          wrong.push({ filter, expected, listed, paged });
      }
      expect(wrong).toEqual([]);
    });

    test('what waits behind an item is the rest of its lane; a missing item is not-found', async () => {
      const b = await Bench.open(open);
      const [first, , second, third] = await b.add(about('a/1'), about('b/1'), about('a/1'), about('a/1'));
      expect(await b.list({ behind: first! })).toEqual([second, third]);
      expect(await b.list({ behind: second!, states: ['pending', 'review'] })).toEqual([third]);
      expect(await b.list({ behind: third! })).toEqual([]);
      await expect(b.list({ behind: 99 })).rejects.toMatchObject({ code: 'not-found' });
    });

    test('review comes first, then the oldest', async () => {
      const b = await Bench.open(open);
      const [first, bad, delayed, late] = await b.add(
        about('a/1'),
        about('b/1'),
        { ...about('c/1'), notBefore: { delayMs: HOUR } },
        about('d/1'),
      );
      const sender = await b.start();
      const [, claim] = await sender.claim(2);
      await sender.settle(claim!, 'rejected');
      expect(await b.list({})).toEqual([bad, first, late, delayed]);
    });

    test('totals come from the counts, and are unknown where a scan would be needed', async () => {
      const b = await populated(open);
      const total = async (filter: Filter): Promise<number | undefined> =>
        (await b.store.select(filter, { after: undefined, limit: 1, now: b.now })).total;
      const { counts } = await b.status();
      expect(await total({})).toBe(counts.pending + counts.sending + counts.review);
      expect(await total({ states: ['review', 'review'] })).toBe(counts.review);
      expect(await total({ states: [] })).toBe(0);
      const [main, staging] = [await total({ targets: ['main'] }), await total({ targets: ['staging'] })];
      expect(main! + staging!).toBe(await total({}));
      expect(await total({ targets: ['nowhere'] })).toBe(0);
      expect(await total({ search: 'x' })).toBeUndefined();
      expect(await total({ operations: ['update'] })).toBeUndefined();
    });

    test('ids come back ascending, each once, and the ones that are not there not at all', async () => {
      const b = await Bench.open(open);
      const ids = await b.add({}, {}, {});
      expect(await b.list({ ids: [ids[2]!, 999, ids[0]!, ids[2]!] })).toEqual([ids[0], ids[2]]);
    });

    test('a search takes wildcards as they are and knows no case', async () => {
      const b = await Bench.open(open);
      const [percent, , underscore] = await b.add({ path: '/a%25b', tags: ['Ab'] }, { path: '/ab' }, { path: '/a_b' });
      const states: State[] = ['pending'];
      expect(await b.list({ states, search: '%' })).toEqual([percent]);
      expect(await b.list({ states, search: '_' })).toEqual([underscore]);
      expect(await b.list({ states, search: 'aB"' })).toEqual([percent]);
    });
  });

  describe('attention', () => {
    test('review first, then what it blocks, then what is tried again, then the rest, each once', async () => {
      const b = await Bench.open(open);
      const [fine, retried, bad, behind] = await b.add(about('a/1'), about('b/1'), about('c/1'), about('c/1'));
      const sender = await b.start();
      const [, second, third] = await sender.claim(3);
      await sender.settle(second!, 'unavailable');
      await sender.settle(third!, 'rejected');
      const { items, total } = await b.store.attention({ limit: 10, now: b.now });
      expect(items.map((found) => found.id)).toEqual([bad, behind, retried, fine]);
      expect(total).toBe(4);
      expect((await b.store.attention({ limit: 2, now: b.now })).items).toHaveLength(2);
    });
  });

  describe('get', () => {
    test('answers in the order asked for and leaves out what is not there', async () => {
      const b = await Bench.open(open);
      const [first, second] = await b.add({ payload: bytes('1') }, {});
      const found = await b.store.get([second!, 999, first!], b.now);
      expect(found.map((item) => item.id)).toEqual([second, first]);
    });

    test('the ledger holds every attempt, the open one last', async () => {
      const b = await Bench.open(open);
      const [id] = await b.add({});
      const sender = await b.start();
      await sender.send(id!, 'offline');
      await sender.send(id!, 'transient', { status: 500, redirectedTo: 'https://x.example/y' });
      await sender.claim();
      expect((await b.store.get([id!], b.now))[0]!.attempts).toMatchObject([
        { number: 1, outcome: 'offline', counted: false },
        { number: 2, outcome: 'transient', counted: true, url: 'https://x.example/y' },
        { number: 3, outcome: undefined, durationMs: undefined },
      ]);
    });

    test('an attempt shows the key it was made with', async () => {
      const b = await Bench.open(open);
      const { id, idempotencyKey } = await b.enqueue({});
      const sender = await b.start();
      await sender.send(id, 'rejected');
      const newKey = await b.edit(id);
      await b.retry(id);
      await sender.send(id, 'offline');
      const [item] = await b.store.get([id], b.now);
      expect(item!.attempts.map((attempt) => attempt.idempotencyKey)).toEqual([idempotencyKey, newKey]);
    });
  });

  describe('summary', () => {
    test('pending = due + waiting + held + blocked, as counted and item by item', async () => {
      const b = await populated(open);
      const before = await b.fourWays();
      expect(before.due).toBeGreaterThan(0);
      expect(before.waiting).toBeGreaterThan(0);
      await b.change({ kind: 'pause', what: { target: 'staging' }, until: undefined });
      await b.change({ kind: 'pause', what: { entity: { type: 'activity', id: '6' } }, until: undefined });
      expect((await b.fourWays()).held).toBeGreaterThan(0);
      b.now += 2 * HOUR;
      const after = await b.fourWays();
      expect(after.waiting).toBe(0);
      expect(after.due).toBeGreaterThan(before.due);
    });

    test('an empty queue counts nothing', async () => {
      const b = await Bench.open(open);
      const summary = await b.store.summary(T0);
      expect(summary).toMatchObject({
        targets: [],
        oldestPendingAt: undefined,
        reviewGroups: [],
        pausedEntities: [],
        runner: undefined,
        lastRun: undefined,
      });
    });

    test('the oldest unfinished item counts from the time it was asked for, and leaves out what is in review', async () => {
      const b = await Bench.open(open);
      const [bad] = await b.add(about('a/1'));
      b.now += SECOND;
      await b.add({ ...about('b/1'), notBefore: { delayMs: HOUR } });
      b.now += SECOND;
      const [young] = await b.add(about('c/1'));
      const sender = await b.start();
      await sender.send(bad!, 'rejected');
      expect((await b.store.summary(b.now)).oldestPendingAt).toBe(T0 + 2 * SECOND);
      await sender.send(young!, 'delivered');
      expect((await b.store.summary(b.now)).oldestPendingAt).toBe(T0 + SECOND + HOUR);
    });

    test('review groups gather by cause, count, name the first item, and go when they are empty', async () => {
      const b = await Bench.open(open);
      const ids = await b.add(about('a/1'), about('b/1'), about('c/1'), { ...about('d/1'), operation: 'create' });
      const sender = await b.start();
      const cause = '422 phone N';
      for (const [index, id] of ids.entries()) {
        await sender.send(id, 'rejected', { status: 422, message: `phone ${index}`, cause });
      }
      const groups = async () =>
        (await b.store.summary(b.now)).reviewGroups.map(({ operation, count, firstId, message }) => ({
          operation,
          count,
          firstId,
          message,
        }));
      expect(await groups()).toEqual([
        { operation: 'update', count: 3, firstId: ids[0], message: 'phone N' },
        { operation: 'create', count: 1, firstId: ids[3], message: 'phone 3' },
      ]);
      await b.retry(ids[0]!, ids[3]!);
      expect(await groups()).toEqual([{ operation: 'update', count: 2, firstId: ids[1], message: 'phone N' }]);
      await b.discard(ids[1]!, ids[2]!);
      expect(await groups()).toEqual([]);
      await sender.send(ids[0]!, 'rejected', { status: 422, message: 'phone again', cause });
      expect(await groups()).toEqual([{ operation: 'update', count: 1, firstId: ids[0], message: 'phone again' }]);
    });
  });

  test('what comes next is what is claimed, one after another while each is delivered', async () => {
    const b = await Bench.open(open);
    await b.add(about('a/1'), about('b/1'), about('a/1'), { ...about('b/1'), notBefore: { delayMs: HOUR } });
    await b.add(about('b/1'), about('c/1'), about('c/1'), { ...about('d/1'), expires: { delayMs: SECOND } });
    await b.add({}, { ...about('a/1'), target: 'staging' }, about('e/1'));
    const sender = await b.start();
    const refused = await sender.claim(1);
    await sender.settle(refused[0]!, 'rejected');
    await b.change({ kind: 'pause', what: { entity: { type: 'e', id: '1' } }, until: undefined });
    b.now += 2 * SECOND;
    const targets = (await b.store.targets()).filter(({ name }) => name === 'main').map(({ id }) => id);
    const next = await b.store.upcoming(targets, { limit: 10, now: b.now });
    expect(next[0]).toEqual({
      item: 2,
      target: targets[0],
      method: 'PUT',
      path: '/activities/1',
      payloadBytes: undefined,
    });
    const claimed: number[] = [];
    for (;;) {
      const { claims } = await sender.step({ claim: 1, only: new Set(targets) });
      if (claims[0] === undefined) break;
      claimed.push(claims[0].item);
      await sender.settle(claims[0], 'delivered');
    }
    expect(claimed).toEqual([2, 6, 7, 9]);
    expect(next.map((found) => found.item)).toEqual(claimed);
    expect(await b.store.upcoming([], { limit: 10, now: b.now })).toEqual([]);
  });

  describe('leftovers', () => {
    test('tell whether something stands behind review and whether something backs off, per target', async () => {
      const b = await Bench.open(open);
      const [bad, retried] = await b.add(
        about('a/1'),
        { target: 'staging' },
        { target: 'third', notBefore: { delayMs: HOUR } },
      );
      const sender = await b.start();
      expect(await b.store.leftovers(undefined)).toEqual({ behindReview: false, backingOff: false });
      await sender.send(bad!, 'rejected');
      expect(await b.store.leftovers(undefined)).toEqual({ behindReview: false, backingOff: false });
      await b.add(about('a/1'));
      await sender.send(retried!, 'transient', { retryAfterMs: HOUR });
      expect(await b.store.leftovers(undefined)).toEqual({ behindReview: true, backingOff: true });
      expect(await b.store.leftovers(['main'])).toEqual({ behindReview: true, backingOff: false });
      expect(await b.store.leftovers(['staging'])).toEqual({ behindReview: false, backingOff: true });
      expect(await b.store.leftovers(['third', 'nowhere'])).toEqual({ behindReview: false, backingOff: false });
    });
  });

  describe('changes', () => {
    test.each(['of another program', 'of this program'])('a commit %s is heard of', async (whose) => {
      const b = await Bench.open(open);
      const other = whose === 'of this program' ? b.store : await b.second();
      const stop = new AbortController();
      const heard = (async () => {
        for await (const _change of b.store.changes(stop.signal)) return true;
        return false;
      })();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await other.enqueue(
        [
          {
            target: 'main',
            method: 'PUT',
            path: '',
            headers: {},
            contentType: undefined,
            payload: undefined,
            entity: undefined,
            operation: 'x',
            idempotencyKey: undefined,
            notBefore: undefined,
            expires: undefined,
            maxRetries: undefined,
            tags: [],
          },
        ],
        { now: T0, ifQueued: 'append' },
      );
      const timer = setTimeout(() => stop.abort(), 5000);
      expect(await heard).toBe(true);
      clearTimeout(timer);
    });

    test('an aborted watch ends', async () => {
      const b = await Bench.open(open);
      const stop = new AbortController();
      const ended = (async () => {
        for await (const _change of b.store.changes(stop.signal)) continue;
        return true;
      })();
      stop.abort();
      expect(await ended).toBe(true);
    });
  });
}
