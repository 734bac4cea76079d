/** Checks the request headers of an item: the grammar of RFC 9110 section 5, and names that are not the item's to set. */
import { FRAMING_HEADERS, HEADER_NAME } from '../check/header-names.js';
import { QueueError } from '../nouns/errors.js';
import { refuse, refuseSize } from '../check/refuse.js';
import { quoted } from '../check/text.js';

/** Visible ASCII, space, tab. Some servers read other bytes (obs-text) as Latin-1, others as UTF-8. */
const VALUE = /^[\t -~]*$/;
const LONGEST_NAME = 256;

/** Names under which APIs take secrets: cookie, x-api-key, x-goog-api-key, private-token, x-amz-security-token, … */
const CREDENTIAL = new RegExp(
  '^(?:cookie2?|set-cookie|(?:x-)?token|(?:x-)?auth|x-auth-key|x-functions-key|ocp-apim-subscription-key)$' +
    '|(?:^|-)(?:access|auth|security|session|private|secret|bearer|vault|refresh|id|user|jwt|oauth|github|gitlab|client|app' +
    '|service)-?token' +
    '|(?:api|access)-?key|authorization|passw(?:or)?d|secret|credential',
);
const BEARER_VALUE = /^bearer +\S/i;

interface HeaderRules {
  /** Limit on all names and values together, each pair with the four bytes that separate it on the wire. */
  maxBytes: number;
  /** The target's idempotency header. Refused here, because syncq sets it from the item's key. */
  idempotencyHeader: string;
}

interface CheckedHeaders {
  /** Lower-case names, in the order given, without content-type. */
  headers: Record<string, string>;
  /** Value of a content-type header; an item has its own field for it. */
  contentType: string | undefined;
}

/**
 * Checks [name, value] pairs; names in upper or lower case.
 *
 * @throws {QueueError} code 'bad-item' or 'too-large'; never shows a value, which may be a secret
 */
export function checkHeaders(pairs: Iterable<readonly [string, string]>, rules: HeaderRules): CheckedHeaders {
  const headers: Record<string, string> = {};
  let contentType: string | undefined;
  let bytes = 0;
  for (const [givenName, givenValue] of pairs) {
    const name = checkName(givenName, rules);
    const value = checkValue(name, givenValue);
    if (Object.hasOwn(headers, name) || (name === 'content-type' && contentType !== undefined))
      refuse(`header ${quoted(name)}`, 'is given twice', 'join its values with a comma');
    bytes += name.length + value.length + 4;
    if (bytes > rules.maxBytes) refuseSize('headers', rules.maxBytes, 'headerBytes');
    if (name === 'content-type') contentType = value;
    else headers[name] = value;
  }
  return { headers, contentType };
}

/**
 * Splits the argument of `-H`: `Name: value`.
 *
 * @throws {QueueError} code 'usage'; never shows the text, which may be a secret
 */
export function parseHeaderFlag(text: string): [name: string, value: string] {
  const colon = text.indexOf(':');
  if (colon > 0) return [text.slice(0, colon), text.slice(colon + 1)];
  throw new QueueError('usage', 'a header needs a name, a colon and a value', {
    hint: "write it like this: -H 'Accept-Language: nb'",
  });
}

/** True for the name of a header that usually carries a credential. @param name in lower case */
export function isCredentialHeader(name: string): boolean {
  return CREDENTIAL.test(name);
}

function checkName(given: string, rules: HeaderRules): string {
  if (given.length > LONGEST_NAME) refuse('a header name', `is longer than ${LONGEST_NAME} characters`);
  if (!HEADER_NAME.test(given)) {
    refuse(`header ${quoted(given)}`, 'has no valid name', 'a name is letters, digits and dashes, without spaces');
  }
  const name = given.toLowerCase();
  const field = `header ${quoted(name)}`;
  // Valid by the grammar, but not a usable key of a JavaScript object.
  if (name === '__proto__') refuse(field, 'is not allowed');
  if (name === rules.idempotencyHeader.toLowerCase() || name === 'idempotency-key') {
    refuse(field, 'carries the idempotency key, which syncq sets', 'give the key with --key, or as "idempotencyKey"');
  }
  if (FRAMING_HEADERS.has(name) || name === 'accept-encoding') {
    refuse(field, 'is set by syncq when it sends', 'leave it out');
  }
  if (isCredentialHeader(name)) refuseCredential(field);
  return name;
}

function checkValue(name: string, given: string): string {
  const field = `header ${quoted(name)}`;
  const value = given.replace(/^[\t ]+/, '');
  let end = value.length;
  while (end > 0 && (value[end - 1] === ' ' || value[end - 1] === '\t')) end--;
  if (!VALUE.test(value)) {
    refuse(field, 'holds a line break, a control character or a letter beyond ASCII', 'percent-encode such characters');
  }
  if (BEARER_VALUE.test(value)) refuseCredential(field);
  return value.slice(0, end);
}

function refuseCredential(field: string): never {
  refuse(
    field,
    'would put a credential into the queue file',
    'name the credential in the config, in "auth" of the target: it is fetched when an item is sent, and never stored',
  );
}
