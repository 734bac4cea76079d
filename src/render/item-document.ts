/** An item as public JSON. */
import type { Hide } from '../core/privacy/hide-values.js';
import type { Attempt, ItemDetail, ItemSummary, LastError, ResponseExcerpt } from '../core/nouns/item.js';
import { why } from '../core/policy/why.js';
import type { JsonObject } from './json.js';
import { isJsonType, isoTime, payloadFields } from './json.js';
import { hidePayloadValues } from './hide-payload-values.js';

/** Makes the display copy of a payload or an answer; returns the same bytes when nothing was masked. */
export type Mask = (bytes: Uint8Array) => Uint8Array;

export interface DocumentOptions {
  /** Epoch ms, for `why`. */
  now: number;
  mask: Mask;
  /** Masks the same values where a server repeated them. */
  hide?: Hide | undefined;
  /** The document is one line of NDJSON. */
  oneLine?: boolean;
}

/** An item without its payload, as lists show it. */
export function summaryDocument(item: ItemSummary, options: DocumentOptions): JsonObject {
  return {
    id: item.id,
    state: item.state,
    why: why(item, { now: options.now, terminal: false }),
    createdAt: isoTime(item.createdAt),
    operation: item.operation,
    entity: item.entity === undefined ? null : { type: item.entity.type, id: item.entity.id },
    target: item.target,
    method: item.method,
    path: item.path,
    headers: { ...item.headers },
    contentType: item.contentType ?? null,
    payloadBytes: item.payloadBytes ?? null,
    payloadSha256: item.payloadSha256 ?? null,
    idempotencyKey: item.idempotencyKey,
    ...waitingFields(item),
    notBefore: isoTime(item.notBefore),
    expiresAt: isoTime(item.expiresAt),
    retryCount: item.retryCount,
    maxRetries: item.maxRetries ?? null,
    ...(item.mayHaveArrived === undefined ? {} : { mayHaveArrived: item.mayHaveArrived }),
    lastError: lastErrorDocument(item.lastError),
    reviewReason: item.reviewReason ?? null,
    completedAt: isoTime(item.completedAt),
    response: responseDocument(item.response, options),
    tags: [...item.tags],
  };
}

/** Everything about one item. */
export function itemDocument(stored: ItemDetail, options: DocumentOptions): JsonObject {
  const item = options.hide === undefined ? stored : hidePayloadValues(stored, options.hide);
  return {
    ...summaryDocument(item, options),
    ...payloadPart(item, options),
    attempts: item.attempts.map((attempt) => attemptDocument(attempt, options)),
  };
}

/** The payload for display; `payloadMasked` says that it is not what is sent (`enqueue --from` refuses it). */
function payloadPart(item: ItemDetail, { mask, oneLine = false }: DocumentOptions): JsonObject {
  if (item.payload === undefined) return {};
  const shown = mask(item.payload);
  const fields = payloadFields(shown, item.contentType, { oneLine });
  return shown === item.payload || sameBytes(shown, item.payload) ? fields : { ...fields, payloadMasked: true };
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** What a pending item waits for: the blocker's id, the target's state, the time; or due. */
function waitingFields({ waiting, waitingOn: on, notBefore }: ItemSummary): JsonObject {
  return {
    due: waiting === 'due',
    waiting: waiting === 'waiting' ? isoTime(on?.kind === 'time' ? on.until : notBefore) : null,
    blocked: waiting === 'blocked' && on?.kind === 'item' ? on.id : null,
    held: waiting === 'held' ? (on?.kind === 'target' ? on.state : 'paused') : null,
  };
}

function lastErrorDocument(error: LastError | undefined): JsonObject | null {
  if (error === undefined) return null;
  return { outcome: error.outcome, status: error.status ?? null, message: error.message, at: isoTime(error.at) };
}

function attemptDocument(attempt: Attempt, options: DocumentOptions): JsonObject {
  return {
    number: attempt.number,
    startedAt: isoTime(attempt.startedAt),
    durationMs: attempt.durationMs ?? null,
    outcome: attempt.outcome ?? null,
    status: attempt.status ?? null,
    message: attempt.message ?? null,
    counted: attempt.counted,
    runner: attempt.runner,
    url: attempt.url ?? null,
    response: responseDocument(attempt.response, options),
  };
}

function responseDocument(response: ResponseExcerpt | undefined, options: DocumentOptions): JsonObject | null {
  if (response === undefined) return null;
  const body = responseBody(response, options.mask, options.hide);
  const text = decodeExcerpt(body);
  return {
    status: response.status,
    headers: { ...response.headers },
    body: text ?? Buffer.from(body).toString('base64'),
    ...(text === undefined ? { bodyEncoding: 'base64' } : {}),
    complete: response.complete,
  };
}

/** A JSON answer may echo what was sent, so it is masked by key. Other answers are masked only by value. */
export function responseBody(response: ResponseExcerpt, mask: Mask, hide: Hide | undefined): Uint8Array {
  const isJson = isJsonType(response.headers['content-type']) && response.body.length > 0;
  const masked = isJson ? mask(response.body) : response.body;
  const text = hide === undefined ? undefined : decodeExcerpt(masked);
  if (hide === undefined || text === undefined) return masked;
  // At the end of a cut excerpt the beginning of a value is masked too.
  const cut = response.complete ? '' : '…';
  const shown = hide(text + cut).slice(0, cut === '' ? undefined : -cut.length);
  return shown === text ? masked : Buffer.from(shown, 'utf8');
}

/** UTF-8 text of a body that may have been cut within a character; undefined for anything else. */
export function decodeExcerpt(body: Uint8Array): string | undefined {
  // A character has at most four bytes: up to three may be left over from the cut.
  for (let spare = 0; spare <= Math.min(3, body.length); spare += 1) {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body.subarray(0, body.length - spare));
    } catch {
      // Try one byte less.
    }
  }
  return undefined;
}
