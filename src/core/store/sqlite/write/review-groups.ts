/** Groups of review items by cause, with their counts: `status` prints them without reading a single item. */
import type { ReviewReason, State } from '../../../nouns/item.js';
import { REVIEW } from '../sql/codes.js';
import type { Connection } from '../file/connection.js';
import type { Tally } from './tally.js';

export interface ReviewCause {
  target: number;
  reason: ReviewReason;
  /** 0 = no answer. */
  status: number;
  operation: string;
  /** The message with ids and numbers taken out. */
  cause: string;
  message: string;
  /** The server may already have the item. */
  mayHaveArrived: boolean;
}

/**
 * The message of the group; where two items got different messages, their common part. Only a server's sentence begins
 * with its status; syncq's own sentences are equal for all items.
 */
function sharedWords(cause: string, message: string): string {
  return /^\d{3} (.+)$/s.exec(cause)?.[1] ?? message;
}

/** Adds one item to its group and returns the group's id. */
export function joinGroup(
  connection: Connection,
  { target, reason, status, operation, cause, message, mayHaveArrived }: ReviewCause,
): number {
  const row = connection.get<{ id: number }>(
    `INSERT INTO review_group (target_id, reason, status, operation, cause, message, may_have_arrived, items)
     VALUES (?, ?, ?, ?, ?, ?, ?, 1)
     ON CONFLICT (target_id, reason, status, operation, cause, may_have_arrived) DO UPDATE
     SET items = items + 1,
       message = CASE WHEN items = 0 OR message = excluded.message THEN excluded.message ELSE ? END RETURNING id`,
    target,
    reason,
    status,
    operation,
    cause,
    message,
    mayHaveArrived ? 1 : 0,
    sharedWords(cause, message),
  );
  if (row === undefined) throw new Error('INSERT ... RETURNING gave no row');
  return row.id;
}

/** The facts needed to put one item into review. */
interface Flaggable {
  id: number;
  target_id: number;
  operation: string;
  elig: number | null;
  may_have_arrived: number | null;
}

/** Puts an item into review for a reason that comes from no server; it keeps its place. */
export function flagItem(
  { connection, tally, now }: { connection: Connection; tally: Tally; now: number },
  row: Flaggable,
  from: State,
  { reason, message }: Pick<ReviewCause, 'reason' | 'message'>,
): void {
  const group = joinGroup(connection, {
    target: row.target_id,
    reason,
    status: 0,
    operation: row.operation,
    cause: message,
    message,
    mayHaveArrived: row.may_have_arrived !== null,
  });
  connection.run(
    `UPDATE item SET state = ${REVIEW}, elig = NULL, review_group = ?, state_at = ? WHERE id = ?`,
    group,
    now,
    row.id,
  );
  tally.move(row.target_id, { state: from, elig: row.elig }, { state: 'review', elig: null });
}

/** Takes one item out of its group; an empty group stays, for the next item of the same cause. */
export function leaveGroup(connection: Connection, group: number): void {
  connection.run('UPDATE review_group SET items = items - 1 WHERE id = ?', group);
}

/** Groups with the message of this item, also those that it has left. */
export function groupsQuoting(connection: Connection, item: number): number[] {
  return connection
    .all<{ id: number }>(
      `SELECT review_group.id FROM attempt JOIN item ON item.id = attempt.item_id
       JOIN review_group ON review_group.target_id = item.target_id AND review_group.message = attempt.message
       WHERE attempt.item_id = ? AND attempt.outcome <> 'delivered'`,
      item,
    )
    .map(({ id }) => id);
}
