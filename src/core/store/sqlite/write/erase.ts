/** Erases what is stored about one entity: every payload, old version and answer, in one commit. */
import { QueueError } from '../../../nouns/errors.js';
import type { Entity } from '../../../nouns/item.js';
import type { Actor, EraseReport } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { dropCauses, dropPayload } from './forget.js';
import { noteItem } from '../read/history.js';
import { endItem } from './person-commands.js';
import { readRow, type ChangeRow } from './person-change.js';
import { groupsQuoting } from './review-groups.js';
import { COMPLETED, SENDING } from '../sql/codes.js';
import { Tally } from './tally.js';

interface Found extends ChangeRow {
  holds: number;
}

/** Items about the entity, in the order of the log. */
const IDS = `SELECT item.id FROM item INDEXED BY item_entity JOIN entity ON entity.id = item.entity_id
  WHERE item.entity_id = (SELECT id FROM entity WHERE type = ? AND key = ?) AND item.entity_id IS NOT NULL ORDER BY item.id`;

const HOLDS = `SELECT item.payload IS NOT NULL OR EXISTS (SELECT 1 FROM attempt WHERE item_id = item.id
    AND (message IS NOT NULL OR response_headers IS NOT NULL OR response_body IS NOT NULL))
  OR EXISTS (SELECT 1 FROM revision WHERE item_id = item.id AND payload IS NOT NULL) AS holds FROM item WHERE id = ?`;

export interface EraseOptions {
  dryRun: boolean;
  by: Actor;
  now: number;
}

/** Inside the caller's transaction. @throws {QueueError} code 'busy' while an item about it is being sent */
export function eraseEntity(
  connection: Connection,
  entity: Entity,
  options: EraseOptions,
): Omit<EraseReport, 'copies' | 'cleared'> {
  const found = findItems(connection, entity);
  const report = {
    items: found.map(({ id }) => id),
    discarded: found.filter(({ state }) => state < COMPLETED).map(({ id }) => id),
    unknown: found.filter((row) => row.state < COMPLETED && row.may_have_arrived !== null).map(({ id }) => id),
    attempts: 0,
    revisions: 0,
  };
  if (options.dryRun) return report;
  const groups = new Set<number>();
  const tally = new Tally();
  // Read again: ending the item before it may have made it the head of its lane.
  const discardAsItStands = (id: number): void => {
    const row = readRow(connection, id);
    if (row !== undefined) endItem({ connection, tally, by: options.by, now: options.now }, row, 'discard');
  };
  for (const row of found) {
    if (row.review_group !== null) groups.add(row.review_group);
    for (const group of groupsQuoting(connection, row.id)) groups.add(group);
    if (row.state < COMPLETED) discardAsItStands(row.id);
    const { attempts, revisions } = dropPayload(connection, row.id);
    report.attempts += attempts;
    report.revisions += revisions;
    // Text that people typed may name the person, so it goes; who, when and what was done stays.
    connection.run('UPDATE history SET reason = NULL WHERE item_id = ? AND item_id IS NOT NULL', row.id);
    connection.run('UPDATE revision SET reason = NULL WHERE item_id = ?', row.id);
    noteItem({ connection, ...options }, row, 'erased');
  }
  tally.flush(connection);
  dropCauses(connection, [...groups]);
  return report;
}

function findItems(connection: Connection, { type, id: key }: Entity): Found[] {
  const found: Found[] = [];
  for (const { id } of connection.all<{ id: number }>(IDS, type, key)) {
    const row = readRow(connection, id);
    if (row === undefined) continue;
    if (row.state === SENDING) {
      throw new QueueError('busy', `item ${id} about ${type}/${key} is being sent right now; nothing was erased`, {
        hint: 'try again in a moment',
      });
    }
    const holds = connection.get<{ holds: number }>(HOLDS, id)?.holds ?? 0;
    if (holds === 1 || row.state < COMPLETED) found.push({ ...row, holds });
  }
  return found;
}
