/**
 * Recognises answers that did not come from the server: a proxy's login, a captive portal, a foreign redirect. Pure.
 */
import type { Method, ResponseExcerpt } from '../nouns/item.js';
import { isLoopbackHost } from '../check/loopback.js';
import { reasonOf } from '../policy/reasons.js';
import type { TargetConfig } from '../nouns/target.js';

/** Settings that tell what the server's own answers look like. */
export type ServerFacts = Pick<TargetConfig, 'baseUrl' | 'expect'>;

const LOGIN_PAGE = ': a login page? if it is the server itself, ';
/** Advice for a redirect to another host. */
export const AWAY = 'correct the base URL: it redirects to another host';

export function intermediarySentence(remedy: string): string {
  return reasonOf('between', LOGIN_PAGE + remedy);
}

/**
 * Why an answer is not the server's; undefined when it may be. Only plain http lets something else answer, except for a
 * 407, which never comes from a server (RFC 9110, section 15.5.8).
 *
 * @param response an answer that `proxyLogin` does not cover
 */
export function intermediaryReason(
  { status, headers, body }: Pick<ResponseExcerpt, 'status' | 'headers'> & { body?: Uint8Array },
  method: Method | undefined,
  { baseUrl, expect }: ServerFacts,
): string | undefined {
  if (status === 407)
    return reasonOf(
      'between',
      ': a proxy that wants a login (407), and none is set (HTTP_PROXY, HTTPS_PROXY or "proxy")',
    );
  if (status >= 300 && status < 400) {
    const base = foreignHttp(baseUrl);
    return base !== undefined && leadsAway(headers['location'], base) ? intermediarySentence(AWAY) : undefined;
  }
  if (status < 200 || status > 299 || status === 204 || status === 205 || method === 'HEAD') return undefined;
  const type = mediaType(headers['content-type']);
  const isPage = type === undefined ? looksLikePage(body) : type === 'text/html' || type === 'application/xhtml+xml';
  const isExpected = expect?.contentType !== undefined && fits(type, expect.contentType);
  return isPage && !isExpected && foreignHttp(baseUrl) !== undefined ? intermediarySentence('set expect') : undefined;
}

/** To another host. */
export function leadsAway(location: string | null | undefined, { href, hostname }: URL): boolean {
  return URL.canParse(location ?? '', href) && new URL(location ?? '', href).hostname !== hostname;
}

/**
 * The base URL if it is plain http to another machine. Checked last, because most answers are neither page nor
 * redirect.
 */
function foreignHttp(baseUrl: string): URL | undefined {
  const base = new URL(baseUrl);
  return base.protocol === 'http:' && !isLoopbackHost(base.hostname) ? base : undefined;
}

function looksLikePage(body: Uint8Array | undefined): boolean {
  return (
    body !== undefined && /^\s*<(?:!doctype\s+html|html)\b/i.test(Buffer.from(body.subarray(0, 200)).toString('latin1'))
  );
}

export function mediaType(value: string | undefined): string | undefined {
  const type = value?.split(';')[0]?.trim().toLowerCase();
  return type === '' ? undefined : type;
}

/** `application/json` or, for a whole kind, `application/*`. */
export function fits(found: string | undefined, expected: string): boolean {
  const wanted = mediaType(expected);
  if (found === undefined || wanted === undefined) return false;
  return wanted.endsWith('/*') ? found.startsWith(wanted.slice(0, -1)) : found === wanted;
}
