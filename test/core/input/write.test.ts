import { describe, expect, test } from '@jest/globals';

import { checkDraft } from '../../../src/core/input/draft.js';
import { checkWrites, readWrite } from '../../../src/core/input/write.js';
import type { NewItem } from '../../../src/core/nouns/item.js';
import { context, refusal } from './context.js';

const make = (fields: Record<string, unknown>): NewItem =>
  checkDraft(readWrite({ method: 'POST', path: '/x', ...fields }), context());
const refused = (fields: Record<string, unknown>): string => {
  const error = refusal(() => make(fields));
  expect(error.code).toBe('bad-item');
  return error.message;
};
const circle: Record<string, unknown> = { password: 'hunter2' };
circle['self'] = circle;

describe('a write of a program', () => {
  test.each([undefined, null, 5, 'POST /x', [], () => 1])('that is %p is no write', (given) => {
    const error = refusal(() => readWrite(given));
    expect([error.code, error.message]).toEqual(['bad-item', 'the write is not an object']);
    expect(error.hint).toContain('enqueue({ method:');
  });

  test('without a method, or without a path, says which', () => {
    expect(refusal(() => readWrite({})).message).toBe('method is missing');
    expect(refused({ path: undefined })).toBe('path is missing');
  });

  test.each([
    ['method', 5, 'method is not a string'],
    ['method', null, 'method is not a string'],
    ['path', 7, 'path is not a string'],
    ['path', new URL('https://a.example'), 'path is not a string'],
    ['target', 7, 'target is not a string'],
    ['target', null, 'target is not a string'],
    ['contentType', 7, 'contentType is not a string'],
    ['operation', 7, 'operation is not a string'],
    ['idempotencyKey', 1041, 'idempotencyKey is not a string'],
    ['idempotencyKey', null, 'idempotencyKey is not a string'],
    ['idempotencyKey', 1041n, 'idempotencyKey is not a string'],
    ['entity', 7, 'entity is neither a string nor an object with type and id'],
    ['entity', null, 'entity is neither a string nor an object with type and id'],
    ['entity', ['a', '1'], 'entity is neither a string nor an object with type and id'],
    ['entity', { type: 'a', id: 1 }, 'entity id is not a string'],
    ['entity', { type: 1, id: '1' }, 'entity type is not a string'],
    ['entity', { id: '1' }, 'entity type is not a string'],
    ['entity', { type: 'a', id: '1', name: 'x' }, 'entity has an unknown member "name"'],
    ['tags', 'abc', 'tags is not an array of strings'],
    ['tags', new Set(['a']), 'tags is not an array of strings'],
    ['tags', ['a', 7], 'a tag is not a string'],
    // eslint-disable-next-line no-sparse-arrays -- what is refused
    ['tags', ['a', , 'b'], 'a tag is not a string'],
    ['maxRetries', '3', 'maxRetries is not a whole number from 0 to 1000'],
    ['maxRetries', null, 'maxRetries is not a whole number from 0 to 1000'],
    ['delay', null, 'delay is not a whole number of milliseconds from 0 to ten years'],
    ['delay', new Date(), 'delay is not a whole number of milliseconds from 0 to ten years'],
    ['at', 5, 'at is not a string'],
    ['notBefore', new Date(), 'notBefore is not a time'],
    ['notBefore', true, 'notBefore is not a time'],
    ['expires', {}, 'expires is not a whole number of milliseconds from 0 to ten years'],
    ['expiresAt', [], 'expiresAt is not a time'],
  ])('with %s %p is refused', (field, value, message) => {
    expect(refused({ [field]: value })).toBe(message);
  });

  test('url is checked as path is', () => {
    expect(refused({ path: undefined, url: new URL('https://a.example') })).toBe('url is not a string');
  });

  test.each([
    ['jsn', 'json'],
    ['Method', 'method'],
    ['key', 'idempotencyKey'],
    ['data', 'json'],
    ['payload', 'json'],
    ['idempotencykey', 'idempotencyKey'],
  ])('with a field %s is refused and suggests %s', (name, near) => {
    const error = refusal(() => make({ [name]: 'hunter2' }));
    expect(error).toMatchObject({ code: 'bad-item', message: `field "${name}" is not known` });
    expect(error.hint).toContain(
      `did you mean ${near}? known fields: method path url target headers json body contentType`,
    );
    expect(error.hint).not.toContain('hunter2');
  });

  test('treats an undefined field as missing', () => {
    expect(make({ entity: undefined, tags: undefined, body: undefined })).toEqual(make({}));
  });

  test('is read once: what a getter answers later makes no difference', () => {
    let asked = 0;
    const write = {
      method: 'POST',
      path: '/x',
      get idempotencyKey(): unknown {
        return asked++ === 0 ? 'k' : 5;
      },
    };
    expect(readWrite(write).idempotencyKey).toBe('k');
  });
});

describe('the headers of a write', () => {
  test.each<[string, unknown]>([
    ['an object', { 'X-A': 'b', 'x-c': 'd' }],
    [
      'pairs',
      [
        ['x-a', 'b'],
        ['x-c', 'd'],
      ],
    ],
    [
      'a Map',
      new Map([
        ['x-a', 'b'],
        ['x-c', 'd'],
      ]),
    ],
    ['a Headers', new Headers({ 'x-a': 'b', 'x-c': 'd' })],
    ['an object without a prototype', Object.assign(Object.create(null), { 'x-a': 'b', 'x-c': 'd' })],
  ])('may be %s', (_name, headers) => {
    expect(make({ headers }).headers).toEqual({ 'x-a': 'b', 'x-c': 'd' });
  });

  test.each<[unknown, string]>([
    ['x-a: b', 'headers is neither an object of strings nor a list of [name, value]'],
    [null, 'headers is neither an object of strings nor a list of [name, value]'],
    [7, 'headers is neither an object of strings nor a list of [name, value]'],
    [new Date(), 'headers is neither an object of strings nor a list of [name, value]'],
    [['x-a: b'], 'headers holds something that is not [name, value]'],
    [[['x-a']], 'headers holds something that is not [name, value]'],
    [{ 'x-a': 5 }, 'header "x-a" is not a string'],
    [{ 'x-a': ['hunter2'] }, 'header "x-a" is not a string'],
    [[['x-a', undefined]], 'header "x-a" is not a string'],
    [{ authorization: 'hunter2' }, 'header "authorization" would put a credential into the queue file'],
  ])('%p are refused', (headers, message) => {
    expect(refused({ headers })).toBe(message);
  });
});

describe('the payload of a write', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ json: { a: [1, null] } }, '{"a":[1,null]}'],
    [{ json: null }, 'null'],
    [{ json: 0 }, '0'],
    [{ json: '' }, '""'],
    [{ body: '{"n":1.0}' }, '{"n":1.0}'],
    [{ body: Uint8Array.of(0x31) }, '1'],
    [{ json: undefined, body: '2' }, '2'],
  ])('%j is sent', (fields, text) => {
    expect(Buffer.from(make(fields).payload!).toString()).toBe(text);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['json beside body', { json: 1, body: '2' }, 'body is given together with json'],
    ['undefined', { json: undefined }, 'json is undefined'],
    ['a function', { json: () => 1 }, 'json has no JSON text'],
    ['a symbol', { json: Symbol('hunter2') }, 'json has no JSON text'],
    ['what writes itself as nothing', { json: { toJSON: () => undefined } }, 'json has no JSON text'],
    ['a BigInt', { json: { n: 5n } }, 'json cannot be written as JSON'],
    ['a circle', { json: circle }, 'json cannot be written as JSON'],
    ['a number as body', { body: 5 }, 'body is neither a string nor a Uint8Array'],
    ['an object as body', { body: { password: 'hunter2' } }, 'body is neither a string nor a Uint8Array'],
    ['an array of floats as body', { body: new Float64Array(1) }, 'body is neither a string nor a Uint8Array'],
  ])('%s is refused, and not repeated', (_name, fields, message) => {
    const error = refusal(() => make(fields));
    expect([error.code, error.message]).toEqual(['bad-item', message]);
    expect(`${error.message}${error.hint ?? ''}`).not.toContain('hunter2');
  });
});

describe('many writes', () => {
  test('are a list', () => {
    for (const given of [undefined, {}, 'abc', new Set()]) {
      expect(refusal(() => checkWrites(given, context()))).toMatchObject({
        code: 'usage',
        message: 'writes is not a list',
      });
    }
  });

  test('name the index of the one that is refused', () => {
    const good = { method: 'POST', path: '/x' };
    expect(checkWrites([good, good], context())).toHaveLength(2);
    const error = refusal(() => checkWrites([good, { ...good, tags: 'abc' }], context()));
    expect(error).toMatchObject({
      code: 'bad-item',
      message: 'writes[1]: tags is not an array of strings; nothing was stored',
    });
    // eslint-disable-next-line no-sparse-arrays -- what is refused
    expect(refusal(() => checkWrites([good, , good], context())).message).toContain('writes[1]: the write is not');
  });
});
