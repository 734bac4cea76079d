import { createHash } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { contentDigest, type Content } from '../../../src/core/input/content-digest.js';
import type { NewItem } from '../../../src/core/nouns/item.js';

const ITEM: NewItem = {
  target: 'production',
  method: 'POST',
  path: '/x',
  headers: { a: '1', b: '2' },
  contentType: 'application/json',
  payload: Buffer.from('{"a":1}'),
  entity: { type: 'activity', id: '42' },
  operation: 'create',
  idempotencyKey: 'k',
  notBefore: undefined,
  expires: undefined,
  maxRetries: undefined,
  tags: [],
};

const sameContent = (a: Content, b: Content): boolean => contentDigest(a).equals(contentDigest(b));

describe('contentDigest', () => {
  test.each<[string, Partial<NewItem>]>([
    ['another order of headers', { headers: { b: '2', a: '1' } }],
    ['another due time', { notBefore: { delayMs: 5 } }],
    ['another deadline', { expires: { at: 5 } }],
    ['other retries', { maxRetries: 3 }],
    ['other tags', { tags: ['x'] }],
    ['the same bytes in another kind of array', { payload: new TextEncoder().encode('{"a":1}') }],
  ])('%s makes no difference', (_name, change) => {
    expect(sameContent(ITEM, { ...ITEM, ...change })).toBe(true);
  });

  test.each<[string, Partial<NewItem>]>([
    ['target', { target: 'staging' }],
    ['method', { method: 'PUT' }],
    ['path', { path: '/y' }],
    ['a header', { headers: { a: '1' } }],
    ['the value of a header', { headers: { a: '1', b: '3' } }],
    ['content type', { contentType: 'text/json' }],
    ['the spelling of the payload', { payload: Buffer.from('{"a": 1}') }],
    ['an empty payload', { payload: Buffer.alloc(0) }],
    ['no payload', { payload: undefined }],
    ['entity', { entity: { type: 'activity', id: '43' } }],
    ['the border inside the entity', { entity: { type: 'activity4', id: '2' } }],
    ['no entity', { entity: undefined }],
    ['operation', { operation: 'update' }],
  ])('%s makes a difference', (_name, change) => {
    expect(sameContent(ITEM, { ...ITEM, ...change })).toBe(false);
  });

  test('the hash of a payload stands for it when the bytes are gone', () => {
    const payloadSha256 = createHash('sha256').update('{"a":1}').digest('hex');
    const { payload: _gone, ...rest } = ITEM;
    expect(sameContent(ITEM, { ...rest, payloadSha256 })).toBe(true);
    expect(sameContent(ITEM, { ...rest, payloadSha256: undefined })).toBe(false);
    expect(sameContent({ ...ITEM, payload: undefined }, { ...rest, payloadSha256: undefined })).toBe(true);
  });
});

test('a digest has 32 bytes', () => {
  expect(contentDigest(ITEM)).toHaveLength(32);
});
