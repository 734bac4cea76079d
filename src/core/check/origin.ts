/** Which URLs lead to one server, however they are spelled. Pure. */
import { isLoopbackHost } from './loopback.js';

/** An IPv4 address inside an IPv6 one, as `URL.hostname` writes it: two groups of 16 bits. */
const MAPPED_IPV4 = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/;

/** A connection to an unspecified address ends on this machine. */
const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '[::]']);

/**
 * The same text for two URLs whose requests reach the same server: case, default ports, the dot at the end of a host and
 * IPv4 written as IPv6 make no difference, and all names and numbers of this machine are one. Wider than an origin on
 * purpose: it is asked where a request must not go, and 127.0.0.2 may well be the server that listens on all addresses.
 *
 * @returns undefined for what is no URL
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
