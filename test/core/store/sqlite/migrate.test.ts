import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import type { Finding } from '../../../../src/core/nouns/finding.js';
import { STATES } from '../../../../src/core/nouns/item.js';
import { examineFile } from '../../../../src/core/store/sqlite/care/examine.js';
import { migrate, upgradeCopies } from '../../../../src/core/store/sqlite/file/migrate.js';
import { MIGRATIONS } from '../../../../src/core/store/sqlite/sql/migrations.js';
import { SCHEMA_VERSION } from '../../../../src/core/store/sqlite/sql/schema.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/store.js';
import type { Store } from '../../../../src/core/store/store.js';
import { ARRIVED_IN_VERSION_1, makeVersion1 } from '../../../support/older-queue.js';
import { tempDirectory } from '../../../support/temp.js';
import { emptyConfig } from '../../../../src/core/config/validate.js';
import { examineQueue } from '../../../../src/core/store/doors/care.js';
import { item, openGate, decide, runner } from '../conformance/harness.js';
import { faultsOf, raw } from './support.js';

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
  test('keeps a complete copy of the old file, readable only by its owner whatever the umask', async () => {
    const { path } = await queue();
    const umask = process.umask(0);
    try {
      raw(path, (db) => migrate(db, path, NEXT));
    } finally {
      process.umask(umask);
    }
    expect([versionOf(path), versionOf(`${path}.v${SCHEMA_VERSION}`)]).toEqual([SCHEMA_VERSION + 1, SCHEMA_VERSION]);
    expect(raw(`${path}.v${SCHEMA_VERSION}`, (db) => db.prepare('SELECT count(*) FROM item').pluck().get())).toBe(1);
    expect(statSync(`${path}.v${SCHEMA_VERSION}`).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(path)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('that cannot save the copy changes nothing and leaves no partial copy', async () => {
    // Its name is so long that the one of an unfinished copy is too long.
    const path = join(tempDirectory(), `${'q'.repeat(235)}.db`);
    await add(open(path));
    expect(() => raw(path, (db) => migrate(db, path, NEXT))).toThrow(/could not be saved/);
    expect(versionOf(path)).toBe(SCHEMA_VERSION);
    expect(readdirSync(dirname(path)).filter((name) => /v\d|part/.test(name))).toEqual([]);
  });

  test('that fails half-way leaves the old format', async () => {
    const { path } = await queue();
    expect(() => raw(path, (db) => migrate(db, path, [...NEXT, 'no SQL']))).toThrow();
    expect(versionOf(path)).toBe(SCHEMA_VERSION);
    expect(existsSync(`${path}.v${SCHEMA_VERSION}`)).toBe(false);
    expect(
      raw(path, (db) =>
        db.prepare("SELECT count(*) FROM pragma_table_info('queue') WHERE name = 'more'").pluck().get(),
      ),
    ).toBe(0);
  });

  test('stops programs that have the old format open: they store, change and send nothing more', async () => {
    const { path, store } = await queue();
    const session = await store.acquire(runner(), { decide, gate: openGate }, 0);
    if ('heldBy' in session) throw new Error('held');
    raw(path, (db) => migrate(db, path, NEXT));
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

  test('keeps an existing copy, which may be the only one of another state, and removes unfinished copies', async () => {
    const { path } = await queue();
    const first = `${path}.v${SCHEMA_VERSION}`;
    writeFileSync(first, 'of another day');
    const begun = join(dirname(path), `.queue.db.v${SCHEMA_VERSION}.0123456789ab.part`);
    writeFileSync(begun, 'half');
    raw(path, (db) => migrate(db, path, NEXT));
    expect(readFileSync(first, 'utf8')).toBe('of another day');
    expect(raw(`${first}.2`, (db) => db.prepare('SELECT count(*) FROM item').pluck().get())).toBe(1);
    expect(existsSync(begun)).toBe(false);
    expect(upgradeCopies(path).toSorted()).toEqual([first, `${first}.2`]);
  });

  test('that another process has just finished is not repeated', async () => {
    const { path } = await queue();
    const epochs = [1, 2].map(() => {
      raw(path, (db) => migrate(db, path, NEXT));
      return raw(path, (db) => db.prepare('SELECT epoch FROM runner').pluck().get());
    });
    expect(epochs[1]).toBe(epochs[0]);
    expect(upgradeCopies(path)).toHaveLength(1);
  });
});

const plain = (sql: string): string =>
  sql
    .replace(/--[^\n]*/g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([(),]) ?/g, '$1');
const schemaOf = (path: string): [string, string][] =>
  raw(
    path,
    (db) =>
      db.prepare('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').raw().all() as [
        string,
        string,
      ][],
  ).map(([name, sql]) => [name, plain(sql)]);

async function problemsOf(path: string): Promise<Finding[]> {
  const place = { path, clock: systemClock, uid: process.getuid?.(), allowNetworkDisk: false };
  return (await examineFile(place)).findings.filter(({ severity }) => severity !== 'note');
}

describe('a file of version 1', () => {
  const older = (): string => {
    const path = join(tempDirectory(), 'queue.db');
    makeVersion1(path);
    return path;
  };
  const facts = (path: string): unknown =>
    raw(path, (db) =>
      db
        .prepare(
          'SELECT id, state, idempotency_key, attempts, retry_count, not_before, lane, elig, revision, payload FROM item',
        )
        .all(),
    );

  test('becomes like a new file, with every item unchanged, and doctor finds nothing', async () => {
    const path = older();
    const before = facts(path);
    const store = open(path);
    expect(facts(path)).toEqual(before);
    expect(faultsOf(path)).toEqual([]);
    const fresh = join(tempDirectory(), 'queue.db');
    await add(open(fresh));
    expect(schemaOf(path)).toEqual(schemaOf(fresh));
    const page = await store.select({ states: [...STATES] }, { after: undefined, limit: 100, now: Date.now() });
    const arrived = page.items.flatMap(({ id, mayHaveArrived }) =>
      mayHaveArrived === undefined ? [] : [[id, mayHaveArrived]],
    );
    // The runner that was sending item 15 is dead.
    expect(Object.fromEntries(arrived)).toEqual({ ...ARRIVED_IN_VERSION_1, 15: 1 });
    const touched = raw(path, (db) => db.prepare('SELECT id FROM item WHERE touched = 1 ORDER BY id').pluck().all());
    expect(touched).toEqual([2, 3, 4, 5, 6, 8, 13, 15]);
    const { reviewGroups } = await store.summary(Date.now());
    expect(
      reviewGroups.map(({ reason, count, firstId, mayHaveArrived }) => [reason, count, firstId, mayHaveArrived]),
    ).toEqual([
      ['rejected', 2, 5, false],
      ['conflict', 1, 2, false],
      ['expired', 1, 10, false],
      ['conflict', 1, 3, true],
      ['rejected', 1, 4, true],
      ['editing', 1, 13, true],
    ]);
    expect(await problemsOf(path)).toEqual([]);
  });

  test('puts an item that was open in an editor back into a group that matches it', async () => {
    const path = older();
    const store = open(path);
    const by = { who: 'x', command: 'x', reason: undefined };
    const token = raw(path, (db) =>
      db.prepare("SELECT max(id) FROM history WHERE event = 'editing'").pluck().get(),
    ) as number;
    await store.change({ kind: 'end-edit', id: 13, token, edit: undefined }, by, Date.now());
    const { reviewGroups } = await store.summary(Date.now());
    expect(reviewGroups.find(({ firstId }) => firstId === 3)).toMatchObject({ count: 2, mayHaveArrived: true });
    expect(faultsOf(path)).toEqual([]);
  });

  test('is read without being changed', async () => {
    const path = older();
    const bytes = readFileSync(path);
    const store = openSqliteStore({
      path,
      mode: 'read',
      clock: systemClock,
      uid: process.getuid?.(),
      allowNetworkDisk: false,
    });
    opened.push(store);
    const now = Date.now();
    const page = await store.select({ states: [...STATES] }, { after: undefined, limit: 100, now });
    expect(page.items).toHaveLength(17);
    // The file remembers nothing; of item 15 it is known that its runner died while sending it.
    expect(page.items.filter(({ mayHaveArrived }) => mayHaveArrived !== undefined).map(({ id }) => id)).toEqual([15]);
    expect((await store.get([3, 7, 15], now)).map(({ state }) => state)).toEqual(['review', 'pending', 'sending']);
    expect((await store.summary(now)).reviewGroups).toMatchObject([{ count: 3, mayHaveArrived: false }, {}, {}, {}]);
    expect(await store.archive.scan({}, { after: 0, upTo: 99, limit: 99 })).toHaveLength(17);
    await store.attention({ limit: 99, now });
    await store.upcoming([1], { limit: 9, now });
    await store.ages(now);
    await store.history({ item: 6, since: undefined, limit: 9 });
    expect(await problemsOf(path)).toEqual([]);
    expect(readFileSync(path)).toEqual(bytes);
    expect(existsSync(`${path}.v1`)).toBe(false);
  });
});

describe('a file of version 1 with additions', () => {
  /** How it is renewed, and what doctor finds before that. */
  const renewed = async (sql: string): Promise<{ end: unknown; found: string[]; version: unknown; path: string }> => {
    const path = join(tempDirectory(), 'queue.db');
    makeVersion1(path);
    raw(path, (db) => db.exec(sql));
    const config = { config: emptyConfig(), problem: undefined, warning: undefined };
    const { findings } = await examineQueue({ path, clock: systemClock }, config);
    const found = findings.filter(({ severity }) => severity === 'unusable').map(({ next }) => next ?? '');
    try {
      open(path);
      return { end: 'renewed', found, version: versionOf(path), path };
    } catch (error) {
      return { end: (error as { code: string }).code, found, version: versionOf(path), path };
    }
  };

  test.each([
    'CREATE TABLE old_group (x)',
    'CREATE VIEW old_group AS SELECT 1',
    'CREATE VIEW app_v AS SELECT * FROM review_group JOIN items ON true',
    'CREATE TABLE app_t (x REFERENCES review_group (id)); INSERT INTO app_t SELECT id FROM review_group',
    'DROP VIEW items',
  ])('is migrated: %s', async (sql) => {
    const { path, ...rest } = await renewed(sql);
    expect(rest).toEqual({ end: 'renewed', found: [], version: SCHEMA_VERSION });
    expect(faultsOf(path)).toEqual([]);
  });

  test.each([
    ['DROP VIEW status', 'CREATE VIEW status AS'],
    ['DROP TRIGGER outbox_insert', 'CREATE TRIGGER outbox_insert'],
    ['ALTER TABLE target ADD COLUMN mine TEXT', 'restore a backup'],
  ])('is refused unchanged, and doctor says the same: %s', async (sql, next) => {
    const { end, found, version } = await renewed(sql);
    expect({ end, version }).toEqual({ end: 'corrupt', version: 1 });
    expect(found).toEqual([expect.stringContaining(next)]);
  });

  test('is refused unchanged: a column that the migration creates', async () => {
    expect(await renewed('ALTER TABLE item ADD COLUMN touched INTEGER')).toMatchObject({ end: 'corrupt', version: 1 });
  });
});
