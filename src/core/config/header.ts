/** Which request headers a config may set by itself, and how they are spelled. */
import type { Place, Reader } from '../check/readers.js';
import { below, fail, record, text } from '../check/readers.js';

/** Headers that HTTP itself owns: setting them breaks the framing of the request (RFC 9110, 7.6.1; RFC 9112). */
const FRAMING = new Set(
  'connection content-length expect host keep-alive proxy-connection te trailer transfer-encoding upgrade'.split(' '),
);

/** Headers whose value is a credential, whatever the server calls it. */
const CREDENTIAL =
  /^(?:authorization|proxy-authorization|cookie|(?:x-)?(?:api|access|auth|secret|private)-?(?:key|token|secret)|x-csrf-token|x-auth)$/;

const token: Reader<string> = (value, at) => {
  const name = text(value, at);
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ? name : fail(at, 'is not a header name');
};

/** A header name (RFC 9110, 5.6.2 token) that syncq may set, in the spelling given. */
export const headerName: Reader<string> = (value, at) => {
  const name = token(value, at);
  if (FRAMING.has(name.toLowerCase())) return fail(at, `the ${name} header belongs to HTTP and cannot be set`);
  return name;
};

/** Headers that say what the request is: with a key in its place it would be another one. */
const DESCRIBING = new Set([
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-type',
  'if-match',
  'if-none-match',
]);

/** Name of the header that carries the idempotency key: none that means something else to a server. */
export const keyHeaderName: Reader<string> = (value, at) => {
  const name = headerName(value, at);
  const lower = name.toLowerCase();
  if (!CREDENTIAL.test(lower) && !DESCRIBING.has(lower)) return name;
  return fail(at, `the ${name} header has a meaning of its own and cannot carry the idempotency key`);
};

/** Visible ASCII, blanks and tabs inside (RFC 9110, 5.5); never shown. */
const headerValue: Reader<string> = (value, at) => {
  if (typeof value !== 'string' || !/^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    return fail(at, 'is not a header value; write a string of visible ASCII characters');
  }
  return value;
};

function checkName(name: string, at: Place): void {
  headerName(name, at);
  if (CREDENTIAL.test(name.toLowerCase())) {
    fail(at, 'a credential is never written into the config; use "auth" with bearer, basic or header');
  }
}

/** Lower-case names, each once. */
function headerMap<T>(checkKey: (key: string, at: Place) => void, entry: Reader<T>): Reader<Record<string, T>> {
  const map = record(checkKey, entry);
  const read = (value: unknown, at: Place): Record<string, T> => {
    const result = Object.create(null) as Record<string, T>;
    for (const [name, inner] of map(value, at)) {
      const lower = name.toLowerCase();
      if (lower in result) fail(below(at, name), 'is there twice; header names do not differ by case');
      result[lower] = inner;
    }
    return result;
  };
  return Object.assign(read, { entries: entry });
}

/** Headers of every request of a target; no credential among them. */
export const headers = headerMap(checkName, headerValue);

/** Headers that an answer must have: with this value, or `true` = whatever its value. */
export const answerHeaders = headerMap<string | true>(token, (value, at) =>
  value === true ? true : headerValue(value, at),
);
