/** Reads a queue where nothing can be written beside it: SQLite has no place there for the index of a queue with a log. */
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { removeTemporary, temporaryDirectory } from '../../files/temporary.js';
import { loadSqlite, type Database } from './driver.js';

export interface ReadCopy {
  db: Database;
  /** Of the file that is open. */
  path: string;
  dispose: () => void;
}

/** A larger file is not taken into memory, bytes. */
const MOST_IN_MEMORY = 512 * 1024 * 1024;

/**
 * A private copy in the directory for temporary files; in memory when that cannot be written either, as where a machine
 * has one disk, which is full. No connection of this process may have the file open: closing it would drop their locks.
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
    // The first read makes the index of the log, for which there may be no room either.
    db.prepare('SELECT one FROM queue').get();
  } catch (error) {
    db.close();
    throw error;
  }
  // Open, it needs no name any more: no end of this process leaves it behind.
  removeTemporary(directory);
  return { db, path: copy, dispose: () => removeTemporary(directory) };
}

function isWithoutLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0 && statSync(path).size <= MOST_IN_MEMORY;
}

/** Offsets 18 and 19 of the header say how the file is journalled: 2 = with a log, which memory has not. */
function inMemory(path: string): Database {
  const bytes = readFileSync(path);
  bytes.fill(1, 18, 20);
  const Sqlite = loadSqlite();
  const db = new Sqlite(bytes, { readonly: true });
  db.pragma('trusted_schema = OFF');
  return db;
}
