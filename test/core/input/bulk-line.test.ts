import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { parseBulkLine } from '../../../src/core/input/bulk-line.js';
import type { NewItem } from '../../../src/core/nouns/item.js';
import { context, growth, lineOf, refusal } from './context.js';

const parse = (text: string | Uint8Array): NewItem => parseBulkLine(lineOf(text), context());
/** A line with these members after method and path. */
const withMembers = (members: string): string => `{"method":"POST","path":"/x",${members}}`;
const withPayload = (payload: string): string => withMembers(`"payload":${payload}`);
const payloadOf = (text: string): string | undefined => {
  const { payload } = parse(text);
  return payload === undefined ? undefined : Buffer.from(payload).toString('utf8');
};

/** Writes a value as JSON in some odd but valid spelling, steered by `choices`. */
function oddly(value: unknown, choices: () => number): string {
  const space = (): string => ['', ' ', '\t', '\r', '  '][choices() % 5] ?? '';
  const around = (text: string): string => space() + text + space();
  if (typeof value === 'string') {
    const units = value.split('').map((unit) => {
      const code = unit.charCodeAt(0);
      const isPlain = code >= 0x20 && unit !== '"' && unit !== '\\' && (code < 0xd800 || code > 0xdfff);
      if (isPlain && choices() % 3 > 0) return unit;
      const hex = code.toString(16).padStart(4, '0');
      return `\\u${choices() % 2 === 0 ? hex : hex.toUpperCase()}`;
    });
    return `"${units.join('')}"`;
  }
  if (typeof value === 'number') {
    return (
      [JSON.stringify(value), value.toExponential(), JSON.stringify(value).replace('e+', 'E')][choices() % 3] ?? '0'
    );
  }
  if (Array.isArray(value)) return `[${value.map((part) => around(oddly(part, choices))).join(',') || space()}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([name, part]) => `${around(oddly(name, choices))}:${around(oddly(part, choices))}`,
    );
    // Names given twice are kept as well.
    return `{${[...members, ...(choices() % 4 === 0 ? members : [])].join(',') || space()}}`;
  }
  return JSON.stringify(value);
}

describe('the payload of a line', () => {
  test.each([
    '{ "b":1, "a":2,"b" : 3 }',
    '9007199254740993',
    '-0.10e+400',
    '"\\ud800\\u0000\\/"',
    '[ ]',
    'null',
    'true',
    '""',
    '{"__proto__":{"admin":true}}',
    '"blåbær 🫐"',
  ])('%s is kept to the byte', (payload) => {
    expect(payloadOf(withPayload(payload))).toBe(payload);
    expect(payloadOf(withPayload(` \t${payload}\r `))).toBe(payload);
  });

  test('is kept to the byte, whatever the value and its spelling', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 5 }),
        fc.infiniteStream(fc.nat(1000)),
        fc.boolean(),
        (value, choices, isFirst) => {
          const spelled = oddly(value, () => choices.next().value ?? 0);
          const members = ['"method":"PUT"', '"path":"/x"'];
          members.splice(isFirst ? 0 : 2, 0, `"payload":${spelled}`);
          expect(payloadOf(`{${members.join(' , ')}}`)).toBe(spelled);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('is a copy, so that the reader may reuse its buffer', () => {
    for (const payload of ['{"a":1}', `"${'x'.repeat(10_000)}"`]) {
      const bytes = Buffer.from(withPayload(payload));
      const item = parse(bytes);
      bytes.fill(0);
      expect(Buffer.from(item.payload ?? []).toString()).toBe(payload);
    }
  });

  test('without a payload there is no body; null is the JSON text null', () => {
    expect(parse(withMembers('"entity":"a/1"'))).toMatchObject({ payload: undefined, contentType: undefined });
    expect(payloadOf(withPayload('null'))).toBe('null');
  });

  test('of another type is the text of a string, and the slice of anything else', () => {
    const text = (payload: string): string | undefined =>
      payloadOf(withMembers(`"contentType":"text/csv","payload":${payload}`));
    expect(text('"a;\\u00e6\\n"')).toBe('a;æ\n');
    expect(text('""')).toBe('');
    expect(text('{"a" :1}')).toBe('{"a" :1}');
    expect(refusal(() => text('"\\ud83e"')).message).toContain('surrogate');
    expect(text('"\\ud83e\\uded0"')).toBe('🫐');
  });

  test('a content-type header makes the type as well', () => {
    expect(payloadOf(withMembers('"headers":{"Content-Type":"text/csv"},"payload":"a"'))).toBe('a');
  });

  test('in base64 is any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const base64 = Buffer.from(bytes).toString('base64').replaceAll('/', '\\/');
        const members = `"contentType":"image/png","payloadEncoding":"base64","payload":"${base64}"`;
        expect(parse(withMembers(members)).payload).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('in base64 must be JSON where the type says JSON', () => {
    const line = (bytes: string): string =>
      withMembers(`"payloadEncoding":"base64","payload":"${Buffer.from(bytes).toString('base64')}"`);
    expect(payloadOf(line('{\n"a":1}'))).toBe('{\n"a":1}');
    expect(refusal(() => parse(line('{'))).message).toContain('not valid JSON');
  });

  test.each([
    ['"payloadEncoding":"hex","payload":"00"', 'payloadEncoding is not known'],
    ['"payloadEncoding":1,"payload":"00"', 'payloadEncoding is not known'],
    ['"payloadEncoding":"base64"', 'without a payload'],
    ['"payloadEncoding":"base64","payload":{}', 'payload is not a string'],
    ['"payloadEncoding":"base64","payload":"A"', 'payload is not base64'],
    ['"payloadBytes":12', 'payload is missing'],
  ])('%s is refused', (members, message) => {
    expect(refusal(() => parse(withMembers(members))).message).toContain(message);
  });

  test('may have a mebibyte, and 64 levels', () => {
    expect(payloadOf(withPayload(`"${'x'.repeat(1024 * 1024 - 2)}"`))).toHaveLength(1024 * 1024);
    expect(refusal(() => parse(withPayload(`"${'x'.repeat(1024 * 1024 - 1)}"`))).code).toBe('too-large');
    expect(payloadOf(withPayload('['.repeat(64) + ']'.repeat(64)))).toHaveLength(128);
    expect(refusal(() => parse(withPayload('['.repeat(65) + ']'.repeat(65)))).message).toContain('nested too deep');
  });
});

describe('the fields of a line', () => {
  test('are those of the item', () => {
    const line = {
      method: 'patch',
      url: 'https://staging.example.org/v1/people/1',
      target: 'staging',
      headers: { 'If-Match': '"7"' },
      payload: { a: 1 },
      contentType: 'application/merge-patch+json',
      entity: { type: 'person', id: '1' },
      operation: 'rename',
      key: 'k-1',
      delay: '5m',
      expiresAt: '2026-03-06T00:00:00.000Z',
      maxRetries: 3,
      tags: ['import'],
    };
    expect(parse(JSON.stringify(line))).toEqual({
      target: 'staging',
      method: 'PATCH',
      path: '/people/1',
      headers: { 'if-match': '"7"' },
      contentType: 'application/merge-patch+json',
      payload: Buffer.from('{"a":1}'),
      entity: { type: 'person', id: '1' },
      operation: 'rename',
      idempotencyKey: 'k-1',
      notBefore: { delayMs: 300_000 },
      expires: { at: Date.UTC(2026, 2, 6) },
      maxRetries: 3,
      tags: ['import'],
    });
  });

  test('of an exported item make an equal item', () => {
    const exported = {
      id: 1041,
      createdAt: '2026-03-01T00:00:00.000Z',
      operation: 'update',
      entity: { type: 'person', id: 'a/b' },
      target: 'https://other.example',
      method: 'PUT',
      path: '/x?y',
      headers: { 'x-a': '1' },
      contentType: 'text/plain',
      payload: 'blå',
      payloadBytes: 4,
      payloadSha256: 'ab',
      payloadGone: false,
      idempotencyKey: 'k:1',
      state: 'review',
      stateAt: '2026-03-01T00:00:00.000Z',
      revision: 2,
      notBefore: null,
      expiresAt: '2026-03-02T00:00:00.000Z',
      retryCount: 3,
      maxRetries: null,
      attemptCount: 3,
      attempts: [{ number: 1 }],
      lastError: { outcome: 'rejected' },
      reviewReason: 'rejected',
      completedAt: null,
      response: null,
      tags: [],
      due: false,
      waiting: null,
      waitingOn: null,
      blocked: null,
      held: null,
      why: 'it is so',
      duplicate: false,
    };
    expect(parse(JSON.stringify(exported))).toEqual({
      target: 'https://other.example',
      implicitBaseUrl: 'https://other.example',
      method: 'PUT',
      path: '/x?y',
      headers: { 'x-a': '1' },
      contentType: 'text/plain',
      payload: Buffer.from('blå'),
      entity: { type: 'person', id: 'a/b' },
      operation: 'update',
      idempotencyKey: 'k:1',
      notBefore: undefined,
      expires: { at: Date.UTC(2026, 2, 2) },
      maxRetries: undefined,
      tags: [],
    });
  });

  test('that are null count as missing', () => {
    const names = [
      'url',
      'target',
      'headers',
      'contentType',
      'entity',
      'operation',
      'key',
      'idempotencyKey',
      'delay',
      'tags',
    ];
    expect(parse(withMembers(names.map((name) => `"${name}":null`).join(',')))).toEqual(
      parse('{"method":"POST","path":"/x"}'),
    );
  });

  test('an entity id may be a whole number that survives a JSON parser', () => {
    expect(parse(withMembers('"entity":{"type":"a","id":42}')).entity).toEqual({ type: 'a', id: '42' });
    expect(refusal(() => parse(withMembers('"entity":{"type":"a","id":9007199254740993}'))).message).toContain(
      'entity id',
    );
  });

  test.each([
    ['"methd":"POST"', 'field "methd" is not known'],
    ['"__proto__":{}', 'field "__proto__" is not known'],
    ['"constructor":1', 'field "constructor" is not known'],
    ['"a\\u001b[2J":1', 'is not known'],
    ['"path":1', 'a member name is given twice'],
    ['"target":1', 'target is not a string'],
    ['"operation":["a"]', 'operation is not a string'],
    ['"delay":5', 'delay is not a string'],
    ['"delay":"5x"', 'delay: "5x" is not a duration'],
    ['"notBefore":1772712000000', 'notBefore is not a string'],
    ['"maxRetries":"3"', 'maxRetries is not a number'],
    ['"maxRetries":1e400', 'maxRetries is not a whole number'],
    ['"key":"a","idempotencyKey":"a"', 'key is given together with idempotencyKey'],
    ['"headers":[]', 'headers is not a JSON object'],
    ['"headers":{"a":1}', 'header "a" is not a string'],
    ['"headers":{"a":{"b":1}}', 'headers is not a JSON object: nested too deep'],
    ['"headers":{"a":"1","a":"2"}', 'given twice'],
    ['"headers":{"__proto__":"1"}', 'header "__proto__" is not allowed'],
    ['"headers":{"Cookie":"a=hunter2"}', 'credential'],
    ['"entity":1', 'entity is neither'],
    ['"entity":{"type":"a"}', 'entity id'],
    ['"entity":{"type":"a","id":"1","name":"x"}', 'unknown member "name"'],
    ['"tags":"a"', 'tags is not an array'],
    ['"tags":[1]', 'a tag is not a string'],
    ['"target":"constructor"', 'there is no target "constructor"'],
  ])('%s is refused, naming the field', (members, message) => {
    const error = refusal(() => parse(withMembers(members)));
    expect(error.message).toContain(message);
    // eslint-disable-next-line no-control-regex -- what a terminal would obey must not be in a message
    expect(error.message).not.toMatch(/hunter2|[\u0000-\u001f]/);
  });

  test('method and path must be there', () => {
    expect(refusal(() => parse('{}')).message).toBe('method is missing');
    expect(refusal(() => parse('{"method":"POST"}')).message).toBe('path is missing');
  });
});

describe('a bad line', () => {
  test.each([
    '[{"method":"POST"}]',
    '{"method":"POST",',
    'hunter2',
    '{"payload":hunter2}',
    '{"payload":"hunter2}',
    '{} {}',
    '"x"',
    '1',
    'null',
  ])('%j is refused with its place and a hint, and not repeated', (text) => {
    const error = refusal(() => parse(text));
    expect(error.code).toBe('bad-item');
    expect(error.message).toMatch(/^the line is not a JSON object: .* \(byte \d+\)$/);
    expect(error.hint).toContain('jq -c');
    expect(`${error.message}${error.hint ?? ''}`).not.toContain('hunter2');
  });

  test('in Latin-1 is not UTF-8', () => {
    expect(refusal(() => parse(Buffer.from(withPayload('"blå"'), 'latin1'))).message).toContain('not valid UTF-8');
  });

  test('too long is too large', () => {
    const line = { number: 7, bytes: new Uint8Array(0), tooLong: true };
    expect(refusal(() => parseBulkLine(line, context()))).toMatchObject({
      code: 'too-large',
      hint: 'raise limits.lineBytes in the config',
    });
  });

  test('of random bytes is refused or an item, never a crash', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '"method":',
      '"POST"',
      '"path":"/x"',
      ',',
      ':',
      '"payload":',
      '[',
      ']',
      '1',
      '"',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 12 }), (pieces) => {
        try {
          expect(parse(pieces.join('')).method).toBe('POST');
        } catch (error) {
          expect(error).toMatchObject({ name: 'QueueError' });
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['members', (n: number) => `{${Array.from({ length: n / 10 }, (_, i) => `"${i}":"x"`).join(',')}}`],
    ['nesting', (n: number) => withPayload('['.repeat(n))],
    ['key', (n: number) => withMembers(`"key":"${'a'.repeat(n)}"`)],
    ['path', (n: number) => `{"method":"POST","path":"/${'a/'.repeat(n / 2)}"}`],
    ['target', (n: number) => withMembers(`"target":"${'https://'.repeat(n / 8)}"`)],
    ['unknown field', (n: number) => withMembers(`"${'\\u0001'.repeat(n / 6)}":1`)],
    ['base64', (n: number) => withMembers(`"payloadEncoding":"base64","payload":"${'A='.repeat(n / 2)}"`)],
    ['time', (n: number) => withMembers(`"notBefore":"${'1'.repeat(n)}"`)],
    ['content type', (n: number) => withMembers(`"contentType":"a/b${';a=b'.repeat(n / 4)}","payload":1`)],
    ['tags', (n: number) => withMembers(`"tags":[${Array.from({ length: n / 10 }, (_, i) => `"t${i}"`).join(',')}]`)],
  ])('with a megabyte of %s is refused in linear time', (_name, make) => {
    const lines = new Map([250_000, 1_000_000].map((n) => [n, Buffer.from(make(n))]));
    expect(growth((n) => refusal(() => parse(lines.get(n) ?? '')), 250_000)).toBeLessThan(12);
  });
});
