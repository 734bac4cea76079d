import { expect, test } from '@jest/globals';

import { serverOf } from '../../../src/core/check/origin.js';

test.each([
  ['http://127.0.0.1:8080/v1', 'http://localhost:8080'],
  ['http://127.0.0.1:8080', 'http://LOCALHOST.:8080/x'],
  ['http://127.0.0.1:8080', 'http://127.1.2.3:8080'],
  ['http://127.0.0.1:8080', 'http://[::1]:8080'],
  ['http://127.0.0.1:8080', 'http://[::ffff:127.0.0.1]:8080'],
  ['http://127.0.0.1:8080', 'http://0.0.0.0:8080'],
  ['http://127.0.0.1:8080', 'http://[::]:8080'],
  ['http://127.0.0.1:8080', 'http://api.localhost:8080'],
  ['http://127.0.0.1', 'http://localhost:80'],
  ['https://example.org', 'https://Example.ORG.:443/v2?x'],
  ['https://10.0.0.1', 'https://[::ffff:a00:1]'],
])('%s and %s are one server', (one, other) => {
  expect(serverOf(one)).toBeDefined();
  expect(serverOf(other)).toBe(serverOf(one));
});

test.each([
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8081'],
  ['http://localhost', 'https://localhost'],
  ['https://example.org', 'https://www.example.org'],
  ['https://example.org', 'https://example.org:8443'],
  ['https://10.0.0.1', 'https://10.0.0.2'],
  ['https://[2001:db8::1]', 'https://[2001:db8::2]'],
])('%s and %s are two', (one, other) => {
  expect(serverOf(other)).not.toBe(serverOf(one));
});

test('returns undefined for a text that is not a URL', () => {
  expect(serverOf('example.org')).toBeUndefined();
});
