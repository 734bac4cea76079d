import { Buffer } from 'node:buffer';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { changeJson, parsePointer, valueText, type JsonChange } from '../../../src/core/json/json-edit.js';

const DEPTH = 64;
const set = (pointer: string, value: string): JsonChange => ({ op: 'set', pointer, value });
const unset = (pointer: string): JsonChange => ({ op: 'unset', pointer });
const change = (text: string, ...changes: JsonChange[]): string =>
  Buffer.from(changeJson(Buffer.from(text), changes, DEPTH).bytes).toString();

describe('set', () => {
  test.each([
    ['{"a": 1.0, "b" : 9007199254740993}', '/a', '2', '{"a": 2, "b" : 9007199254740993}'],
    ['{"a":1,"x":1e400,"x":2}', '/a', '"é"', '{"a":"é","x":1e400,"x":2}'],
    [' { "a" : { "b" : [ 1 , 2 ] } } ', '/a/b/1', 'null', ' { "a" : { "b" : [ 1 , null ] } } '],
    ['{}', '/a', '1', '{"a":1}'],
    ['{ }', '/a', '1', '{"a":1 }'],
    ['{"a":1 }', '/b', '[]', '{"a":1,"b":[] }'],
    ['[]', '/0', '1', '[1]'],
    ['[1]', '/-', '2', '[1,2]'],
    ['[1]', '/1', '2', '[1,2]'],
    ['{"a/b":1,"~":2}', '/a~1b', '3', '{"a/b":3,"~":2}'],
    ['{"a/b":1,"~":2}', '/~0', '3', '{"a/b":1,"~":3}'],
    ['{"":{"":1}}', '//', '2', '{"":{"":2}}'],
    ['{"caf\\u00e9":1}', '/café', '2', '{"caf\\u00e9":2}'],
    ['{"a":1}', '', '[2]', '[2]'],
    [' 7 ', '', '8', ' 8 '],
    ['{"__proto__":1}', '/__proto__', '2', '{"__proto__":2}'],
  ])('in %s at %s to %s leaves every other byte: %s', (text, pointer, value, after) => {
    expect(change(text, set(pointer, value))).toBe(after);
  });

  test.each([
    ['{"a":1}', '/a/b', 'neither an object nor an array'],
    ['{"a":1}', '/b/c', 'nothing at /b'],
    ['[1]', '/3', 'not an index'],
    ['[1]', '/01', 'not an index'],
    ['[1]', '/x', 'not an index'],
    ['{"a":1,"a":2}', '/a', 'given twice'],
  ])('in %s at %s is refused: %s', (text, pointer, message) => {
    expect(() => change(text, set(pointer, '1'))).toThrow(message);
  });

  test('reports where the kind of a value changed', () => {
    const { kinds } = changeJson(Buffer.from('{"phone":"47OO","n":1}'), [set('/phone', '4700'), set('/n', '2')], DEPTH);
    expect(kinds).toEqual([{ pointer: '/phone', from: 'string', to: 'number' }]);
  });

  test('refuses a value that would nest too deep', () => {
    expect(() => change('{"a":1}', set('/a', `${'['.repeat(64)}${']'.repeat(64)}`))).toThrow('nested too deep');
  });
});

describe('unset', () => {
  test.each([
    ['{"a": 1, "b": 2, "c": 3}', '/a', '{"b": 2, "c": 3}'],
    ['{"a": 1, "b": 2, "c": 3}', '/b', '{"a": 1, "c": 3}'],
    ['{"a": 1, "b": 2, "c": 3}', '/c', '{"a": 1, "b": 2}'],
    ['{ "a": 1 }', '/a', '{  }'],
    ['[1, 2, 3]', '/1', '[1, 3]'],
    ['{"a":{"b":[{"c":1}]}}', '/a/b/0', '{"a":{"b":[]}}'],
  ])('in %s of %s leaves %s', (text, pointer, after) => {
    expect(change(text, unset(pointer))).toBe(after);
  });

  test.each([
    ['{"a":1}', '/b', 'nothing at /b'],
    ['[1]', '/-', 'nothing at /-'],
    ['{"a":1}', '', 'the whole payload'],
  ])('in %s of %s is refused: %s', (text, pointer, message) => {
    expect(() => change(text, unset(pointer))).toThrow(message);
  });
});

test('makes the changes one after the other', () => {
  expect(change('{"a":[]}', set('/a/-', '1'), set('/a/-', '{}'), set('/a/1/x', '"y"'), unset('/a/0'))).toBe(
    '{"a":[{"x":"y"}]}',
  );
});

test('messages name places, never values', () => {
  for (const bad of [set('/secret/x', '"hidden"'), unset('/nope')]) {
    expect(() => change('{"secret":"4711"}', bad)).toThrow(/^(?!.*(hidden|4711)).*nothing was changed/);
  }
});

describe('a typed value', () => {
  test.each([
    ['4799', '4799'],
    ['1.0', '1.0'],
    ['"4799"', '"4799"'],
    [' {"a":1} ', '{"a":1}'],
    ['null', 'null'],
    ['Kari', '"Kari"'],
    ['', '""'],
    ['0047', '"0047"'],
    ['say "hi"\n', '"say \\"hi\\"\\n"'],
  ])('%j is JSON where it is JSON, else a string: %s', (typed, text) => {
    expect(valueText(typed)).toBe(text);
  });
});

test.each(['a', '/a~2', '/~'])('%s is not a pointer', (pointer) => {
  expect(() => parsePointer(pointer)).toThrow('not a JSON Pointer');
});

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

test('set then read returns what was set and keeps everything else; unset removes it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.jsonValue(), (object, key, value) => {
      const text = JSON.stringify(object);
      const pointer = `/${escaped(key)}`;
      const after = change(text, set(pointer, JSON.stringify(value)));
      const expected = Object.entries({ ...object }).filter(([name]) => name !== key);
      const parsed = JSON.parse(after) as Record<string, unknown>;
      expect(parsed[key]).toEqual(JSON.parse(JSON.stringify(value)));
      expect(Object.entries(parsed).filter(([name]) => name !== key)).toEqual(
        Object.entries(JSON.parse(JSON.stringify(Object.fromEntries(expected))) as object),
      );
      expect(Object.keys(JSON.parse(change(after, unset(pointer))) as object)).not.toContain(key);
    }),
  );
});
