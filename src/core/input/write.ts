/** Reads a write that a program gives to `enqueue`: its fields and their kinds. */
import { types } from 'node:util';

import { isQueueError, QueueError } from '../nouns/errors.js';
import type { NewItem } from '../nouns/item.js';
import type { OnConflict } from '../nouns/enqueue.js';
import { checkDraft, type Draft, type DraftContext } from './draft.js';
import { entity, isRecord, refuseField, tags, text, TEXT_FIELDS } from './fields.js';
import type { DraftPayload } from './payload.js';
import { keyConflict } from './key.js';
import { inPlace, refuse } from '../check/refuse.js';
import { quoted } from '../check/text.js';

/** A write as a program gives it. Its payload is `json` or `body`; without either, no body is sent. */
export interface Write extends Omit<Draft, 'headers' | 'payload'> {
  /** An object of strings, or [name, value] pairs (a `Headers`, a `Map`, a list). */
  headers?: Readonly<Record<string, string>> | Iterable<readonly [string, string]> | undefined;
  /** Sent as its JSON text (`JSON.stringify`). */
  json?: unknown;
  /** Sent as it is: bytes, or the UTF-8 of a text. */
  body?: Uint8Array | string;
}

/** A record, so that the compiler compares it with the type. */
const FIELDS: Readonly<Record<keyof Write, true>> = {
  method: true,
  path: true,
  url: true,
  target: true,
  headers: true,
  json: true,
  body: true,
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
/** Names that people know from bulk lines and HTTP clients, and what they are called here. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['key', 'idempotencyKey'],
  ['data', 'json'],
  ['payload', 'json'],
]);

const EXAMPLE = "for example: enqueue({ method: 'POST', path: '/notes', json: { a: 1 } })";

/**
 * Turns a program's write into a draft and checks the kind of each field that `checkDraft` does not check itself. Plain
 * JavaScript has no compiler for that: a number as a key would be stored as another key.
 *
 * @throws {QueueError} code 'bad-item'; the message names the field and never holds any of the payload
 */
export function readWrite(given: unknown): Draft {
  if (!isRecord(given)) return refuse('the write', 'is not an object', EXAMPLE);
  for (const name of Object.keys(given)) if (!FIELD_SET.has(name)) refuseField(name, FIELD_NAMES, OTHER_NAMES);
  const write = given as Partial<Record<keyof Write, unknown>>;
  if (write.method === undefined) refuse('method', 'is missing', EXAMPLE);
  const { delay, notBefore, expires, expiresAt, maxRetries } = given as Partial<Draft>;
  // checkDraft refuses a wrong kind of time or count itself.
  const draft: Draft = { method: '', delay, notBefore, expires, expiresAt, maxRetries };
  for (const name of [...TEXT_FIELDS, 'idempotencyKey', 'at'] as const) {
    const value = write[name];
    if (value !== undefined) draft[name] = text(value, name);
  }
  const { headers, entity: about, tags: labels } = write;
  if (headers !== undefined) draft.headers = headersOf(headers);
  if (about !== undefined) draft.entity = entity(about, entityId);
  if (labels !== undefined) draft.tags = tags(labels);
  draft.payload = payloadOf(write);
  return draft;
}

/**
 * Checks all writes of a program; refuses the first bad one, with its index.
 *
 * @throws {QueueError} 'usage' when it is no list; else as `readWrite` and `checkDraft`
 */
export function checkWrites(writes: unknown, context: DraftContext): NewItem[] {
  if (!Array.isArray(writes)) {
    throw new QueueError('usage', 'writes is not a list', { hint: 'store a single write with enqueue' });
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

/** Refuses a key that another write of the same call has; names both by index, because neither is stored. */
export function refuseConflict(items: readonly NewItem[]): OnConflict {
  return (item, owner) => {
    const index = items.indexOf(item);
    const first = items.findIndex(({ idempotencyKey }) => idempotencyKey === item.idempotencyKey);
    const conflict = keyConflict(item, first < index ? `writes[${first}]` : owner);
    throw inPlace(`writes[${index}]`, conflict, 'nothing was stored');
  };
}

function entityId(value: unknown): string {
  return text(value, 'entity id');
}

/** Reads an object of strings, or pairs, as `fetch` does. Pairs can name a header twice; checkHeaders refuses that. */
function headersOf(value: unknown): [string, string][] {
  if (isIterable(value)) return Array.from(value, headerOf);
  // A plain object: a Date, say, has no entries and would count as no headers.
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

function payloadOf(write: Partial<Record<keyof Write, unknown>>): DraftPayload | undefined {
  const { json, body } = write;
  if (json !== undefined) {
    if (body !== undefined) refuse('body', 'is given together with json', 'give one of the two');
    return { kind: 'text', text: jsonText(json) };
  }
  if (typeof body === 'string') return { kind: 'text', text: body };
  if (types.isUint8Array(body)) return { kind: 'bytes', bytes: body };
  if (body !== undefined) {
    return refuse('body', 'is neither a string nor a Uint8Array', 'give a value as json, or a text or bytes as body');
  }
  // `json: undefined` is a mistake: the request would go out without the body that was meant.
  return Object.hasOwn(write, 'json') ? refuseJson('is undefined') : undefined;
}

function jsonText(value: unknown): string {
  let written: string | undefined;
  try {
    // Its type leaves out that it returns undefined for a function.
    written = (JSON.stringify as (value: unknown) => string | undefined)(value);
  } catch (error) {
    // Not the engine's message: it names members of the value.
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
