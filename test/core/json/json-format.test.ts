import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { compactJson, prettyJson } from '../../../src/core/json/json-format.js';

test('numbers, escapes and repeated names keep their spelling', () => {
  const text = '{"n":9007199254740993,"x":1e400,"x":-0.0,"s":"\\u00e9 \\" , : {"}';
  expect(prettyJson(text)).toBe(
    '{\n  "n": 9007199254740993,\n  "x": 1e400,\n  "x": -0.0,\n  "s": "\\u00e9 \\" , : {"\n}',
  );
  expect(compactJson(prettyJson(text))).toBe(text);
});

test('empty objects and arrays stay on their line', () => {
  expect(prettyJson('{"a":{},"b":[ ],"c":[[]]}')).toBe('{\n  "a": {},\n  "b": [],\n  "c": [\n    []\n  ]\n}');
});

test('pretty text is that of JSON.stringify, and compact text too', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(prettyJson(text)).toBe(JSON.stringify(JSON.parse(text), undefined, 2));
      expect(compactJson(prettyJson(text))).toBe(text);
    }),
  );
});
