/** From what was given to the exact bytes to send: the contract's paragraph "Bytes". */
import { Buffer } from 'node:buffer';

import type { Limits } from '../nouns/config.js';
import { DEFAULT_CONTENT_TYPE } from '../nouns/item.js';
import { checkContentType, isJsonContentType } from './content-type.js';
import type { JsonRange } from '../json/json-scan.js';
import { readString, validateJson } from '../json/json-scan.js';
import { refuse, refuseSize } from '../check/refuse.js';
import { hasLoneSurrogate } from '../check/text.js';

/** A payload as given. No payload at all is `undefined`; the JSON text `null` is a payload of four bytes. */
export type DraftPayload =
  /** From a file, stdin or a flag: sent as they are. */
  | { kind: 'bytes'; bytes: Uint8Array }
  /** From a program or a flag: its UTF-8 text. */
  | { kind: 'text'; text: string }
  /** Standard base64 with padding (RFC 4648, section 4). */
  | { kind: 'base64'; text: string }
  /**
   * A JSON value inside `bytes`, validated already, no deeper than allowed. With a JSON content type, or when it is no
   * string, its exact slice; else the string's UTF-8 text.
   */
  | { kind: 'json'; bytes: Uint8Array; range: JsonRange };

/** What a program or a flag may give: nobody has scanned the JSON of theirs. */
export type PlainPayload = Exclude<DraftPayload, { kind: 'json' }>;

export interface Body {
  /** A copy of its own. */
  bytes: Uint8Array;
  contentType: string;
}

const SIZE_HINT = 'send large files another way and queue a reference to them';

/**
 * The body to send; undefined when there is no payload, which then must have no content type either.
 *
 * @throws {QueueError} code 'bad-item' (a JSON content type with anything but one valid JSON text in UTF-8) or 'too-large'
 */
export function checkPayload(
  given: DraftPayload | undefined,
  givenType: string | undefined,
  limits: Pick<Limits, 'payloadBytes' | 'jsonDepth'>,
): Body | undefined {
  if (given === undefined) {
    if (givenType !== undefined)
      refuse('contentType', 'is given without a payload', 'leave it out, or give the payload');
    return undefined;
  }
  const contentType = givenType === undefined ? DEFAULT_CONTENT_TYPE : checkContentType(givenType);
  const isJson = isJsonContentType(contentType);
  const bytes = toBytes(given, isJson, limits.payloadBytes);
  if (bytes.length > limits.payloadBytes) refuseSize('payload', limits.payloadBytes, SIZE_HINT);
  if (isJson && given.kind !== 'json') checkJson(bytes, limits.jsonDepth);
  return { bytes, contentType };
}

function toBytes(given: DraftPayload, isJson: boolean, maxBytes: number): Uint8Array {
  switch (given.kind) {
    case 'bytes':
      if (given.bytes.length > maxBytes) refuseSize('payload', maxBytes, SIZE_HINT);
      return Buffer.from(given.bytes);
    case 'text':
      return fromText(given.text);
    case 'base64':
      return fromBase64(given.text);
    case 'json': {
      const { start, end, kind } = given.range;
      return kind === 'string' && !isJson
        ? fromText(readString(given.bytes, start, end))
        : Buffer.from(given.bytes.subarray(start, end));
    }
  }
}

function fromText(text: string): Buffer {
  if (hasLoneSurrogate(text)) {
    refuse('payload', 'holds half of a surrogate pair, which has no UTF-8 form', 'give the bytes as base64');
  }
  return Buffer.from(text, 'utf8');
}

function fromBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  // Node skips what it does not know: only a text that comes back the same was base64.
  if (bytes.toString('base64') !== text) {
    refuse('payload', 'is not base64', 'use the standard alphabet with padding and without line breaks: base64 -w0');
  }
  return bytes;
}

function checkJson(bytes: Uint8Array, maxDepth: number): void {
  const verdict = validateJson(bytes, { maxDepth });
  if (verdict.ok) return;
  const hint =
    bytes.length === 0
      ? 'leave the payload out to send no body'
      : 'mend it, or say what it is with --content-type (or "contentType")';
  refuse('payload', `is not valid JSON: ${verdict.reason} (byte ${verdict.offset + 1})`, hint);
}
