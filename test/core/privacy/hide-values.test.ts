import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hideValuesOf } from '../../../src/core/privacy/hide-values.js';
import { compileSensitive, EVERYTHING } from '../../../src/core/privacy/sensitive.js';

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const hide = (payload: unknown, text: string, ...names: string[]): string =>
  hideValuesOf([bytes(payload)], compileSensitive(names))(text);

/** As Python's `json.dumps` and PHP's `json_encode` write a text. */
const ascii = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
const html = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? '&#39;');
const numeric = (text: string): string =>
  Array.from(text, (sign) => (/\w/.test(sign) ? sign : `&#x${sign.codePointAt(0)!.toString(16)};`)).join('');
const lowerHex = (text: string): string => text.replace(/%[\dA-F]{2}/g, (byte) => byte.toLowerCase());
const json = (text: string): string => JSON.stringify(text).slice(1, -1);

const SPELLINGS: Readonly<Record<string, (text: string) => string>> = {
  'as JSON': json,
  'as JSON in ASCII': ascii,
  'as JSON in ASCII with upper-case hex': (text) =>
    ascii(text).replace(/\\u[\da-f]{4}/g, (unit) => `\\u${unit.slice(2).toUpperCase()}`),
  'as PHP writes JSON': (text) => ascii(text).replaceAll('/', '\\/'),
  'as JSON within JSON': (text) => json(json(text)),
  'as JSON in ASCII within JSON': (text) => json(ascii(text)),
  'as JSON within JSON within JSON': (text) => json(json(ascii(text))),
  'as a URL': encodeURIComponent,
  'as a URL with lower-case hex': (text) => lowerHex(encodeURIComponent(text)),
  'as a form': (text) => new URLSearchParams({ '': text }).toString().slice(1),
  'as a URL in Latin-1': (text) =>
    text.replace(/[^\w.-]/g, (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, '0')}`),
  'as HTML': html,
  'as HTML with numbers': numeric,
  'as HTML with names': (text) => html(text).replaceAll('ø', '&oslash;').replaceAll('Å', '&Aring;'),
  'as HTML, with &apos;': (text) => html(text).replaceAll('&#39;', '&apos;').replaceAll('&quot;', '&#34;'),
  'as a URL within HTML within JSON': (text) => json(html(encodeURIComponent(text))),
  'as HTML within HTML': (text) => html(html(text)),
  'as Python shows bytes': (text) =>
    text.replace(/[^\x20-\x7e]/gu, (sign) => lowerHex(encodeURIComponent(sign)).replaceAll('%', '\\x')),
};

describe('a value is found', () => {
  const values = [
    'Jørgen Ås',
    'kari@example.com',
    `O'Hara "X"`,
    'Ås & <Sønn>',
    '12/3 Ås',
    'line\nbreak/x',
    '479 90 001',
  ];
  const cases = Object.entries(SPELLINGS).flatMap(([how, spell]) =>
    values.map((value) => [how, value, spell] as const),
  );

  test.each(cases)('%s: %j', (_how, value, spell) => {
    expect(hide({ name: value }, `/p/${spell(value)}: no`, 'name')).toBe('/p/***: no');
  });

  test('also where its letters are spelled in different ways, and beside other escapes', () => {
    expect(hide({ name: 'Jørgen Ås' }, 'no J&oslash;rgen%20\\u00c5s, no', 'name')).toBe('no ***, no');
    expect(hide({ name: 'Kari' }, 'line\\nKari\\nline', 'name')).toBe('line\\n***\\nline');
    expect(hide({ name: '山田太' }, '/%E5%B1%B1%E7%94%B0%E5%A4%AA/%E5%B1%B1%E7%94%B0%E5%A4%AA%E5%B1%B1', 'name')).toBe(
      '/***/%E5%B1%B1%E7%94%B0%E5%A4%AA%E5%B1%B1',
    );
    expect(hide({ name: 'Ada 😀' }, '{"q":"Ada \\ud83d\\ude00"}', 'name')).toBe('{"q":"***"}');
  });

  test('also when it holds escapes itself', () => {
    const name = '/p/J%C3%B8rgen';
    for (const text of ['at /p/J%C3%B8rgen', 'at /p/Jørgen', 'at %2Fp%2FJ%25C3%25B8rgen'])
      expect(hide({ name }, text, 'name')).toBe('at ***');
    expect(hide({ name: 'C:\\temp\\Bjørn & co' }, 'in C:\\temp\\Bjørn &amp; co', 'name')).toBe('in ***');
    expect(hide({ name: 'ø%aa' }, 'at \\u00f8%aa now', 'name')).toBe('at *** now');
  });

  test('also when the payload spells it so itself', () => {
    const payload = Buffer.from('{"name":"J\\u00f8rgen","note":"line\\nbreak\\/x"}');
    const hidden = hideValuesOf([payload], compileSensitive(['name', 'note']));
    expect(hidden(Buffer.from(payload).toString())).toBe('{"name":"***","note":"***"}');
  });

  test.each([
    'no Jens+%C3…',
    'no Jens%20%C3%8…',
    'no Jens \\u00…',
    'no Jens \\…',
    'no Jens &Ar…',
    'no J&#101;n…',
    'no Jens Ås&#…',
  ])('also where it is cut off within an escape: %s', (text) => {
    expect(hide({ name: 'Jens Ås-Li' }, text, 'name')).toBe('no ***…');
  });

  test('in any nesting', () => {
    const spellings = Object.entries(SPELLINGS).filter(([how]) => !/Latin-1|within/.test(how));
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-zøåÅ&<>"'/%+ -]{3,20}$/),
        fc.array(fc.constantFrom(...spellings.map(([, spell]) => spell)), { maxLength: 3 }),
        (value, path) => {
          fc.pre(value.trim().length >= 3 && value.trim() === value);
          const spelled = path.reduce((text, spell) => spell(text), value);
          return hide({ a: value }, `[ ${spelled} ]`, 'a') === '[ *** ]';
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['other words', 'Jens is not J%C3%B8rgensen, nor \\u00d8J\\u00f8rgen'],
    ['other escapes', '100%25 \\n &amp; %zz \\q &nothing; %'],
  ])('and %s stay as they are', (_what, text) => {
    expect(hide({ name: 'Jørgen' }, text, 'name')).toBe(text);
  });
});

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

  test('hides nothing without a config, or in a payload that is not JSON', () => {
    expect(hideValuesOf([bytes({ a: 'phone' })], EVERYTHING)('phone must be digits')).toBe('phone must be digits');
    expect(hideValuesOf([Buffer.from('phone')], compileSensitive(['a']))('phone')).toBe('phone');
    expect(hideValuesOf([undefined], compileSensitive(['a']))('phone')).toBe('phone');
  });

  test('hides any value and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', minLength: 3 }), fc.string({ minLength: 3 })), (value) => {
        const shown = hide({ a: value }, `it is "${value}" now`, 'a');
        return value.trim().length < 3 || value.length > 150 || !shown.includes(value.trim());
      }),
      { numRuns: 500 },
    );
  });

  test.each(['\\', '%', '%25', '%2525', '&', '&amp;', '&#', '+', ' ', '+ ', '%C3', '\\u', 'a+', '4 '])(
    'an answer of nothing but %j costs little',
    (unit) => {
      const payload = { a: ['+ab', '+ +ab', 'a + b + c', '47 90 00 11', '%%%x', '\\\\\\x', '&amp;x'] };
      const started = performance.now();
      hide(payload, `${unit.repeat(65536 / unit.length)}…`, 'a');
      expect(performance.now() - started).toBeLessThan(10_000);
    },
  );

  test('a megabyte of values costs little', () => {
    const payload = { a: Array.from({ length: 50_000 }, (_unused, n) => `value number ${n}`) };
    const started = performance.now();
    hide(payload, 'value '.repeat(2000), 'a');
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
