/** Reads items by id: the columns that every reader of an item needs, once, and what they mean. */
import { STATES, type ItemSummary, type Method, type ReviewReason } from '../../../nouns/item.js';
import type { ArchivedItem } from '../../archive.js';
import type { SavedItem } from '../../care.js';
import type { Connection } from '../file/connection.js';
import { contentTypeOf, orUndefined, toEntity, toHeaders, toTags, type EntityColumns } from '../sql/rows.js';

/** What can be read of an item from its own row, also in a damaged file. */
export interface WriteColumns {
  id: number;
  created_at: number;
  state: number;
  operation: string;
  method: string;
  path: string;
  headers: string | null;
  content_type: string | null;
  payload_bytes: number | null;
  /** Null = the payload is gone, or there never was one. */
  payload_length: number | null;
  payload_sha256: Buffer | null;
  idempotency_key: string;
  not_before: number | null;
  expires_at: number | null;
  max_retries: number | null;
  tags: string | null;
}

export const WRITE_COLUMNS = `item.id, item.created_at, item.state, item.operation, item.method, item.path, item.headers,
  item.content_type, item.payload_bytes, length(item.payload) AS payload_length, item.payload_sha256,
  item.idempotency_key, item.not_before, item.expires_at, item.max_retries, item.tags`;

/** An item with its entity, its place in the queue and its review group. */
export interface ItemColumns extends WriteColumns, EntityColumns {
  target_id: number;
  target: string;
  entity_paused_at: number | null;
  entity_paused_until: number | null;
  entity_paused_reason: string | null;
  lane: number | null;
  elig: number | null;
  asked_at: number | null;
  claim_at: number | null;
  retry_count: number;
  attempts: number;
  state_at: number | null;
  revision: number;
  /** Null in a file of version 1. */
  may_have_arrived: number | null;
  review_reason: ReviewReason | null;
  review_status: number | null;
  review_message: string | null;
  review_cause: string | null;
}

const selectItem = (more = ''): string => `SELECT ${WRITE_COLUMNS}${more}, item.target_id, target.name AS target,
  entity.type AS entity_type, entity.key AS entity_key, entity.paused_at AS entity_paused_at,
  entity.paused_until AS entity_paused_until, entity.paused_reason AS entity_paused_reason, item.lane, item.elig,
  item.asked_at, item.claim_at, item.retry_count, item.attempts, item.state_at, item.revision,
  item.may_have_arrived AS may_have_arrived, review_group.reason AS review_reason,
  review_group.status AS review_status, review_group.message AS review_message, review_group.cause AS review_cause
  FROM item JOIN target ON target.id = item.target_id LEFT JOIN entity ON entity.id = item.entity_id
  LEFT JOIN review_group ON review_group.id = item.review_group WHERE item.id = ?`;

const SELECT_ITEM = selectItem();
const SELECT_WHOLE_ITEM = selectItem(', item.payload');

export function readItem(connection: Connection, id: number): ItemColumns | undefined {
  return connection.get<ItemColumns>(SELECT_ITEM, id);
}

export interface WholeItemColumns extends ItemColumns {
  payload: Buffer | null;
}

export function readWholeItem(connection: Connection, id: number): WholeItemColumns | undefined {
  return connection.get<WholeItemColumns>(SELECT_WHOLE_ITEM, id);
}

export function toWrite(row: WriteColumns): Omit<SavedItem, 'target' | 'entity' | 'payload' | 'payloadGone'> {
  return {
    id: row.id,
    createdAt: row.created_at,
    state: STATES[row.state] ?? 'pending',
    operation: row.operation,
    method: row.method as Method,
    path: row.path,
    headers: toHeaders(row.headers),
    contentType: contentTypeOf({ ...row, payload: row.payload_length }),
    idempotencyKey: row.idempotency_key,
    notBefore: orUndefined(row.not_before),
    expiresAt: orUndefined(row.expires_at),
    maxRetries: orUndefined(row.max_retries),
    tags: toTags(row.tags),
  };
}

/** What summaries and archived items have in common. */
type SharedFields = Omit<Pick<ItemSummary, keyof ItemSummary & keyof ArchivedItem>, 'mayHaveArrived'>;

export function toItem(row: ItemColumns): SharedFields {
  return {
    ...toWrite(row),
    target: row.target,
    entity: toEntity(row),
    payloadBytes: orUndefined(row.payload_bytes ?? row.payload_length),
    payloadSha256: row.payload_sha256?.toString('hex'),
    retryCount: row.retry_count,
    attemptCount: row.attempts,
    stateAt: row.state_at ?? row.created_at,
    revision: row.revision,
  };
}
