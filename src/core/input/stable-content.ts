/** What "the same content" means when an idempotency key comes back: the same request, whatever its times and tags. */
import { createHash } from 'node:crypto';

import type { NewItem } from '../nouns/item.js';

/** The fields that a repeated key must repeat. The payload may be gone from the queue: its hash stands for it. */
export type Content = Pick<NewItem, 'target' | 'method' | 'path' | 'headers' | 'contentType' | 'entity' | 'operation'> &
  ({ payload: Uint8Array | undefined } | { payloadSha256: string | undefined });

/** SHA-256 over the content, 32 bytes: equal digests mean the same content. The order of headers makes no difference. */
export function contentDigest(content: Content): Buffer {
  const headers = Object.entries(content.headers).sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  // JSON keeps the parts apart: no value can look like the border between two.
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
  return content.payload === undefined ? undefined : createHash('sha256').update(content.payload).digest('hex');
}
