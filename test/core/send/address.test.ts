import { describe, expect, test } from '@jest/globals';
import { isLoopbackHost } from '../../../src/core/check/loopback.js';
import { isPrivateAddress } from '../../../src/core/send/address.js';

describe('private addresses', () => {
  // First and last of each range, and what holds such an address.
  test.each([
    ['this network, loopback', '0.0.0.0', '0.255.255.255', '127.0.0.1', '127.255.255.255'],
    ['private use', '10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.0', '192.168.255.255'],
    ['shared, link-local', '100.64.0.0', '100.127.255.255', '169.254.0.0', '169.254.169.254'],
    ['protocol assignments', '192.0.0.0', '192.0.0.8', '192.0.0.11', '192.0.0.170', '192.0.0.255'],
    ['documentation', '192.0.2.1', '198.51.100.255', '203.0.113.0'],
    ['benchmarking', '198.18.0.0', '198.19.255.255'],
    ['multicast, reserved, broadcast', '192.88.99.1', '224.0.0.1', '239.255.255.255', '240.0.0.0', '255.255.255.255'],
    ['loopback and unspecified of IPv6', '::', '::1', '[::1]', '0:0:0:0:0:0:0:1'],
    [
      'unique local, link-local, site-local',
      'fc00::',
      'fdff::1',
      'fe80::1',
      'fe80::1%eth0',
      'febf::1',
      'fec0::1',
      'feff::',
    ],
    ['multicast of IPv6', 'ff00::', 'ff02::1', 'ffff::'],
    ['discard, dummy, segment routing', '100::1', '100::ffff:ffff:ffff:ffff', '100:0:0:1::', '5f00::1', '5f00:ffff::'],
    ['not given out', '1fff::1', '4000::1', 'e000::', '::1:0:0:0', '64:ff9c::1'],
    ['protocol assignments of IPv6', '2001:1::', '2001:1::4', '2001:2::1', '2001:2:0:ffff::', '2001:2:1::', '2001:5::'],
    ['ORCHID of old', '2001:10::', '2001:1f:ffff::', '2001:40::1', '2001:1ff:ffff::'],
    ['documentation of IPv6', '2001:db8::', '2001:DB8:ffff::1', '3fff::', '3fff:fff:ffff::'],
    ['NAT64 for local use', '64:ff9b:1::8.8.8.8', '64:ff9b:1:ffff::', '64:ff9b::1:808:808'],
    ['NAT64', '64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '64:FF9B::A9FE:A9FE', '64:ff9b::198.18.0.1'],
    ['6to4', '2002:a00:1::', '2002:7f00:1::1', '2002:c0a8:101:ffff::', '2002:c612::', '2002::'],
    ['mapped', '::ffff:127.0.0.1', '::ffff:a00:1', '::FFFF:169.254.169.254', '::ffff:0.0.0.0', '::ffff:198.19.0.1'],
    ['compatible, translated', '::127.0.0.1', '::a00:1', '::ffff:0:10.0.0.1', '::ffff:0:7f00:1'],
    // 10.0.0.1, every bit turned over: f5ff:fffe
    ['Teredo, its client', '2001:0:808:808:0:0:f5ff:fffe', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['Teredo, its server', '2001:0:a00:1::f7f7:f7f7', '2001::1'],
  ])('%s', (_name, ...addresses) => {
    expect(addresses.filter((address) => !isPrivateAddress(address))).toEqual([]);
  });

  test.each([
    [
      'neighbours',
      '1.0.0.0',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
      '128.0.0.0',
    ],
    [
      'more of them',
      '169.253.255.255',
      '169.255.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.167.255.255',
      '192.169.0.0',
    ],
    ['and more', '192.0.1.0', '192.0.3.0', '192.88.98.1', '198.17.255.255', '198.20.0.0', '198.51.99.0', '203.0.114.0'],
    ['the last one', '8.8.8.8', '223.255.255.255'],
    ['globally reachable assignments', '192.0.0.9', '192.0.0.10', '192.31.196.1', '192.52.193.1', '192.175.48.1'],
    ['of IPv6', '2001:1::1', '2001:1::2', '2001:1::3', '2001:3::1', '2001:4:112::1', '2001:20::1', '2001:3f::1'],
    ['unicast of IPv6', '2000::', '2001:200::1', '2001:db7::', '2001:db9::', '2606:4700::1111', '2620:4f:8000::1'],
    ['the ends of it', '2a00:1450::1', '3ffe::1', '3fff:1000::', '[2606:4700::1111]'],
    ['NAT64, 6to4', '64:ff9b::8.8.8.8', '2002:808:808::', '2002:808:808::1'],
    ['mapped, compatible, translated', '::ffff:8.8.8.8', '::FFFF:808:808', '::8.8.8.8', '::ffff:0:8.8.8.8'],
    ['Teredo of a public server and client', '2001:0:808:808::f7f7:f7f7'],
    ['no address at all', 'example.org', '', '10.0.0', 'fe80'],
  ])('none: %s', (_name, ...addresses) => {
    expect(addresses.filter(isPrivateAddress)).toEqual([]);
  });
});

test.each([
  ['localhost', true],
  ['LOCALHOST.', true],
  ['a.localhost', true],
  ['127.9.9.9', true],
  ['[::1]', true],
  ['localhost.evil.test', false],
  ['127.0.0.1.evil.test', false],
  ['10.0.0.1', false],
  ['notlocalhost', false],
])('%s means this machine: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});
