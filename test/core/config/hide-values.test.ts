import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hideValuesOf } from '../../../src/core/config/hide-values.js';
import { compileSensitive, EVERYTHING } from '../../../src/core/config/sensitive.js';

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const hide = (payload: unknown, text: string, ...names: string[]): string =>
  hideValuesOf([bytes(payload)], compileSensitive(names))(text);

describe('a sensitive value that is quoted elsewhere', () => {
  test.each<[string, unknown, string, string[], string]>([
    ['is hidden', { name: 'Kari Nordmann' }, 'no room for Kari Nordmann today', ['name'], 'no room for *** today'],
    ['however it is cased', { mail: 'Kari@X.no' }, 'kari@x.no is taken', ['mail'], '*** is taken'],
    ['however it is spaced', { phone: '479 90 001' }, '"47990001" is short', ['phone'], '"***" is short'],
    ['also with dashes', { phone: '47990001' }, '479-90-001 is short', ['phone'], '*** is short'],
    ['as JSON spells it', { name: 'a "b" c' }, '{"input":"a \\"b\\" c"}', ['name'], '{"input":"***"}'],
    ['as a URL spells it', { name: 'Kari N' }, '/people?q=Kari%20N is gone', ['name'], '/people?q=*** is gone'],
    ['a number', { ssn: 12345 }, 'ssn 12345 is taken', ['ssn'], 'ssn *** is taken'],
    ['within a hidden object', { who: { first: 'Kari', n: [991] } }, 'Kari has 991', ['who'], '*** has ***'],
    ['where a pointer says so', { contact: { phone: '4790' } }, 'is 4790 one?', ['/contact/phone'], 'is *** one?'],
    ['the longer of two', { a: 'Kari', b: 'Kari Nordmann' }, 'Kari Nordmann!', ['a', 'b'], '***!'],
    ['also with signs of a pattern', { a: '(a+)+$ [x-z]' }, 'got (a+)+$ [x-z] here', ['a'], 'got *** here'],
    ['also where it is cut off', { a: 'Nordmann' }, 'no room for Nord…', ['a'], 'no room for ***…'],
  ])('%s', (_what, payload, text, names, expected) => {
    expect(hide(payload, text, ...names)).toBe(expected);
  });

  test.each<[string, unknown, string, string[]]>([
    ['other values stay', { name: 'Kari', city: 'Oslo' }, 'Oslo is far', ['name']],
    ['nor parts of other words', { name: 'Kari' }, 'Karina is there', ['name']],
    ['nor what is too short to tell', { sex: 'f' }, 'of course', ['sex']],
    ['nor true and false', { sick: true }, 'true enough', ['sick']],
    ['nothing without patterns', { name: 'Kari' }, 'Kari', []],
  ])('%s', (_what, payload, text, names) => {
    expect(hide(payload, text, ...names)).toBe(text);
  });

  test('nothing is guessed where no config says what is sensitive, and what is no JSON has no values', () => {
    expect(hideValuesOf([bytes({ a: 'phone' })], EVERYTHING)('phone must be digits')).toBe('phone must be digits');
    expect(hideValuesOf([Buffer.from('phone')], compileSensitive(['a']))('phone')).toBe('phone');
    expect(hideValuesOf([undefined], compileSensitive(['a']))('phone')).toBe('phone');
  });

  test('whatever the value is, it is gone, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', minLength: 3 }), fc.string({ minLength: 3 })), (value) => {
        const shown = hide({ a: value }, `it is "${value}" now`, 'a');
        return value.trim().length < 3 || value.length > 150 || !shown.includes(value.trim());
      }),
      { numRuns: 500 },
    );
  });

  test('a megabyte of values costs little', () => {
    const payload = { a: Array.from({ length: 50_000 }, (_unused, n) => `value number ${n}`) };
    const started = performance.now();
    hide(payload, 'value '.repeat(2000), 'a');
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
