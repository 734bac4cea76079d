import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import { emptyConfig } from '../../../../src/core/config/validate.js';
import { adoptQueue, backupQueue, examineQueue, repairQueue } from '../../../../src/core/store/doors/care.js';
import { currentUid } from '../../../../src/core/nouns/host.js';
import type { OpenOptions } from '../../../../src/core/store/sqlite/file/open-options.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/store.js';
import type { Store } from '../../../../src/core/store/store.js';
import { tempDirectory } from '../../../support/temp.js';
import { item, runner } from '../conformance/harness.js';
import { raw } from './support.js';

const opened: Store[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

function open(path: string, mode: OpenOptions['mode'] = 'write'): Store {
  const store = openSqliteStore({ path, mode, clock: systemClock, uid: currentUid(), allowNetworkDisk: false });
  opened.push(store);
  return store;
}

const add = (store: Store): Promise<unknown> => store.enqueue([item()], { now: Date.now(), ifQueued: 'append' });
const BY = { who: 'kim', command: 'doctor', reason: undefined };
const place = (path: string) => ({ path, clock: systemClock });
const examine = async (path: string) => {
  const config = { config: emptyConfig(), problem: undefined, warning: undefined };
  const { findings } = await examineQueue(place(path), config);
  return findings.filter(({ code }) => code !== 'unknown-target');
};

/** A queue with one item, changed by another program and closed. */
async function queue(sql = ''): Promise<string> {
  const path = join(tempDirectory(), 'queue.db');
  const store = open(path, 'create');
  await add(store);
  await store.close();
  raw(path, (db) => {
    db.unsafeMode(true);
    db.exec(sql);
  });
  return path;
}

function refused(path: string): { code: string; message: string; hint: string } {
  try {
    open(path);
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  return { code: 'opened', message: '', hint: '' };
}

const EVIL = `BEGIN UPDATE item SET path = '/admin', method = 'DELETE'; END`;
const REWRITE = (type: string, name: string, from: string, to: string): string =>
  `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '${from}', '${to}')
   WHERE type = '${type}' AND name = '${name}'; PRAGMA writable_schema = RESET`;

describe('a changed schema', () => {
  test.each([
    ['a trigger on items', `CREATE TRIGGER evil AFTER INSERT ON item ${EVIL}`, 'DROP TRIGGER "evil"'],
    ['a trigger on another table', `CREATE TRIGGER evil AFTER UPDATE ON runner ${EVIL}`, 'DROP TRIGGER "evil"'],
    ['a trigger on a view', `CREATE TRIGGER evil INSTEAD OF UPDATE ON items ${EVIL}`, 'DROP TRIGGER "evil"'],
    ['a second door', `CREATE TRIGGER evil INSTEAD OF INSERT ON OUTBOX ${EVIL}`, 'DROP TRIGGER "evil"'],
    ['a quoted name', `CREATE TRIGGER "e ""vïl'" AFTER DELETE ON attempt ${EVIL}`, `DROP TRIGGER "e ""vïl'"`],
    [
      'a name of two lines',
      `CREATE TRIGGER "e\nhint: v" AFTER DELETE ON attempt ${EVIL}`,
      /hex\(name\) = '650A68696E743A2076';/,
    ],
    ['a name that hides', `CREATE INDEX "\u202e\u0001" ON item (path)`, /hex\(name\) = 'E280AE01'; .*; VACUUM$/],
    ['an index', 'CREATE UNIQUE INDEX "app i" ON item (path)', 'DROP INDEX "app i"'],
    ['a lost index', 'DROP INDEX item_open', /run this in it \(sqlite3\): CREATE INDEX item_open ON item/],
    ['a lost view', 'DROP VIEW attempts', /: CREATE VIEW attempts AS SELECT/],
    ['a lost door', 'DROP TRIGGER outbox_insert', /: CREATE TRIGGER outbox_insert INSTEAD OF/],
    ['another view', `DROP VIEW status; CREATE VIEW status AS SELECT 1`, /: DROP VIEW "status"; CREATE VIEW status AS/],
    [
      'another index',
      'DROP INDEX history_at; CREATE INDEX history_at ON history (who)',
      'DROP INDEX "history_at"; CREATE INDEX history_at ON history (at)',
    ],
    [
      'a table where an index was',
      'DROP INDEX history_at; CREATE TABLE history_at (x)',
      'DROP TABLE "history_at"; CREATE INDEX history_at ON history (at)',
    ],
    [
      'another door',
      `DROP TRIGGER outbox_insert; CREATE TRIGGER outbox_insert INSTEAD OF INSERT ON outbox ${EVIL}`,
      /: DROP TRIGGER "outbox_insert"; CREATE TRIGGER outbox_insert/,
    ],
    [
      'a door whose texts differ',
      REWRITE('trigger', 'outbox_insert', `RAISE(ABORT, ''syncq: unknown`, `RAISE(IGNORE) --`),
      undefined,
    ],
  ])('%s: nothing is stored, and the hint mends it', async (_what, sql, statement) => {
    const path = await queue(sql);
    const { code, hint } = refused(path);
    expect(code).toBe('corrupt');
    if (statement === undefined) return;
    const next = (await examine(path)).find(({ severity }) => severity === 'unusable')?.next ?? '';
    if (typeof statement === 'string') expect(next.slice(-statement.length)).toBe(statement);
    else expect(next).toMatch(statement);
    expect(next + refused(path).message).not.toContain('\n');
    expect([next, 'syncq doctor prints the statement that mends it']).toContain(hint);
    raw(path, (db) => db.unsafeMode(true).exec(next.slice(next.indexOf('): ') + 3)));
    await add(open(path));
    expect((await open(path, 'read').summary(Date.now())).targets[0]?.pending).toBe(2);
    expect(await examine(path)).toEqual([]);
  });

  test.each([
    ['a rule that was taken out of a table', REWRITE('table', 'item', 'CHECK (elig BETWEEN 1 AND 3)', '')],
    ['another column', 'ALTER TABLE item ADD COLUMN mine TEXT'],
    ['a column with another name', 'ALTER TABLE history RENAME COLUMN who TO whom'],
    ['a table with another name', 'ALTER TABLE history RENAME TO story'],
    ['a view in place of a table', 'ALTER TABLE pruned RENAME TO app_x; CREATE VIEW pruned AS SELECT * FROM app_x'],
  ])('%s is damage that no statement mends', async (_what, sql) => {
    const path = await queue(sql);
    expect(refused(path)).toMatchObject({ code: 'corrupt', hint: expect.stringContaining('restore a backup') });
    expect((await examine(path)).map(({ code }) => code)).toContain('corrupt');
  });

  test('stops every command that writes, and no command that reads', async () => {
    const path = await queue(`CREATE TRIGGER evil AFTER UPDATE ON queue ${EVIL}`);
    const refusal = { code: 'corrupt', hint: expect.stringMatching(/: DROP TRIGGER "evil"$/) };
    await expect(repairQueue(place(path), BY)).rejects.toMatchObject(refusal);
    await expect(adoptQueue(place(path), BY)).rejects.toMatchObject(refusal);
    const copy = `${path}.copy`;
    expect(() => backupQueue(place(path), copy)).toThrow(expect.objectContaining(refusal));
    expect(existsSync(copy)).toBe(false);
    expect((await open(path, 'read').get([1], 0))[0]).toMatchObject({ path: '/activities/1', method: 'PUT' });
  });

  test('is noticed by programs that have the queue open, until it is undone', async () => {
    const path = await queue();
    const store = open(path);
    const policy = {
      decide: () => ({ move: { to: 'completed' as const }, counted: false, target: {} }),
      gate: () => ({ slots: 9, rotate: false }),
    };
    const session = await store.acquire(runner(), policy, Date.now());
    if ('heldBy' in session) throw new Error('held');
    const step = { now: 0, settle: [], release: [], targets: [], claim: 1, only: undefined, signal: undefined };
    raw(path, (db) => db.exec(`CREATE TRIGGER evil AFTER INSERT ON item ${EVIL}`));
    const refusal = { code: 'corrupt', hint: expect.stringMatching(/: DROP TRIGGER "evil"$/) };
    const batches = async function* () {
      yield [item()];
    };
    for (let time = 0; time < 2; time += 1) {
      await expect(add(store)).rejects.toMatchObject(refusal);
      await expect(store.bulk(batches(), { now: Date.now })).rejects.toMatchObject(refusal);
      await expect(session.step(step)).rejects.toMatchObject(refusal);
    }
    expect((await store.get([1], 0))[0]).toMatchObject({ state: 'pending', path: '/activities/1' });
    raw(path, (db) => db.exec('DROP TRIGGER "evil"'));
    await add(store);
    expect((await session.step(step)).claims).toHaveLength(1);
    await session.end(undefined);
  });

  test('is refused in an older file before the migration, also under one of our names', async () => {
    for (const name of ['evil', 'outbox_insert']) {
      const path = await queue(
        `DROP TRIGGER outbox_insert; CREATE TRIGGER ${name} AFTER UPDATE ON item ${EVIL}; PRAGMA user_version = 1`,
      );
      expect(refused(path)).toMatchObject({ code: 'corrupt', message: expect.stringContaining(`"${name}"`) });
      expect(raw(path, (db) => db.pragma('user_version', { simple: true }))).toBe(1);
      expect(existsSync(`${path}.v1`)).toBe(false);
      expect((await examine(path)).map(({ code }) => code)).toContain('corrupt');
    }
  });
});

test('tables of other programs may stay in the file; doctor names them', async () => {
  const path = await queue(`
    CREATE TABLE app_a (x PRIMARY KEY REFERENCES item (id)); CREATE INDEX app_i ON app_a (x DESC);
    CREATE TRIGGER app_t AFTER INSERT ON app_a BEGIN
      INSERT INTO outbox (target, method, path) VALUES ('main', 'POST', '/from-app'); END;
    CREATE VIEW app_v AS SELECT * FROM items; CREATE VIRTUAL TABLE app_f USING fts5(x);
    ANALYZE; VACUUM; REINDEX`);
  const store = open(path);
  await add(store);
  raw(path, (db) => db.exec(`INSERT INTO app_a VALUES (1); ALTER TABLE app_a RENAME TO app_b; DROP VIEW app_v`));
  await add(store);
  expect((await store.summary(Date.now())).targets[0]?.pending).toBe(4);
  const [found, ...rest] = await examine(path);
  expect(found).toMatchObject({
    code: 'others-tables',
    severity: 'note',
    message: expect.stringMatching(/: app_b, app_f/),
  });
  expect(rest.filter(({ code }) => code !== 'not-sealed')).toEqual([]);
});
