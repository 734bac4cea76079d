import { join } from 'node:path';

import { expect, jest, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import { Connection } from '../../../../src/core/store/sqlite/file/connection.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/store.js';
import type { Filter, Store } from '../../../../src/core/store/store.js';
import { tempDirectory } from '../../../support/temp.js';
import { about, decide, end, item, openGate, runner, T0 } from '../conformance/harness.js';
import { raw } from './support.js';

/** Walks of the whole log that somebody asked for in so many words, and that stop at their limit. */
const MAY_SCAN: readonly (readonly [why: string, statement: RegExp])[] = [
  [
    'a list of finished items, newest first',
    /^SELECT item\.id FROM item WHERE 1 AND .*ORDER BY item\.id DESC\s+LIMIT/s,
  ],
  [
    'the order of a target changed: its unfinished items get their lanes anew',
    /^UPDATE item SET elig = (NULL, lane|CASE)|^UPDATE tally SET\s+ready = \(SELECT count/,
  ],
  ['what is left of items that are not there', /FROM pruned WHERE id IN/],
  ['the oldest keys of pruned items, a few at a time', /FROM pruned ORDER BY rowid LIMIT/],
];

/** Partial indexes that hold only what is going on; walked in their own order up to a limit. */
const SMALL = /USING (COVERING )?INDEX (item_sending|item_retrying|item_flagged|item_open)\b/;

/** Sorting what an index cannot give in order. */
const MAY_SORT: readonly (readonly [why: string, statement: RegExp])[] = [
  ['items of several entities, in the order of the log', /INDEXED BY item_entity/],
  ['causes of review: few rows, largest first', /FROM review_group JOIN target/],
  ['paused entities: few rows', /FROM entity INDEXED BY entity_paused/],
  ['targets: few rows', /FROM (target|tally)\b/],
  ['ages: a column stops at a bound', /LIMIT \d+\) GROUP BY target_id/],
];

const FILTERS: Filter[] = [
  {},
  { ids: [1, 2] },
  { states: ['pending'] },
  { states: ['review'] },
  { states: ['sending', 'review'] },
  { states: ['completed'] },
  { entities: [{ type: 'a', id: '1' }] },
  {
    entities: [
      { type: 'a', id: undefined },
      { type: 'b', id: '1' },
    ],
  },
  { entities: [{ type: 'a', id: '1' }], states: ['completed'] },
  { reasons: ['rejected'] },
  { targets: ['main'] },
  { operations: ['update'] },
  { tags: ['x'] },
  { statuses: [{ from: 422, to: 422 }] },
  { since: 1, until: 2 },
  { like: 2 },
  { search: 'x' },
  { search: 'x', states: ['pending', 'completed'] },
];

/** Everything a store can be asked, in one go; answers the texts of all statements. */
async function everything(path: string): Promise<Set<string>> {
  const texts = new Set<string>();
  const sql = Object.getOwnPropertyDescriptor(Connection.prototype, 'sql')!.value as Connection['sql'];
  const spy = jest.spyOn(Connection.prototype, 'sql').mockImplementation(function (this: Connection, text: string) {
    texts.add(text);
    return sql.call(this, text);
  });
  const store = openSqliteStore({
    path,
    mode: 'create',
    clock: systemClock,
    uid: process.getuid?.(),
    allowNetworkDisk: false,
  });
  const by = { who: 'x', command: 'x', reason: undefined };
  const page = { after: undefined, limit: 10, now: T0 };
  const step = { now: T0, settle: [], release: [], targets: [], claim: 0, only: undefined, signal: undefined };
  try {
    const drafts = ['a/1', 'a/1', 'b/1', 'c/1', 'd/1', 'e/1'].map((name) =>
      item({ ...about(name), idempotencyKey: `${name}-${Math.random()}` }),
    );
    await store.enqueue([...drafts, item({ ...about('f/1'), expires: { at: T0 } })], { now: T0, ifQueued: 'append' });
    await store.enqueue([item({ ...about('g/1'), notBefore: { delayMs: 9 } })], { now: T0, ifQueued: 'append' });
    await store.enqueue([item(about('g/1'))], { now: T0, ifQueued: 'keep' });
    await store.enqueue([item(about('e/1'))], { now: T0, ifQueued: 'replace' });
    await store.enqueue([drafts[0]!], { now: T0, ifQueued: 'append' });
    const session = await store.acquire(runner(), { decide, gate: openGate }, T0);
    if ('heldBy' in session) throw new Error('held');
    await session.recover(10, T0);
    await session.syncTargets([{ name: 'main', order: 'strict', implicitBaseUrl: undefined }], 'main', T0);
    await session.syncTargets([{ name: 'main', order: 'entity', implicitBaseUrl: undefined }], 'main', T0);
    const { claims } = await session.step({ ...step, claim: 5 });
    await session.step({
      ...step,
      settle: [
        { claim: claims[0]!, end: end('delivered') },
        { claim: claims[1]!, end: end('rejected') },
      ],
      release: [claims[2]!],
    });
    await session.step({ ...step, settle: [{ claim: claims[3]!, end: end('transient', { retryAfterMs: 5 }) }] });
    await session.step({ ...step, now: T0 + 100, targets: [{ target: 1, change: { tries: 1 }, note: 'x' }], claim: 1 });
    await session.clockWentBack(T0 - 1e9);
    for (const row of await store.targets()) await store.hasOpenAttempts(row.id);
    await store.summary(T0);
    await store.leftovers(undefined);
    await store.leftovers(['main']);
    await store.attention({ limit: 10, now: T0 });
    for (const filter of FILTERS) {
      const { items } = await store.select(filter, page);
      for (const { id } of items) await store.select(filter, { ...page, after: id });
    }
    await store.upcoming([1], { limit: 5, now: T0 });
    await store.get([1, 2, 3], T0);
    await store.findKey('nobody');
    await store.pruned([1, 2]);
    await store.history({ item: 1, since: 0, limit: 5 });
    await store.history({ item: undefined, since: 0, limit: 5 });
    await store.runner();
    const what = { entity: { type: 'b', id: '1' } };
    await store.change({ kind: 'pause', what, until: T0 }, by, T0);
    await session.step({ ...step, now: T0 + 200 });
    await store.change({ kind: 'pause', what: 'all', until: undefined }, by, T0);
    await store.change({ kind: 'resume', what: 'all' }, by, T0);
    await store.change({ kind: 'resume', what }, by, T0);
    await store.change(
      { kind: 'retry', filter: { states: ['review', 'pending'] }, expires: undefined, dryRun: false },
      by,
      T0,
    );
    await store.change({ kind: 'discard', filter: { states: ['pending'] }, dryRun: false }, by, T0);
    await store.change({ kind: 'accept-target', name: 'main' }, by, T0);
    await store.change({ kind: 'rename-target', from: 'main', to: 'other' }, by, T0);
    await desk(store);
    await session.end({ kind: 'run', startedAt: 0, endedAt: 0, exitCode: 0, delivered: 0, remaining: 0 });
  } finally {
    spy.mockRestore();
    await store.close();
  }
  return texts;
}

/** What the support desk asks of a store. */
async function desk(store: Store): Promise<void> {
  const by = { who: 'x', command: 'x', reason: undefined };
  const now = T0 + 1000;
  const [first, second] = await store.enqueue([item(about('h/1')), item(about('h/1'))], { now, ifQueued: 'append' });
  const content = { path: '/x', headers: {}, contentType: undefined, payload: undefined };
  const id = first!.id;
  await store.change({ kind: 'edit', id, revision: 0, content, fields: ['path'] }, by, now);
  for (const edit of [undefined, { revision: 1, content, fields: ['path'] }]) {
    const { token } = await store.change({ kind: 'begin-edit', id }, by, now);
    await store.change({ kind: 'end-edit', id, token: token!, edit }, by, now);
  }
  await store.revisions(id);
  await store.ages(now);
  await store.change({ kind: 'complete', filter: { ids: [second!.id] }, dryRun: false }, by, now);
  const { token } = await store.change({ kind: 'begin-edit', id }, by, now);
  const entity = { type: 'h', id: '1' };
  for (const dryRun of [true, false]) await store.erase(entity, { dryRun, by, now });
  expect(token).toBeGreaterThan(0);
  const rules = { completedBefore: now + 1, payloadsBefore: now + 1 };
  for (const dryRun of [true, false]) await store.prune(rules, { limit: 100, dryRun, now });
  await store.lastPrune();
}

test('no statement scans or sorts the whole log, except those named here', async () => {
  const path = join(tempDirectory(), 'queue.db');
  const texts = await everything(path);
  expect(texts.size).toBeGreaterThan(80);
  const used = new Set<string>();
  const allowed = (list: typeof MAY_SCAN, text: string): boolean => {
    const found = list.find(([, statement]) => statement.test(text));
    if (found !== undefined) used.add(found[0]);
    return found !== undefined;
  };
  const faults = raw(path, (db) =>
    [...texts]
      .filter((text) => /^\s*(SELECT|UPDATE|DELETE|INSERT|WITH)/i.test(text))
      .flatMap((text) => {
        const names = new Map(
          [...text.matchAll(/(?:FROM|JOIN) item(?: AS (\w+))?/g)].map((match) => [match[1] ?? 'item', true]),
        );
        const plan = db.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...nulls(text)) as { detail: string }[];
        return plan.flatMap(({ detail }) => {
          const table = /^SCAN (\w+)/.exec(detail)?.[1];
          const scans =
            table !== undefined &&
            (names.has(table) || ['attempt', 'history', 'revision', 'pruned'].includes(table)) &&
            !SMALL.test(detail) &&
            !allowed(MAY_SCAN, text);
          const sorts = detail.startsWith('USE TEMP B-TREE') && !allowed(MAY_SORT, text);
          return scans || sorts ? [`${detail}: ${text.replace(/\s+/g, ' ')}`] : [];
        });
      }),
  );
  expect(faults).toEqual([]);
  // An exception that is no longer needed is taken off the lists.
  expect(
    [...MAY_SCAN, ...MAY_SORT].map(([why]) => why).filter((why) => !used.has(why) && !why.includes('few rows')),
  ).toEqual([]);
});

/** EXPLAIN wants as many values as the statement has places for them; what they are makes no difference. */
function nulls(text: string): unknown[] {
  const named = [...new Set([...text.matchAll(/@(\w+)/g)].map((match) => match[1]!))];
  if (named.length > 0) return [Object.fromEntries(named.map((name) => [name, null]))];
  const bare = text.replace(/'[^']*'/g, '');
  return Array.from({ length: bare.split('?').length - 1 }, () => null);
}
