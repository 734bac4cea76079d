/** Forgetting, to the byte, while the file is open: what another program would find in it. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import type { Connection } from '../../../../src/core/store/sqlite/file/connection.js';
import { loadSqlite } from '../../../../src/core/store/sqlite/file/driver.js';
import { emptyLog } from '../../../../src/core/store/sqlite/write/forget.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/store.js';
import type { Store } from '../../../../src/core/store/store.js';
import { tempDirectory } from '../../../support/temp.js';
import { about, bytes, item } from '../conformance/harness.js';

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function openQueue(): { store: Store; directory: string; path: string } {
  const directory = tempDirectory();
  const path = join(directory, 'q.db');
  const uid = process.getuid?.();
  const store = openSqliteStore({ path, mode: 'create', clock: systemClock, uid, allowNetworkDisk: false });
  open.push(store);
  return { store, directory, path };
}

/** By another process: reading the file in this one would drop the locks that SQLite holds on it. */
function filesWith(directory: string, marker: string): string[] {
  return readdirSync(directory).filter((name) => {
    const script = 'process.exit(require("node:fs").readFileSync(process.argv[1]).includes(process.argv[2]) ? 0 : 1)';
    try {
      execFileSync(process.execPath, ['-e', script, join(directory, name), marker]);
      return true;
    } catch {
      return false;
    }
  });
}

const BY = { who: 'kari', command: 'erase', reason: undefined };
const person = { type: 'person', id: '7' };
const marked = item({ ...about('person/7'), payload: bytes(`{"x":"${'MARKED'.repeat(2000)}"}`) });

describe('with the file open', () => {
  test('erase leaves nothing in the log either', async () => {
    const { store, directory } = openQueue();
    await store.enqueue([marked], { now: systemClock.now(), ifQueued: 'append' });
    expect(filesWith(directory, 'MARKED')).toEqual(['q.db-wal']);
    const report = await store.erase(person, { dryRun: false, by: BY, now: systemClock.now() });
    expect(report.cleared).toBe(true);
    expect(filesWith(directory, 'MARKED')).toEqual([]);
  });

  test('prune leaves nothing in the log either', async () => {
    const { store, directory } = openQueue();
    const now = systemClock.now();
    await store.enqueue([marked], { now, ifQueued: 'append' });
    await store.change({ kind: 'discard', filter: { ids: [1] }, dryRun: false }, BY, now);
    await store.prune({ completedBefore: undefined, payloadsBefore: now + 1 }, { limit: 10, dryRun: false, now });
    expect(filesWith(directory, 'MARKED')).toEqual([]);
  });

  test('a reader that keeps the log busy is told of, and the next time clears it', async () => {
    const { store, directory, path } = openQueue();
    await store.enqueue([marked], { now: systemClock.now(), ifQueued: 'append' });
    const Sqlite = loadSqlite();
    const reader = new Sqlite(path, { readonly: true });
    open.push(reader);
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM item').get();
    const report = await store.erase(person, { dryRun: false, by: BY, now: systemClock.now() });
    expect(report.cleared).toBe(false);
    expect(filesWith(directory, 'MARKED')).toEqual(['q.db-wal']);
    reader.exec('COMMIT');
    const again = await store.erase(person, { dryRun: false, by: BY, now: systemClock.now() });
    expect(again).toMatchObject({ items: [], cleared: true });
    expect(filesWith(directory, 'MARKED')).toEqual([]);
  });
});

describe('emptying the log', () => {
  const failing = (code: string): Connection =>
    ({
      path: 'q.db',
      db: {
        pragma: () => {
          throw Object.assign(new Error('as SQLite says'), { code });
        },
      },
    }) as unknown as Connection;

  test.each(['SQLITE_FULL', 'SQLITE_BUSY_RECOVERY'])('says that it could not where %s is in the way', async (code) => {
    expect(await emptyLog(failing(code), systemClock, 0)).toBe(false);
  });

  test('names a disk that fails for what it is', async () => {
    for (const code of ['SQLITE_IOERR_WRITE', 'SQLITE_IOERR_FSYNC'])
      await expect(emptyLog(failing(code), systemClock, 0)).rejects.toMatchObject({ code: 'store-unknown' });
  });
});
