import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { isQueueError } from '../../../src/core/nouns/errors.js';
import { checkPath, isAbsoluteUrl, splitUrl } from '../../../src/core/input/path.js';
import { isLoopbackHost } from '../../../src/core/check/loopback.js';
import { growth, refusal } from './context.js';

const MAX = 8192;

describe('with encodedSlash', () => {
  test.each(['/projects/group%2Fproject/issues', '/@scope%2fname', '/vhosts/%2F', '/a%2Fb?x=%2F'])(
    '%s is kept',
    (path) => {
      expect(checkPath(path, 8192, true)).toBe(path);
      expect(() => checkPath(path, 8192)).toThrow(
        expect.objectContaining({ hint: expect.stringContaining('encodedSlash') }),
      );
    },
  );

  test.each(['/a%2f..%2fb', '/a%2F%2e%2e', '/%2e%2F', '/a%5Cb', '/a%2Fb%00'])('%s is refused all the same', (path) => {
    expect(() => checkPath(path, 8192, true)).toThrow(expect.objectContaining({ code: 'bad-item' }));
  });
});

describe('checkPath', () => {
  test.each([
    '',
    '/',
    '/activities',
    '/activities/',
    '/a//b',
    '?q=1',
    '/a?filter[name]=x&y=%2F%0A&z=/../..',
    '/a.b/..c/c../...',
    "/it's(ok)*!$&+,;=:@~-_.",
    '/a;v=1/b',
    '/%C3%A6/%20',
    '/a|b[c]',
    '/file%2etxt',
  ])('%j is accepted unchanged', (path) => {
    expect(checkPath(path, MAX)).toBe(path);
  });

  test.each([
    ['activities', 'must start with / or ?'],
    ['C:/Program Files/Git/activities', 'must start with / or ?'],
    [' /a', 'must start with / or ?'],
    ['//evil.example/x', 'two slashes'],
    ['/\\evil.example/x', 'two slashes'],
    ['\\\\evil.example\\x', 'must start with / or ?'],
    ['/a\\b', 'backslash'],
    ['/..', '. or .. segment'],
    ['/a/../b', '. or .. segment'],
    ['/a/./b', '. or .. segment'],
    ['/a/..;x/b', '. or .. segment'],
    ['/a/%2e%2e/b', '. or .. segment'],
    ['/a/%2E./b', '. or .. segment'],
    ['/a/.%2e', '. or .. segment'],
    ['/a/%2e', '. or .. segment'],
    ['/a%2f..%2fb', 'encoded slash'],
    ['/a%2Fb', 'encoded slash'],
    ['/a%5cb', 'encoded backslash'],
    ['/a%0d%0aHost:x', 'control character'],
    ['/a%00', 'control character'],
    ['/a%7F', 'control character'],
    ['/a\r\nX: y', 'control character'],
    ['/a\tb', 'control character'],
    ['/a?b\0', 'control character'],
    ['/\ud800', 'control character'],
    ['/a#b', 'fragment'],
    ['/a?b#c', 'fragment'],
    ['/a b', 'a character that a URL cannot hold'],
    ['/a?b c', 'a character that a URL cannot hold'],
    ['/æ', 'a character that a URL cannot hold'],
    ['/{id}', 'a character that a URL cannot hold'],
    ["/a?b='x'", 'a character that a URL cannot hold'],
    ['/a%', '% without two hex digits'],
    ['/a?b=100%&c', '% without two hex digits'],
  ])('%j is refused: %s', (path, reason) => {
    const error = refusal(() => checkPath(path, MAX));
    expect(error.code).toBe('bad-item');
    expect(error.message).toContain(reason);
  });

  test('the hint spells the character', () => {
    expect(refusal(() => checkPath('/blåbær', MAX)).hint).toContain('%C3%A5');
    expect(refusal(() => checkPath('/a b', MAX)).hint).toContain('%20');
  });

  test('a path beyond the limit is too large', () => {
    expect(checkPath(`/${'a'.repeat(MAX - 1)}`, MAX)).toHaveLength(MAX);
    expect(refusal(() => checkPath(`/${'a'.repeat(MAX)}`, MAX))).toMatchObject({
      code: 'too-large',
      hint: 'raise limits.pathBytes in the config',
    });
  });

  test.each([
    ['dots', '/..'],
    ['encoded dots', '%2e'],
    ['slashes', '/a'],
    ['parameters', ';x'],
    ['percents', '%41'],
    ['hashes', '#'],
  ])('a megabyte of %s takes linear time', (_name, piece) => {
    const work = (n: number): unknown => {
      try {
        return checkPath(`/${piece.repeat(n / piece.length)}`, 1e9);
      } catch (error) {
        return error;
      }
    };
    expect(growth(work, 250_000)).toBeLessThan(12);
  });
});

/** Pieces of what attackers write, and plain ones. */
const HOSTILE = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '//',
        '\\',
        '.',
        '..',
        '%2e',
        '%2E',
        '%2f',
        '%5c',
        ';',
        '?',
        '#',
        '@',
        ':',
        'evil.example',
        'a',
      ),
      fc.constantFrom(
        'http:',
        'https://',
        '%',
        '\t',
        '\r\n',
        '\0',
        ' ',
        '[',
        ']',
        'æ',
        '\u3002',
        '\uff0f',
        '%00',
        "'",
        '&',
      ),
      fc.string({ maxLength: 4 }),
      fc.string({ unit: 'binary', maxLength: 2 }),
    ),
    { maxLength: 10 },
  )
  .map((pieces) => pieces.join(''));

describe('a checked path', () => {
  test('stays under its base, and goes out exactly as written', () => {
    const bases = fc.constantFrom('https://api.example.org', 'https://api.example.org/v1', 'http://localhost:8080/a/b');
    let passed = 0;
    fc.assert(
      fc.property(
        bases,
        fc.oneof(
          HOSTILE,
          HOSTILE.map((text) => `/${text}`),
        ),
        (base, path) => {
          try {
            checkPath(path, MAX);
          } catch (error) {
            expect(isQueueError(error)).toBe(true);
            return;
          }
          passed++;
          const url = new URL(base + path);
          expect(url.origin).toBe(new URL(base).origin);
          const rootPath = new URL(base).pathname.replace(/\/$/, '');
          const sent = path === '' && rootPath === '' ? '/' : rootPath + path;
          // An empty query (`/a?`) is not sent by URL's parts, but kept in its href.
          expect(url.href).toBe(url.origin + (sent.startsWith('?') ? `/${sent}` : sent));
        },
      ),
      { numRuns: 5000 },
    );
    expect(passed).toBeGreaterThan(200);
  });
});

describe('splitUrl', () => {
  test.each([
    ['https://API.example.org:443/v1/A?b', 'https://api.example.org', '/v1/A?b', true],
    ['HTTPS://api.example.org:8443', 'https://api.example.org:8443', '', true],
    ['https://api.example.org?q', 'https://api.example.org', '?q', true],
    ['http://localhost:3000/x', 'http://localhost:3000', '/x', true],
    ['http://127.1/x', 'http://127.0.0.1', '/x', true],
    ['http://[::1]/x', 'http://[::1]', '/x', true],
    ['http://api.example.org/x', 'http://api.example.org', '/x', false],
    ['https://blåbær.no/x', 'https://xn--blbr-roah.no', '/x', true],
  ])('%s', (text, origin, rest, isSafe) => {
    expect(splitUrl(text, MAX)).toEqual({ origin, rest, isSafe });
  });

  test.each([
    ['ftp://example.org/x', 'is not an http or https URL'],
    ['file:///etc/passwd', 'is not an http or https URL'],
    ['/x', 'is not an http or https URL'],
    ['https://user:hunter2@example.org/x', 'holds a user name or password'],
    ['https://user@example.org/x', 'holds a user name or password'],
    ['https:///x', 'names no valid host'],
    ['https://exa mple.org/x', 'names no valid host'],
    ['https://example.org:99999/x', 'names no valid host'],
  ])('%s is refused: %s', (text, reason) => {
    const error = refusal(() => splitUrl(text, MAX));
    expect(error.message).toContain(reason);
    expect(`${error.message} ${error.hint ?? ''}`).not.toContain('hunter2');
  });

  test('a backslash ends the host, as in a URL parser', () => {
    expect(splitUrl('https://api.example.org\\@evil.example/x', MAX)).toMatchObject({
      origin: 'https://api.example.org',
    });
  });
});

test('a scheme and two slashes make a URL absolute', () => {
  expect(['https://a', 'FTP://a', 'x+y.z-1://'].every(isAbsoluteUrl)).toBe(true);
  expect(['//a', '/https://a', 'https:/a', '?x=https://a', '1a://b'].some(isAbsoluteUrl)).toBe(false);
});

test.each([
  ['localhost', true],
  ['api.localhost', true],
  ['127.0.0.1', true],
  ['127.255.1.2', true],
  ['[::1]', true],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
  ['notlocalhost', false],
  ['128.0.0.1', false],
  ['[::ffff:7f00:1]', false],
])('%s is loopback: %s', (host, isLoopback) => {
  expect(isLoopbackHost(host)).toBe(isLoopback);
});
