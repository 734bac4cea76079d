/** The writes of a program: which fields they may have, what each must hold, and the one payload out of three. */
import { types } from 'node:util';

import { isQueueError, QueueError } from '../nouns/errors.js';
import type { NewItem } from '../nouns/item.js';
import type { OnConflict } from '../nouns/enqueue.js';
import { checkDraft, type Draft, type DraftContext } from './draft.js';
import { entity, isRecord, refuseField, tags, text } from './fields.js';
import type { PlainPayload } from './payload.js';
import { keyConflict } from './key.js';
import { inPlace, refuse } from '../check/refuse.js';
import { quoted } from '../check/text.js';

/** A write as a program gives it: a draft whose payload may be a plain value. At most one of the three payloads. */
export interface Write extends Omit<Draft, 'headers' | 'payload'> {
  /** An object of strings, or [name, value] pairs (a `Headers`, a `Map`, a list). */
  headers?: Readonly<Record<string, string>> | Iterable<readonly [string, string]> | undefined;
  payload?: PlainPayload | undefined;
  /** Sent as its JSON text (`JSON.stringify`). */
  json?: unknown;
  /** Sent as it is: bytes, or the UTF-8 of a text. */
  body?: Uint8Array | string;
}

/** A record, so that the compiler holds it against the type. */
const FIELDS: Readonly<Record<keyof Write, true>> = {
  method: true,
  path: true,
  url: true,
  target: true,
  headers: true,
  json: true,
  body: true,
  payload: true,
  contentType: true,
  entity: true,
  operation: true,
  idempotencyKey: true,
  delay: true,
  at: true,
  notBefore: true,
  expires: true,
  expiresAt: true,
  maxRetries: true,
  tags: true,
};
const FIELD_NAMES = Object.keys(FIELDS);
const FIELD_SET: ReadonlySet<string> = new Set(FIELD_NAMES);
/** Names from elsewhere that look like none of ours: a bulk line's, and those of clients for HTTP. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['key', 'idempotencyKey'],
  ['data', 'json'],
]);

const EXAMPLE = "for example: enqueue({ method: 'POST', path: '/notes', json: { a: 1 } })";
const PAYLOAD_HINT = 'give a value as json, or a text or bytes as body';

/**
 * A program's write as a draft: each field is of its kind (what `checkDraft` finds out by itself is left to it), and read
 * once. A program in plain JavaScript has no compiler to tell it: a number as a key would be stored as another key.
 *
 * @throws {QueueError} code 'bad-item'; the message names the field and never holds any of the payload
 */
export function readWrite(given: unknown): Draft {
  if (!isRecord(given)) return refuse('the write', 'is not an object', EXAMPLE);
  for (const name of Object.keys(given)) if (!FIELD_SET.has(name)) refuseField(name, FIELD_NAMES, OTHER_NAMES);
  const write = given as Partial<Record<keyof Write, unknown>>;
  if (write.method === undefined) refuse('method', 'is missing', EXAMPLE);
  // Times and retries are told apart by kind behind this: one number is as good as another to them, anything else is not.
  const { delay, notBefore, expires, expiresAt, maxRetries } = given as Partial<Draft>;
  return {
    method: text(write.method, 'method'),
    path: optionalText(write.path, 'path'),
    url: optionalText(write.url, 'url'),
    target: optionalText(write.target, 'target'),
    headers: write.headers === undefined ? undefined : headersOf(write.headers),
    payload: payloadOf(write),
    contentType: optionalText(write.contentType, 'contentType'),
    entity: write.entity === undefined ? undefined : entity(write.entity, entityId),
    operation: optionalText(write.operation, 'operation'),
    idempotencyKey: optionalText(write.idempotencyKey, 'idempotencyKey'),
    delay,
    at: optionalText(write.at, 'at'),
    notBefore,
    expires,
    expiresAt,
    maxRetries,
    tags: write.tags === undefined ? undefined : tags(write.tags),
  };
}

/**
 * All of a program's writes, or the first that is refused, with its index.
 *
 * @throws {QueueError} 'usage' when it is no list; else as `readWrite` and `checkDraft`
 */
export function checkWrites(writes: unknown, context: DraftContext): NewItem[] {
  if (!Array.isArray(writes)) {
    throw new QueueError('usage', 'writes is not a list', { hint: 'one write alone is stored by enqueue' });
  }
  const items: NewItem[] = [];
  for (let index = 0; index < writes.length; index++) {
    try {
      items.push(checkDraft(readWrite(writes[index]), context));
    } catch (error) {
      throw isQueueError(error) ? inPlace(`writes[${index}]`, error, 'nothing was stored') : error;
    }
  }
  return items;
}

/** A key that one of these writes may not have, told by their indexes: an item that was not stored is nowhere to look at. */
export function refuseConflict(items: readonly NewItem[]): OnConflict {
  return (item, owner) => {
    const index = items.indexOf(item);
    const first = items.findIndex(({ idempotencyKey }) => idempotencyKey === item.idempotencyKey);
    const conflict = keyConflict(item, first < index ? `writes[${first}]` : owner);
    throw inPlace(`writes[${index}]`, conflict, 'nothing was stored');
  };
}

function optionalText(value: unknown, field: string): string | undefined {
  return value === undefined ? undefined : text(value, field);
}

function entityId(value: unknown): string {
  return text(value, 'entity id');
}

/** An object of strings, as `fetch` takes it, or pairs, which can name a header twice and are refused for it. */
function headersOf(value: unknown): [string, string][] {
  if (isIterable(value)) return Array.from(value, headerOf);
  // Not of a class: a Date has no entries, and all of it would be lost without a word.
  if (Object.prototype.toString.call(value) === '[object Object]') return Object.entries(value as object).map(headerOf);
  return refuse('headers', 'is neither an object of strings nor a list of [name, value]');
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function headerOf(pair: unknown): [string, string] {
  if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') {
    return refuse('headers', 'holds something that is not [name, value]');
  }
  return [pair[0], text(pair[1], `header ${quoted(pair[0])}`)];
}

function payloadOf(write: Partial<Record<keyof Write, unknown>>): PlainPayload | undefined {
  const { json, body, payload } = write;
  if (json !== undefined) {
    if (body !== undefined) refuseBeside('body', 'json');
    if (payload !== undefined) refuseBeside('payload', 'json');
    return { kind: 'text', text: jsonText(json) };
  }
  if (body !== undefined) {
    if (payload !== undefined) refuseBeside('payload', 'body');
    return typeof body === 'string' ? { kind: 'text', text: body } : { kind: 'bytes', bytes: bytesOf(body, 'body') };
  }
  if (payload !== undefined) return draftPayload(payload);
  // Somebody meant to send something: without it, another request would go out than the one that was meant.
  return Object.hasOwn(write, 'json') ? refuseJson('is undefined') : undefined;
}

function refuseBeside(field: string, other: string): never {
  refuse(field, `is given beside ${other}`, 'give one of json, body and payload');
}

function jsonText(value: unknown): string {
  let written: string | undefined;
  try {
    // Its type does not say that it answers nothing for a function.
    written = (JSON.stringify as (value: unknown) => string | undefined)(value);
  } catch (error) {
    // The engine's words name members of the value.
    return refuseJson('cannot be written as JSON', error);
  }
  return written ?? refuseJson('has no JSON text');
}

function refuseJson(reason: string, cause?: unknown): never {
  return refuse(
    'json',
    reason,
    'undefined, a function, a BigInt and a circle have no JSON; leave json out to send no body',
    cause,
  );
}

/** The form of `Draft`, but for the slice of a line that was scanned already: nobody has scanned a program's. */
function draftPayload(value: unknown): PlainPayload {
  if (isRecord(value)) {
    const { kind } = value;
    if (kind === 'bytes') return { kind, bytes: bytesOf(value['bytes'], 'payload.bytes') };
    if (kind === 'text' || kind === 'base64') return { kind, text: text(value['text'], 'payload.text') };
  }
  return refuse('payload', 'is not of kind bytes, text or base64', PAYLOAD_HINT);
}

function bytesOf(value: unknown, field: string): Uint8Array {
  if (types.isUint8Array(value)) return value;
  return refuse(field, field === 'body' ? 'is neither a string nor a Uint8Array' : 'is not a Uint8Array', PAYLOAD_HINT);
}
