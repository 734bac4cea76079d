/** Which network addresses are private, and the look-up that refuses them at the moment of connecting. */
import { lookup as dnsLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';

const PRIVATE_IPV4: readonly (readonly [net: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
];
const PRIVATE_IPV6: readonly (readonly [net: string, prefix: number])[] = [
  ['::', 127], // unspecified and loopback
  ['fc00::', 7],
  ['fe80::', 10],
];
/**
 * IPv4 inside IPv6, refused whole: nothing public is reached that way, and the forms hide a private address. A list
 * of its own, because a BlockList takes ::ffff:0:0/96 for all of IPv4.
 */
const MAPPED_IPV4: readonly (readonly [net: string, prefix: number])[] = [['::ffff:0:0', 96]];

const blocked = new BlockList();
for (const [net, prefix] of PRIVATE_IPV4) blocked.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of PRIVATE_IPV6) blocked.addSubnet(net, prefix, 'ipv6');
const mapped = new BlockList();
for (const [net, prefix] of MAPPED_IPV4) mapped.addSubnet(net, prefix, 'ipv6');

/** Code of the error that `guardedLookup` ends with. */
export const FORBIDDEN_ADDRESS = 'forbidden-address';

/** True for loopback, link-local, private, shared and unspecified addresses, also when written as IPv4 inside IPv6. */
export function isPrivateAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  switch (isIP(plain)) {
    case 4:
      return blocked.check(plain, 'ipv4');
    case 6:
      return blocked.check(plain, 'ipv6') || mapped.check(plain, 'ipv6');
    default:
      return false;
  }
}

/**
 * A `lookup` for sockets that fails when any address of the name is private. The check sits here, and not before the
 * request, because a name may answer differently the second time (DNS rebinding); a literal address never gets here.
 */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, []);
      return;
    }
    const bad = addresses.find((entry) => isPrivateAddress(entry.address));
    if (bad !== undefined) {
      const refusal = Object.assign(new Error(`${hostname} is ${bad.address}, a private address`), {
        code: FORBIDDEN_ADDRESS,
      });
      callback(refusal, []);
      return;
    }
    answer(addresses, options.all === true, callback);
  });
};

function answer(addresses: LookupAddress[], wantsAll: boolean, callback: Parameters<LookupFunction>[2]): void {
  const first = addresses[0];
  if (wantsAll || first === undefined) callback(null, addresses);
  else callback(null, first.address, first.family);
}
