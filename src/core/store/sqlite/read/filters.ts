/** Turns a `Filter` into SQL conditions; `select.ts` chooses the order and the index. */
import type { Filter } from '../../store.js';
import { STATE_CODE, REVIEW } from '../sql/codes.js';

export interface Where {
  sql: string;
  parameters: unknown[];
}

const questions = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

/** Conditions for `FROM item ...`; every column is qualified. */
export function whereOf(filter: Filter): Where {
  const parts: string[] = [];
  const parameters: unknown[] = [];
  const add = (sql: string, ...values: unknown[]): void => {
    parts.push(`(${sql})`);
    parameters.push(...values);
  };
  if (filter.ids !== undefined) add(`item.id IN (SELECT value FROM json_each(?))`, JSON.stringify(filter.ids));
  if (filter.states !== undefined) add(stateCondition(filter.states));
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
  if (filter.since !== undefined) add('item.created_at >= ?', filter.since);
  if (filter.until !== undefined) add('item.created_at < ?', filter.until);
  if (filter.search !== undefined) add(SEARCH, ...Array.from({ length: 6 }, () => likePattern(filter.search ?? '')));
  return { sql: parts.length === 0 ? '1' : parts.join(' AND '), parameters };
}

/** States are literals, because SQLite uses a partial index only when the query repeats its condition. */
function stateCondition(states: readonly (keyof typeof STATE_CODE)[]): string {
  const codes = states.map((state) => STATE_CODE[state]);
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
