import { describe, expect, test } from '@jest/globals';
import { proxyFor } from '../../../src/core/send/proxy.js';

const env = { HTTP_PROXY: 'http://upper:1', http_proxy: 'http://lower:2', HTTPS_PROXY: 'secure:3' };

function chosen(url: string, setting: string | false | undefined, environment: Record<string, string>): string {
  const choice = proxyFor(new URL(url), setting, environment);
  return choice.kind === 'proxy' ? choice.url.origin : choice.kind;
}

test.each<[string, string | false | undefined, Record<string, string>, string]>([
  ['http://api.test', undefined, {}, 'direct'],
  ['http://api.test', undefined, env, 'http://lower:2'],
  ['https://api.test', undefined, env, 'http://secure:3'],
  ['https://api.test', undefined, { HTTP_PROXY: 'http://upper:1' }, 'direct'],
  ['https://api.test', false, env, 'direct'],
  ['https://api.test', 'https://mine:8', env, 'https://mine:8'],
  ['https://api.test', undefined, { HTTPS_PROXY: ' ' }, 'direct'],
  ['https://localhost:8443', undefined, env, 'direct'],
  ['https://127.0.0.1:8443', undefined, env, 'direct'],
  ['https://localhost:8443', 'http://mine:8', env, 'http://mine:8'],
  ['http://127.0.0.1:8080', undefined, { HTTP_PROXY: 'http://localhost:3128' }, 'http://localhost:3128'],
  ['https://localhost:8443', undefined, { HTTPS_PROXY: '[::1]:3128' }, 'http://[::1]:3128'],
  ['http://localhost:8080', undefined, { HTTP_PROXY: 'localhost:3128', NO_PROXY: 'localhost' }, 'direct'],
  ['http://localhost:8080', undefined, { HTTP_PROXY: 'socks5://proxy:1' }, 'direct'],
  ['https://api.test', 'socks5://mine:8', {}, 'bad'],
  ['https://api.test', 'http://[', {}, 'bad'],
  ['https://api.test', 'http://%zz:x@mine', {}, 'bad'],
  ['https://api.test', undefined, { HTTPS_PROXY: 'http://us\ufffdr:x@mine' }, 'bad'],
  ['https://api.test', undefined, { ...env, NO_PROXY: 'caf\ufffd.test' }, 'bad'],
])('%s with setting %j: %j', (url, setting, environment, expected) => {
  expect(chosen(url, setting, environment)).toBe(expected);
});

describe('NO_PROXY', () => {
  test.each<[string, string, boolean]>([
    ['*', 'https://api.test', true],
    ['api.test', 'https://api.test', true],
    ['API.test', 'https://a.api.test', true],
    ['.api.test', 'https://a.api.test', true],
    ['*.api.test', 'https://a.api.test', true],
    ['other.test, api.test', 'https://api.test', true],
    ['other.test api.test:443', 'https://api.test', true],
    ['api.test:8443', 'https://api.test', false],
    ['api.test:8443', 'https://api.test:8443', true],
    ['pi.test', 'https://api.test', false],
    ['[2001:db8::1]', 'https://[2001:db8::1]', true],
    ['2001:db8::1', 'https://[2001:db8::1]', true],
    ['[2001:db8::1]:443', 'https://[2001:db8::1]', true],
    ['api.test.', 'https://api.test', true],
    ['.test.', 'https://api.test', true],
    ['api.test', 'https://api.test.', true],
    ['10.0.0.0/8', 'https://10.20.30.40', true],
    ['10.0.0.0/8', 'https://11.20.30.40', false],
    ['192.168.1.0/24,10.1.2.3/32', 'https://10.1.2.3', true],
    ['0.0.0.0/0', 'https://10.1.2.3', true],
    ['10.0.0.0/33', 'https://10.1.2.3', false],
    ['10.0.0.0/8', 'https://api.test', false],
    ['fd00::/8', 'https://[fd12::1]', true],
    ['fd00::/8', 'https://[fe80::1]', false],
    ['fd00::/8', 'https://10.0.0.1', false],
    ['', 'https://api.test', false],
  ])('%j covers %s: %s', (noProxy, url, expected) => {
    expect(chosen(url, undefined, { HTTPS_PROXY: 'http://proxy:1', NO_PROXY: noProxy })).toBe(
      expected ? 'direct' : 'http://proxy:1',
    );
    expect(chosen(url, undefined, { HTTPS_PROXY: 'http://proxy:1', no_proxy: noProxy })).toBe(
      expected ? 'direct' : 'http://proxy:1',
    );
  });
});

test('a login in the URL becomes a header, and never part of a complaint', () => {
  expect(proxyFor(new URL('https://api.test'), 'http://us%20er:p%40w@proxy:1', {})).toMatchObject({
    authorization: `Basic ${Buffer.from('us er:p@w').toString('base64')}`,
  });
  expect(JSON.stringify(proxyFor(new URL('https://api.test'), 'socks5://user:hunter2@proxy:1', {}))).not.toContain(
    'hunter2',
  );
});
