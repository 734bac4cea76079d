/** Groups of review items by cause, with their counts: `status` prints them without reading a single item. */
import type { ReviewReason } from '../../item.js';
import type { Connection } from './connection.js';

export interface ReviewCause {
  target: number;
  reason: ReviewReason;
  /** 0 = no answer. */
  status: number;
  operation: string;
  /** The message with ids and numbers taken out. */
  cause: string;
  message: string;
}

/** Adds one item to its group and answers the group's id. */
export function joinGroup(
  connection: Connection,
  { target, reason, status, operation, cause, message }: ReviewCause,
): number {
  const row = connection.get<{ id: number }>(
    `INSERT INTO review_group (target_id, reason, status, operation, cause, message, items) VALUES (?, ?, ?, ?, ?, ?, 1)
     ON CONFLICT (target_id, reason, status, operation, cause) DO UPDATE
     SET items = items + 1, message = CASE items WHEN 0 THEN excluded.message ELSE message END RETURNING id`,
    target,
    reason,
    status,
    operation,
    cause,
    message,
  );
  if (row === undefined) throw new Error('INSERT ... RETURNING gave no row');
  return row.id;
}

/** Takes one item out of its group; an empty group stays, for the next item of the same cause. */
export function leaveGroup(connection: Connection, group: number): void {
  connection.run('UPDATE review_group SET items = items - 1 WHERE id = ?', group);
}
