/** Takes an older queue file to the present schema: a copy of it, then the change, in one transaction, or neither. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { isQueueError, QueueError } from '../../nouns/errors.js';
import { publish, temporaryBeside } from '../../files/new-file.js';
import { removeTemporary } from '../../files/temporary.js';
import { loadSqlite, type Database } from './driver.js';
import { assertKnownSchema } from './known-schema.js';
import { MIGRATIONS } from './migrations.js';

/**
 * Old or new state, never half: SQLite rolls back an interrupted migration. The copy `FILE.v<version>` stays for people.
 *
 * @param migrations `migrations[n]` takes a file of version n+1 to n+2; others than the program's own are for tests
 * @throws {QueueError} unwritable, disk-full when the copy cannot be made; nothing was changed then
 */
export function migrate(db: Database, path: string, migrations: readonly string[] = MIGRATIONS): void {
  db.pragma('synchronous = EXTRA');
  // Enforced, a table could not be made anew; what it held must not stay readable in the file.
  db.pragma('foreign_keys = OFF');
  db.pragma('secure_delete = ON');
  // Nobody else writes from here on, so the copy is the very state that is left; reading goes on.
  db.exec('BEGIN IMMEDIATE');
  let copy: string | undefined;
  const isOwn = migrations === MIGRATIONS;
  try {
    const version = db.pragma('user_version', { simple: true }) as number;
    // Another process may have migrated while we waited for the lock.
    if (version <= migrations.length) {
      // A trigger that is not ours would run with what follows.
      if (isOwn) assertKnownSchema(db, path);
      copy = saveCopy(path, version);
      for (const script of migrations.slice(version - 1)) db.exec(script);
      // Whoever had the queue in the old format stops at its next commit.
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

/** Whole, durable and its owner's alone before it has its name: a copy that was cut short must not count as one. */
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

/** What is there may be the only copy of another state: nothing is overwritten. */
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

/** Copies of this queue that upgrades left beside it: `FILE.v1` and so on, and what was begun of one. */
export function upgradeCopies(path: string): string[] {
  return namesBeside(path, /^\d+(\.\d+)?$/).concat(begunCopies(path));
}

/** Of an upgrade that was killed, or that is at work. */
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
