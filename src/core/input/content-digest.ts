/** Digests the content of a write, to compare two with one idempotency key: the request counts, not its times and tags. */
import { createHash } from 'node:crypto';

import type { NewItem } from '../nouns/item.js';

/** The fields that must be the same for one key. The payload may be gone from the queue; then its hash is compared. */
export type Content = Pick<NewItem, 'target' | 'method' | 'path' | 'headers' | 'contentType' | 'entity' | 'operation'> &
  ({ payload: Uint8Array | undefined } | { payloadSha256: string | undefined });

/** SHA-256 of the content, 32 bytes; the order of headers makes no difference. */
export function contentDigest(content: Content): Buffer {
  const headers = Object.entries(content.headers).sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  // JSON, because no value can look like the border between two fields.
  const text = JSON.stringify([
    content.target,
    content.method,
    content.path,
    headers,
    content.contentType ?? null,
    payloadHash(content) ?? null,
    content.entity === undefined ? null : [content.entity.type, content.entity.id],
    content.operation,
  ]);
  return createHash('sha256').update(text).digest();
}

function payloadHash(content: Content): string | undefined {
  if ('payloadSha256' in content) return content.payloadSha256;
  return content.payload === undefined ? undefined : sha256Hex(content.payload);
}

/** SHA-256, lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
