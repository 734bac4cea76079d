/** Turns a `Filter` into SQL conditions; `select.ts` chooses the order and the index. */
import { QueueError } from '../../../nouns/errors.js';
import { isState, type StateFilter, type WaitingKind } from '../../../nouns/item.js';
import { isSendable } from '../../../policy/target-state.js';
import type { Filter } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { COMPLETED, ELIG, PENDING, REVIEW, STATE_CODE } from '../sql/codes.js';
import { SELECT_TARGETS, toTarget, type TargetColumns } from '../sql/rows.js';

export interface Where {
  sql: string;
  parameters: unknown[];
}

const questions = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

/**
 * Conditions for `FROM item ...`; every column is qualified.
 *
 * @throws {QueueError} not-found when there is no item `behind`
 */
export function whereOf(connection: Connection, filter: Filter, now: number): Where {
  const parts: string[] = [];
  const parameters: unknown[] = [];
  const add = (sql: string, ...values: unknown[]): void => {
    parts.push(`(${sql})`);
    parameters.push(...values);
  };
  if (filter.ids !== undefined) add(`item.id IN (SELECT value FROM json_each(?))`, JSON.stringify(filter.ids));
  if (filter.states !== undefined) add(stateCondition(connection, filter.states, now));
  if (filter.entities !== undefined) {
    add(
      `item.entity_id IN (SELECT id FROM entity WHERE ${filter.entities.map(({ id }) => (id === undefined ? 'type = ?' : 'type = ? AND key = ?')).join(' OR ')})`,
      ...filter.entities.flatMap(({ type, id }) => (id === undefined ? [type] : [type, id])),
    );
  }
  if (filter.targets !== undefined)
    add(`item.target_id IN (SELECT id FROM target WHERE name IN (${questions(filter.targets)}))`, ...filter.targets);
  if (filter.operations !== undefined) add(`item.operation IN (${questions(filter.operations)})`, ...filter.operations);
  if (filter.reasons !== undefined) add(groupCondition(`reason IN (${questions(filter.reasons)})`), ...filter.reasons);
  if (filter.like !== undefined) {
    add(
      `item.state = ${REVIEW} AND item.review_group = (SELECT review_group FROM item AS other WHERE other.id = ?)`,
      filter.like,
    );
  }
  if (filter.tags !== undefined) {
    add(
      filter.tags.map(() => `EXISTS (SELECT 1 FROM json_each(item.tags) WHERE value = ?)`).join(' OR '),
      ...filter.tags,
    );
  }
  if (filter.statuses !== undefined)
    add(statusCondition(filter.statuses.length), ...filter.statuses.flatMap(({ from, to }) => [from, to, from, to]));
  if (filter.behind !== undefined) {
    assertItem(connection, filter.behind);
    add(BEHIND, filter.behind, filter.behind, filter.behind);
  }
  if (filter.since !== undefined) add('item.created_at >= ?', filter.since);
  if (filter.until !== undefined) add('item.created_at < ?', filter.until);
  if (filter.search !== undefined) add(SEARCH, ...Array.from({ length: 6 }, () => likePattern(filter.search ?? '')));
  return { sql: parts.length === 0 ? '1' : parts.join(' AND '), parameters };
}

function assertItem(connection: Connection, id: number): void {
  if (connection.get('SELECT 1 FROM item WHERE id = ?', id) !== undefined) return;
  throw new QueueError('not-found', `there is no item ${id}`, { hint: 'See what there is: syncq inspect --state all' });
}

const BEHIND = `item.state < ${COMPLETED} AND item.lane IS NOT NULL AND item.id > ?
  AND item.target_id = (SELECT target_id FROM item AS ahead WHERE ahead.id = ?)
  AND item.lane = (SELECT lane FROM item AS ahead WHERE ahead.id = ? AND ahead.state < ${COMPLETED})`;

function stateCondition(connection: Connection, filters: readonly StateFilter[], now: number): string {
  const states = filters.filter(isState).map((state) => STATE_CODE[state]);
  const kinds = filters.filter((name) => !isState(name));
  if (kinds.length === 0) return plainStates(states);
  const kindOf = kindConditions(connection, now);
  const pending = `item.state = ${PENDING} AND (${kinds.map((kind) => `(${kindOf[kind]})`).join(' OR ')})`;
  return states.length === 0 ? pending : `(${plainStates(states)}) OR (${pending})`;
}

/** `waitingKind` of policy/waiting.ts in SQL; select.test.ts compares the two. */
function kindConditions(connection: Connection, now: number): Record<WaitingKind, string> {
  const held = connection
    .all<TargetColumns>(SELECT_TARGETS)
    .map(toTarget)
    .filter((target) => !isSendable(target, now))
    .map(({ id }) => id);
  const onHold = `item.target_id IN (${held.join(', ')})`;
  const ahead = `ifnull(item.not_before, 0) > ${now}`;
  return {
    blocked: 'item.elig IS NULL',
    held: `item.elig = ${ELIG.paused} OR (item.elig IS NOT NULL AND ${onHold})`,
    waiting: `item.elig = ${ELIG.waiting} AND ${ahead} AND NOT ${onHold}`,
    due: `(item.elig = ${ELIG.ready} OR (item.elig = ${ELIG.waiting} AND NOT ${ahead})) AND NOT ${onHold}`,
  };
}

/** States are literals, because SQLite uses a partial index only when the query repeats its condition. */
function plainStates(codes: readonly number[]): string {
  const sql = `item.state IN (${codes.join(', ')})`;
  if (codes.every((code) => code < REVIEW)) return `item.state < ${REVIEW} AND ${sql}`;
  if (codes.every((code) => code === REVIEW)) return `item.state = ${REVIEW}`;
  return sql;
}

const groupCondition = (condition: string): string =>
  `item.state = ${REVIEW} AND item.review_group IN (SELECT id FROM review_group WHERE ${condition})`;

/** The status that put the item into review, or the status of its last attempt. */
function statusCondition(count: number): string {
  const one = `EXISTS (SELECT 1 FROM attempt WHERE attempt.item_id = item.id AND attempt.number = item.attempts
      AND attempt.status BETWEEN ? AND ?)
    OR item.review_group IN (SELECT id FROM review_group WHERE status BETWEEN ? AND ?)`;
  return Array.from({ length: count }, () => one).join(' OR ');
}

const SEARCH = `item.path LIKE ? ESCAPE '\\' OR item.tags LIKE ? ESCAPE '\\' OR item.idempotency_key LIKE ? ESCAPE '\\'
  OR EXISTS (SELECT 1 FROM entity WHERE entity.id = item.entity_id AND entity.type || '/' || entity.key LIKE ? ESCAPE '\\')
  OR EXISTS (SELECT 1 FROM attempt WHERE attempt.item_id = item.id AND attempt.number = item.attempts AND attempt.message LIKE ? ESCAPE '\\')
  OR EXISTS (SELECT 1 FROM review_group WHERE review_group.id = item.review_group AND review_group.message LIKE ? ESCAPE '\\')`;

function likePattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
