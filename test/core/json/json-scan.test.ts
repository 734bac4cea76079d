import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { JsonFault, readValue, scanObject, jsonFault } from '../../../src/core/json/json-scan.js';
import { growth } from '../input/context.js';

const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8');
const isValid = (text: string, maxDepth = 64): boolean => jsonFault(bytesOf(text), maxDepth) === undefined;

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('jsonFault', () => {
  test.each([
    '0',
    '-0',
    '-0.0e-0',
    '9007199254740993',
    '1e400',
    '123456789012345678901234567890',
    '"\\ud800"',
    '"\\u0000"',
    '"\u007f"',
    '"\u2028"',
    '"blåbær 🫐"',
    '{"a":1,"a":2}',
    '{"__proto__":{"x":1}}',
    ' \t\r\n[ ] ',
    '[true,false,null]',
    '{"":{"":[]}}',
  ])('%s is valid', (text) => {
    expect(isValid(text)).toBe(true);
  });

  test.each([
    ['', 'ends too early'],
    ['   ', 'ends too early'],
    ['01', 'follows the end'],
    ['1.', 'digit'],
    ['.5', 'value is expected'],
    ['+1', 'value is expected'],
    ['1e', 'digit'],
    ['-', 'digit'],
    ['NaN', 'value is expected'],
    ['tru', 'value is expected'],
    ['nulll', 'follows the end'],
    ['[1,]', 'value is expected'],
    ['[1 2]', 'comma or a closing'],
    ['[1}', 'comma or a closing'],
    ['{"a":1,}', 'member name'],
    ['{a:1}', 'member name'],
    ['{"a" 1}', 'colon'],
    ['{"a":}', 'value is expected'],
    ['[', 'ends too early'],
    ['{"a":1', 'ends too early'],
    ['"a', 'does not end'],
    ['"\\', 'escape'],
    ['"\\x"', 'escape'],
    ['"\\u12g4"', 'escape'],
    ['"\\u12', 'escape'],
    ['"\t"', 'control character'],
    ['"\u001f"', 'control character'],
    ["'a'", 'value is expected'],
    ['1 // one', 'follows the end'],
    ['\ufeff1', 'byte order mark'],
    ['\u00a01', 'value is expected'],
  ])('%j is refused: %s', (text, reason) => {
    expect(jsonFault(bytesOf(text), 64)?.reason).toContain(reason);
  });

  test.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['beyond U+10FFFF', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ['a cut character', [0x22, 0xc3, 0x22]],
  ])('%s is not UTF-8', (_name, bytes) => {
    expect(jsonFault(Uint8Array.from(bytes), 64)).toMatchObject({ reason: 'not valid UTF-8' });
  });

  test('64 levels pass where 64 are allowed, 65 do not', () => {
    expect(isValid('['.repeat(64) + ']'.repeat(64))).toBe(true);
    expect(isValid('['.repeat(65) + ']'.repeat(65))).toBe(false);
    expect(isValid('{"a":'.repeat(64) + '1' + '}'.repeat(64))).toBe(true);
    expect(isValid('{"a":'.repeat(65) + '1' + '}'.repeat(65))).toBe(false);
  });

  test('two million levels overflow no stack, allowed or not', () => {
    const text = '['.repeat(2_000_000) + ']'.repeat(2_000_000);
    expect(isValid(text)).toBe(false);
    expect(isValid(text, 3_000_000)).toBe(true);
  });

  test('agrees with JSON.parse on valid texts in any spelling', () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 0, max: 4 }), (text, indent) => {
        expect(isValid(JSON.stringify(JSON.parse(text), null, indent), 1000)).toBe(true);
      }),
    );
  });

  test('agrees with JSON.parse on texts with a few bytes changed', () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom(...Array.from('{}[]",:\\u0123456789abcdefE+-. \ttrnl\u0001')));
    fc.assert(
      fc.property(fc.json(), fc.array(change, { minLength: 1, maxLength: 4 }), (text, changes) => {
        let changed = text;
        for (const [at, character] of changes) {
          const pos = at % (changed.length + 1);
          changed = changed.slice(0, pos) + character + changed.slice(pos + (at % 2));
        }
        // A cut surrogate pair becomes U+FFFD on its way to bytes: both sides see that text.
        const text2 = bytesOf(changed).toString('utf8');
        expect([changed, isValid(text2, 1000)]).toEqual([changed, parses(text2)]);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ['brackets', (n: number) => '['.repeat(n)],
    ['quotes', (n: number) => `"${'\\"'.repeat(n)}`],
    ['digits', (n: number) => '1'.repeat(n)],
    ['blanks', (n: number) => ' '.repeat(n)],
    ['members', (n: number) => `{${'"a":1,'.repeat(n / 6)}`],
  ])('a megabyte of %s takes linear time', (_name, make) => {
    const texts = new Map([250_000, 1_000_000].map((n) => [n, bytesOf(make(n))]));
    expect(growth((n) => jsonFault(texts.get(n) ?? bytesOf(''), 1e9), 250_000)).toBeLessThan(12);
  });
});

describe('scanObject', () => {
  const scan = (text: string, maxDepth = 64): Record<string, string> => {
    const bytes = bytesOf(text);
    const members = scanObject(bytes, 0, bytes.length, maxDepth);
    return Object.fromEntries(
      Array.from(members, ([name, { start, end }]) => [name, bytes.toString('utf8', start, end)]),
    );
  };
  const fault = (text: string, maxDepth = 64): string => {
    try {
      scan(text, maxDepth);
    } catch (error) {
      if (error instanceof JsonFault) return error.reason;
      throw error;
    }
    return 'no fault';
  };

  test('gives each value as it is spelled', () => {
    expect(scan(' { "a" : 1.50e+03 , "b":{"x":1,"x" :2}, "\\u0063" : "\\u00e6" , "":[ ] } ')).toEqual({
      a: '1.50e+03',
      b: '{"x":1,"x" :2}',
      c: '"\\u00e6"',
      '': '[ ]',
    });
  });

  test('knows the kind of each value', () => {
    const bytes = bytesOf('{"o":{},"a":[],"s":"","n":-1,"t":true,"f":false,"z":null}');
    const kinds = Array.from(scanObject(bytes, 0, bytes.length, 2).values(), ({ kind }) => kind);
    expect(kinds).toEqual(['object', 'array', 'string', 'number', 'true', 'false', 'null']);
  });

  test('stays inside its part of the bytes', () => {
    const bytes = bytesOf('xx{"a":1}yy');
    expect(scanObject(bytes, 2, 9, 1).get('a')).toEqual({ start: 7, end: 8, kind: 'number' });
    expect(() => scanObject(bytes, 2, 8, 1)).toThrow(JsonFault);
    expect(() => scanObject(bytes, 2, 10, 1)).toThrow(JsonFault);
  });

  test.each([
    ['[]', 'an object is expected'],
    ['', 'an object is expected'],
    ['{"a":1}{', 'something follows the end of the JSON value'],
    ['{"a":1,"\\u0061":2}', 'a member name is given twice'],
    ['{"a":1 "b":2}', 'a comma or } is expected'],
    ['{"a":1', 'the text ends too early'],
    ['{,}', 'a member name in quotes is expected'],
    ['{"a"', 'a colon is expected'],
  ])('%s is refused: %s', (text, reason) => {
    expect(fault(text)).toBe(reason);
  });

  test('counts the object itself as one level', () => {
    expect(fault('{"a":[[]]}', 3)).toBe('no fault');
    expect(fault('{"a":[[[]]]}', 3)).toBe('nested too deep');
  });

  test('a member called __proto__ is a member', () => {
    const bytes = bytesOf('{"__proto__":1}');
    expect([...scanObject(bytes, 0, bytes.length, 1).keys()]).toEqual(['__proto__']);
  });

  test('reads what JSON.parse reads, on buffers and on plain arrays', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (value) => {
        const text = JSON.stringify(value);
        for (const bytes of [bytesOf(text), new TextEncoder().encode(text)]) {
          const members = scanObject(bytes, 0, bytes.length, 1000);
          const read = new Map(Array.from(members, ([name, range]) => [name, JSON.stringify(readValue(bytes, range))]));
          const want = new Map(
            Object.entries(JSON.parse(text) as object).map(([name, part]) => [name, JSON.stringify(part)]),
          );
          expect(read).toEqual(want);
        }
      }),
    );
  });
});
