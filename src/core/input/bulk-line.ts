/** Reads one line of bulk input: which fields it may have, and how each is read without losing a bit of the payload. */
import type { NewItem } from '../nouns/item.js';
import type { Draft, DraftContext } from './draft.js';
import { checkDraft } from './draft.js';
import { entity, refuseField, tags, text, TEXT_FIELDS } from './fields.js';
import { JsonFault, readString, readValue, scanObject, type JsonRange } from '../json/json-scan.js';
import type { Line } from './line-splitter.js';
import type { DraftPayload } from './payload.js';
import { refuse, refuseSize } from '../check/refuse.js';
import { quoted } from '../check/text.js';

/** Puts the value of one field into the draft. */
type Reader = (draft: Draft, value: unknown, field: string) => void;

/** Fields that hold a duration or a time, always as text: JSON has no other form for them. */
const TIME_FIELDS = ['delay', 'notBefore', 'expires', 'expiresAt'] as const;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ...[...TEXT_FIELDS, ...TIME_FIELDS].map((name): [string, Reader] => [
    name,
    (draft, value) => (draft[name] = text(value, name)),
  ]),
  ['entity', (draft, value) => (draft.entity = entity(value, entityId))],
  ['key', readKey],
  ['idempotencyKey', readKey],
  ['maxRetries', (draft, value, field) => (draft.maxRetries = count(value, field))],
  ['tags', (draft, value) => (draft.tags = tags(value))],
  ['redacted', refuseStandIns],
]);

/** Fields that are not parsed: their spelling and their repeated names matter. */
const SLICED: ReadonlySet<string> = new Set(['headers', 'payload', 'payloadEncoding']);

const KNOWN_FIELDS = [...READERS.keys(), ...SLICED].filter((name) => name !== 'redacted');

/** Fields of an exported item that a new one cannot have: ignored, so that an export can be enqueued. */
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
 * Reads the item that one line describes: a JSON object with the fields of the contract's section 3. A field that is
 * `null` counts as missing, except `payload`: without one there is no body, and `"payload": null` is the JSON text `null`.
 *
 * @throws {QueueError} code 'bad-item', 'too-large', 'unknown-target' or 'no-target'. The message names field and reason,
 *   never the payload; the caller adds the number of the line
 */
export function parseBulkLine(line: Line, context: DraftContext): NewItem {
  if (line.tooLong) refuseSize('the line', context.limits.lineBytes, 'lineBytes');
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
  // One more level for the object around the payload.
  const maxDepth = jsonDepth + 1;
  const hint =
    "each line holds one whole object; jq -c . FILE puts objects on lines, jq -c '.[]' FILE those of an array";
  return asObject('the line', () => scanObject(bytes, 0, bytes.length, maxDepth), hint);
}

/** Runs a scan; turns a fault of the JSON into a refusal of the field. */
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
    // A retention rule removed the bytes of this item: it must not come back with an empty body.
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

/** Stand-ins under the real key would take the place of the real write. */
function refuseStandIns(_draft: Draft, value: unknown): void {
  if (value === false) return;
  refuse(
    'the line',
    'holds stand-ins (export --redact) under the key of the real write',
    'to try it elsewhere: export --redact as a bundle, import, replay',
  );
}

function readKey(draft: Draft, value: unknown, field: string): void {
  if (draft.idempotencyKey !== undefined) refuse('key', 'is given together with idempotencyKey', 'give one of the two');
  draft.idempotencyKey = text(value, field);
}

/** Scanned, not parsed: a parser silently drops the first of two headers with one name. */
function headers(bytes: Uint8Array, range: JsonRange | undefined): [string, string][] {
  if (range === undefined || range.kind === 'null') return [];
  const members = asObject('headers', () => scanObject(bytes, range.start, range.end, 1));
  return Array.from(members, ([name, member]) => [name, text(readValue(bytes, member), `header ${quoted(name)}`)]);
}

/** Takes a number for its digits, but only one that a JSON parser keeps exact: two ids must never become one. */
function entityId(value: unknown): string {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string'
    ? value
    : refuse('entity id', 'is neither a string nor a whole number of at most 2^53');
}
