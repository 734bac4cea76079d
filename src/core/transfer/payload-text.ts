/**
 * Puts a payload into a line of JSON: as it is when it is JSON on one line, as a string when it is text, else as base64.
 * Reading the line gives the same bytes (contract, section 3, "Bytes").
 */
import { decodeText } from '../check/text.js';
import { isJsonContentType } from '../input/content-type.js';
import { JsonFault, jsonFault, readString, type JsonRange } from '../json/json-scan.js';
import { safeJson } from '../json/safe-json.js';

/** Depth of JSON that is put in as it is, more than any limit allows; deeper payloads become base64. */
const MOST_DEPTH = 1000;

/** `,"payload":...` (and `,"payloadEncoding":"base64"`), for before the closing brace; empty without a payload. */
export function payloadMembers(payload: Uint8Array | undefined, contentType: string | undefined): string {
  if (payload === undefined) return '';
  const text = decodeText(payload);
  const isJson = contentType !== undefined && isJsonContentType(contentType);
  if (text !== undefined && !isJson) return `,"payload":${safeJson(text)}`;
  if (
    text !== undefined &&
    !/[\r\n]/.test(text) &&
    text.trim() === text &&
    jsonFault(payload, MOST_DEPTH) === undefined
  ) {
    return `,"payload":${text}`;
  }
  return `,"payload":${JSON.stringify(Buffer.from(payload).toString('base64'))},"payloadEncoding":"base64"`;
}

/** The bytes that `payloadMembers` wrote. @throws {JsonFault} when the members do not fit together */
export function readPayload(
  bytes: Uint8Array,
  range: JsonRange | undefined,
  encoding: unknown,
  contentType: string | undefined,
): Uint8Array | undefined {
  if (range === undefined) return undefined;
  if (encoding === 'base64') {
    if (range.kind !== 'string') throw new JsonFault(range.start, 'base64 is not in a string');
    return Buffer.from(readString(bytes, range.start, range.end), 'base64');
  }
  if (encoding !== undefined && encoding !== null) throw new JsonFault(range.start, 'the payloadEncoding is not known');
  const isJson = contentType !== undefined && isJsonContentType(contentType);
  if (isJson || range.kind !== 'string') return Buffer.from(bytes.subarray(range.start, range.end));
  return Buffer.from(readString(bytes, range.start, range.end), 'utf8');
}

/** Bytes as a member of a document: text, or base64 for what is not UTF-8. */
export function bytesDocument(bytes: Uint8Array): { text: string } | { base64: string } {
  const text = decodeText(bytes);
  return text === undefined ? { base64: Buffer.from(bytes).toString('base64') } : { text };
}

/** The inverse of `bytesDocument`; undefined for anything else. */
export function bytesOf(document: unknown): Uint8Array | undefined {
  if (typeof document !== 'object' || document === null) return undefined;
  const { text, base64 } = document as { text?: unknown; base64?: unknown };
  if (typeof text === 'string') return Buffer.from(text, 'utf8');
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
}

/** ISO 8601 UTC with milliseconds; null for no time, or one that a Date cannot hold. */
export function isoTime(at: number | undefined): string | null {
  if (at === undefined || Number.isNaN(new Date(at).getTime())) return null;
  return new Date(at).toISOString();
}
