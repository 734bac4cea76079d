/** Reads complete items for export, import and replay, page by page; `import.ts` stores them. */
import type { Archive, ArchivedEvent, ArchivedItem, ArchivedRevision, ArchivedTarget, ScanPage } from '../archive.js';
import type { Clock } from '../../nouns/clock.js';
import type { Filter } from '../store.js';
import type { Connection } from './file/connection.js';
import { sha256 } from './sql/payload-checksum.js';
import { whereOf } from './read/filters.js';
import { readHistory } from './read/history.js';
import { importItems } from './write/import.js';
import { readWholeItem, toItem, type WholeItemColumns } from './read/item-rows.js';
import { HAS_DELIVERED, readRecipients } from './read/recipients.js';
import {
  contentTypeOf,
  orUndefined,
  toHeaders,
  toRevision,
  type RevisionColumns,
  type TargetColumns,
} from './sql/rows.js';
import { COMPLETED } from './sql/codes.js';
import { readAttempts } from './read/items.js';

/** A page ends after this many payload bytes, whatever its limit, so that large items do not fill the memory. */
const PAGE_BYTES = 8 * 1024 * 1024;

/** @param assertRoom throws `disk-full` when there is no room for that many bytes more */
export function sqliteArchive(connection: Connection, clock: Clock, assertRoom: (bytes: number) => void): Archive {
  return {
    identity: () =>
      connection.read(() => {
        const row = connection.get<{ uuid: string; copy_of: string | null }>('SELECT uuid, copy_of FROM queue');
        return { uuid: row?.uuid ?? '', copyOf: row?.copy_of ?? undefined };
      }),
    targets: () => connection.read(() => readTargets(connection)),
    recipients: () => connection.read(() => readRecipients(connection)),
    extent: (filter) =>
      connection.read(() => {
        const { sql, parameters } = whereOf(connection, filter, clock.now());
        const row = connection.get<{ n: number; last: number | null }>(
          `SELECT count(*) AS n, max(item.id) AS last FROM item WHERE ${sql}`,
          ...parameters,
        );
        return { count: row?.n ?? 0, lastId: row?.last ?? 0 };
      }),
    scan: (filter, page) => connection.read(() => readPage(connection, filter, { ...page, now: clock.now() })),
    store: (batches, options) => importItems(connection, batches, options, assertRoom),
  };
}

function readTargets(connection: Connection): ArchivedTarget[] {
  return connection
    .all<Pick<TargetColumns, 'name' | 'lane_order' | 'implicit_base_url' | 'bound_to'> & { delivered: number }>(
      `SELECT name, lane_order, implicit_base_url, bound_to, ${HAS_DELIVERED} AS delivered
       FROM target JOIN tally ON tally.target_id = target.id ORDER BY target.id`,
    )
    .map((row) => ({
      name: row.name,
      order: row.lane_order,
      implicitBaseUrl: orUndefined(row.implicit_base_url),
      boundTo: orUndefined(row.bound_to),
      delivered: row.delivered === 1,
    }));
}

function readPage(
  connection: Connection,
  filter: Filter,
  { after, upTo, limit, now }: ScanPage & { now: number },
): ArchivedItem[] {
  const { sql, parameters } = whereOf(connection, filter, now);
  const ids = connection.all<{ id: number }>(
    `SELECT item.id FROM item WHERE item.id > ? AND item.id <= ? AND ${sql} ORDER BY item.id LIMIT ?`,
    after,
    upTo,
    ...parameters,
    limit,
  );
  const items: ArchivedItem[] = [];
  let bytes = 0;
  for (const { id } of ids) {
    if (bytes > PAGE_BYTES) break;
    const row = readWholeItem(connection, id);
    if (row === undefined) continue;
    items.push(toArchivedItem(connection, row));
    bytes += row.payload?.length ?? 0;
  }
  return items;
}

function toArchivedItem(connection: Connection, row: WholeItemColumns): ArchivedItem {
  const item = toItem(row);
  const payload = orUndefined(row.payload);
  return {
    ...item,
    payload,
    payloadSha256: item.payloadSha256 ?? (payload && sha256(payload).toString('hex')),
    ownLane: row.lane === null && item.entity === undefined,
    askedAt: orUndefined(row.asked_at),
    review:
      row.review_reason === null
        ? undefined
        : {
            reason: row.review_reason,
            status: row.review_status ?? 0,
            message: row.review_message ?? '',
            cause: row.review_cause ?? '',
          },
    mayHaveArrived: row.state < COMPLETED ? orUndefined(row.may_have_arrived) : undefined,
    attempts: row.attempts === 0 ? [] : readAttempts(connection, row.id),
    revisions: row.revision === 0 ? [] : readRevisions(connection, row.id),
    history: readEvents(connection, row.id),
  };
}

function readRevisions(connection: Connection, id: number): ArchivedRevision[] {
  return connection
    .all<WholeRevisionColumns>('SELECT * FROM revision WHERE item_id = ? ORDER BY number', id)
    .map((row) => ({
      ...toRevision(row),
      contentType: contentTypeOf({ ...row, payload_bytes: null }),
      headers: toHeaders(row.headers),
      payloadSha256: row.payload_sha256?.toString('hex'),
      payload: orUndefined(row.payload),
    }));
}

function readEvents(connection: Connection, item: number): ArchivedEvent[] {
  const entries = readHistory(connection, { item, since: undefined, limit: Number.MAX_SAFE_INTEGER });
  return entries.map(({ at, who, command, event, reason, detail }) => ({ at, who, command, event, reason, detail }));
}

interface WholeRevisionColumns extends RevisionColumns {
  content_type: string | null;
  headers: string | null;
  payload: Buffer | null;
}
