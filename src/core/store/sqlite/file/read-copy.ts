/** Opens a copy of a queue for reading where SQLite cannot create the index of its log (read-only or full disk). */
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { removeTemporary, temporaryDirectory } from '../../../files/temporary.js';
import { loadSqlite, type Database } from './driver.js';

interface ReadCopy {
  db: Database;
  /** Path of the open file. */
  path: string;
  dispose: () => void;
}

/** Largest file that is read into memory, bytes. */
const MOST_IN_MEMORY = 512 * 1024 * 1024;

/**
 * Copies the queue to the temporary directory, or into memory when that is not writable either (one full disk). No
 * connection of this process may have the file open: closing the file here would drop its locks (POSIX).
 */
export function openCopy(path: string, temporary = tmpdir()): ReadCopy {
  let directory: string | undefined;
  try {
    directory = temporaryDirectory('read', temporary);
    return openIn(directory, path);
  } catch (error) {
    if (directory !== undefined) removeTemporary(directory);
    if (!isWithoutLog(path)) throw error;
    return { db: inMemory(path), path, dispose: () => undefined };
  }
}

function openIn(directory: string, path: string): ReadCopy {
  const copy = join(directory, basename(path));
  for (const suffix of ['', '-wal']) {
    if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  }
  const Sqlite = loadSqlite();
  const db = new Sqlite(copy, { fileMustExist: true });
  try {
    db.pragma('trusted_schema = OFF');
    // The first read creates the index of the log; there may be no room for it here either.
    db.prepare('SELECT one FROM queue').get();
  } catch (error) {
    db.close();
    throw error;
  }
  // An open file needs no name: now even a killed process leaves nothing behind.
  removeTemporary(directory);
  return { db, path: copy, dispose: () => removeTemporary(directory) };
}

function isWithoutLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0 && statSync(path).size <= MOST_IN_MEMORY;
}

/** Bytes 18 and 19 of the header are the journal mode: 2 = with a log, which a database in memory cannot have. */
function inMemory(path: string): Database {
  const bytes = readFileSync(path);
  bytes.fill(1, 18, 20);
  const Sqlite = loadSqlite();
  const db = new Sqlite(bytes, { readonly: true });
  db.pragma('trusted_schema = OFF');
  return db;
}
