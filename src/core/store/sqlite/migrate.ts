/** Takes an older queue file to the present schema: copy first, then one exclusive transaction, then say so. */
import { existsSync } from 'node:fs';

import { QueueError } from '../../errors.js';
import { publish, temporaryBeside } from '../../new-file.js';
import { removeTemporary } from '../../temporary.js';
import type { Database } from './driver.js';
import { assertKnownSchema } from './known-schema.js';
import { MIGRATIONS } from './migrations.js';

/**
 * Old or new state, never half: SQLite rolls back an interrupted migration. The copy `FILE.v<version>` stays for people.
 *
 * @param migrations `migrations[n]` takes a file of version n+1 to n+2; others than the program's own are for tests
 * @throws {QueueError} unwritable when the copy cannot be made; nothing was changed then
 */
export function migrate(db: Database, path: string, from: number, migrations: readonly string[] = MIGRATIONS): void {
  saveCopy(db, `${path}.v${from}`);
  db.pragma('synchronous = EXTRA');
  // Enforced, a table could not be made anew; what it held must not stay readable in the file.
  db.pragma('foreign_keys = OFF');
  db.pragma('secure_delete = ON');
  db.exec('BEGIN EXCLUSIVE');
  try {
    // Another process may have migrated while we waited for the lock.
    const version = db.pragma('user_version', { simple: true }) as number;
    for (const script of migrations.slice(version - 1)) db.exec(script);
    // Whoever had the queue in the old format stops at its next commit.
    db.exec('UPDATE runner SET epoch = epoch + 1');
    db.pragma(`user_version = ${migrations.length + 1}`);
    if (migrations === MIGRATIONS) assertKnownSchema(db, path);
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Whole, durable and its owner's alone before it has its name: a copy that was cut short must not count as one. */
function saveCopy(db: Database, copy: string): void {
  if (existsSync(copy)) return;
  let temporary: string | undefined;
  try {
    temporary = temporaryBeside(copy);
    db.prepare('VACUUM INTO ?').run(temporary);
    publish(temporary, copy);
  } catch (error) {
    if (temporary !== undefined) removeTemporary(temporary);
    // Another process was quicker, with the same queue.
    if (existsSync(copy)) return;
    throw new QueueError(
      'unwritable',
      `the old queue could not be saved to ${copy} before its format is renewed; nothing was changed`,
      {
        cause: error,
        hint: 'free some space beside the queue',
      },
    );
  }
}
