/** The one gate into the queue: checks a write and turns it into an item, which no later code checks again. */
import type { Config, Limits } from '../nouns/config.js';
import { METHODS } from '../nouns/item.js';
import type { Entity, Method, NewItem } from '../nouns/item.js';
import { chooseTarget } from './choose-target.js';
import type { TargetChoices } from './choose-target.js';
import { parseDuration, LONGEST_DURATION_MS } from '../check/duration.js';
import { checkHeaders } from './headers.js';
import { checkKey } from './key.js';
import { checkPayload } from './payload.js';
import type { DraftPayload } from './payload.js';
import { inField, refuse } from '../check/refuse.js';
import { labelFault, quoted } from '../check/text.js';
import { parseAt, parseIsoTime } from './time.js';

/** A write before any check. Times are text in the contract's grammar (DUR, TIME), or milliseconds from a program. */
export interface Draft {
  /** Upper or lower case. */
  method: string;
  /** Relative path or absolute URL. Give either this or `url`, which must be absolute. */
  path?: string | undefined;
  url?: string | undefined;
  target?: string | undefined;
  headers?: Iterable<readonly [string, string]> | undefined;
  payload?: DraftPayload | undefined;
  /** Default with a payload: `application/json`. */
  contentType?: string | undefined;
  /** `type/id`, split at the first `/`, or its parts. */
  entity?: string | Entity | undefined;
  /** Default: POST create, PUT and PATCH update, DELETE delete, else the method in lower case. */
  operation?: string | undefined;
  idempotencyKey?: string | undefined;
  /** DUR, or ms: counted from the moment of storing. */
  delay?: string | number | undefined;
  /** TIME. */
  at?: string | undefined;
  /** ISO 8601, or epoch ms. */
  notBefore?: string | number | undefined;
  /** DUR, or ms: counted from the moment of storing. */
  expires?: string | number | undefined;
  /** ISO 8601, or epoch ms. */
  expiresAt?: string | number | undefined;
  maxRetries?: number | undefined;
  tags?: readonly string[] | undefined;
}

export interface DraftContext extends TargetChoices {
  limits: Limits;
  /** Epoch ms. */
  now: number;
}

/** The context of a config alone, for a queue that does not exist yet. */
export function contextOf({ targets, defaultTarget, limits }: Config, now: number): DraftContext {
  return { targets, defaultTarget, limits, now };
}

const LONGEST_ENTITY_PART = 256;
const MOST_RETRIES = 1000;
const MOST_TAGS = 32;
const LONGEST_TAG = 64;

const METHOD_SET: ReadonlySet<string> = new Set(METHODS);
const OPERATION = /^[A-Za-z0-9._-]{1,64}$/;
/** Last moment a Date can hold. */
const LAST_TIME = 8_640_000_000_000_000;
const DEFAULT_OPERATIONS: Readonly<Partial<Record<Method, string>>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
};

/**
 * Checks a draft and fills in its defaults. Copies the payload's bytes, so that the caller may reuse its buffer.
 *
 * Accepts a deadline or due time in the past: a command that is repeated after a crash must find the item that it stored
 * before. Such an item is due at once, or the runner flags it as expired and a person sees it.
 *
 * @throws {QueueError} code 'bad-item', 'too-large', 'unknown-target' or 'no-target'; the message names the field and
 *   never holds any of the payload
 */
export function checkDraft(draft: Draft, context: DraftContext): NewItem {
  const { limits } = context;
  const method = checkMethod(draft.method);
  const place = chooseTarget(checkAddress(draft), draft.target, context, limits.pathBytes);
  const { headers, contentType } = checkHeaders(draft.headers ?? [], {
    maxBytes: limits.headerBytes,
    idempotencyHeader: place.config?.idempotencyHeader ?? 'Idempotency-Key',
  });
  const body = checkPayload(draft.payload, onlyOne(draft.contentType, contentType), limits);
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    refuse('payload', `cannot be sent with ${method}`, 'use POST, PUT, PATCH or DELETE');
  }
  const item: NewItem = {
    target: place.target,
    method,
    path: place.path,
    headers,
    contentType: body?.contentType,
    payload: body?.bytes,
    entity: draft.entity === undefined ? undefined : checkEntity(draft.entity),
    operation: checkOperation(draft.operation, method),
    idempotencyKey: draft.idempotencyKey === undefined ? undefined : checkKey(draft.idempotencyKey),
    notBefore: checkNotBefore(draft, context.now),
    expires: checkExpires(draft),
    maxRetries: checkMaxRetries(draft.maxRetries),
    tags: draft.tags === undefined ? [] : checkTags(draft.tags),
  };
  if (place.implicitBaseUrl !== undefined) item.implicitBaseUrl = place.implicitBaseUrl;
  return item;
}

/**
 * Checks an entity: `type/id` (split at the first `/`, so an id may hold more of them), or its two parts.
 *
 * @throws {QueueError} code 'bad-item'
 */
export function checkEntity(given: string | Entity): Entity {
  const entity = typeof given === 'string' ? splitEntity(given) : { type: given.type, id: given.id };
  if (entity.type.includes('/')) refuse('entity type', 'holds a /', 'the type ends at the first / of type/id');
  checkLabel('entity type', entity.type, LONGEST_ENTITY_PART);
  checkLabel('entity id', entity.id, LONGEST_ENTITY_PART);
  return entity;
}

function splitEntity(text: string): Entity {
  const slash = text.indexOf('/');
  if (slash < 0) refuse('entity', 'has no id', 'an entity is written type/id, such as activity/42');
  return { type: text.slice(0, slash), id: text.slice(slash + 1) };
}

function checkMethod(text: string): Method {
  const method = text.toUpperCase();
  if (!METHOD_SET.has(method))
    refuse('method', `is not known: ${quoted(text)}`, `known methods are ${METHODS.join(', ')}`);
  return method as Method;
}

function checkAddress(draft: Draft): string {
  if (draft.url === undefined) return draft.path ?? refuse('path', 'is missing', 'give "path", or an absolute "url"');
  if (draft.path !== undefined) refuse('url', 'is given together with path', 'give one of the two');
  // Without a scheme it would count as a path.
  if (!draft.url.includes('://')) refuse('url', 'is not absolute', 'give a relative one as path');
  return draft.url;
}

function onlyOne(field: string | undefined, header: string | undefined): string | undefined {
  if (field !== undefined && header !== undefined && field !== header) {
    refuse('contentType', 'differs from the content-type header', 'give one of the two');
  }
  return field ?? header;
}

function checkOperation(given: string | undefined, method: Method): string {
  if (given === undefined) return DEFAULT_OPERATIONS[method] ?? method.toLowerCase();
  if (OPERATION.test(given)) return given;
  const hint = 'an operation is 1 to 64 letters, digits and . _ -, such as create or check-out';
  return refuse('operation', 'is not a name', hint);
}

function checkNotBefore(draft: Draft, now: number): NewItem['notBefore'] {
  const { delay, at, notBefore } = draft;
  if (Number(delay !== undefined) + Number(at !== undefined) + Number(notBefore !== undefined) > 1) {
    refuse('delay', 'is given together with a due time', 'give one of the two');
  }
  if (delay !== undefined) return { delayMs: durationOf('delay', delay) };
  if (at !== undefined) return { at: inField('at', () => parseAt(at, now)) };
  return notBefore === undefined ? undefined : { at: timeOf('notBefore', notBefore) };
}

function checkExpires({ expires, expiresAt }: Draft): NewItem['expires'] {
  if (expires !== undefined && expiresAt !== undefined)
    refuse('expires', 'is given together with expiresAt', 'give one of the two');
  if (expires !== undefined) return { delayMs: durationOf('expires', expires) };
  return expiresAt === undefined ? undefined : { at: timeOf('expiresAt', expiresAt) };
}

function durationOf(field: string, given: string | number): number {
  if (typeof given === 'string') return inField(field, () => parseDuration(given));
  if (!Number.isSafeInteger(given) || given < 0 || given > LONGEST_DURATION_MS) {
    refuse(field, 'is not a whole number of milliseconds from 0 to ten years');
  }
  return given;
}

function timeOf(field: string, given: string | number): number {
  const at = typeof given === 'string' ? inField(field, () => parseIsoTime(given)) : given;
  if (at === undefined || !Number.isSafeInteger(at) || at < 0 || at > LAST_TIME) {
    refuse(field, 'is not a time', 'a time is ISO 8601, such as 2026-03-05T14:30:00Z');
  }
  return at;
}

function checkMaxRetries(given: number | undefined): number | undefined {
  if (given !== undefined && !(Number.isInteger(given) && given >= 0 && given <= MOST_RETRIES)) {
    refuse('maxRetries', `is not a whole number from 0 to ${MOST_RETRIES}`);
  }
  return given;
}

function checkTags(given: readonly string[]): string[] {
  for (const tag of given) checkLabel('a tag', tag, LONGEST_TAG);
  const tags = [...new Set(given)];
  if (tags.length > MOST_TAGS) refuse('tags', `are more than ${MOST_TAGS}`);
  return tags;
}

function checkLabel(field: string, text: string, longest: number): void {
  const fault = labelFault(text, longest);
  if (fault !== undefined) refuse(field, fault);
}
