/** Reads the headers of a config: which ones a target may set, and how names and values are spelled. */
import { FRAMING_HEADERS, HEADER_NAME } from '../check/header-names.js';
import type { Place, Reader } from '../check/readers.js';
import { below, fail, record, text, refine } from '../check/readers.js';

/** Headers whose value is a credential, whatever the server calls it. */
const CREDENTIAL =
  /^(?:authorization|proxy-authorization|cookie|(?:x-)?(?:api|access|auth|secret|private)-?(?:key|token|secret)|x-csrf-token|x-auth)$/;

const token: Reader<string> = (value, at) => {
  const name = text(value, at);
  return HEADER_NAME.test(name) ? name : fail(at, 'is not a header name');
};

/** A header name (RFC 9110, 5.6.2 token) that syncq may set, in the spelling given. */
export const headerName: Reader<string> = (value, at) => {
  const name = token(value, at);
  if (FRAMING_HEADERS.has(name.toLowerCase())) return fail(at, `the ${name} header belongs to HTTP and cannot be set`);
  return name;
};

/** Headers that describe the request: a key in their place would change its meaning. */
const DESCRIBING = new Set([
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-type',
  'if-match',
  'if-none-match',
]);

/** Name of the header for the idempotency key: none that has another meaning to a server. */
export const keyHeaderName: Reader<string> = (value, at) => {
  const name = headerName(value, at);
  const lower = name.toLowerCase();
  if (!CREDENTIAL.test(lower) && !DESCRIBING.has(lower)) return name;
  return fail(at, `the ${name} header has a meaning of its own and cannot carry the idempotency key`);
};

/** Visible ASCII, spaces and tabs inside (RFC 9110, 5.5). Messages never show it. */
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

/** An object of headers: names become lower case, each may stand once. */
function headerMap<T>(checkKey: (key: string, at: Place) => void, entry: Reader<T>): Reader<Record<string, T>> {
  return refine(record(checkKey, entry), (map, at) => {
    const result = Object.create(null) as Record<string, T>;
    for (const [name, inner] of map) {
      const lower = name.toLowerCase();
      if (lower in result) fail(below(at, name), 'is there twice; header names do not differ by case');
      result[lower] = inner;
    }
    return result;
  });
}

/** Headers for every request of a target, none of them a credential. */
export const headers = headerMap(checkName, headerValue);

/** Headers that an answer must have: with this value, or `true` for any value. */
export const answerHeaders = headerMap<string | true>(token, (value, at) =>
  value === true ? true : headerValue(value, at),
);
