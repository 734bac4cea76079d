/** Reads items whole, page by page in the order of the log. `import.ts` writes them. */
import type { Method } from '../../nouns/item.js';
import { STATES } from '../../nouns/item.js';
import type {
  Archive,
  ArchivedEvent,
  ArchivedItem,
  ArchivedRevision,
  ArchivedTarget,
  QueueIdentity,
  Recipient,
  ScanPage,
  StoreOptions,
  StoreReport,
} from '../archive.js';
import type { Filter } from '../store.js';
import type { Connection } from './connection.js';
import { sha256 } from './enqueue.js';
import { whereOf } from './filters.js';
import { importItems } from './import.js';
import { HAS_DELIVERED, readRecipients } from './recipients.js';
import {
  contentTypeOf,
  orUndefined,
  toEntity,
  toHeaders,
  toRevision,
  toTags,
  type ItemColumns,
  type RevisionColumns,
} from './rows.js';
import { COMPLETED } from './schema.js';
import { readAttempts } from './summaries.js';

/** Payload bytes after which a page ends: a page of large items must not need their number times 1 MiB. */
const PAGE_BYTES = 8 * 1024 * 1024;

interface WholeColumns extends ItemColumns {
  target: string;
  asked_at: number | null;
  review_cause: string | null;
  /** Not there in a file of version 1. */
  may_have_arrived?: number | null;
}

const SELECT_ITEM = `SELECT item.*, target.name AS target, entity.type AS entity_type, entity.key AS entity_key,
  review_group.reason AS review_reason, review_group.status AS review_status, review_group.message AS review_message,
  review_group.cause AS review_cause
  FROM item JOIN target ON target.id = item.target_id LEFT JOIN entity ON entity.id = item.entity_id
  LEFT JOIN review_group ON review_group.id = item.review_group WHERE item.id = ?`;

export class SqliteArchive implements Archive {
  readonly #connection: Connection;
  readonly #assertRoom: (bytes: number) => void;

  /** @param assertRoom throws `disk-full` when there is no room for so many bytes more */
  constructor(connection: Connection, assertRoom: (bytes: number) => void) {
    this.#connection = connection;
    this.#assertRoom = assertRoom;
  }

  async identity(): Promise<QueueIdentity> {
    return this.#connection.read(() => {
      const row = this.#connection.get<{ uuid: string; copy_of: string | null }>('SELECT uuid, copy_of FROM queue');
      return { uuid: row?.uuid ?? '', copyOf: orUndefined(row?.copy_of ?? null) };
    });
  }

  async targets(): Promise<ArchivedTarget[]> {
    const rows = await this.#connection.read(() =>
      this.#connection.all<{
        name: string;
        lane_order: ArchivedTarget['order'];
        implicit_base_url: string | null;
        bound_to: string | null;
        delivered: number;
      }>(
        `SELECT name, lane_order, implicit_base_url, bound_to, ${HAS_DELIVERED} AS delivered
         FROM target JOIN tally ON tally.target_id = target.id ORDER BY target.id`,
      ),
    );
    return rows.map((row) => ({
      name: row.name,
      order: row.lane_order,
      implicitBaseUrl: orUndefined(row.implicit_base_url),
      boundTo: orUndefined(row.bound_to),
      delivered: row.delivered === 1,
    }));
  }

  async recipients(): Promise<Recipient[]> {
    return this.#connection.read(() => readRecipients(this.#connection));
  }

  async extent(filter: Filter): Promise<{ count: number; lastId: number }> {
    return this.#connection.read(() => {
      const { sql, parameters } = whereOf(filter);
      const row = this.#connection.get<{ n: number; last: number | null }>(
        `SELECT count(*) AS n, max(item.id) AS last FROM item WHERE ${sql}`,
        ...parameters,
      );
      return { count: row?.n ?? 0, lastId: row?.last ?? 0 };
    });
  }

  async scan(filter: Filter, { after, upTo, limit }: ScanPage): Promise<ArchivedItem[]> {
    return this.#connection.read(() => {
      const { sql, parameters } = whereOf(filter);
      const ids = this.#connection.all<{ id: number }>(
        `SELECT item.id FROM item WHERE item.id > ? AND item.id <= ? AND ${sql} ORDER BY item.id LIMIT ?`,
        after,
        upTo,
        ...parameters,
        limit,
      );
      return this.#details(ids);
    });
  }

  #details(ids: readonly { id: number }[]): ArchivedItem[] {
    const items: ArchivedItem[] = [];
    let bytes = 0;
    for (const { id } of ids) {
      if (bytes > PAGE_BYTES) break;
      const row = this.#connection.get<WholeColumns>(SELECT_ITEM, id);
      if (row === undefined) continue;
      items.push(this.#item(row));
      bytes += row.payload?.length ?? 0;
    }
    return items;
  }

  #item(row: WholeColumns): ArchivedItem {
    const payload = orUndefined(row.payload);
    const digest = row.payload_sha256 ?? (payload === undefined ? undefined : sha256(payload));
    const entity = toEntity(row);
    return {
      id: row.id,
      createdAt: row.created_at,
      target: row.target,
      entity,
      operation: row.operation,
      method: row.method as Method,
      path: row.path,
      headers: toHeaders(row.headers),
      contentType: contentTypeOf(row),
      payload,
      payloadBytes: orUndefined(row.payload_bytes) ?? payload?.length,
      payloadSha256: digest?.toString('hex'),
      idempotencyKey: row.idempotency_key,
      state: STATES[row.state] ?? 'pending',
      ownLane: row.lane === null && entity === undefined,
      notBefore: orUndefined(row.not_before),
      askedAt: orUndefined(row.asked_at),
      expiresAt: orUndefined(row.expires_at),
      retryCount: row.retry_count,
      maxRetries: orUndefined(row.max_retries),
      attemptCount: row.attempts,
      stateAt: row.state_at ?? row.created_at,
      review:
        row.review_reason === null
          ? undefined
          : {
              reason: row.review_reason,
              status: row.review_status ?? 0,
              message: row.review_message ?? '',
              cause: row.review_cause ?? '',
            },
      tags: toTags(row.tags),
      revision: row.revision,
      mayHaveArrived: row.state < COMPLETED ? orUndefined(row.may_have_arrived ?? null) : undefined,
      attempts: row.attempts === 0 ? [] : readAttempts(this.#connection, row.id),
      revisions: row.revision === 0 ? [] : this.#revisions(row.id),
      history: this.#history(row.id),
    };
  }

  #revisions(id: number): ArchivedRevision[] {
    return this.#connection
      .all<WholeRevisionColumns>('SELECT * FROM revision WHERE item_id = ? ORDER BY number', id)
      .map((row) => ({
        ...toRevision(row),
        contentType: contentTypeOf({ ...row, payload_bytes: null }),
        headers: toHeaders(row.headers),
        payloadSha256: row.payload_sha256?.toString('hex'),
        payload: orUndefined(row.payload),
      }));
  }

  #history(id: number): ArchivedEvent[] {
    return this.#connection
      .all<EventColumns>(
        'SELECT * FROM history INDEXED BY history_item WHERE item_id = ? AND item_id IS NOT NULL ORDER BY id',
        id,
      )
      .map((row) => ({
        at: row.at,
        who: row.who,
        command: row.command,
        event: row.event,
        reason: orUndefined(row.reason),
        detail: row.detail === null ? undefined : (JSON.parse(row.detail) as Record<string, unknown>),
      }));
  }

  async store(batches: AsyncIterable<readonly ArchivedItem[]>, options: StoreOptions): Promise<StoreReport> {
    return importItems(this.#connection, batches, options, this.#assertRoom);
  }
}

interface WholeRevisionColumns extends RevisionColumns {
  content_type: string | null;
  headers: string | null;
  payload: Buffer | null;
}

interface EventColumns {
  at: number;
  who: string;
  command: string;
  event: string;
  reason: string | null;
  detail: string | null;
}
