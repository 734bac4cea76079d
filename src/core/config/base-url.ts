/** Reads the URLs of a target (base URL, proxy) and decides when plain http is safe. */
import { isLoopbackHost } from '../check/loopback.js';
import type { Place } from '../check/readers.js';
import { fail, text } from '../check/readers.js';

/**
 * An absolute http(s) URL without user info, query or fragment. Returned without trailing slash, otherwise as WHATWG URL
 * writes it. Messages never show it: user info and queries may hold secrets.
 */
export function baseUrl(value: unknown, at: Place): string {
  const given = text(value, at);
  if (!/^https?:\/\//i.test(given)) return fail(at, 'is not an absolute URL; write https://host or https://host/path');
  if (/[\s\\]/.test(given)) return fail(at, 'holds a blank or a backslash');
  const url = parse(given);
  if (url === undefined || url.hostname === '') return fail(at, 'is not a valid URL');
  if (hasUserInfo(given, url)) return fail(at, 'holds user info before the @; write the credential as "auth"');
  if (given.includes('?')) return fail(at, 'holds a query; a base URL has none');
  if (given.includes('#')) return fail(at, 'holds a fragment; a base URL has none');
  // URL resolves dot segments (also escaped ones): the path sent would differ from the path written.
  if (/\/(?:\.|%2e){1,2}(?:\/|$)|%2f|%5c/i.test(given)) {
    return fail(at, 'holds a dot segment or an escaped slash; write the path plainly');
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** An http(s) proxy without user info or path. */
export function proxyUrl(value: unknown, at: Place): string {
  const given = text(value, at);
  const url = /^https?:\/\//i.test(given) ? parse(given) : undefined;
  if (url === undefined) return fail(at, 'is not a proxy URL; write http://host:port, or false for none');
  if (hasUserInfo(given, url)) {
    return fail(at, 'holds a credential; a secret is never a value here: leave "proxy" out and set HTTPS_PROXY');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return fail(at, 'holds more than host and port');
  return url.origin;
}

/** True for plain http to another machine, which needs `insecureHttp` (contract, section 9). */
export function isInsecure(url: string): boolean {
  const parsed = parse(url);
  return parsed?.protocol === 'http:' && !isLoopbackHost(parsed.hostname);
}

function hasUserInfo(given: string, url: URL): boolean {
  const authority = given.split('/')[2] ?? '';
  return url.username !== '' || url.password !== '' || authority.includes('@');
}

function parse(given: string): URL | undefined {
  return URL.canParse(given) ? new URL(given) : undefined;
}
