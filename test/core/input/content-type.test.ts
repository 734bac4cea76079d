import { describe, expect, test } from '@jest/globals';

import { checkContentType, isJsonContentType } from '../../../src/core/input/content-type.js';
import { growth, refusal } from './context.js';

describe('checkContentType', () => {
  test.each([
    'application/json',
    'text/plain; charset=utf-8',
    'text/plain;charset="utf-8"',
    'application/vnd.api+json',
    'multipart/form-data; boundary="a b;c\\"d"',
    'text/plain ; a=b ; c=d',
  ])('%s is a media type', (text) => {
    expect(checkContentType(` ${text} `)).toBe(text);
  });

  test.each([
    '',
    'json',
    '/json',
    'text/',
    'text/plain/x',
    'text/plain;',
    'text/plain; charset',
    'text/plain; charset=',
    'text/plain; =x',
    'text/plain; a="b',
    'text/plain; a=b c=d',
    'text/plain, text/html',
    'text/plain\r\nX: y',
    'text/pläin',
    'text/plain; a="å"',
    `text/${'x'.repeat(256)}`,
  ])('%j is refused', (text) => {
    expect(refusal(() => checkContentType(text)).code).toBe('bad-item');
  });

  test.each(['; a=b', ' ', ';', '"', '; a="\\"'])('a megabyte of %j is refused in linear time', (piece) => {
    const work = (n: number): unknown => refusal(() => checkContentType(`a/b${piece.repeat(n / piece.length)}x y`));
    expect(growth(work, 250_000)).toBeLessThan(12);
  });
});

test.each([
  ['application/json', true],
  ['Application/JSON; charset=utf-8', true],
  ['text/json', true],
  ['application/problem+json ;x=y', true],
  ['application/json-seq', false],
  ['application/x-ndjson', false],
  ['application/jsonp', false],
  ['text/plain; a="application/json"', false],
  ['json', false],
])('%s is JSON: %s', (contentType, isJson) => {
  expect(isJsonContentType(contentType)).toBe(isJson);
});
