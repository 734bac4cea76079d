import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { isJsonContentType } from '../../src/core/input/content-type.js';
import { isJsonType, isoTime, jsonDocument, jsonLine, payloadFields, RawJson } from '../../src/render/json.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a document', () => {
  test('is indented by two and ends in a line feed', () => {
    expect(jsonDocument({ a: 1, list: [true, null], none: {}, nothing: [] })).toBe(
      '{\n  "a": 1,\n  "list": [\n    true,\n    null\n  ],\n  "none": {},\n  "nothing": []\n}\n',
    );
  });

  test('leaves out what is undefined, and writes null for a number JSON does not have', () => {
    expect(jsonLine({ a: undefined, b: Number.NaN, c: Infinity })).toBe('{"b":null,"c":null}\n');
  });

  test('reads back as what went in, whatever it was', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (json) => {
        const document = { value: JSON.parse(json) };
        expect(JSON.parse(jsonDocument(document))).toEqual(document);
        expect(JSON.parse(jsonLine(document))).toEqual(document);
      }),
    );
  });

  test('escapes what a terminal or a log reader would obey', () => {
    const text = 'a\x1b[2J\x9b2J\x7f\u202e\u2066\u2028\u2029\u200e\ud800\r\n';
    const line = jsonLine({ [text]: text });
    expect(line).toBe(
      `{${[0, 1].map(() => '"a\\u001b[2J\\u009b2J\\u007f\\u202e\\u2066\\u2028\\u2029\\u200e\\ud800\\r\\n"').join(':')}}\n`,
    );
    expect(JSON.parse(line)).toEqual({ [text]: text });
  });
});

describe('a payload', () => {
  const EXACT = '{ "id" : 9007199254740993, "x":1e400, "a":1, "a":2, "n":1.0 }';

  test('of JSON comes out byte by byte', () => {
    const document = jsonDocument({ id: 1, ...payloadFields(bytes(EXACT), 'application/json') });
    expect(document).toBe(`{\n  "id": 1,\n  "payload": ${EXACT}\n}\n`);
  });

  test('of JSON keeps even a raw control of the C1 range in a pipe, and shows it escaped on a terminal', () => {
    const fields = payloadFields(bytes('"\x9b2J"'), 'application/json');
    expect(jsonLine(fields)).toBe('{"payload":"\x9b2J"}\n');
    expect(jsonLine(fields, true)).toBe('{"payload":"\\u009b2J"}\n');
  });

  test.each([
    ['text/plain', 'a "b"\n', { payload: 'a "b"\n' }],
    ['text/csv; charset=utf-8', 'a;ü', { payload: 'a;ü' }],
    ['application/json', '{"broken"', { payload: 'eyJicm9rZW4i', payloadEncoding: 'base64' }],
    ['application/json', '', { payload: '', payloadEncoding: 'base64' }],
    ['application/json', '\ufeff{}', { payload: '77u/e30=', payloadEncoding: 'base64' }],
    ['text/plain', '\ufeffa', { payload: '\ufeffa' }],
  ])('of %s %j gives %j', (type, text, expected) => {
    expect(payloadFields(bytes(text), type)).toEqual(expected);
  });

  test('that is no UTF-8 is base64, whatever it calls itself', () => {
    const fields = { payload: '/w==', payloadEncoding: 'base64' };
    expect(payloadFields(Uint8Array.of(0xff), 'application/json')).toEqual(fields);
    expect(payloadFields(Uint8Array.of(0xff), 'text/plain')).toEqual(fields);
  });

  test('that is not there is no field, because null is a payload of four bytes', () => {
    expect(payloadFields(undefined, undefined)).toEqual({});
    expect(payloadFields(bytes('null'), 'application/json')).toEqual({ payload: new RawJson('null') });
  });

  test('of JSON with raw line breaks cannot be spliced into one line', () => {
    expect(payloadFields(bytes('{\n}'), 'application/json', { oneLine: true })).toEqual({
      payload: 'ewp9',
      payloadEncoding: 'base64',
    });
    expect(payloadFields(bytes('{\n}'), 'application/json').payload).toBeInstanceOf(RawJson);
  });

  test('of text survives with every bit, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = jsonLine(payloadFields(bytes(text), 'text/plain'));
        expect(JSON.parse(line)).toEqual({
          payload: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes(text)),
        });
      }),
    );
  });
});

test.each([
  'application/json',
  'Application/JSON; charset=utf-8',
  'text/json',
  'application/problem+json',
  'application/vnd.a.b+json;v=1',
  'application/jsonp',
  'application/json-seq',
  'text/plain',
  'text/plain; x=application/json',
  'text/plain; x=a+json',
  'json',
  ' application/json ',
])('what counts as JSON is the same for input and output: %j', (type) => {
  expect(isJsonType(type)).toBe(isJsonContentType(type));
});

test.each([
  [0, '1970-01-01T00:00:00.000Z'],
  [1_795_421_234_567, '2026-11-23T08:07:14.567Z'],
  [undefined, null],
  [9e15, null],
])('the time %p is %p', (at, expected) => {
  expect(isoTime(at)).toBe(expected);
});
