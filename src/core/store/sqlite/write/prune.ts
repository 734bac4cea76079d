/** Applies the retention rules to finished items, oldest end first, in batches. Never touches unfinished items. */
import { KEY_KEPT_MS } from '../../../policy/retention.js';
import type { PruneReport, PruneRules } from '../../store.js';
import { STATES } from '../../../nouns/item.js';
import type { Connection } from '../file/connection.js';
import { findByKey } from '../read/known-keys.js';
import { dropCauses, dropPayload, renewWords } from './forget.js';
import { groupsQuoting } from './review-groups.js';
import { orNull } from '../sql/rows.js';
import { COMPLETED } from '../sql/codes.js';
import { Tally } from './tally.js';

/** The index holds finished items only, those with a payload first. */
const DONE = (withoutPayload: 0 | 1): string => `FROM item INDEXED BY item_done
  WHERE state >= ${COMPLETED} AND (typeof(payload) = 'null') = ${withoutPayload} AND state_at < ?`;

interface DoneRow {
  id: number;
  state: number;
  target_id: number;
  entity_id: number | null;
  idempotency_key: string;
}

const SELECT_DONE = 'SELECT id, state, target_id, entity_id, idempotency_key';

export interface PruneWork {
  connection: Connection;
  rules: PruneRules;
  limit: number;
  now: number;
}

/** What the rules would remove now, counted up to `limit`. */
export function countPrunable(
  connection: Connection,
  { completedBefore, payloadsBefore }: PruneRules,
  limit: number,
): PruneReport {
  const count = (withoutPayload: 0 | 1, before: number | undefined): number =>
    before === undefined
      ? 0
      : (connection.get<{ n: number }>(
          `SELECT count(*) AS n FROM (SELECT 1 ${DONE(withoutPayload)} LIMIT ?)`,
          before,
          limit,
        )?.n ?? 0);
  const items = count(0, completedBefore) + count(1, completedBefore);
  const payloads = Math.max(0, count(0, payloadsBefore) - count(0, completedBefore));
  return { items, payloads, more: false };
}

/** One batch, inside the caller's transaction. */
export function pruneBatch(work: PruneWork): PruneReport {
  const { connection, rules, limit, now } = work;
  const quoting = new Set<number>();
  const items = removeItems(work, quoting);
  const payloads = limit > items ? removePayloads(connection, rules.payloadsBefore, limit - items, quoting) : 0;
  // Done in each batch: after a crash, no message of a removed item may stay.
  renewWords(connection, [...quoting]);
  const more = items + payloads >= limit;
  if (more) return { items, payloads, more };
  dropCauses(connection);
  connection.run(
    'DELETE FROM pruned WHERE rowid IN (SELECT rowid FROM pruned ORDER BY rowid LIMIT ?) AND at < ?',
    limit,
    now - KEY_KEPT_MS,
  );
  connection.run('UPDATE queue SET pruned_at = ?', now);
  return { items, payloads, more };
}

function removeItems({ connection, rules: { completedBefore }, limit, now }: PruneWork, quoting: Set<number>): number {
  if (completedBefore === undefined) return 0;
  const rows = ([0, 1] as const).flatMap((withoutPayload) =>
    connection.all<DoneRow>(`${SELECT_DONE} ${DONE(withoutPayload)} ORDER BY state_at LIMIT ?`, completedBefore, limit),
  );
  const tally = new Tally();
  const entities = new Set<number>();
  const taken = rows.slice(0, limit);
  for (const row of taken) {
    keepKeys(connection, row, now);
    for (const group of groupsQuoting(connection, row.id)) quoting.add(group);
    connection.run('DELETE FROM attempt WHERE item_id = ?', row.id);
    connection.run('DELETE FROM revision WHERE item_id = ?', row.id);
    connection.run('DELETE FROM item WHERE id = ?', row.id);
    tally.move(row.target_id, { state: STATES[row.state] ?? 'completed', elig: null }, undefined);
    if (row.entity_id !== null) entities.add(row.entity_id);
  }
  tally.flush(connection);
  for (const entity of entities) removeUnused(connection, entity);
  return taken.length;
}

/** The item's present and earlier keys still answer; the digest represents the content. */
function keepKeys(connection: Connection, { id, state, idempotency_key: key }: DoneRow, now: number): void {
  const older = connection.all<{ key: string }>('SELECT idempotency_key AS key FROM revision WHERE item_id = ?', id);
  for (const name of [key, ...older.map((row) => row.key)]) {
    const digest = findByKey(connection, name)?.digest;
    connection.run(
      'INSERT INTO pruned (id, idempotency_key, state, content_sha256, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      id,
      name,
      state,
      orNull(digest),
      now,
    );
  }
}

function removeUnused(connection: Connection, entity: number): void {
  connection.run(
    `DELETE FROM entity WHERE id = ? AND paused_at IS NULL
     AND NOT EXISTS (SELECT 1 FROM item INDEXED BY item_entity WHERE entity_id = ? AND entity_id IS NOT NULL)`,
    entity,
    entity,
  );
}

function removePayloads(
  connection: Connection,
  before: number | undefined,
  limit: number,
  quoting: Set<number>,
): number {
  if (before === undefined) return 0;
  const rows = connection.all<{ id: number }>(`SELECT id ${DONE(0)} ORDER BY state_at LIMIT ?`, before, limit);
  for (const { id } of rows) {
    for (const group of groupsQuoting(connection, id)) quoting.add(group);
    dropPayload(connection, id);
  }
  return rows.length;
}
