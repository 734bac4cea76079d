/** Turns a payload as given into the exact bytes to send. */
import { Buffer } from 'node:buffer';

import type { Limits } from '../nouns/config.js';
import { DEFAULT_CONTENT_TYPE } from '../nouns/item.js';
import { checkContentType, isJsonContentType } from './content-type.js';
import { jsonFault, readString, type JsonRange } from '../json/json-scan.js';
import { refuse, refuseSize } from '../check/refuse.js';
import { hasLoneSurrogate } from '../check/text.js';

/** A payload as given. `undefined` means no payload; the JSON text `null` is a payload of four bytes. */
export type DraftPayload =
  /** Bytes of a file, of stdin or from a program: sent as they are. */
  | { kind: 'bytes'; bytes: Uint8Array }
  /** A text of a program or a flag: sent as UTF-8. */
  | { kind: 'text'; text: string }
  /** Standard base64 with padding (RFC 4648, section 4). */
  | { kind: 'base64'; text: string }
  /**
   * A JSON value inside `bytes` that has been validated, depth included. Sent as its exact bytes; a string with another
   * content type than JSON is sent as its UTF-8 text.
   */
  | { kind: 'json'; bytes: Uint8Array; range: JsonRange };

interface Body {
  /** A copy of its own. */
  bytes: Uint8Array;
  contentType: string;
}

/**
 * Checks a payload and returns the body to send; undefined without a payload, which must have no content type then.
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
  if (bytes.length > limits.payloadBytes) refuseSize('payload', limits.payloadBytes, 'payloadBytes');
  if (isJson && given.kind !== 'json') checkJson(bytes, limits.jsonDepth);
  return { bytes, contentType };
}

function toBytes(given: DraftPayload, isJson: boolean, maxBytes: number): Uint8Array {
  switch (given.kind) {
    case 'bytes':
      if (given.bytes.length > maxBytes) refuseSize('payload', maxBytes, 'payloadBytes');
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
  // Node skips unknown characters: only a text that comes back the same is base64.
  if (bytes.toString('base64') !== text) {
    refuse('payload', 'is not base64', 'use the standard alphabet with padding and without line breaks: base64 -w0');
  }
  return bytes;
}

function checkJson(bytes: Uint8Array, maxDepth: number): void {
  const fault = jsonFault(bytes, maxDepth);
  if (fault === undefined) return;
  const hint =
    bytes.length === 0
      ? 'leave the payload out to send no body'
      : 'fix it, or name its type with --content-type (or "contentType")';
  refuse('payload', `is not valid JSON: ${fault.reason} (byte ${fault.offset + 1})`, hint);
}
