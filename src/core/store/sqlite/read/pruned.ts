/** What is left of items that retention removed: the key, and how they ended. */
import { STATES, type PrunedItem } from '../../../nouns/item.js';
import type { Connection } from '../file/connection.js';

/** Reads the whole table, once; it is asked only for items that are not there. */
export function readPruned(connection: Connection, ids: readonly number[]): PrunedItem[] {
  const rows = connection.all<{ id: number; idempotency_key: string; state: number; at: number }>(
    'SELECT id, idempotency_key, state, at FROM pruned WHERE id IN (SELECT value FROM json_each(?)) ORDER BY rowid DESC',
    JSON.stringify(ids),
  );
  // The key that it had in the end was written before those of earlier versions.
  return [...new Map(rows.map((row) => [row.id, row])).values()].map((row) => ({
    id: row.id,
    idempotencyKey: row.idempotency_key,
    state: STATES[row.state] === 'discarded' ? 'discarded' : 'completed',
    removedAt: row.at,
  }));
}
