import { describe, expect, test } from '@jest/globals';

import { checkHeaders, isCredentialHeader, parseHeaderFlag } from '../../../src/core/input/headers.js';
import { growth, refusal } from './context.js';

const RULES = { maxBytes: 16_384, idempotencyHeader: 'X-Request-Key' };
const check = (...pairs: [string, string][]): ReturnType<typeof checkHeaders> => checkHeaders(pairs, RULES);

describe('checkHeaders', () => {
  test('lowers names, trims values, keeps the order, and takes content-type out', () => {
    const { headers, contentType } = check(
      ['X-Device', ' tablet 17\t'],
      ['Content-Type', 'text/csv'],
      ['accept-language', 'nb'],
      ['X-Empty', ''],
    );
    expect(Object.entries(headers)).toEqual([
      ['x-device', 'tablet 17'],
      ['accept-language', 'nb'],
      ['x-empty', ''],
    ]);
    expect(contentType).toBe('text/csv');
  });

  test('a name like a member of Object is a header', () => {
    expect(check(['constructor', 'a'], ['toString', 'b']).headers).toEqual({ constructor: 'a', tostring: 'b' });
  });

  test.each([
    'Authorization',
    'authorization',
    'X-Forwarded-Authorization',
    'Cookie',
    'Set-Cookie',
    'Proxy-Authorization',
    'X-Api-Key',
    'apikey',
    'x-goog-api-key',
    'X-Auth-Token',
    'X-AuthToken',
    'X-Access-Token',
    'Private-Token',
    'X-Amz-Security-Token',
    'X-Vault-Token',
    'Ocp-Apim-Subscription-Key',
    'X-Password',
    'X-Client-Secret',
    'Token',
  ])('%s is a credential and refused, without its value', (name) => {
    const error = refusal(() => check([name, 'hunter2']));
    expect(error.code).toBe('bad-item');
    expect(error.hint).toContain('"auth"');
    expect(`${error.message} ${error.hint ?? ''}`).not.toContain('hunter2');
  });

  test('a bearer token under any name is refused', () => {
    expect(refusal(() => check(['x-forward', 'Bearer abc'])).hint).toContain('"auth"');
  });

  test.each([
    'x-csrf-token',
    'x-valid-token',
    'x-request-id',
    'if-match',
    'prefer',
    'content-encoding',
    'x-key-figure',
  ])('%s is no credential', (name) => {
    expect(isCredentialHeader(name)).toBe(false);
    expect(check([name, 'x']).headers).toEqual({ [name]: 'x' });
  });

  test.each([
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Expect',
    'Upgrade',
    'TE',
    'Trailer',
    'Accept-Encoding',
    'Idempotency-Key',
    'x-request-key',
    '__proto__',
  ])('%s is not for an item to set and is refused', (name) => {
    expect(refusal(() => check([name, 'x'])).code).toBe('bad-item');
  });

  test.each(['', ' x', 'x ', 'x y', 'x:', 'x\r\ny', 'x\0', 'blå', '(x)', 'x'.repeat(257)])(
    'the name %j is refused',
    (name) => {
      expect(refusal(() => check([name, 'x'])).code).toBe('bad-item');
    },
  );

  test.each(['a\r\nX-Evil: 1', 'a\nb', 'a\rb', 'a\0', '\x7f', 'blå', '\u0100', '\ud800'])(
    'the value %j is refused and not repeated',
    (value) => {
      const error = refusal(() => check(['x-a', value]));
      expect(error.code).toBe('bad-item');
      expect(error.message).not.toContain(value);
    },
  );

  test('a name given twice, in whatever case, is refused', () => {
    expect(refusal(() => check(['X-A', '1'], ['x-a', '2'])).message).toContain('given twice');
    expect(refusal(() => check(['Content-Type', 'a/b'], ['content-type', 'a/b'])).message).toContain('given twice');
  });

  test('are refused one byte above the limit on all of them', () => {
    const rules = { ...RULES, maxBytes: 20 };
    expect(
      checkHeaders(
        [
          ['x-a', '1'],
          ['x-b', '12345'],
        ],
        rules,
      ).headers,
    ).toEqual({ 'x-a': '1', 'x-b': '12345' });
    expect(
      refusal(() =>
        checkHeaders(
          [
            ['x-a', '1'],
            ['x-b', '123456'],
          ],
          rules,
        ),
      ).code,
    ).toBe('too-large');
  });

  test.each([
    ['names', (n: number): [string, string] => ['x'.repeat(n), '1']],
    ['blanks', (n: number): [string, string] => ['x-a', `a${' '.repeat(n)}b`]],
    ['bearers', (n: number): [string, string] => ['x-a', `bearer${' '.repeat(n)}`]],
    ['values', (n: number): [string, string] => ['x-a', `${'a'.repeat(n)}\n`]],
  ])('a megabyte of %s takes linear time', (_name, make) => {
    const work = (n: number): unknown => {
      try {
        return checkHeaders([make(n)], { ...RULES, maxBytes: 1e9 });
      } catch (error) {
        return error;
      }
    };
    expect(growth(work, 250_000)).toBeLessThan(12);
  });
});

describe('parseHeaderFlag', () => {
  test('splits at the first colon', () => {
    expect(parseHeaderFlag('X-Link: http://a')).toEqual(['X-Link', ' http://a']);
  });

  test.each(['', ':', ': x', 'hunter2'])('%j is refused and not repeated', (text) => {
    const error = refusal(() => parseHeaderFlag(text));
    expect(error.code).toBe('usage');
    expect(`${error.message}${error.hint ?? ''}`).not.toContain('hunter2');
  });
});
