import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { JsonFault } from '../../../src/core/json/json-scan.js';
import { positionOf, walkJson } from '../../../src/core/json/json-walk.js';
import { compileSensitive, EVERYTHING, maskJson } from '../../../src/core/privacy/sensitive.js';

const everythingHidden = (payload: Uint8Array): Uint8Array => maskJson(payload, EVERYTHING);

function mask(text: string, ...patterns: string[]): string {
  const copy = maskJson(new TextEncoder().encode(text), compileSensitive(patterns));
  return new TextDecoder().decode(copy);
}

describe('a display copy', () => {
  test.each([
    [
      'a key at any depth',
      '{"a":{"phone":"1"},"b":[{"phone":2}]}',
      ['phone'],
      '{"a":{"phone":"***"},"b":[{"phone":"***"}]}',
    ],
    ['upper and lower case alike', '{"Phone":"1"}', ['pHONE'], '{"Phone":"***"}'],
    ['an escaped spelling of the key', '{"ph\\u006fne":"1"}', ['phone'], '{"ph\\u006fne":"***"}'],
    ['both of two equal keys', '{"phone":1,"phone":2}', ['phone'], '{"phone":"***","phone":"***"}'],
    ['a whole object, once', '{"p":{"p":1,"q":[{}]},"r":1}', ['p'], '{"p":"***","r":1}'],
    ['a whole list', '{"p":[1,{"p":2}] }', ['p'], '{"p":"***" }'],
    ['an empty object and list', '{"p":{},"q":[ ]}', ['p', 'q'], '{"p":"***","q":"***"}'],
    ['null, true and false', '[{"p":null},{"p":true},{"p":false}]', ['p'], '[{"p":"***"},{"p":"***"},{"p":"***"}]'],
    ['a pointer', '{"a":{"b":1},"b":2}', ['/a/b'], '{"a":{"b":"***"},"b":2}'],
    [
      'a pointer with a step for any key',
      '{"person":{"x":{"ssn":1},"y":{"ssn":2,"z":3}}}',
      ['/person/*/ssn'],
      '{"person":{"x":{"ssn":"***"},"y":{"ssn":"***","z":3}}}',
    ],
    ['a pointer through a list', '{"l":[{"s":1},{"s":2}]}', ['/l/1/s'], '{"l":[{"s":1},{"s":"***"}]}'],
    ['a pointer with a step for any index', '[{"s":1},[{"s":2}]]', ['/*/s'], '[{"s":"***"},[{"s":2}]]'],
    [
      'an escaped pointer',
      '{"a/b":1,"c~d":2,"~1":3}',
      ['/a~1b', '/c~0d', '/~01'],
      '{"a/b":"***","c~d":"***","~1":"***"}',
    ],
    ['an empty key', '{"":1,"a":2}', ['/'], '{"":"***","a":2}'],
    ['nothing above a pointer that goes deeper', '{"a":1,"b":[]}', ['/a/*', '/b/*'], '{"a":1,"b":[]}'],
    ['a pointer is exact in case', '{"A":1}', ['/a'], '{"A":1}'],
  ])('hides %s', (_, text, patterns, expected) => {
    expect(mask(text, ...patterns)).toBe(expected);
  });

  test('keeps every other byte: numbers, spacing, doubled keys, odd escapes', () => {
    const text = ' {"n" : 12345678901234567890.10e+2,\r\n\t"d":1,"d":2,"s":"\\ud800\\/é","10":0,"2":0, "x":1}\n';
    expect(mask(text, 'x')).toBe(text.replace('"x":1', '"x":"***"'));
  });

  test('is the payload itself without patterns, JSON or not', () => {
    const bytes = Uint8Array.of(0xff, 0x00);
    expect(maskJson(bytes, compileSensitive([]))).toBe(bytes);
  });

  test.each([['phone=1'], ['{"phone":"1"'], ['{"phone":"1"} x'], ['\ufeff{"phone":1}'], ['']])(
    'hides %j whole, which is not JSON, as soon as anything is sensitive',
    (text) => {
      expect(mask(text, 'other')).toBe('***');
    },
  );

  test('hides bytes that are not UTF-8 whole', () => {
    const copy = maskJson(Uint8Array.of(0x22, 0xff, 0x22), compileSensitive(['x']));
    expect(new TextDecoder().decode(copy)).toBe('***');
  });

  test('without a config hides every value and keeps the keys', () => {
    const hidden = everythingHidden(new TextEncoder().encode('{"a":[1,"x",{}],"b":{"c":null},"d":true}'));
    expect(new TextDecoder().decode(hidden)).toBe('{"a":["***","***",{}],"b":{"c":"***"},"d":"***"}');
    expect(new TextDecoder().decode(everythingHidden(new TextEncoder().encode('"x"')))).toBe('"***"');
    expect(new TextDecoder().decode(everythingHidden(new TextEncoder().encode('a=b')))).toBe('***');
  });

  test('of a hostile megabyte is made quickly', () => {
    const hostile = [
      '['.repeat(1_000_000),
      `"${'\\"'.repeat(500_000)}`,
      `{"p":${'[{"p":'.repeat(100_000)}`,
      ' '.repeat(1_000_000),
    ];
    const started = performance.now();
    for (const text of hostile) expect(mask(text, 'p')).toBe('***');
    expect(mask(`{"p":"${'\\"'.repeat(500_000)}"}`, 'p')).toBe('{"p":"***"}');
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  test('never holds a sensitive value, and parses to the rest of the document', () => {
    const leaf = fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.boolean());
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(leaf, fc.array(tie('tree')), fc.dictionary(fc.constantFrom('a', 'b', 'secret', 'c'), tie('tree'))),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const masked = JSON.parse(mask(JSON.stringify(value), 'secret')) as unknown;
        expect(masked).toEqual(hideByHand(value));
      }),
    );
  });
});

function hideByHand(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideByHand);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, key === 'secret' ? '***' : hideByHand(inner)]);
  return Object.fromEntries(entries) as unknown;
}

describe('walking JSON', () => {
  const accepts = (text: string): boolean => {
    try {
      walkJson(Buffer.from(text), () => undefined);
      return true;
    } catch (error) {
      if (error instanceof JsonFault) return false;
      throw error;
    }
  };
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };

  test.each([
    ['{}'],
    ['[]'],
    [' [ 1 , 2 ] '],
    ['{"a":1,}'],
    ['[1,]'],
    ['[,1]'],
    ['[1 2]'],
    ['{"a" 1}'],
    ['{a:1}'],
    ['01'],
    ['-'],
    ['1.'],
    ['.5'],
    ['1e'],
    ['-0.5E+3'],
    ['tru'],
    ['truex'],
    ['nulll'],
    ['"\t"'],
    ['"\\x"'],
    ['"\\u12"'],
    ['"a'],
    ['1 1'],
    ['{"a":1}}'],
    ['[]]'],
    ['{]'],
    ['[}'],
    ['\u00a01'],
    ['NaN'],
    ["'a'"],
    ['//x\n1'],
    ['{"a":{"b":[{}]}}'],
    ['"\u2028"'],
  ])('agrees with JSON.parse about %j', (text) => {
    expect(accepts(text)).toBe(parses(text));
  });

  test('agrees with JSON.parse about damaged documents', () => {
    const damaged = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '}', '[', '\\', '1', ' '))
      .map(([json, where, put]) => {
        const at = where % (json.length + 1);
        return json.slice(0, at) + put + json.slice(at + 1);
      });
    fc.assert(
      fc.property(damaged, (text) => {
        expect(accepts(text)).toBe(parses(text));
      }),
      { numRuns: 1000 },
    );
  });

  test('names line, column and problem, and quotes nothing', () => {
    const fault = (text: string): unknown => {
      const bytes = Buffer.from(text);
      try {
        walkJson(bytes, () => undefined, { uniqueNames: true });
      } catch (error) {
        if (error instanceof JsonFault) return { ...positionOf(bytes, error.offset), reason: error.reason };
        throw error;
      }
      return undefined;
    };
    expect(fault('{\n  "🫐": 1 2\n}')).toEqual({
      line: 2,
      column: 11,
      reason: 'a comma or a closing bracket is expected',
    });
    expect(fault('{"a":1, "a":2}')).toEqual({ line: 1, column: 9, reason: 'a member name is given twice' });
    expect(fault('{"a":{"b":1},"c":{"b":1}}')).toBeUndefined();
    expect(fault('{"a": CANARY}')).toEqual({ line: 1, column: 7, reason: 'a JSON value is expected' });
    expect(fault('{"a":1')).toEqual({ line: 1, column: 7, reason: 'the text ends too early' });
  });
});
