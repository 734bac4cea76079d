/**
 * Lists what a run would send now (for `--dry-run`): merges the lanes by id, in the order of a run with one request at a
 * time. The cost grows with the list, not with the queue: heads come from indexes, each later item is one step in its lane.
 */
import { headEligibility, stillAhead } from '../../../policy/lane.js';
import type { Upcoming } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { COMPLETED, ELIG, PENDING } from '../sql/codes.js';

const ALIVE = '(expires_at IS NULL OR expires_at > ?)';

const READY = `SELECT id FROM item INDEXED BY item_ready WHERE target_id = ? AND elig = ${ELIG.ready} AND ${ALIVE}
  ORDER BY id LIMIT ?`;

/** Due heads that no runner has promoted yet. A run promotes them first, longest due first. */
const OVER_THEIR_WAIT = `SELECT id FROM item INDEXED BY item_wait WHERE target_id = ? AND elig = ${ELIG.waiting}
  AND not_before <= ? AND ${ALIVE} ORDER BY not_before, id LIMIT ?`;

/** Heads of entities whose pause is over, which a run ends first too. */
const OVER_THEIR_PAUSE = `SELECT item.id FROM entity INDEXED BY entity_paused
  JOIN item INDEXED BY item_entity ON item.entity_id = entity.id AND item.entity_id IS NOT NULL
  WHERE entity.paused_at IS NOT NULL AND entity.paused_until <= ? AND item.target_id = ? AND item.elig = ${ELIG.paused} LIMIT ?`;

const LOOK = `SELECT item.id, target_id, lane, method, path, state, not_before, expires_at, paused_at, paused_until,
  ifnull(payload_bytes, length(payload)) AS bytes
  FROM item LEFT JOIN entity ON entity.id = item.entity_id WHERE item.id = ?`;

const NEXT = `SELECT id FROM item INDEXED BY item_lane WHERE target_id = ? AND lane = ? AND lane IS NOT NULL
  AND state < ${COMPLETED} AND id > ? ORDER BY id LIMIT 1`;

interface IdRow {
  id: number;
}

interface Row extends IdRow {
  target_id: number;
  lane: number | null;
  method: string;
  path: string;
  state: number;
  not_before: number | null;
  expires_at: number | null;
  paused_at: number | null;
  paused_until: number | null;
  bytes: number | null;
}

export function readUpcoming(
  connection: Connection,
  targets: readonly number[],
  { limit, now }: { limit: number; now: number },
): Upcoming[] {
  // The next item of each lane, lowest id last.
  const fronts = targets.flatMap((target) => dueHeads(connection, target, limit, now)).sort((a, b) => b - a);
  const found: Upcoming[] = [];
  while (found.length < limit) {
    const id = fronts.pop();
    if (id === undefined) break;
    const row = connection.get<Row>(LOOK, id);
    // This item stays, and so does everything behind it.
    if (row === undefined || !goes(row, now)) continue;
    const { target_id: target, method, path, bytes } = row;
    found.push({ item: id, target, method, path, payloadBytes: bytes ?? undefined });
    const next = row.lane === null ? undefined : connection.get<IdRow>(NEXT, target, row.lane, id);
    if (next !== undefined) insert(fronts, next.id);
  }
  return found;
}

function dueHeads(connection: Connection, target: number, limit: number, now: number): number[] {
  const rows = [
    ...connection.all<IdRow>(READY, target, now, limit),
    ...connection.all<IdRow>(OVER_THEIR_WAIT, target, now, now, limit),
    ...connection.all<IdRow>(OVER_THEIR_PAUSE, now, target, limit),
  ];
  return rows.map(({ id }) => id);
}

function goes(row: Row, now: number): boolean {
  const isPaused = row.paused_at !== null && (row.paused_until ?? Infinity) > now;
  const isOver = row.expires_at !== null && row.expires_at <= now;
  const waits = stillAhead(row.not_before, now) !== undefined;
  return row.state === PENDING && headEligibility(isPaused, waits) === 'ready' && !isOver;
}

/** Inserts in order, highest first. */
function insert(ids: number[], id: number): void {
  let [from, to] = [0, ids.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((ids[middle] ?? 0) > id) from = middle + 1;
    else to = middle;
  }
  ids.splice(from, 0, id);
}
