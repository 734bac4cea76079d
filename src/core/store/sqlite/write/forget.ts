/** Removes the bytes of a write from the file, wherever they are stored. The item itself stays as a tombstone. */
import { OWN_REASONS } from '../../../policy/item-words.js';
import type { Clock } from '../../../nouns/clock.js';
import { isBusy, isFull, storeError, type Connection } from '../file/connection.js';
import { sha256 } from '../sql/payload-checksum.js';
import { openEdits } from './open-edits.js';

/** How long emptying the write-ahead log waits for other processes, ms. */
const CHECKPOINT_PATIENCE_MS = 3_000;

/**
 * Removes an item's payload, those of its older revisions, and the servers' answers, which may quote it. Length and
 * checksum stay, so a repeated key still answers.
 */
export function dropPayload(connection: Connection, id: number): { attempts: number; revisions: number } {
  const row = connection.get<{ payload: Buffer; payload_sha256: Buffer | null }>(
    'SELECT payload, payload_sha256 FROM item WHERE id = ? AND payload IS NOT NULL',
    id,
  );
  if (row !== undefined) {
    connection.run(
      'UPDATE item SET payload_bytes = length(payload), payload_sha256 = ?, payload = NULL WHERE id = ?',
      row.payload_sha256 ?? sha256(row.payload),
      id,
    );
  }
  const attempts = connection.run(
    `UPDATE attempt SET message = NULL, redirected_to = NULL, response_headers = NULL, response_complete = NULL, response_body = NULL
     WHERE item_id = ? AND (message IS NOT NULL OR response_headers IS NOT NULL OR response_body IS NOT NULL)`,
    id,
  ).changes;
  const revisions = connection.run(
    'UPDATE revision SET payload = NULL WHERE item_id = ? AND payload IS NOT NULL',
    id,
  ).changes;
  return { attempts, revisions };
}

/** An empty group keeps the message of its first item. */
export function dropCauses(connection: Connection, renew: readonly number[] = []): void {
  const kept = openEdits(connection).flatMap(({ group }) => (group === undefined ? [] : [group]));
  connection.run(
    `DELETE FROM review_group WHERE items <= 0 AND id NOT IN (SELECT value FROM json_each(?))`,
    JSON.stringify(kept),
  );
  renewWords(connection, renew);
}

/** Groups with the message of an erased item take that of the item that is left, or the common part of several. */
export function renewWords(connection: Connection, groups: readonly number[]): void {
  for (const group of groups) {
    connection.run(
      `UPDATE review_group SET message = CASE WHEN items > 1 AND cause GLOB '[0-9][0-9][0-9] ?*' THEN substr(cause, 5)
       ELSE ifnull((SELECT attempt.message FROM item INDEXED BY item_review
         JOIN attempt ON attempt.item_id = item.id AND attempt.number = item.attempts
         WHERE item.state = 2 AND item.review_group = review_group.id ORDER BY item.id LIMIT 1), cause) END
       WHERE id = ? AND reason NOT IN (${OWN_REASONS.map((reason) => `'${reason}'`).join(', ')})`,
      group,
    );
  }
}

/**
 * Checkpoints and empties the write-ahead log, which holds the old pages until then. False when another process keeps
 * the log busy or the disk is full. Earlier commits are not affected.
 *
 * @throws {QueueError} store-unknown when the disk fails; corrupt
 */
export async function emptyLog(
  connection: Connection,
  clock: Clock,
  patienceMs = CHECKPOINT_PATIENCE_MS,
): Promise<boolean> {
  const deadline = clock.monotonic() + patienceMs;
  for (;;) {
    if (truncateLog(connection)) return true;
    if (clock.monotonic() >= deadline) return false;
    await clock.sleep(50);
  }
}

function truncateLog(connection: Connection): boolean {
  try {
    const [result] = connection.db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    return result?.busy === 0;
  } catch (error) {
    if (isBusy(error) || isFull(error)) return false;
    throw storeError(error, connection.path, true);
  }
}
