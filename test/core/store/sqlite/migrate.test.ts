import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/clock.js';
import { migrate } from '../../../../src/core/store/sqlite/migrate.js';
import { MIGRATIONS } from '../../../../src/core/store/sqlite/migrations.js';
import { SCHEMA_VERSION } from '../../../../src/core/store/sqlite/schema.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/store.js';
import type { Store } from '../../../../src/core/store/store.js';
import { tempDirectory } from '../../../support/temp.js';
import { item, openGate, decide, runner } from '../conformance/harness.js';
import { raw } from './support.js';

const opened: Store[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

function open(path: string): Store {
  const store = openSqliteStore({
    path,
    mode: 'create',
    clock: systemClock,
    uid: process.getuid?.(),
    allowNetworkDisk: false,
  });
  opened.push(store);
  return store;
}

const add = (store: Store): Promise<unknown> => store.enqueue([item()], { now: 0, ifQueued: 'append' });

/** A queue of this version with one item. */
async function queue(): Promise<{ path: string; store: Store }> {
  const path = join(tempDirectory(), 'queue.db');
  const store = open(path);
  await add(store);
  return { path, store };
}

/** What a later version may change. */
const NEXT = [...MIGRATIONS, 'ALTER TABLE queue ADD COLUMN more TEXT'];
const versionOf = (path: string): unknown => raw(path, (db) => db.pragma('user_version', { simple: true }));

describe('a migration', () => {
  test('keeps the old file whole beside the new one, for its owner alone whatever the umask', async () => {
    const { path } = await queue();
    const umask = process.umask(0);
    try {
      raw(path, (db) => migrate(db, path, SCHEMA_VERSION, NEXT));
    } finally {
      process.umask(umask);
    }
    expect([versionOf(path), versionOf(`${path}.v${SCHEMA_VERSION}`)]).toEqual([SCHEMA_VERSION + 1, SCHEMA_VERSION]);
    expect(raw(`${path}.v${SCHEMA_VERSION}`, (db) => db.prepare('SELECT count(*) FROM item').pluck().get())).toBe(1);
    expect(statSync(`${path}.v${SCHEMA_VERSION}`).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(path)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('that finds no room for the copy changes nothing and leaves no half of one', async () => {
    const { path, store } = await queue();
    await store.close();
    const full = (db: Parameters<typeof migrate>[0]): Parameters<typeof migrate>[0] =>
      new Proxy(db, {
        get: (target, name) =>
          name === 'prepare'
            ? () => ({
                run: (copy: string) => {
                  writeFileSync(copy, 'half');
                  throw Object.assign(new Error('as SQLite says'), { code: 'SQLITE_FULL' });
                },
              })
            : (target as any)[name].bind(target),
      });
    expect(() => raw(path, (db) => migrate(full(db), path, SCHEMA_VERSION, NEXT))).toThrow(/could not be saved/);
    expect(versionOf(path)).toBe(SCHEMA_VERSION);
    expect(readdirSync(dirname(path)).filter((name) => /v\d|part/.test(name))).toEqual([]);
  });

  test('that fails half-way leaves the old format', async () => {
    const { path } = await queue();
    expect(() => raw(path, (db) => migrate(db, path, SCHEMA_VERSION, [...NEXT, 'no SQL']))).toThrow();
    expect(versionOf(path)).toBe(SCHEMA_VERSION);
    expect(
      raw(path, (db) =>
        db.prepare("SELECT count(*) FROM pragma_table_info('queue') WHERE name = 'more'").pluck().get(),
      ),
    ).toBe(0);
  });

  test('stops whoever has the queue open in the old format: nothing more is stored, changed or sent by it', async () => {
    const { path, store } = await queue();
    const session = await store.acquire(runner(), { decide, gate: openGate }, 0);
    if ('heldBy' in session) throw new Error('held');
    raw(path, (db) => migrate(db, path, SCHEMA_VERSION, NEXT));
    const step = { now: 0, settle: [], release: [], targets: [], claim: 1, only: undefined, signal: undefined };
    await expect(session.step(step)).rejects.toMatchObject({ code: 'other-runner' });
    await session.end(undefined);
    const newer = { code: 'newer-schema' };
    await expect(add(store)).rejects.toMatchObject(newer);
    await expect(store.acquire(runner(), { decide, gate: openGate }, 0)).rejects.toMatchObject(newer);
    const discard = { kind: 'discard', filter: { ids: [1] }, dryRun: false } as const;
    await expect(store.change(discard, { who: 'x', command: 'x', reason: undefined }, 0)).rejects.toMatchObject(newer);
    const batches = (async function* () {
      yield [item()];
    })();
    await expect(store.bulk(batches, { now: () => 0 })).rejects.toMatchObject(newer);
    expect(raw(path, (db) => db.prepare('SELECT count(*) FROM item').pluck().get())).toBe(1);
  });
});
