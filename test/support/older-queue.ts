/** A queue file of version 1 with an item in every state, as the version before the first migration made it. */
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadSqlite } from '../../src/core/store/sqlite/file/driver.js';
import { ROOT } from './source-graph.js';

/** Items that may have arrived, by the ledger of the file: the first such attempt of each. 15 is still being sent. */
export const ARRIVED_IN_VERSION_1 = { 3: 1, 4: 1, 8: 1, 13: 1 };

export function makeVersion1(path: string): void {
  const Sqlite = loadSqlite();
  const db = new Sqlite(path);
  db.exec(readFileSync(join(ROOT, 'test', 'fixtures', 'queue-version-1.sql'), 'utf8'));
  db.close();
  chmodSync(path, 0o600);
}
