import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import type { Connection } from '../../../../src/core/store/sqlite/file/connection.js';
import { storeError } from '../../../../src/core/store/sqlite/file/connection.js';
import { loadSqlite, type Database } from '../../../../src/core/store/sqlite/file/driver.js';
import { openFile } from '../../../../src/core/store/sqlite/file/open.js';
import { tempDirectory } from '../../../support/temp.js';

const sqliteError = (code: string): Error => Object.assign(new Error('from SQLite'), { code });
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let connection: Connection;
let other: Database;

beforeEach(() => {
  const path = join(tempDirectory(), 'queue.db');
  const uid = process.getuid?.();
  connection = openFile({ path, mode: 'create', clock: systemClock, uid, allowNetworkDisk: false });
  other = new (loadSqlite())(path);
});

afterEach(() => {
  other.close();
  connection.close();
});

describe('waiting for another writer', () => {
  test('lets timers run and continues when the other writer is done', async () => {
    other.exec('BEGIN IMMEDIATE');
    const ticks: number[] = [];
    const ticking = setInterval(() => ticks.push(Date.now()), 20);
    const written = connection.write(() => 'written');
    await later(500);
    other.exec('COMMIT');
    expect(await written).toBe('written');
    clearInterval(ticking);
    // Without SQLite's own waits there would be 25; blocked all the time there would be none.
    expect(ticks.length).toBeGreaterThan(2);
  });

  test('ends as busy after its patience, with nothing written', async () => {
    other.exec('BEGIN IMMEDIATE');
    let called = false;
    const write = connection.write(() => (called = true), { patienceMs: 250 });
    await expect(write).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringContaining('nothing was changed'),
    });
    expect(called).toBe(false);
    other.exec('ROLLBACK');
  });

  test('ends at once when it is aborted', async () => {
    other.exec('BEGIN IMMEDIATE');
    const stop = new AbortController();
    const write = connection.write(() => 1, { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    const begun = performance.now();
    await expect(write).rejects.toMatchObject({ code: 'busy' });
    expect(performance.now() - begun).toBeLessThan(2000);
    other.exec('ROLLBACK');
  });

  test('does not block readers', async () => {
    other.exec('BEGIN IMMEDIATE');
    await expect(connection.read(() => connection.get('SELECT one FROM queue'))).resolves.toEqual({ one: 1 });
    other.exec('ROLLBACK');
  });
});

describe('a file that gets locked during a transaction', () => {
  test('is read again', async () => {
    let calls = 0;
    const value = await connection.read(() => {
      calls += 1;
      if (calls < 3) throw sqliteError('SQLITE_BUSY_RECOVERY');
      return 'read';
    });
    expect({ value, calls, open: connection.db.inTransaction }).toEqual({ value: 'read', calls: 3, open: false });
  });

  test('is not written twice', async () => {
    let calls = 0;
    const write = connection.write(() => {
      calls += 1;
      throw sqliteError('SQLITE_BUSY');
    });
    await expect(write).rejects.toMatchObject({ code: 'busy' });
    expect({ calls, open: connection.db.inTransaction }).toEqual({ calls: 1, open: false });
  });
});

describe('a full disk', () => {
  const full = (times: number) => {
    let calls = 0;
    return {
      body: () => {
        calls += 1;
        connection.run('UPDATE queue SET created_at = created_at + 1');
        if (calls <= times) throw sqliteError('SQLITE_FULL');
        return calls;
      },
      calls: () => calls,
    };
  };

  test('is retried once after space was freed, from the state before', async () => {
    const before = connection.get<{ at: number }>('SELECT created_at AS at FROM queue')!.at;
    const { body } = full(1);
    expect(await connection.write(body, { onFull: () => true })).toBe(2);
    expect(connection.get('SELECT created_at AS at FROM queue')).toEqual({ at: before + 1 });
  });

  test('is retried only once', async () => {
    const { body, calls } = full(5);
    await expect(connection.write(body, { onFull: () => true })).rejects.toMatchObject({ code: 'disk-full' });
    expect(calls()).toBe(2);
  });

  test('is not retried when no space was freed', async () => {
    const { body, calls } = full(5);
    await expect(connection.write(body)).rejects.toMatchObject({ code: 'disk-full' });
    expect(calls()).toBe(1);
  });
});

test('a version changes with commits of others and of this program, not with the runner’s own', async () => {
  const seen = [connection.dataVersion()];
  await connection.write(() => connection.run('UPDATE queue SET created_at = 1'), { quiet: true });
  seen.push(connection.dataVersion());
  await connection.write(() => connection.run('UPDATE queue SET created_at = 2'));
  seen.push(connection.dataVersion());
  other.exec('UPDATE queue SET created_at = 3');
  seen.push(connection.dataVersion());
  expect(seen[1]).toBe(seen[0]);
  expect(new Set(seen).size).toBe(3);
});

test.each([
  ['SQLITE_FULL', false, 'disk-full'],
  ['ENOSPC', false, 'disk-full'],
  ['EDQUOT', false, 'disk-full'],
  ['SQLITE_IOERR_SHMSIZE', false, 'disk-full'],
  ['SQLITE_IOERR_FSYNC', true, 'store-unknown'],
  ['SQLITE_IOERR_WRITE', true, 'store-unknown'],
  ['SQLITE_IOERR_WRITE', false, 'unwritable'],
  ['SQLITE_IOERR_READ', false, 'unwritable'],
  ['SQLITE_CORRUPT', false, 'corrupt'],
  ['SQLITE_CORRUPT_INDEX', true, 'corrupt'],
  ['SQLITE_NOTADB', false, 'not-a-queue'],
  ['SQLITE_READONLY_DBMOVED', false, 'unwritable'],
  ['SQLITE_CANTOPEN', false, 'unwritable'],
  ['SQLITE_BUSY_SNAPSHOT', false, 'busy'],
  ['EACCES', false, 'unwritable'],
  ['ENOTDIR', false, 'unwritable'],
  ['EMFILE', false, 'out-of-handles'],
  ['ENFILE', false, 'out-of-handles'],
])('%s (in COMMIT: %s) is %s', (code, committing, expected) => {
  expect(storeError(sqliteError(code), '/q.db', committing)).toMatchObject({ code: expected, cause: { code } });
});

test('an error of our own is thrown unchanged', () => {
  const error = new TypeError('a defect');
  expect(storeError(error, '/q.db', false)).toBe(error);
});
