/** Writes an item as a line for `enqueue --from`: the same request, bytes and key. */
import type { ArchivedItem, ArchivedTarget } from '../store/archive.js';
import { isoTime, payloadMembers } from './payload-text.js';
import { safeJson } from '../json/safe-json.js';

/**
 * @param target the item's target in the queue; an implicit one has no name elsewhere, so its URL is written
 * @param redacted the values are stand-ins under the real key: the line says so, and `enqueue` refuses it
 */
export function ndjsonLine(item: ArchivedItem, target: ArchivedTarget | undefined, redacted = false): string {
  const last = item.attempts.at(-1);
  const failed = last !== undefined && last.outcome !== 'delivered' && last.outcome !== undefined;
  const document = {
    id: item.id,
    state: item.state,
    createdAt: isoTime(item.createdAt),
    operation: item.operation,
    entity: item.entity ?? null,
    ...(target?.implicitBaseUrl === undefined
      ? { target: item.target, method: item.method, path: item.path }
      : { method: item.method, url: `${target.implicitBaseUrl}${item.path}` }),
    headers: item.headers,
    // `enqueue` refuses a content type without a payload.
    contentType: item.payload === undefined ? null : (item.contentType ?? null),
    payloadBytes: item.payloadBytes ?? null,
    payloadSha256: item.payloadSha256 ?? null,
    idempotencyKey: item.idempotencyKey,
    notBefore: isoTime(item.askedAt),
    expiresAt: isoTime(item.expiresAt),
    retryCount: item.retryCount,
    maxRetries: item.maxRetries ?? null,
    attemptCount: item.attemptCount,
    lastError: failed
      ? {
          outcome: last.outcome,
          status: last.status ?? null,
          message: last.message ?? '',
          at: isoTime(last.startedAt + (last.durationMs ?? 0)),
        }
      : null,
    reviewReason: item.review?.reason ?? null,
    completedAt: item.state === 'completed' ? isoTime(item.stateAt) : null,
    tags: item.tags,
    ...(redacted ? { redacted } : {}),
  };
  return `${safeJson(document).slice(0, -1)}${payloadMembers(item.payload, item.contentType)}}\n`;
}
