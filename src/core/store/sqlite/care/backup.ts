/** Copies a queue while others use it, and marks the copy, so that it can be read but never sent from; adopts such a copy. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

import { QueueError } from '../../../nouns/errors.js';
import { assertFree, publish, temporaryBeside } from '../../../files/new-file.js';
import { removeTemporary } from '../../../files/temporary.js';
import type { BackupReport } from '../../care.js';
import type { Actor } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { storeError } from '../file/connection.js';
import { loadSqlite } from '../file/driver.js';
import { appendHistory } from '../read/history.js';
import { assertKnownSchema } from '../file/known-schema.js';
import type { OpenOptions } from '../file/open-options.js';
import { openFile } from '../file/open.js';
import { freeBytes } from '../file/reserve.js';
import { REGROUP } from '../sql/regroup.js';
import { COMPLETED } from '../sql/codes.js';

/**
 * Writes one consistent state of the queue to a new file; nobody has to wait. The copy is checked before it gets its
 * name.
 *
 * @throws {QueueError} usage when `file` exists; disk-full, unwritable, corrupt
 */
export function backupFile(options: Omit<OpenOptions, 'mode'>, file: string): BackupReport {
  // SQLite would read the log of another file into the copy.
  assertFree(file, ['', '-wal', '-shm', '-journal']);
  const source = openFile({ ...options, mode: 'read' });
  try {
    assertRoomFor(source, file);
    const temporary = temporaryBeside(file);
    try {
      copyInto(source, temporary);
      const report = stamp(temporary, options.path, options.clock.now());
      publish(temporary, file);
      return { file, ...report };
    } catch (error) {
      removeTemporary(temporary);
      throw error;
    }
  } catch (error) {
    throw storeError(error, options.path, false);
  } finally {
    source.close();
  }
}

function assertRoomFor(connection: Connection, file: string): void {
  const pages = connection.db.pragma('page_count', { simple: true }) as number;
  const needed = pages * (connection.db.pragma('page_size', { simple: true }) as number);
  let free: number;
  try {
    free = freeBytes(dirname(file));
  } catch {
    return; // Creating the file will report what is wrong with the directory.
  }
  if (free >= needed) return;
  throw new QueueError(
    'disk-full',
    `the disk of ${file} has ${free} bytes free, the copy needs up to ${needed}; nothing was written`,
    {
      hint: 'free some space, or name a file on another disk',
    },
  );
}

function copyInto(source: Connection, temporary: string): void {
  try {
    source.db.prepare('VACUUM INTO ?').run(temporary);
  } catch (error) {
    throw storeError(error, temporary, false);
  }
}

/**
 * Records in the copy where it came from, and checks it. The copy keeps the rollback-journal mode of VACUUM INTO: a queue
 * in use has a log, so opening can tell when a copy replaced a queue whose log is still there.
 */
function stamp(temporary: string, from: string, now: number): Omit<BackupReport, 'file'> {
  const Sqlite = loadSqlite();
  const db = new Sqlite(temporary, { fileMustExist: true });
  try {
    db.pragma('journal_mode = MEMORY');
    db.pragma('trusted_schema = OFF');
    // A foreign trigger would rewrite the copy.
    assertKnownSchema(db, from);
    db.prepare('UPDATE queue SET copy_of = ?').run(`${from} (${new Date(now).toISOString()})`);
    const verdict = db.pragma('integrity_check(1)', { simple: true });
    if (verdict !== 'ok') {
      throw new QueueError('corrupt', `${from} is damaged, so no copy was made; the queue was not changed`, {
        hint: 'syncq doctor',
      });
    }
    const counts = db
      .prepare('SELECT count(*) AS items, count(*) FILTER (WHERE state < 3) AS unfinished FROM item')
      .get() as Pick<BackupReport, 'items' | 'unfinished'>;
    return { bytes: statSync(temporary).size, ...counts };
  } catch (error) {
    throw storeError(error, from, false);
  } finally {
    db.close();
  }
}

/** The original may have sent everything that is unfinished in the copy. */
const DOUBT = `UPDATE item SET may_have_arrived = ifnull(may_have_arrived, 0), touched = 1 WHERE state < ${COMPLETED}`;

/**
 * Makes a stamped copy a queue in its own right.
 *
 * @returns what it was a copy of; undefined = it was no copy, and nothing was changed
 */
export async function adoptFile(options: Omit<OpenOptions, 'mode'>, by: Actor): Promise<string | undefined> {
  const connection = openFile({ ...options, mode: 'write' });
  try {
    return await connection.write(() => {
      const copyOf = connection.get<{ copy_of: string | null }>('SELECT copy_of FROM queue')?.copy_of ?? undefined;
      if (copyOf === undefined) return undefined;
      connection.run('UPDATE queue SET copy_of = NULL');
      connection.run(DOUBT);
      for (const sql of REGROUP) connection.run(sql);
      const at = options.clock.now();
      appendHistory(connection, {
        at,
        item: undefined,
        target: undefined,
        ...by,
        event: 'adopted',
        detail: { copyOf },
      });
      return copyOf;
    });
  } finally {
    connection.close();
  }
}
