/** Recognizes URLs that lead to the same server, however they are spelled. Pure. */
import { isLoopbackHost } from './loopback.js';

/** An IPv4 address inside an IPv6 one, as `URL.hostname` writes it: two groups of 16 bits. */
const MAPPED_IPV4 = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/;

/** Unspecified addresses: a connection to one ends on this machine. */
const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '[::]']);

/**
 * Returns the same text for two URLs whose requests reach the same server: case, default ports, a dot at the end of the host
 * and IPv4 written as IPv6 make no difference, and all names and addresses of this machine are one. Wider than an origin on
 * purpose: callers ask where a request must not go, and 127.0.0.2 may be a server that listens on all addresses.
 *
 * @returns undefined when `url` is not a URL
 */
export function serverOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  return `${protocol}//${plainHost(hostname)}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
}

function plainHost(hostname: string): string {
  const host = unmapped(hostname.replace(/\.+$/, ''));
  return isLoopbackHost(host) || UNSPECIFIED.has(host) ? 'localhost' : host;
}

function unmapped(host: string): string {
  const groups = MAPPED_IPV4.exec(host)?.slice(1);
  if (groups === undefined) return host;
  return groups
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}
