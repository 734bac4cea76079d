/** Migrates an older queue file to the current schema: saves a copy, then changes the file, both or neither. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { isQueueError, QueueError } from '../../../nouns/errors.js';
import { publish, temporaryBeside } from '../../../files/new-file.js';
import { removeTemporary } from '../../../files/temporary.js';
import { loadSqlite, type Database } from './driver.js';
import { assertKnownSchema } from './known-schema.js';
import { MIGRATIONS } from '../sql/migrations.js';

/**
 * SQLite rolls back an interrupted migration. The copy `FILE.v<version>` stays until a person removes it or erases an entity.
 *
 * @param migrations `migrations[n]` takes a file from version n+1 to n+2; tests pass their own
 * @throws {QueueError} unwritable, disk-full when the copy cannot be made; nothing was changed then
 */
export function migrate(db: Database, path: string, migrations: readonly string[] = MIGRATIONS): void {
  db.pragma('synchronous = EXTRA');
  // A migration drops and creates tables, which foreign keys forbid; deleted content must not stay readable.
  db.pragma('foreign_keys = OFF');
  db.pragma('secure_delete = ON');
  // From here on nobody else writes, so the copy is the exact last state; others can still read.
  db.exec('BEGIN IMMEDIATE');
  let copy: string | undefined;
  const isOwn = migrations === MIGRATIONS;
  try {
    const version = db.pragma('user_version', { simple: true }) as number;
    // Another process may have migrated while we waited for the lock.
    if (version <= migrations.length) {
      // A foreign trigger would run during the migration.
      if (isOwn) assertKnownSchema(db, path);
      copy = saveCopy(path, version);
      for (const script of migrations.slice(version - 1)) db.exec(script);
      // A runner that has the old format open stops at its next commit.
      db.exec('UPDATE runner SET epoch = epoch + 1');
      db.pragma(`user_version = ${migrations.length + 1}`);
      if (isOwn) assertKnownSchema(db, path);
    }
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    if (copy !== undefined) removeFiles([copy]);
    throw error;
  }
}

/** The copy gets its name only when it is complete and durable. */
function saveCopy(path: string, version: number): string {
  const copy = freeName(`${path}.v${version}`);
  try {
    begunCopies(path).forEach(removeTemporary);
    const temporary = temporaryBeside(copy);
    vacuumInto(path, temporary);
    publish(temporary, copy);
    return copy;
  } catch (error) {
    begunCopies(path).forEach(removeTemporary);
    const { code = '' } = error as { code?: string };
    const isFull = code === 'SQLITE_FULL' || (isQueueError(error) && error.code === 'disk-full');
    throw new QueueError(
      isFull ? 'disk-full' : 'unwritable',
      `the old queue could not be saved to ${copy} before its format is renewed; nothing was changed`,
      {
        cause: error,
        hint: 'free some space beside the queue',
      },
    );
  }
}

/** Never overwrites a copy: it may be the only one of another state. */
function freeName(copy: string): string {
  let name = copy;
  for (let number = 2; existsSync(name); number += 1) name = `${copy}.${number}`;
  return name;
}

function vacuumInto(path: string, file: string): void {
  const Sqlite = loadSqlite();
  const source = new Sqlite(path, { readonly: true, fileMustExist: true });
  try {
    source.prepare('VACUUM INTO ?').run(file);
  } finally {
    source.close();
  }
}

/** Copies that migrations left beside the queue: `FILE.v1` and so on, and unfinished ones. */
export function upgradeCopies(path: string): string[] {
  return namesBeside(path, /^\d+(\.\d+)?$/).concat(begunCopies(path));
}

/** Copies of a migration that was killed or is still running. */
const begunCopies = (path: string): string[] =>
  namesBeside(join(dirname(path), `.${basename(path)}`), /^\d+(\.\d+)?\.[0-9a-f]{12}\.part(-journal)?$/);

function namesBeside(path: string, version: RegExp): string[] {
  const start = `${basename(path)}.v`;
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(start) && version.test(name.slice(start.length)))
    .map((name) => join(dirname(path), name));
}

export function removeFiles(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { force: true });
}
