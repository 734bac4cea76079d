/** Effects of time on waiting items: waits end, deadlines pass, pauses of entities end. */
import type { Expired } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { nextDueOf } from '../read/next-due.js';
import { EXPIRED } from '../../../policy/settle.js';
import { noteItem } from '../read/history.js';
import { eligibility } from './lanes.js';
import { flagItem } from './review-groups.js';
import { ENTITY_NAME } from '../sql/rows.js';
import { ELIG, PENDING } from '../sql/codes.js';
import type { Work } from './settle.js';

const WAITING_TARGETS = 'SELECT target_id FROM tally WHERE waiting > 0';

/** Makes lane heads ready whose time has come. True when a target has more of them than `limit`. */
export function promoteDue({ connection, tally, now }: Work, limit: number): boolean {
  tally.flush(connection);
  let more = false;
  for (const { target_id: target } of connection.all<{ target_id: number }>(WAITING_TARGETS)) {
    const { changes } = connection.run(
      `UPDATE item SET elig = ${ELIG.ready}, not_before = NULL WHERE id IN (SELECT id FROM item INDEXED BY item_wait
       WHERE target_id = ? AND elig = ${ELIG.waiting} AND not_before <= ? ORDER BY not_before, id LIMIT ?)`,
      target,
      now,
      limit,
    );
    tally.add(target, 'waiting', -changes);
    tally.add(target, 'ready', changes);
    more ||= changes === limit;
  }
  return more;
}

/**
 * Ends waits and timed pauses of entities that were set while the clock was ahead. Otherwise a clock that was once a
 * year ahead would hold an item for a year. Scans the waiting heads, so it is called at start and after a clock jump.
 */
export function endWaitsFromTheFuture({ connection, tally, now }: Work, slackMs: number): void {
  tally.flush(connection);
  for (const { target_id: target } of connection.all<{ target_id: number }>(WAITING_TARGETS)) {
    const { changes } = connection.run(
      `UPDATE item SET elig = ${ELIG.ready}, not_before = NULL WHERE id IN (SELECT id FROM item INDEXED BY item_wait
       WHERE target_id = ? AND elig = ${ELIG.waiting} AND set_at > ? AND asked_at IS NOT not_before)`,
      target,
      now + slackMs,
    );
    tally.add(target, 'waiting', -changes);
    tally.add(target, 'ready', changes);
  }
  const pauses = connection.all<{ id: number }>(
    `SELECT id FROM entity INDEXED BY entity_paused
     WHERE paused_at IS NOT NULL AND paused_until IS NOT NULL AND paused_at > ?`,
    now + slackMs,
  );
  for (const { id } of pauses) endPause({ connection, tally }, id);
}

/** Earliest end of an item's own wait. */
export function nextDueAt(connection: Connection, only: ReadonlySet<number> | undefined): number | undefined {
  let earliest: number | undefined;
  for (const { target_id: target } of connection.all<{ target_id: number }>(WAITING_TARGETS)) {
    if (only !== undefined && !only.has(target)) continue;
    const at = nextDueOf(connection, target);
    if (at !== undefined && (earliest === undefined || at < earliest)) earliest = at;
  }
  return earliest;
}

/** Next deadline of an item, or end of an entity's pause. */
export function nextDeadlineAt(connection: Connection): number | undefined {
  const item = connection.get<{ at: number }>(
    `SELECT expires_at AS at FROM item INDEXED BY item_expiry WHERE expires_at IS NOT NULL AND state = ${PENDING}
     ORDER BY expires_at LIMIT 1`,
  )?.at;
  const pause = connection.get<{ at: number | null }>(
    'SELECT min(paused_until) AS at FROM entity INDEXED BY entity_paused WHERE paused_at IS NOT NULL',
  )?.at;
  if (pause == null) return item;
  return item === undefined ? pause : Math.min(item, pause);
}

interface DueToExpire {
  id: number;
  target_id: number;
  name: string;
  operation: string;
  elig: number | null;
  expires_at: number;
  entity_name: string | null;
  method: string;
  path: string;
  may_have_arrived: number | null;
}

/**
 * Puts pending items past their deadline into review, lane heads or not. They keep their place and block their lane.
 */
export function expireItems({ connection, tally, now, runner }: Work, limit: number): Expired[] {
  const rows = connection.all<DueToExpire>(
    `SELECT item.id, item.target_id, target.name, item.operation, item.elig, item.expires_at,
       ${ENTITY_NAME}, item.method, item.path, item.may_have_arrived AS may_have_arrived
     FROM item INDEXED BY item_expiry JOIN target ON target.id = item.target_id
     WHERE item.expires_at IS NOT NULL AND item.state = ${PENDING} AND item.expires_at <= ? ORDER BY item.expires_at LIMIT ?`,
    now,
    limit,
  );
  for (const row of rows) {
    flagItem({ connection, tally, now }, row, 'pending', EXPIRED);
    const by = { who: 'syncq', command: runner, reason: EXPIRED.message };
    noteItem({ connection, by, now }, { id: row.id, target: row.name }, 'review', { expiresAt: row.expires_at });
  }
  return rows.map((row) => ({
    item: row.id,
    target: row.name,
    entity: row.entity_name ?? undefined,
    method: row.method,
    path: row.path,
  }));
}

/** Ends timed pauses of entities. */
export function resumeEntities({ connection, tally, now }: Work): void {
  const over = connection.all<{ id: number }>(
    'SELECT id FROM entity INDEXED BY entity_paused WHERE paused_at IS NOT NULL AND paused_until <= ?',
    now,
  );
  for (const { id } of over) endPause({ connection, tally }, id);
}

function endPause(work: Pick<Work, 'connection' | 'tally'>, entity: number): void {
  work.connection.run(
    'UPDATE entity SET paused_at = NULL, paused_until = NULL, paused_reason = NULL, paused_by = NULL WHERE id = ?',
    entity,
  );
  markHeadsOf(work, entity);
}

/** Sets the eligibility of an entity's lane heads after a pause or a resume. */
export function markHeadsOf({ connection, tally }: Pick<Work, 'connection' | 'tally'>, entity: number): number {
  const heads = connection.all<{ id: number; target_id: number; elig: number; not_before: number | null }>(
    `SELECT id, target_id, elig, not_before FROM item INDEXED BY item_entity
     WHERE entity_id = ? AND entity_id IS NOT NULL AND elig IS NOT NULL`,
    entity,
  );
  for (const head of heads) {
    const elig = eligibility(connection, entity, head.not_before);
    connection.run('UPDATE item SET elig = ? WHERE id = ?', elig, head.id);
    tally.move(head.target_id, { state: 'pending', elig: head.elig }, { state: 'pending', elig });
  }
  return heads.length;
}
