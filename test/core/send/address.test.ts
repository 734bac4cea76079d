import { describe, expect, test } from '@jest/globals';
import { isLoopbackHost } from '../../../src/core/loopback.js';
import { guardedLookup, isPrivateAddress } from '../../../src/core/send/address.js';

describe('private addresses', () => {
  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    '::',
    '[::1]',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:a00:1',
  ])('%s is', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    'fec0::1',
    'example.org',
    '',
  ])('%s is not', (address) => {
    expect(isPrivateAddress(address)).toBe(false);
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

describe('the guarded look-up', () => {
  const look = (name: string, all: boolean): Promise<{ error: NodeJS.ErrnoException | null; address: unknown }> =>
    new Promise((resolve) => {
      guardedLookup(name, { all }, (error, address) => {
        resolve({ error, address });
      });
    });

  test.each([true, false])('refuses a name of this machine (all: %s)', async (all) => {
    const { error } = await look('localhost', all);
    expect(error?.code).toBe('forbidden-address');
    expect(error?.message).toMatch(/^localhost is (127\.0\.0\.1|::1), a private address$/);
  });

  test('lets a public address through, in the form that was asked for', async () => {
    expect(await look('8.8.8.8', true)).toEqual({ error: null, address: [{ address: '8.8.8.8', family: 4 }] });
    expect(await look('8.8.8.8', false)).toEqual({ error: null, address: '8.8.8.8' });
  });

  test('passes on that a name does not exist', async () => {
    expect((await look('nowhere.invalid', true)).error?.code).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/);
  });
});
