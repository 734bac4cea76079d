/** The append-only record of what people did and of changes that no attempt explains. */
import type { Actor, HistoryEntry } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { orNull, orUndefined } from '../sql/rows.js';

export function appendHistory(connection: Connection, entry: Omit<HistoryEntry, 'id'>): void {
  connection.run(
    'INSERT INTO history (at, item_id, target, who, command, event, reason, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    entry.at,
    orNull(entry.item),
    orNull(entry.target),
    entry.who,
    entry.command,
    entry.event,
    orNull(entry.reason),
    entry.detail === undefined ? null : JSON.stringify(entry.detail),
  );
}

/** What somebody, or syncq itself, did to one item. */
export function noteItem(
  { connection, by, now: at }: { connection: Connection; by: Actor; now: number },
  { id: item, target }: { id: number; target: string },
  event: string,
  detail?: Record<string, unknown>,
): void {
  appendHistory(connection, { at, item, target, ...by, event, detail });
}

interface HistoryColumns {
  id: number;
  at: number;
  item_id: number | null;
  target: string | null;
  who: string;
  command: string;
  event: string;
  reason: string | null;
  detail: string | null;
}

/** The latest `limit` of them, oldest first. */
export function readHistory(
  connection: Connection,
  filter: { item: number | undefined; since: number | undefined; limit: number },
): HistoryEntry[] {
  const bounded = [filter.since ?? 0, filter.limit];
  const rows =
    filter.item === undefined
      ? connection.all<HistoryColumns>(
          'SELECT * FROM history INDEXED BY history_at WHERE at >= ? ORDER BY at DESC, id DESC LIMIT ?',
          ...bounded,
        )
      : connection.all<HistoryColumns>(
          'SELECT * FROM history INDEXED BY history_item WHERE item_id = ? AND item_id IS NOT NULL AND at >= ? ORDER BY id DESC LIMIT ?',
          filter.item,
          ...bounded,
        );
  return rows.reverse().map((row) => ({
    id: row.id,
    at: row.at,
    item: orUndefined(row.item_id),
    target: orUndefined(row.target),
    who: row.who,
    command: row.command,
    event: row.event,
    reason: orUndefined(row.reason),
    detail: row.detail === null ? undefined : (JSON.parse(row.detail) as Record<string, unknown>),
  }));
}

/** Of an event of an item: the server may have it already. */
export function arrivedDetail({
  may_have_arrived: number,
}: {
  may_have_arrived: number | null;
}): Record<string, number> {
  return number === null ? {} : { mayHaveArrived: number };
}
