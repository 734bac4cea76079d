/** Applies the targets of the config: rows for new ones, new lanes where the order changed, the default target. */
import type { TargetFacts } from '../../store.js';
import { ensureTarget } from './item-writer.js';
import { headElig } from '../sql/lane-sql.js';
import { COMPLETED, ELIG, PENDING, SENDING } from '../sql/codes.js';
import type { Work } from './settle.js';

/**
 * Called only by the holder of the right to send. A target with an item in flight keeps its order for now: two items in
 * flight must not end up in one lane.
 */
export function syncTargets(work: Work, targets: readonly TargetFacts[], defaultTarget: string | undefined): void {
  const { connection, now } = work;
  for (const { name, implicitBaseUrl, order } of targets) {
    const row = ensureTarget(connection, name, implicitBaseUrl, order, now);
    if (row.order === order || isSending(work, row.id)) continue;
    connection.run('UPDATE target SET lane_order = ? WHERE id = ?', order, row.id);
    giveLanesAnew(work, row.id, order);
  }
  if (defaultTarget === undefined) return;
  connection.run(
    'UPDATE queue SET default_target = (SELECT id FROM target WHERE name = ?) WHERE default_target IS NOT (SELECT id FROM target WHERE name = ?)',
    defaultTarget,
    defaultTarget,
  );
}

function isSending({ connection }: Work, target: number): boolean {
  const sql = `SELECT 1 FROM item INDEXED BY item_sending WHERE state = ${SENDING} AND target_id = ? LIMIT 1`;
  return connection.get(sql, target) !== undefined;
}

const LANE: Record<TargetFacts['order'], string> = {
  none: 'NULL',
  strict: '0',
  entity: 'CASE WHEN entity_id IS NOT NULL THEN entity_id WHEN not_before > @now AND attempts = 0 THEN NULL ELSE 0 END',
};

function giveLanesAnew({ connection, tally, now }: Work, target: number, order: TargetFacts['order']): void {
  tally.flush(connection);
  const names = { target, now };
  const unfinished = `target_id = @target AND state < ${COMPLETED}`;
  connection.run(`UPDATE item SET elig = NULL, lane = ${LANE[order]} WHERE ${unfinished}`, names);
  connection.run(
    `UPDATE item SET elig = ${headElig('not_before > @now')} WHERE ${unfinished} AND state = ${PENDING} AND (lane IS NULL
     OR id IN (SELECT min(id) FROM item WHERE ${unfinished} AND lane IS NOT NULL GROUP BY lane))`,
    names,
  );
  connection.run(
    `UPDATE tally SET
       ready = (SELECT count(*) FROM item WHERE target_id = @target AND elig = ${ELIG.ready}),
       waiting = (SELECT count(*) FROM item WHERE target_id = @target AND elig = ${ELIG.waiting}),
       paused = (SELECT count(*) FROM item WHERE target_id = @target AND elig = ${ELIG.paused})
     WHERE target_id = @target`,
    { target },
  );
}
