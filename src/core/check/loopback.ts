/** Recognizes host names of this machine, the only ones to which plain http is safe. Pure. */

/**
 * True for loopback by name (`localhost` and below, RFC 6761 section 6.3) or address (127.0.0.0/8, ::1).
 *
 * @param hostname as `URL.hostname` gives it: IPv6 in brackets
 */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '');
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
