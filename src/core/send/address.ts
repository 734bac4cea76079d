/** Tells private network addresses: every address that is not globally reachable, in any spelling. Pure. */
import { BlockList, isIP } from 'node:net';

/** Code of the failure of a connection to a private address. */
export const FORBIDDEN_ADDRESS = 'forbidden-address';

/*
 * IANA's registries of special-purpose addresses (RFC 6890), November 2026: whatever they do not call globally reachable,
 * and multicast. No package: ipaddr.js names the ranges, but which names and exceptions are public would still stand here.
 */
const SPECIAL_IPV4 = lazyList(
  // This network and host, private use, a carrier's customers, link-local.
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16',
  // Protocol assignments, relays of 6to4 (gone), benchmarking, documentation, multicast, reserved and broadcast.
  '192.0.0.0/24 192.88.99.0/24 198.18.0.0/15 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
);
/** The only public block of IPv6. Loopback, local use, discard, segment routing and multicast lie outside. */
const UNICAST_IPV6 = lazyList('2000::/3');
/** Not public inside that block: protocol assignments (with benchmarking), documentation. */
const SPECIAL_IPV6 = lazyList('2001::/23 2001:db8::/32 3fff::/20');
/** Public again inside the protocol assignments: anycast of PCP, TURN and DNS-SD, AMT, AS112, ORCHIDv2, drones. */
const PUBLIC = lazyList(
  '192.0.0.9/32 192.0.0.10/32 2001:1::1/128 2001:1::2/128 2001:1::3/128',
  '2001:3::/32 2001:4:112::/48 2001:20::/28 2001:30::/28',
);

/**
 * Prefixes before an embedded IPv4 address: compatible, mapped, translated (RFC 2765), NAT64, 6to4, Teredo (its
 * server).
 */
const EMBEDDED = /^(?:0{24}|0{20}ffff|0{16}ffff0000|0064ff9b0{16}|2002|20010000)(.{8})/;
/** Teredo hides its client's address by turning every bit over. */
const TEREDO_CLIENT = /^20010000.{16}(.{8})$/;

/** Built on first use: only targets with `denyPrivate` need it, and building it would slow down every command. */
function lazyList(...nets: readonly string[]): { check: (address: string, family: 'ipv4' | 'ipv6') => boolean } {
  let list: BlockList | undefined;
  const make = (): BlockList => {
    const made = new BlockList();
    for (const net of nets.join(' ').split(' ')) {
      const [address = '', prefix] = net.split('/');
      made.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6');
    }
    return made;
  };
  return { check: (address, family) => (list ??= make()).check(address, family) };
}

/** True for an address that is not globally reachable. An embedded IPv4 address decides. False for a name. */
export function isPrivateAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  switch (isIP(plain)) {
    case 4:
      return SPECIAL_IPV4.check(plain, 'ipv4') && !PUBLIC.check(plain, 'ipv4');
    case 6: {
      const inside = embeddedIn(hexOf(plain));
      if (inside.length > 0) return inside.some(isPrivateAddress);
      if (!UNICAST_IPV6.check(plain, 'ipv6')) return true;
      return SPECIAL_IPV6.check(plain, 'ipv6') && !PUBLIC.check(plain, 'ipv6');
    }
    default:
      return false;
  }
}

function embeddedIn(hex: string): string[] {
  const shown = EMBEDDED.exec(hex)?.[1];
  if (shown === undefined) return [];
  const hidden = TEREDO_CLIENT.exec(hex)?.[1];
  return [parseInt(shown, 16), ...(hidden === undefined ? [] : [~parseInt(hidden, 16)])].map(dotted);
}

function dotted(bits: number): string {
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}

/** The 32 hex digits of an IPv6 address. */
function hexOf(address: string): string {
  const halves = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [left = '', right = ''] = halves.map((half) =>
    half.replace(/([^:]+):?/g, (_, group: string) => group.padStart(4, '0')),
  );
  return left + right.padStart(32 - left.length, '0');
}
