/** Items that are open in an editor. The history row of the opening holds the former state. */
import type { Connection } from '../file/connection.js';
import { REVIEW } from '../sql/codes.js';
import { orUndefined } from '../sql/rows.js';

/** The state of an item before an editor opened it. */
export interface Opened {
  from: 'pending' | 'review';
  notBefore: number | null;
  stateAt: number | null;
  group: number | null;
  reason: string | null;
}

/** The latest opening of an item in an editor. */
export function openEdit(
  connection: Connection,
  id: number,
): { token: number; who: string; opened: Opened } | undefined {
  const row = connection.get<{ id: number; who: string; detail: string | null }>(
    `SELECT id, who, detail FROM history INDEXED BY history_item WHERE item_id = ? AND item_id IS NOT NULL AND event = 'editing'
     ORDER BY id DESC LIMIT 1`,
    id,
  );
  return row?.detail == null ? undefined : { token: row.id, who: row.who, opened: JSON.parse(row.detail) as Opened };
}

/** Every item that is open in an editor, with the review group it returns to. */
export function openEdits(connection: Connection): { id: number; group: number | undefined }[] {
  return connection
    .all<{ id: number }>(
      `SELECT item.id FROM review_group CROSS JOIN item INDEXED BY item_review ON item.state = ${REVIEW} AND item.review_group = review_group.id
       WHERE review_group.reason = 'editing' AND review_group.items > 0`,
    )
    .map(({ id }) => ({ id, group: orUndefined(openEdit(connection, id)?.opened.group ?? null) }));
}
