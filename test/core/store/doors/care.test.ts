import { copyFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import { emptyConfig } from '../../../../src/core/config/validate.js';
import type { Examination, Salvage } from '../../../../src/core/store/doors/care.js';
import {
  adoptQueue,
  backupQueue,
  examineQueue,
  repairQueue,
  salvageQueue,
} from '../../../../src/core/store/doors/care.js';
import { loadSqlite, type Database } from '../../../../src/core/store/sqlite/file/driver.js';
import { acquireLock } from '../../../../src/core/store/sqlite/file/lock.js';
import { STATES } from '../../../../src/core/nouns/item.js';
import { ARRIVED_IN_VERSION_1, makeVersion1 } from '../../../support/older-queue.js';
import { testQueue } from '../../../support/queue.js';
import { startServer } from '../../../support/rest-server.js';
import { tempDirectory } from '../../../support/temp.js';

const BY = { who: 'kim', command: 'doctor', reason: undefined };
const CONFIG = { config: emptyConfig(), problem: undefined, warning: undefined };
const TARGETS = { api: { baseUrl: 'http://127.0.0.1:1' } };

/** A queue of `count` items in ten lanes, closed, so that its file may be looked at and damaged. */
async function closedQueue(count = 40, payload = (n: number): unknown => ({ n })): Promise<string> {
  const { queue, path } = testQueue(TARGETS);
  await queue.enqueueMany(
    Array.from({ length: count }, (_, n) => ({ method: 'POST', path: '/a', entity: `a/${n % 10}`, json: payload(n) })),
  );
  await queue.close();
  return path;
}

const place = (path: string): { path: string; clock: typeof systemClock } => ({ path, clock: systemClock });
/** The queues here name targets that no config describes; that finding is tested elsewhere. */
const examine = async (path: string): Promise<Examination> => {
  const examination = await examineQueue(place(path), CONFIG);
  return { ...examination, findings: examination.findings.filter(({ code }) => code !== 'unknown-target') };
};
const codes = async (path: string): Promise<string[]> => (await examine(path)).findings.map(({ code }) => code);
const saved = (path: string): Salvage[] => [...salvageQueue(place(path))];
const savedIds = (path: string): number[] =>
  saved(path).flatMap((found) => (found.kind === 'item' ? [found.item.id] : []));

function edit(path: string, change: (db: Database) => void): void {
  const Sqlite = loadSqlite();
  const db = new Sqlite(path);
  change(db);
  db.close();
}

/** Pages of the item table that hold rows, found by a text that only rows hold. */
function pagesWith(path: string, text: string): number[] {
  const bytes = readFileSync(path);
  const size = bytes.readUInt16BE(16);
  const pages = Array.from({ length: bytes.length / size }, (_, page) => page);
  return pages.filter((page) => bytes.subarray(page * size, (page + 1) * size).includes(text));
}

function overwritePage(path: string, page: number): void {
  const bytes = readFileSync(path);
  const size = bytes.readUInt16BE(16);
  bytes.fill(0xa5, page * size, (page + 1) * size);
  writeFileSync(path, bytes);
}

describe('examining a queue file', () => {
  test('finds nothing in a sound one, and counts what it checked', async () => {
    const path = await closedQueue();
    expect(await examine(path)).toMatchObject({ findings: [], items: 40, payloads: 40, unsealed: 0, schemaVersion: 2 });
  });

  test.each([
    ['a head that is none', 'UPDATE item SET elig = 1 WHERE id = 11', ['lane-head', 'counts']],
    ['a lane without a head', 'UPDATE item SET elig = NULL WHERE id = 1', ['lane-head', 'counts']],
    ['a wrong count', 'UPDATE tally SET pending = pending + 1', ['counts']],
    ['a missing count', 'DELETE FROM tally', ['counts']],
  ])('finds %s, and repair mends it', async (_, sql, expected) => {
    const path = await closedQueue();
    edit(path, (db) => db.exec(sql));
    expect(await codes(path)).toEqual(expected);
    expect(await repairQueue(place(path), BY)).not.toEqual({ heads: 0, targets: 0, groups: 0 });
    expect(await codes(path)).toEqual([]);
    expect(await repairQueue(place(path), BY)).toEqual({ heads: 0, targets: 0, groups: 0 });
  });

  test('finds a review group that counts wrong, and repair mends it', async () => {
    const server = await startServer({ answer: { status: 422 } });
    const { queue, path } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueue({ method: 'POST', path: '/a', json: 1 });
    await queue.drain();
    await queue.close();
    edit(path, (db) => db.exec('UPDATE review_group SET items = 7'));
    expect(await codes(path)).toEqual(['review-groups']);
    expect(await repairQueue(place(path), BY)).toEqual({ heads: 0, targets: 0, groups: 1 });
    expect(await codes(path)).toEqual([]);
  });

  test('finds payload bytes that are not those that were enqueued, which SQLite cannot see', async () => {
    const path = await closedQueue();
    edit(path, (db) => db.exec(`UPDATE item SET payload = CAST('{"n":99}' AS BLOB) WHERE id IN (3, 5)`));
    const { findings, verdict } = await examine(path);
    expect(verdict).toBe('unusable');
    expect(findings).toMatchObject([{ code: 'corrupt', message: expect.stringContaining('2 items (3, 5)') }]);
    expect(saved(path).filter(({ kind }) => kind === 'altered')).toEqual([
      { kind: 'altered', id: 3 },
      { kind: 'altered', id: 5 },
    ]);
  });

  test('names items of other programs that have no checksum yet, as a note', async () => {
    const path = await closedQueue(1);
    edit(path, (db) =>
      db.exec(`INSERT INTO outbox (target, method, path, payload) VALUES ('api', 'POST', '/x', '{}')`),
    );
    const { findings, unsealed } = await examine(path);
    expect(unsealed).toBe(1);
    expect(findings).toMatchObject([{ code: 'not-sealed', severity: 'note' }]);
  });

  test('finds a file that is cut short, and one that is no queue, and touches neither', async () => {
    const path = await closedQueue(400);
    truncateSync(path, Math.floor(statSync(path).size / 2));
    const before = readFileSync(path);
    expect(await examine(path)).toMatchObject({ verdict: 'unusable' });
    expect(await codes(path)).toContain('corrupt');
    expect(readFileSync(path)).toEqual(before);

    writeFileSync(path, 'not a database at all, but long enough to look at'.repeat(10));
    expect(await codes(path)).toEqual(['not-a-queue']);
  });

  test('finds files that others may read', async () => {
    const path = await closedQueue();
    edit(path, () => undefined);
    const { chmodSync } = await import('node:fs');
    chmodSync(path, 0o644);
    expect(await examine(path)).toMatchObject({
      verdict: 'problem',
      findings: [{ code: 'mode', next: `chmod 600 ${path}` }],
    });
  });
});

test('names what SQLite finds wrong with a damaged page, and checks nothing derived from it', async () => {
  const path = await closedQueue(300, (n) => ({ n, mark: `payload-of-${n}-end` }));
  overwritePage(path, pagesWith(path, 'payload-of-')[1]!);
  edit(path, (db) => db.exec('UPDATE tally SET pending = pending + 1'));
  const { findings } = await examine(path);
  expect(findings[0]).toMatchObject({ code: 'corrupt', message: expect.stringMatching(/^the file is damaged: /) });
  expect(findings.map(({ code }) => code)).not.toContain('counts');
});

describe('saving from a damaged file', () => {
  test('costs the items on the damaged page and no others', async () => {
    const path = await closedQueue(300, (n) => ({ n, mark: `payload-of-${n}-end` }));
    const [, page] = pagesWith(path, 'payload-of-');
    const lost = new Set(
      Array.from({ length: 300 }, (_, n) => n).filter((n) => pagesWith(path, `payload-of-${n}-end`).includes(page!)),
    );
    overwritePage(path, page!);

    expect(await codes(path)).toContain('corrupt');
    const kept = Array.from({ length: 300 }, (_, n) => n).filter((n) => !lost.has(n));
    expect(lost.size).toBeGreaterThan(1);
    expect(savedIds(path)).toEqual(kept.map((n) => n + 1));
    expect(saved(path).filter(({ kind }) => kind === 'unreadable')).toHaveLength(lost.size);
  });

  test('repair refuses it, and changes nothing', async () => {
    const path = await closedQueue(300, (n) => ({ n, mark: `payload-of-${n}-end` }));
    overwritePage(path, pagesWith(path, 'payload-of-')[1]!);
    await expect(repairQueue(place(path), BY)).rejects.toMatchObject({ code: 'corrupt' });
  });

  test('keeps the lane of an item whose entity cannot be read', async () => {
    const path = await closedQueue(20);
    edit(path, (db) => {
      db.unsafeMode(true);
      db.exec('PRAGMA foreign_keys = OFF; DELETE FROM entity WHERE id = 2');
    });
    const entities = saved(path).flatMap((found) =>
      found.kind === 'item' ? [`${found.item.entity?.type ?? ''}/${found.item.entity?.id ?? ''}`] : [],
    );
    expect(entities.filter((name) => name === 'unreadable/2')).toHaveLength(2);
  });
});

describe('repair', () => {
  test('is refused while a runner holds the lock', async () => {
    const path = await closedQueue();
    const lock = acquireLock(path);
    await expect(repairQueue(place(path), BY)).rejects.toMatchObject({ code: 'other-runner' });
    lock?.release();
  });
});

describe('a backup', () => {
  test('holds what was committed when it began, while another program is in the middle of a write', async () => {
    const { queue, path } = testQueue(TARGETS);
    await queue.enqueueMany([1, 2, 3].map((json) => ({ method: 'POST', path: '/a', json })));
    const Sqlite = loadSqlite();
    const other = new Sqlite(path);
    other.exec(`BEGIN IMMEDIATE; DELETE FROM item`);
    const file = join(path, '..', 'copy.db');
    expect(backupQueue(place(path), file)).toMatchObject({ file, items: 3, unfinished: 3 });
    other.exec('ROLLBACK');
    other.close();
    expect(savedIds(file)).toEqual([1, 2, 3]);
  });

  test('is stamped, readable by the owner only whatever the umask, and has no log', async () => {
    const umask = process.umask(0);
    try {
      const path = await closedQueue();
      const file = `${path}.copy`;
      backupQueue(place(path), file);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(existsSync(`${file}-wal`)).toBe(false);
      const { findings, copyOf } = await examine(file);
      expect(findings).toMatchObject([{ code: 'queue-is-copy', severity: 'problem' }]);
      expect(copyOf).toContain(path);
    } finally {
      process.umask(umask);
    }
  });

  test('never replaces a file, nor joins the log of another', async () => {
    const path = await closedQueue();
    const file = `${path}.copy`;
    backupQueue(place(path), file);
    expect(() => backupQueue(place(path), file)).toThrow(/exists already/);
    writeFileSync(`${path}.other-wal`, 'x');
    expect(() => backupQueue(place(path), `${path}.other`)).toThrow(/other-wal exists already/);
  });

  test('is never sent from, wherever it is copied to, until it is adopted', async () => {
    const server = await startServer();
    const targets = { api: { baseUrl: server.url } };
    const { queue, path } = testQueue(targets);
    await queue.enqueue({ method: 'POST', path: '/a', json: 1 });
    backupQueue(place(path), `${path}.copy`);
    await queue.drain();
    const elsewhere = join(path, '..', 'elsewhere.db');
    copyFileSync(`${path}.copy`, elsewhere);

    const copy = testQueue(targets, { path: elsewhere });
    await expect(copy.queue.drain()).rejects.toMatchObject({ code: 'queue-is-copy' });
    expect(server.requests).toHaveLength(1);
    expect(await adoptQueue(place(elsewhere), BY)).toContain(path);
    expect(await adoptQueue(place(elsewhere), BY)).toBeUndefined();
    const { items } = await copy.queue.inspect([1]);
    expect(items).toMatchObject([{ mayHaveArrived: 0 }]);
    await copy.queue.drain();
    expect(server.requests.map((request) => request.headers['idempotency-key'])).toEqual(
      Array(2).fill(server.requests[0]?.headers['idempotency-key']),
    );
    expect(await copy.queue.history()).toMatchObject([{ event: 'adopted', who: 'kim' }]);
  });

  test('of a queue with items in every state is adopted: all that are unfinished may have been sent by the original', async () => {
    const path = join(tempDirectory(), 'queue.db');
    makeVersion1(path);
    backupQueue(place(path), `${path}.copy`);
    await adoptQueue(place(`${path}.copy`), BY);
    const { queue } = testQueue({ api: { baseUrl: 'http://127.0.0.1:9' } }, { path: `${path}.copy` });
    const { items } = await queue.list({ states: [...STATES] }, { limit: 50 });
    const arrived = items.map(({ id, mayHaveArrived }) => [id, mayHaveArrived]);
    const open = Object.fromEntries(
      items.map(({ id, state }) => [id, state === 'completed' || state === 'discarded' ? undefined : 0]),
    );
    expect(Object.fromEntries(arrived)).toEqual({ ...open, ...ARRIVED_IN_VERSION_1 });
    expect((await queue.status()).reviewGroups.every(({ mayHaveArrived }) => mayHaveArrived)).toBe(true);
    expect((await examine(`${path}.copy`)).findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
    // It was never claimed here, but may have been there.
    await queue.enqueue({ method: 'POST', path: '/new', entity: 'f/1', json: 1 }, { ifQueued: 'replace' });
    expect((await queue.inspect([17])).items).toMatchObject([{ state: 'pending' }]);
  });

  test('of a damaged queue is refused and leaves nothing behind', async () => {
    const path = await closedQueue(300, (n) => ({ n, mark: `payload-of-${n}-end` }));
    overwritePage(path, pagesWith(path, 'payload-of-')[1]!);
    expect(() => backupQueue(place(path), `${path}.copy`)).toThrow(/damaged/);
    const { readdirSync } = await import('node:fs');
    expect(readdirSync(join(path, '..')).filter((name) => name.includes('copy'))).toEqual([]);
  });
});
