import { describe, expect, test } from '@jest/globals';
import { decoded, escapesIn, spelledLike } from '../../../src/core/privacy/escapes.js';
import type { Edit, Rewriting } from '../../../src/core/privacy/layers.js';
import { readingsOf, rewritten } from '../../../src/core/privacy/layers.js';

const put =
  (sought: string, text: string) =>
  (reading: string): Edit[] =>
    Array.from(reading.matchAll(new RegExp(sought, 'gu')), ({ 0: { length }, index }) => ({
      start: index,
      end: index + length,
      text,
    }));
const respelled: Rewriting = { as: 'text', respell: true };

describe('an escape', () => {
  test.each([
    ['%C3%B8', 'ø'],
    ['%f0%9f%98%80', '😀'],
    ['%F8', 'ø'],
    ['%u00f8', 'ø'],
    ['\\u00F8', 'ø'],
    ['\\u{1f600}', '😀'],
    ['\\xc3\\xb8', 'ø'],
    ['\\n', '\n'],
    ["\\'", "'"],
    ['&oslash;', 'ø'],
    ['&yuml;', 'ÿ'],
    ['&#248;', 'ø'],
    ['&#XF8;', 'ø'],
    ['&#039;', "'"],
  ])('%s is %s', (escape, character) => {
    expect([...escapesIn(`a${escape}b`, false)].map(([found]) => decoded(found))).toEqual([character]);
  });

  test.each(['&nothing;', '&#x110000;', '\\u{110000}', '%F8%9', '%zz', '\\q', '%C0%80', '+'])(
    'is not %s, which is left as it is',
    (text) => {
      const whole = [...escapesIn(text, false)].filter(([found]) => found === text);
      expect(whole.map(([found]) => decoded(found)).filter((character) => character !== undefined)).toEqual([]);
    },
  );

  test.each([
    ['%C3%B8', 'å', '%C3%A5'],
    ['%c3%b8', 'å', '%c3%a5'],
    ['%u00f8', 'å', '%u00e5'],
    ['\\u00f8', '😀', '\\ud83d\\ude00'],
    ['\\u00F8', 'å', '\\u00E5'],
    ['\\xc3\\xb8', 'å', '\\xc3\\xa5'],
    ['&oslash;', 'å', '&#229;'],
    ['\\"', '\\', '\\\\'],
    ['+', '&', '%26'],
  ])('such as %s writes %s as %s', (escape, character, expected) => {
    expect(spelledLike(escape, character)).toBe(expected);
  });
});

describe('a text', () => {
  test('is decoded until no escapes are left, at most a few times', () => {
    expect(readingsOf('plain, 100 %, a\\q & b')).toEqual(['plain, 100 %, a\\q & b']);
    expect(readingsOf('&amp;#37;41')).toEqual(['&amp;#37;41', '&#37;41', '%41', 'A']);
    expect(readingsOf(`%${'25'.repeat(1000)}`)).toHaveLength(5);
  });

  test('is replaced in its place and keeps its spelling', () => {
    expect(rewritten('a J\\u00f8 b J&oslash; c J%C3%B8 d Jø e', put('Jø', 'Kå'), respelled)).toBe(
      'a K\\u00e5 b K&#229; c K%C3%A5 d Kå e',
    );
    expect(rewritten('"{\\"a\\":\\"\\\\u00f8\\"}"', put('ø', '"'), respelled)).toBe('"{\\"a\\":\\"\\\\u0022\\"}"');
    expect(rewritten('J%C3%B8&amp;', put('Jø', '***'), { as: 'text', respell: false })).toBe('***&amp;');
  });

  test('is replaced once where two matches overlap, with all that either covers', () => {
    const both = (reading: string): Edit[] => [...put('abc', 'x')(reading), ...put('cdefg', 'y')(reading)];
    expect(rewritten('-abcdefg-', both, respelled)).toBe('-y-');
    expect(rewritten('-abc%64efg-', both, respelled)).toBe('-y-');
  });

  test('of a URL is not searched as it stands, and stays one', () => {
    expect(rewritten('%20AB', put('20A', 'x'), { as: 'path', respell: true })).toBe('%20AB');
    expect(rewritten('a b@c', put('b', "é'"), { as: 'path', respell: true })).toBe('a %C3%A9%27@c');
    expect(rewritten('x+y%2Bz', put('x y', 'u v'), { as: 'form', respell: true })).toBe('u+v%2Bz');
    expect(rewritten('x+y', put('x y', 'u v'), { as: 'path', respell: true })).toBe('x+y');
  });
});
