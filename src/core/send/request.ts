/** Turns a stored write into a request: the path under the base URL, and headers in order of precedence. */
import type { StoredRequest } from '../nouns/item.js';
import type { TargetConfig } from '../nouns/target.js';
import type { SendOptions } from './result.js';

/** Paths made of these characters only are sent as they stand. */
const PLAIN_PATH = /^[A-Za-z0-9\-_~!$&'()*+,;=:@/?%.]*$/;
/** Dot segments, plain or percent-encoded, also between encoded slashes: they could lead out of the base path. */
const ESCAPES = /(?:^|\/|%2f)(?:\.|%2e){1,2}(?:\/|%2f|$)|%5c|%00|\\/i;
const ENCODED_SLASH = /%2f/i;

/**
 * The request target (path and query) for `path` under the base URL, or undefined when it could leave the base path or
 * is no path. Checked at enqueue as well; here again, because programs may write items into the queue file themselves.
 *
 * @param encodedSlash `encodedSlash` of the target: `%2F` is sent as it is
 */
export function requestPath(base: URL, basePath: string, path: string, encodedSlash: boolean): string | undefined {
  if (path !== '' && !path.startsWith('/') && !path.startsWith('?')) return undefined;
  const queryAt = path.indexOf('?');
  const before = queryAt < 0 ? path : path.slice(0, queryAt);
  if (ESCAPES.test(before) || (!encodedSlash && ENCODED_SLASH.test(before))) return undefined;
  const whole = `${basePath}${path}`;
  const target = whole.startsWith('/') ? whole : `/${whole}`;
  if (PLAIN_PATH.test(path)) return target;
  // eslint-disable-next-line no-control-regex -- a control character or a fragment is never part of a request target
  if (/[\u0000-\u001f\u007f#]/.test(path) || !URL.canParse(base.origin + target)) return undefined;
  const url = new URL(base.origin + target);
  return url.origin === base.origin && isUnder(basePath, url.pathname) ? url.pathname + url.search : undefined;
}

/**
 * Where a redirect may be followed to: an answer's Location, resolved, when it keeps the origin and stays under the
 * base path; else undefined.
 */
export function redirectPath(base: URL, basePath: string, from: string, location: string): string | undefined {
  if (!URL.canParse(location, base.origin + from)) return undefined;
  const url = new URL(location, base.origin + from);
  const isHome = url.origin === base.origin && url.username === '' && url.password === '';
  return isHome && !ESCAPES.test(url.pathname) && !ENCODED_SLASH.test(url.pathname) && isUnder(basePath, url.pathname)
    ? url.pathname + url.search
    : undefined;
}

function isUnder(basePath: string, pathname: string): boolean {
  return pathname === basePath || pathname.startsWith(`${basePath}/`);
}

/** Headers that an item may not set: they belong to the connection, or they carry a credential. */
const RESERVED = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'authorization',
  'cookie',
  'proxy-authorization',
  'proxy-connection',
]);

/**
 * Alternating names (lower case) and values, as undici takes them: an object with ever-changing keys costs V8 thirty
 * times as much.
 */
export type HeaderList = string[];

export type HeaderBuilder = (
  request: StoredRequest,
  credential: SendOptions['credential'],
) => { headers: HeaderList } | { refused: string };

/** Precedence, weakest first: the target's headers, the item's, then syncq's own. */
export function headerBuilder(target: TargetConfig, userAgent: string): HeaderBuilder {
  const common: HeaderList = ['user-agent', userAgent];
  for (const [name, value] of Object.entries(target.headers)) setHeader(common, name.toLowerCase(), value);
  // Never "gzip": the answer is stored as it came, so it must be readable.
  setHeader(common, 'accept-encoding', 'identity');
  const keyHeader = target.idempotencyHeader.toLowerCase();
  return (request, credential) => {
    const headers = [...common];
    for (const name of Object.keys(request.headers)) {
      const lower = name.toLowerCase();
      if (RESERVED.has(lower)) return { refused: `an item may not set the header ${lower}` };
      if (lower !== 'accept-encoding') setHeader(headers, lower, request.headers[name] ?? '');
    }
    if (request.contentType !== undefined) setHeader(headers, 'content-type', request.contentType);
    setHeader(headers, keyHeader, request.idempotencyKey);
    if (credential !== undefined && !target.implicit) setHeader(headers, credential[0].toLowerCase(), credential[1]);
    return { headers };
  };
}

function setHeader(headers: HeaderList, name: string, value: string): void {
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] !== name) continue;
    headers[at + 1] = value;
    return;
  }
  headers.push(name, value);
}
