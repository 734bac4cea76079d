/** Counts unfinished items by age along an index; each column stops at a bound. */
import { AGE_COUNT_CAP, AGE_TITLES, ageRange, type AgeCount } from '../../../policy/ages.js';
import type { Connection } from '../file/connection.js';
import { REVIEW } from '../sql/codes.js';

const AGE = 'max(created_at, ifnull(asked_at, 0))';

const OPEN = `SELECT target.name, sub.n FROM (SELECT target_id, count(*) AS n FROM (SELECT target_id FROM item INDEXED BY item_open
  WHERE state < ${REVIEW} AND ${AGE} >= ? AND ${AGE} < ? LIMIT ${AGE_COUNT_CAP}) GROUP BY target_id) AS sub
  JOIN target ON target.id = sub.target_id`;

const FLAGGED = `SELECT target.name AS name, ${AGE} AS at FROM (SELECT target_id, created_at, asked_at FROM item INDEXED BY item_flagged
  WHERE state = ${REVIEW} ORDER BY id LIMIT ${AGE_COUNT_CAP}) AS sub JOIN target ON target.id = sub.target_id`;

export function readAges(connection: Connection, now: number): AgeCount[] {
  return [...waiting(connection, now), ...inReview(connection, now)];
}

function waiting(connection: Connection, now: number): AgeCount[] {
  return AGE_TITLES.flatMap((_title, bucket) => {
    const { from, to } = ageRange(bucket, now);
    const rows = connection.all<{ name: string; n: number }>(OPEN, from ?? 0, to ?? Number.MAX_SAFE_INTEGER);
    const capped = rows.reduce((sum, { n }) => sum + n, 0) >= AGE_COUNT_CAP;
    return rows.map(({ name, n }): AgeCount => ({ target: name, kind: 'waiting', bucket, count: n, capped }));
  });
}

/** There is no index for the age of items in review: the first ones are read one by one. */
function inReview(connection: Connection, now: number): AgeCount[] {
  const rows = connection.all<{ name: string; at: number }>(FLAGGED);
  const capped = rows.length >= AGE_COUNT_CAP;
  const cells = new Map<string, AgeCount>();
  for (const { name, at } of rows) {
    const bucket = AGE_TITLES.findIndex((_title, index) => at >= (ageRange(index, now).from ?? 0));
    const key = `${bucket} ${name}`;
    const cell = cells.get(key);
    if (cell === undefined) cells.set(key, { target: name, kind: 'review', bucket, count: 1, capped });
    else cell.count += 1;
  }
  return [...cells.values()];
}
