/**
 * Writes the public JSON documents. `JSON.stringify` does not fit, because a JSON payload must keep its exact bytes
 * (2^53+1, 1e400, order and duplicates of keys), which a parsed value loses.
 */

/** JSON text that is inserted as it is. Only `payloadFields` makes it, after checking that it is JSON. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonValue = null | boolean | number | string | RawJson | readonly JsonValue[] | JsonObject;
/** A key whose value is undefined is left out; a public field that has no value is null. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

/**
 * Characters that `JSON.stringify` does not escape but a terminal or a log reader may obey: DEL, C1, direction
 * controls, line separators. (It escapes C0 and lone surrogates itself.)
 */
const HARMFUL = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Most text: telling it apart is faster than the first use of `HARMFUL`, 1 ms. */
const PLAIN_ASCII = /^[\x20-\x7e]*$/;

function escapeHarmful(json: string): string {
  return PLAIN_ASCII.test(json)
    ? json
    : json.replace(HARMFUL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const quote = (text: string): string => escapeHarmful(JSON.stringify(text));

interface Layout {
  /** Spaces per level; 0 = everything on one line. */
  indent: number;
  /** Inserted text keeps its bytes, except on a terminal. */
  terminal: boolean;
}

function bracketed(open: string, parts: readonly string[], close: string, layout: Layout, level: number): string {
  if (parts.length === 0) return open + close;
  if (layout.indent === 0) return open + parts.join(',') + close;
  const inner = `\n${' '.repeat(layout.indent * (level + 1))}`;
  return `${open}${inner}${parts.join(`,${inner}`)}\n${' '.repeat(layout.indent * level)}${close}`;
}

function write(value: JsonValue, layout: Layout, level: number): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  if (typeof value === 'boolean') return String(value);
  if (value instanceof RawJson) return layout.terminal ? escapeHarmful(value.text) : value.text;
  if (isList(value)) {
    return bracketed(
      '[',
      value.map((entry) => write(entry, layout, level + 1)),
      ']',
      layout,
      level,
    );
  }
  const colon = layout.indent === 0 ? ':' : ': ';
  const parts: string[] = [];
  for (const [key, entry] of Object.entries(value)) {
    if (entry !== undefined) parts.push(`${quote(key)}${colon}${write(entry, layout, level + 1)}`);
  }
  return bracketed('{', parts, '}', layout, level);
}

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);

/** One document, indented by two, ending in a line feed. `terminal`: inserted payloads are escaped too. */
export function jsonDocument(value: JsonObject, terminal = false): string {
  return `${write(value, { indent: 2, terminal }, 0)}\n`;
}

/** One NDJSON line, ending in a line feed. Its payloads must come from `payloadFields(…, { oneLine: true })`. */
export function jsonLine(value: JsonObject, terminal = false): string {
  return `${write(value, { indent: 0, terminal }, 0)}\n`;
}

/** The same rule as the input's (`core/input/content-type.ts`; a test compares the two). */
const JSON_TYPE = /^(?:application\/json|text\/json|[^/;]*\/[^;]*\+json)\s*(?:;|$)/i;

/** True for `application/json`, `text/json` and every `+json` (RFC 6839, section 3.1), with or without parameters. */
export function isJsonType(contentType: string | undefined): boolean {
  return contentType !== undefined && JSON_TYPE.test(contentType.trim());
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The payload in public JSON: JSON inserted, text as a string, anything else base64 (then `payloadEncoding` says so).
 * Enqueueing the fields again gives the same bytes. Without a payload there is no field, because `"payload": null` is
 * the JSON text `null`.
 *
 * @param oneLine the document is one line of NDJSON, so JSON with a raw line break cannot be inserted
 */
export function payloadFields(
  payload: Uint8Array | undefined,
  contentType: string | undefined,
  { oneLine = false }: { oneLine?: boolean } = {},
): JsonObject {
  if (payload === undefined) return {};
  const text = decode(payload);
  if (text !== undefined) {
    if (!isJsonType(contentType)) return { payload: text };
    if (!(oneLine && /[\r\n]/.test(text)) && isJson(text)) return { payload: new RawJson(text) };
  }
  return { payload: Buffer.from(payload).toString('base64'), payloadEncoding: 'base64' };
}

/** ISO 8601 UTC with milliseconds; null for no time, or one beyond the range of Date. */
export function isoTime(at: number | undefined): string | null {
  if (at === undefined) return null;
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
