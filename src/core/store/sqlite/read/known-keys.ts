/** Finds the item that has, or had, an idempotency key, with a digest of the content that the key stands for. */
import { contentDigest } from '../../../input/content-digest.js';
import type { NewItem } from '../../../nouns/item.js';
import type { Connection } from '../file/connection.js';
import { contentTypeOf, toEntity, toHeaders, type EntityColumns, type RequestColumns } from '../sql/rows.js';

interface FoundKey {
  id: number;
  state: number;
  /** Digest of the content; undefined where the bytes are gone and no digest was kept. */
  digest: Buffer | undefined;
}

interface KeyColumns extends Omit<RequestColumns, 'idempotency_key'>, EntityColumns {
  id: number;
  state: number;
  target: string;
  payload_sha256: Buffer | null;
  operation: string;
}

const SELECT_CONTENT = (content: string, from: string): string => `SELECT item.id, item.state, target.name AS target,
  item.method, ${content}, item.payload_bytes, entity.type AS entity_type,
  entity.key AS entity_key, item.operation
  FROM ${from} JOIN target ON target.id = item.target_id LEFT JOIN entity ON entity.id = item.entity_id`;

const BY_KEY = `${SELECT_CONTENT('item.path, item.headers, item.content_type, item.payload, item.payload_sha256', 'item')}
  WHERE item.idempotency_key = ?`;
const BY_OLD_KEY = `${SELECT_CONTENT(
  'revision.path, revision.headers, revision.content_type, revision.payload, revision.payload_sha256',
  'revision JOIN item ON item.id = revision.item_id',
)} WHERE revision.idempotency_key = ?`;

/** The item with this key, also when it was edited or pruned since. */
export function findByKey(connection: Connection, key: string): FoundKey | undefined {
  const row = connection.get<KeyColumns>(BY_KEY, key) ?? connection.get<KeyColumns>(BY_OLD_KEY, key);
  if (row === undefined) {
    const pruned = connection.get<{ id: number; state: number; content_sha256: Buffer | null }>(
      'SELECT id, state, content_sha256 FROM pruned WHERE idempotency_key = ?',
      key,
    );
    return pruned === undefined
      ? undefined
      : { id: pruned.id, state: pruned.state, digest: pruned.content_sha256 ?? undefined };
  }
  return { id: row.id, state: row.state, digest: digestOf(row) };
}

/** For an item without bytes, the stored checksum represents them. */
function digestOf(row: KeyColumns): Buffer {
  const payloadGone = row.payload === null && row.payload_bytes !== null;
  return contentDigest({
    target: row.target,
    method: row.method as NewItem['method'],
    path: row.path,
    headers: toHeaders(row.headers),
    contentType: contentTypeOf(row),
    entity: toEntity(row),
    operation: row.operation,
    ...(payloadGone ? { payloadSha256: row.payload_sha256?.toString('hex') } : { payload: row.payload ?? undefined }),
  });
}
