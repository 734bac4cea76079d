/**
 * Lists items page by page. A list consists of segments, each read along an index in its order, so a page costs what it
 * prints; only a search may read more, and stops at the limit.
 */
import { isState } from '../../../nouns/item.js';
import type { Filter, Page } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { whereOf } from './filters.js';
import { readSummaries, type Reading } from './items.js';
import { COMPLETED, PENDING, REVIEW, STATE_CODE } from '../sql/codes.js';

const AGE = 'max(created_at, ifnull(asked_at, 0))';

interface Segment {
  /** Index that gives the order; empty = the log itself. */
  index: string;
  /** Selects the items of the segment; SQLite needs it to use a partial index. */
  condition: string;
  order: 'id' | 'age' | 'newest';
}

const REVIEWED: Segment = { index: 'item_flagged', condition: `item.state = ${REVIEW}`, order: 'id' };
const OPEN: Segment = { index: 'item_open', condition: `item.state < ${REVIEW}`, order: 'age' };
const RETRYING: Segment = {
  index: 'item_retrying',
  condition: `item.state = ${PENDING} AND item.attempts > 0`,
  order: 'id',
};
const LOG: Segment = { index: '', condition: '1', order: 'newest' };
const LANE: Segment = {
  index: 'item_lane',
  condition: `item.state < ${COMPLETED} AND item.lane IS NOT NULL`,
  order: 'id',
};
const ENTITY: Segment = { index: 'item_entity', condition: 'item.entity_id IS NOT NULL', order: 'id' };

/** The segments for a filter, in the order of the list. */
function segmentsFor({ ids, states, entities, search, statuses, reasons, like, behind }: Filter): Segment[] {
  if (ids !== undefined) return [{ ...LOG, order: 'id' }];
  if (behind !== undefined) return [LANE];
  if (entities !== undefined && states === undefined)
    return [{ ...ENTITY, condition: `${ENTITY.condition} AND item.state < 3` }];
  if (entities !== undefined) return [ENTITY];
  if (reasons !== undefined || like !== undefined) return [REVIEWED];
  if (states === undefined)
    return search === undefined && statuses === undefined ? [REVIEWED, OPEN] : [REVIEWED, RETRYING];
  const codes = states.map((state) => (isState(state) ? STATE_CODE[state] : PENDING));
  if (codes.some((code) => code > REVIEW)) return [LOG];
  return [...(codes.includes(REVIEW) ? [REVIEWED] : []), ...(codes.some((code) => code < REVIEW) ? [OPEN] : [])];
}

interface IdRow {
  id: number;
}

/** Ids of the items that match, in the order of the list. */
export function selectIds(
  connection: Connection,
  filter: Filter,
  { after, limit, now }: { after?: number | undefined; limit: number; now: number },
): number[] {
  const where = whereOf(connection, filter, now);
  const ids: number[] = [];
  let start = after === undefined ? undefined : positionOf(connection, after);
  for (const segment of segmentsFor(filter)) {
    if (ids.length >= limit) break;
    // Continue in the segment of the last item of the previous page.
    if (start !== undefined && segment === REVIEWED && start.state !== REVIEW) continue;
    const page = afterCondition(segment, start);
    start = undefined;
    const index = segment.index === '' ? '' : ` INDEXED BY ${segment.index}`;
    const sql = `SELECT item.id FROM item${index} WHERE ${segment.condition} AND ${where.sql} AND ${page.sql}
      ORDER BY ${ORDER[segment.order]} LIMIT ?`;
    ids.push(
      ...connection.all<IdRow>(sql, ...where.parameters, ...page.parameters, limit - ids.length).map((row) => row.id),
    );
  }
  return ids;
}

const ORDER: Record<Segment['order'], string> = {
  id: 'item.id',
  age: `${AGE}, item.id`,
  newest: 'item.id DESC',
};

interface Position {
  id: number;
  state: number;
  age: number;
}

function positionOf(connection: Connection, id: number): Position | undefined {
  return connection.get<Position>(`SELECT id, state, ${AGE} AS age FROM item WHERE id = ?`, id);
}

function afterCondition(segment: Segment, position: Position | undefined): { sql: string; parameters: unknown[] } {
  if (position === undefined) return { sql: '1', parameters: [] };
  if (segment.order === 'newest') return { sql: 'item.id < ?', parameters: [position.id] };
  if (segment.order === 'id') return { sql: 'item.id > ?', parameters: [position.id] };
  return position.state === REVIEW
    ? { sql: '1', parameters: [] }
    : { sql: `(${AGE}, item.id) > (?, ?)`, parameters: [position.age, position.id] };
}

export function selectPage(
  connection: Connection,
  filter: Filter,
  page: { after: number | undefined; limit: number },
  reading: Reading,
): Page {
  const ids = selectIds(connection, filter, { after: page.after, limit: page.limit + 1, now: reading.now });
  const shown = ids.slice(0, page.limit);
  return {
    items: readSummaries(connection, shown, reading),
    total: countOf(connection, filter),
    next: ids.length > page.limit ? shown.at(-1) : undefined,
  };
}

/** From the stored counts; undefined where it would need a scan. */
function countOf(connection: Connection, filter: Filter): number | undefined {
  const { states, targets, ...rest } = filter;
  if (Object.values(rest as Record<string, unknown>).some((value) => value !== undefined)) return undefined;
  const columns = [...new Set(states ?? (['pending', 'sending', 'review'] as const))];
  if (!columns.every(isState)) return undefined;
  if (columns.length === 0) return 0;
  const names = targets === undefined ? '' : `WHERE target.name IN (${targets.map(() => '?').join(', ')})`;
  const row = connection.get<{ n: number | null }>(
    `SELECT sum(${columns.join(' + ')}) AS n FROM tally JOIN target ON target.id = tally.target_id ${names}`,
    ...(targets ?? []),
  );
  return row?.n ?? 0;
}

/**
 * Items in review first, then items blocked behind one, then items being retried, then the other unfinished items in the
 * order of the log.
 */
export function attentionPage(connection: Connection, limit: number, reading: Reading): Page {
  const ids = new Set<number>();
  const take = (rows: readonly number[]): void => {
    for (const id of rows) if (ids.size < limit) ids.add(id);
  };
  const select = (filter: Filter): number[] => selectIds(connection, filter, { limit, now: reading.now });
  const review = select({ states: ['review'] });
  take(review);
  for (const id of review) if (ids.size < limit) take(select({ behind: id }));
  if (ids.size < limit) {
    take(
      connection
        .all<IdRow>(
          `SELECT item.id FROM item INDEXED BY item_retrying WHERE ${RETRYING.condition} ORDER BY item.id LIMIT ?`,
          limit,
        )
        .map((row) => row.id),
    );
  }
  if (ids.size < limit) take(select({ states: ['sending', 'pending'] }));
  return { items: readSummaries(connection, [...ids], reading), total: countOf(connection, {}), next: undefined };
}
