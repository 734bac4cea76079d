/** Lane heads: finds the next item of a lane, and updates the heads after a change. */
import { headEligibility, stillAhead } from '../../../policy/lane.js';
import type { Connection } from '../file/connection.js';
import { orNull } from '../sql/rows.js';
import { COMPLETED, ELIG, PENDING } from '../sql/codes.js';
import type { Tally } from './tally.js';

const HEAD = `SELECT id, state, elig, not_before, entity_id FROM item INDEXED BY item_lane
  WHERE target_id = ? AND lane = ? AND lane IS NOT NULL AND state < ${COMPLETED} ORDER BY id LIMIT 1`;

const LANE_IS_BUSY = `SELECT 1 FROM item INDEXED BY item_lane
  WHERE target_id = ? AND lane = ? AND lane IS NOT NULL AND state < ${COMPLETED} LIMIT 1`;

interface HeadRow {
  id: number;
  state: number;
  elig: number | null;
  not_before: number | null;
  entity_id: number | null;
}

/** Eligibility of a pending lane head. */
export function eligibility(connection: Connection, entity: number | null, notBefore: number | null): number {
  const sql = 'SELECT paused_at FROM entity WHERE id = ?';
  const row = entity === null ? undefined : connection.get<{ paused_at: number | null }>(sql, entity);
  return ELIG[headEligibility(row?.paused_at != null, notBefore !== null)];
}

/**
 * Makes the first unfinished item of the lane its head, if it is pending. Drops a `notBefore` in the past, so that the
 * head is ready at once.
 */
export function nextInLane(connection: Connection, tally: Tally, target: number, lane: number, now: number): void {
  const head = connection.get<HeadRow>(HEAD, target, lane);
  if (head?.state !== PENDING || head.elig !== null) return;
  const notBefore = orNull(stillAhead(head.not_before, now));
  const elig = eligibility(connection, head.entity_id, notBefore);
  connection.run('UPDATE item SET elig = ?, not_before = ? WHERE id = ?', elig, notBefore, head.id);
  tally.move(target, { state: 'pending', elig: null }, { state: 'pending', elig });
}

/** True when no unfinished item of the lane comes before this one. */
export function isHead(connection: Connection, target: number, lane: number | null, id: number): boolean {
  return lane === null || connection.get<HeadRow>(HEAD, target, lane)?.id === id;
}

/** True when a new item is the head of its lane. `busy`: lanes of this transaction, so that each is looked up once. */
export function takePlace(connection: Connection, busy: Set<string>, target: number, lane: number | null): boolean {
  if (lane === null) return true;
  const key = `${target}/${lane}`;
  if (busy.has(key)) return false;
  busy.add(key);
  return connection.get(LANE_IS_BUSY, target, lane) === undefined;
}

/** For a pending item that returned to its place: marks it when it is the head, and unmarks the one behind it. */
export function restorePlace(
  connection: Connection,
  tally: Tally,
  item: { id: number; target_id: number; lane: number | null; entity_id: number | null },
  notBefore: number | null,
): number | null {
  if (!isHead(connection, item.target_id, item.lane, item.id)) return null;
  if (item.lane !== null) demoteLater(connection, tally, item.target_id, item.lane, item.id);
  return eligibility(connection, item.entity_id, notBefore);
}

/** A review item keeps its place, so no item behind it is marked. Only an item put back before others finds a mark. */
function demoteLater(connection: Connection, tally: Tally, target: number, lane: number, id: number): void {
  const later = connection.get<{ id: number; elig: number }>(
    `SELECT id, elig FROM item INDEXED BY item_lane WHERE target_id = ? AND lane = ? AND lane IS NOT NULL
     AND state < ${COMPLETED} AND id > ? AND elig IS NOT NULL LIMIT 1`,
    target,
    lane,
    id,
  );
  if (later === undefined) return;
  connection.run('UPDATE item SET elig = NULL WHERE id = ?', later.id);
  tally.move(target, { state: 'pending', elig: later.elig }, { state: 'pending', elig: null });
}
