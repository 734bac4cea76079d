/** Which request headers an item may carry: the grammar of RFC 9110 section 5, and the names that are not the item's. */
import { QueueError } from '../nouns/errors.js';
import { refuse, refuseSize } from '../check/refuse.js';
import { quoted } from '../check/text.js';

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Visible ASCII, space, tab. Anything beyond (obs-text) is read as Latin-1 by some and as UTF-8 by others. */
const VALUE = /^[\t -~]*$/;
const LONGEST_NAME = 256;

const CREDENTIALS = new Set([
  'authorization',
  'cookie',
  'cookie2',
  'set-cookie',
  'proxy-authorization',
  'token',
  'x-token',
  'auth',
  'x-auth',
  'x-auth-key',
  'x-functions-key',
  'ocp-apim-subscription-key',
]);
/** Parts of names under which APIs take secrets: x-api-key, x-goog-api-key, private-token, x-amz-security-token, ... */
const CREDENTIAL_PART = new RegExp(
  '(?:^|-)(?:access|auth|security|session|private|secret|bearer|vault|refresh|id|user|jwt|oauth|github|gitlab|client|app' +
    '|service)-?token' +
    '|(?:api|access)-?key|authorization|passw(?:or)?d|secret|credential',
);
const BEARER_VALUE = /^bearer +\S/i;

/** Headers that belong to the connection or are made from the payload (RFC 9110 sections 7.6.1, 8.6, 10.1). */
const FRAMING = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'proxy-connection',
  'keep-alive',
  'expect',
  'upgrade',
  'te',
  'trailer',
  'accept-encoding',
]);

export interface HeaderRules {
  /** All names and values together, with the four bytes that separate them on the wire. */
  maxBytes: number;
  /** The target's idempotency header; refused, because its value is the item's key. */
  idempotencyHeader: string;
}

export interface CheckedHeaders {
  /** Lower-case names, in the order given, without content-type. */
  headers: Record<string, string>;
  /** Value of a content-type header: an item has a field of its own for it. */
  contentType: string | undefined;
}

/**
 * Checks headers as given: [name, value] pairs, names in any case.
 *
 * @throws {QueueError} code 'bad-item', or 'too-large'; never repeats a value, which might be a secret
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
    if (bytes > rules.maxBytes) refuseSize('headers', rules.maxBytes);
    if (name === 'content-type') contentType = value;
    else headers[name] = value;
  }
  return { headers, contentType };
}

/**
 * Splits what `-H` was given: `Name: value`.
 *
 * @throws {QueueError} code 'usage'; does not repeat the text, which might be a secret
 */
export function parseHeaderFlag(text: string): [name: string, value: string] {
  const colon = text.indexOf(':');
  if (colon > 0) return [text.slice(0, colon), text.slice(colon + 1)];
  throw new QueueError('usage', 'a header needs a name, a colon and a value', {
    hint: "write it like this: -H 'Accept-Language: nb'",
  });
}

/** True for a name under which a credential is usually sent. @param name in lower case */
export function isCredentialHeader(name: string): boolean {
  return CREDENTIALS.has(name) || CREDENTIAL_PART.test(name);
}

function checkName(given: string, rules: HeaderRules): string {
  if (given.length > LONGEST_NAME) refuse('a header name', `is longer than ${LONGEST_NAME} characters`);
  if (!NAME.test(given)) {
    refuse(`header ${quoted(given)}`, 'has no valid name', 'a name is letters, digits and dashes, without spaces');
  }
  const name = given.toLowerCase();
  const field = `header ${quoted(name)}`;
  // Legal by the grammar, but as a key of an object it would not be one.
  if (name === '__proto__') refuse(field, 'is not allowed');
  if (name === rules.idempotencyHeader.toLowerCase() || name === 'idempotency-key') {
    refuse(field, 'carries the idempotency key, which syncq sets', 'give the key with --key, or as "idempotencyKey"');
  }
  if (FRAMING.has(name)) refuse(field, 'is set by syncq when it sends', 'leave it out');
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
