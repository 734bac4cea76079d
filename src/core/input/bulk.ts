/** One line of bulk input: which fields it may have, and how each is read without losing a bit of the payload. */
import type { NewItem } from '../nouns/item.js';
import type { Draft, DraftContext } from './draft.js';
import { checkDraft } from './draft.js';
import { entity, refuseField, tags, text } from './fields.js';
import type { JsonRange } from '../json/json-scan.js';
import { JsonFault, readString, readValue, scanMembers, scanObject } from '../json/json-scan.js';
import type { Line } from './ndjson.js';
import type { DraftPayload } from './payload.js';
import { refuse, refuseSize } from '../check/refuse.js';
import { quoted } from '../check/text.js';

/** Reads one member's value into the draft. */
type Reader = (draft: Draft, value: unknown, field: string) => void;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['method', (draft, value, field) => (draft.method = text(value, field))],
  ['path', (draft, value, field) => (draft.path = text(value, field))],
  ['url', (draft, value, field) => (draft.url = text(value, field))],
  ['target', (draft, value, field) => (draft.target = text(value, field))],
  ['contentType', (draft, value, field) => (draft.contentType = text(value, field))],
  ['entity', (draft, value) => (draft.entity = entity(value, entityId))],
  ['operation', (draft, value, field) => (draft.operation = text(value, field))],
  ['key', readKey],
  ['idempotencyKey', readKey],
  ['delay', (draft, value, field) => (draft.delay = text(value, field))],
  ['notBefore', (draft, value, field) => (draft.notBefore = text(value, field))],
  ['expires', (draft, value, field) => (draft.expires = text(value, field))],
  ['expiresAt', (draft, value, field) => (draft.expiresAt = text(value, field))],
  ['maxRetries', (draft, value, field) => (draft.maxRetries = count(value, field))],
  ['tags', (draft, value) => (draft.tags = tags(value))],
  ['redacted', refuseStandIns],
]);

/** Fields that are not read as values: what they repeat or how they are spelled matters. */
const SLICED: ReadonlySet<string> = new Set(['headers', 'payload', 'payloadEncoding']);

const KNOWN_FIELDS = [...READERS.keys(), ...SLICED].filter((name) => name !== 'redacted');

/** What an exported item carries and a new one cannot have: accepted, so that an export can be enqueued, and ignored. */
const READ_ONLY: ReadonlySet<string> = new Set([
  'id',
  'createdAt',
  'payloadBytes',
  'payloadSha256',
  'payloadGone',
  'state',
  'stateAt',
  'revision',
  'retryCount',
  'attemptCount',
  'attempts',
  'lastError',
  'reviewReason',
  'completedAt',
  'response',
  'due',
  'waiting',
  'waitingOn',
  'blocked',
  'held',
  'why',
  'duplicate',
]);

/**
 * The item that one line describes: a JSON object with the fields of the contract's section 3. A field that is `null` is
 * one that is not there, except `payload`: no payload means no body, and `"payload": null` the JSON text `null`.
 *
 * @throws {QueueError} code 'bad-item', 'too-large', 'unknown-target' or 'no-target'. The message names field and reason,
 *   never the payload; the line's number is the caller's to add
 */
export function parseBulkLine(line: Line, context: DraftContext): NewItem {
  if (line.tooLong) refuseSize('the line', context.limits.lineBytes);
  const members = scanLine(line.bytes, context.limits.jsonDepth);
  const draft: Draft = { method: '' };
  for (const [name, range] of members) {
    const reader = READERS.get(name);
    if (reader === undefined) {
      if (!READ_ONLY.has(name) && !SLICED.has(name)) refuseField(name, KNOWN_FIELDS);
    } else if (range.kind !== 'null') {
      reader(draft, readValue(line.bytes, range), name);
    }
  }
  if (draft.method === '') refuse('method', 'is missing');
  draft.headers = headers(line.bytes, members.get('headers'));
  draft.payload = payload(line.bytes, members);
  return checkDraft(draft, context);
}

function scanLine(bytes: Uint8Array, jsonDepth: number): Map<string, JsonRange> {
  // One level more for the object around the payload.
  const maxDepth = jsonDepth + 1;
  const hint =
    "each line holds one whole object; jq -c . FILE puts objects on lines, jq -c '.[]' FILE those of an array";
  return asObject('the line', () => scanObject(bytes, 0, bytes.length, { maxDepth }), hint);
}

/** Runs a scan; what is wrong with the JSON comes out as a refusal of the field. */
function asObject(field: string, scan: () => Map<string, JsonRange>, hint?: string): Map<string, JsonRange> {
  try {
    return scan();
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return refuse(field, `is not a JSON object: ${error.reason} (byte ${error.offset + 1})`, hint);
  }
}

function payload(bytes: Uint8Array, members: ReadonlyMap<string, JsonRange>): DraftPayload | undefined {
  const range = members.get('payload');
  const encoding = valueOf(bytes, members.get('payloadEncoding'));
  if (encoding !== undefined && encoding !== 'base64') {
    refuse('payloadEncoding', 'is not known', 'the only one is "base64"; leave it out for JSON and text');
  }
  if (range === undefined) {
    if (encoding !== undefined) refuse('payloadEncoding', 'is given without a payload');
    // Else an item whose bytes a retention rule removed would come back with an empty body.
    if (valueOf(bytes, members.get('payloadBytes')) !== undefined) {
      refuse(
        'payload',
        'is missing, though payloadBytes says that there was one',
        'it was removed before this was exported',
      );
    }
    return undefined;
  }
  if (encoding === undefined) return { kind: 'json', bytes, range };
  if (range.kind !== 'string') refuse('payload', 'is not a string, which base64 is');
  return { kind: 'base64', text: readString(bytes, range.start, range.end) };
}

function valueOf(bytes: Uint8Array, range: JsonRange | undefined): unknown {
  return range === undefined || range.kind === 'null' ? undefined : readValue(bytes, range);
}

function count(value: unknown, field: string): number {
  return typeof value === 'number' ? value : refuse(field, 'is not a number');
}

/** Under the real key they would take the place of the real write. */
function refuseStandIns(_draft: Draft, value: unknown): void {
  if (value === false) return;
  refuse(
    'the line',
    'holds stand-ins (export --redact) under the key of the real write',
    'to try it elsewhere: export --redact as a bundle, import, replay',
  );
}

function readKey(draft: Draft, value: unknown, field: string): void {
  if (draft.idempotencyKey !== undefined) refuse('key', 'is given beside idempotencyKey', 'give one of the two');
  draft.idempotencyKey = text(value, field);
}

/** Scanned again instead of parsed: a parser would drop the first of two headers of one name without a word. */
function headers(bytes: Uint8Array, range: JsonRange | undefined): [string, string][] {
  if (range === undefined || range.kind === 'null') return [];
  const members = asObject('headers', () => scanMembers(bytes, range.start, range.end, { maxDepth: 1 }));
  return Array.from(members, ([name, member]) => [name, text(readValue(bytes, member), `header ${quoted(name)}`)]);
}

/** A number is taken for its digits, but only one that survives a JSON parser: two ids must never become one. */
function entityId(value: unknown): string {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string'
    ? value
    : refuse('entity id', 'is neither a string nor a whole number of at most 2^53');
}
