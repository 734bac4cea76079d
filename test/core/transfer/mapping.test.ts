import { expect, test } from '@jest/globals';

import { parseMapping } from '../../../src/core/transfer/foreign/mapping.js';

const FIELDS = { method: 'POST', path: '/a' };

test('a mapping may leave out everything but its key, the method and the path', () => {
  expect(parseMapping(JSON.stringify({ $schema: 'x', key: '{id}', fields: FIELDS }))).toEqual({
    table: undefined,
    order: [],
    key: '{id}',
    timeUnit: 'auto',
    skip: undefined,
    fields: FIELDS,
  });
});

test('a mapping chooses templates by a value', () => {
  const method = { from: '{op}', map: { add: 'POST' }, default: 'PUT' };
  expect(parseMapping(JSON.stringify({ key: '{id}', fields: { ...FIELDS, method } })).fields.method).toEqual(method);
});

test.each<[unknown, string]>([
  [{ fields: FIELDS }, 'mapping.key: is missing'],
  [{ key: 1, fields: FIELDS }, 'mapping.key: is a number; write a string'],
  [{ key: '{id}', fields: { method: 'POST' } }, 'mapping.fields.path: is missing'],
  [
    { key: '{id}', fields: { ...FIELDS, paylod: '{a}' } },
    'mapping.fields.paylod: there is no such name; did you mean payload?',
  ],
  [{ key: '{id}', field: FIELDS }, 'mapping.field: there is no such name; did you mean fields?'],
  [{ key: '{id}', fields: { ...FIELDS, method: { map: {} } } }, 'mapping.fields.method.from: is missing'],
  [{ key: '{id}', timeUnit: 'm', fields: FIELDS }, 'mapping.timeUnit: "m" is not one of auto, s, ms, us'],
])('a mapping is refused with the place of its mistake: %j', (document, message) => {
  expect(() => parseMapping(JSON.stringify(document))).toThrow(
    expect.objectContaining({ code: 'usage', message: `${message}; nothing was stored` }),
  );
});

test('a mapping that is not JSON is refused', () => {
  expect(() => parseMapping('{')).toThrow('the mapping is not valid JSON; nothing was stored');
});
