/** Takes an older queue file to the present schema: copy first, then one exclusive transaction, then say so. */
import { existsSync } from 'node:fs';

import { QueueError } from '../../errors.js';
import type { Database } from './driver.js';
import { MIGRATIONS, SCHEMA_VERSION } from './schema.js';

/**
 * Old or new state, never half: SQLite rolls back an interrupted migration. The copy `FILE.v<version>` stays for people.
 *
 * @throws {QueueError} unwritable when the copy cannot be made; nothing was changed then
 */
export function migrate(db: Database, path: string, from: number): void {
  saveCopy(db, `${path}.v${from}`);
  db.pragma('synchronous = EXTRA');
  db.exec('BEGIN EXCLUSIVE');
  try {
    // Another process may have migrated while we waited for the lock.
    const version = db.pragma('user_version', { simple: true }) as number;
    for (const script of MIGRATIONS.slice(version - 1)) db.exec(script);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function saveCopy(db: Database, copy: string): void {
  if (existsSync(copy)) return;
  try {
    db.prepare('VACUUM INTO ?').run(copy);
  } catch (error) {
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
