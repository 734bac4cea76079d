import { describe, expect, test } from '@jest/globals';

import { checkDraft, checkEntity, type Draft } from '../../../src/core/input/draft.js';
import type { NewItem } from '../../../src/core/nouns/item.js';
import { context, growth, NOW, refusal } from './context.js';

const make = (draft: Partial<Draft> = {}): NewItem => checkDraft({ method: 'POST', path: '/x', ...draft }, context());
const refused = (draft: Partial<Draft>): string => {
  const error = refusal(() => make(draft));
  expect(error.code).toBe('bad-item');
  return error.message;
};
const json = (text: string): Partial<Draft> => ({ payload: { kind: 'text', text } });

describe('checkDraft', () => {
  test('fills in the defaults of a minimal draft', () => {
    expect(make()).toEqual({
      target: 'production',
      method: 'POST',
      path: '/x',
      headers: {},
      contentType: undefined,
      payload: undefined,
      entity: undefined,
      operation: 'create',
      idempotencyKey: undefined,
      notBefore: undefined,
      expires: undefined,
      maxRetries: undefined,
      tags: [],
    });
  });

  test('keeps every field', () => {
    const item = make({
      method: 'patch',
      path: undefined,
      url: 'https://staging.example.org/v1/people/1?x',
      headers: [['If-Match', '"7"']],
      payload: { kind: 'bytes', bytes: Buffer.from('a,b\n') },
      contentType: 'text/csv',
      entity: 'person/1',
      operation: 'rename',
      idempotencyKey: 'k-1',
      delay: '5m',
      expires: '7d',
      maxRetries: 0,
      tags: ['import', 'import', 'Mars 5'],
    });
    expect(item).toEqual({
      target: 'staging',
      method: 'PATCH',
      path: '/people/1?x',
      headers: { 'if-match': '"7"' },
      contentType: 'text/csv',
      payload: Buffer.from('a,b\n'),
      entity: { type: 'person', id: '1' },
      operation: 'rename',
      idempotencyKey: 'k-1',
      notBefore: { delayMs: 300_000 },
      expires: { delayMs: 604_800_000 },
      maxRetries: 0,
      tags: ['import', 'Mars 5'],
    });
  });

  test('an implicit target brings its base URL', () => {
    expect(make({ path: 'https://other.example/a' })).toMatchObject({
      target: 'https://other.example',
      implicitBaseUrl: 'https://other.example',
      path: '/a',
    });
    expect(make()).not.toHaveProperty('implicitBaseUrl');
  });

  test.each([
    ['POST', 'create'],
    ['put', 'update'],
    ['Patch', 'update'],
    ['DELETE', 'delete'],
    ['get', 'get'],
    ['HEAD', 'head'],
    ['OPTIONS', 'options'],
  ])('%s is %s by default', (method, operation) => {
    expect(make({ method })).toMatchObject({ method: method.toUpperCase(), operation });
  });

  test.each(['TRACE', 'CONNECT', 'POSTED', '', 'PO ST', 'POST\r\n', 'ﬀ'])(
    'the method %j is refused, with the list',
    (method) => {
      const error = refusal(() => make({ method }));
      expect(error.code).toBe('bad-item');
      expect(error.hint).toContain('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
    },
  );

  test('refuses path together with url', () => {
    expect(refused({ path: undefined })).toBe('path is missing');
    expect(refused({ url: 'https://other.example' })).toContain('together with path');
    expect(refused({ path: undefined, url: '/x' })).toContain('not absolute');
    expect(refused({ path: undefined, url: 'other.example/x' })).toContain('not absolute');
  });

  test('the idempotency header is that of the target', () => {
    expect(make({ headers: [['X-Request-Id', 'a']] }).headers).toEqual({ 'x-request-id': 'a' });
    expect(refused({ target: 'staging', headers: [['X-Request-Id', 'a']] })).toContain('idempotency key');
  });

  test('target errors keep their codes', () => {
    expect(refusal(() => make({ target: 'prod' })).code).toBe('unknown-target');
    const noDefault = context({ defaultTarget: undefined });
    expect(refusal(() => checkDraft({ method: 'POST', path: '/x' }, noDefault)).code).toBe('no-target');
  });

  test.each(['', 'a b', 'x'.repeat(65), 'a/b', 'å', 'a\n'])('the operation %j is refused', (operation) => {
    expect(refused({ operation })).toBe('operation is not a name');
  });

  test.each([-1, 1001, 0.5, Number.NaN, Infinity])('%d retries are refused', (maxRetries) => {
    expect(refused({ maxRetries })).toContain('0 to 1000');
  });

  test.each(['', ' a', 'a ', 'a\nb', 'x'.repeat(65), '\u202eabc', 'a\ufeffb', 'a\u0085', '\ud800'])(
    'the tag %j is refused',
    (tag) => {
      expect(refused({ tags: ['ok', tag] })).toContain('a tag');
    },
  );

  test('32 different tags pass, 33 do not', () => {
    const tags = Array.from({ length: 33 }, (_, i) => `t${i}`);
    expect(make({ tags: [...tags.slice(1), 't1'] }).tags).toHaveLength(32);
    expect(refused({ tags })).toContain('more than 32');
  });

  test('a bad key is refused', () => {
    expect(refused({ idempotencyKey: 'a b' })).toContain('idempotencyKey');
  });
});

describe('times of a draft', () => {
  test('a delay counts from storing, a time is a time', () => {
    expect(make({ delay: 1500 }).notBefore).toEqual({ delayMs: 1500 });
    expect(make({ at: 'now' }).notBefore).toEqual({ at: NOW });
    expect(make({ notBefore: '2026-03-06T00:00Z' }).notBefore).toEqual({ at: Date.UTC(2026, 2, 6) });
    expect(make({ notBefore: NOW }).notBefore).toEqual({ at: NOW });
    expect(make({ expiresAt: '2026-03-06T00:00Z' }).expires).toEqual({ at: Date.UTC(2026, 2, 6) });
  });

  test('accepts a time in the past, so that a repeated command finds the item it stored', () => {
    expect(make({ notBefore: '2020-01-01', expiresAt: '2020-01-02' })).toMatchObject({
      expires: { at: expect.any(Number) },
    });
  });

  test.each<[Partial<Draft>, string]>([
    [{ delay: '5x' }, 'delay: "5x" is not a duration'],
    [{ expires: '4000d' }, 'expires: "4000d" is longer than ten years'],
    [{ delay: -1 }, 'delay is not a whole number of milliseconds'],
    [{ delay: 0.5 }, 'delay is not a whole number of milliseconds'],
    [{ at: 'whenever' }, 'at: "whenever" is not a time'],
    [{ at: 'yesterday' }, 'at: "yesterday" is already past'],
    [{ notBefore: 'tomorrow' }, 'notBefore is not a time'],
    [{ notBefore: '2026-02-30' }, 'this date does not exist'],
    [{ notBefore: Number.NaN }, 'notBefore is not a time'],
    [{ expiresAt: 'now' }, 'expiresAt is not a time'],
    [{ delay: '5m', at: 'now' }, 'together with a due time'],
    [{ delay: '5m', notBefore: NOW }, 'together with a due time'],
    [{ expires: '5m', expiresAt: NOW }, 'together with expiresAt'],
  ])('%j is refused', (draft, message) => {
    expect(refused(draft)).toContain(message);
  });
});

describe('checkEntity', () => {
  test.each([
    ['activity/42', { type: 'activity', id: '42' }],
    ['file/a/b/', { type: 'file', id: 'a/b/' }],
    ['person/Bjørn Åse 👩‍🌾', { type: 'person', id: 'Bjørn Åse 👩‍🌾' }],
  ])('%s', (text, entity) => {
    expect(checkEntity(text)).toEqual(entity);
    expect(checkEntity(entity)).toEqual(entity);
  });

  test.each<string | { type: string; id: string }>([
    'activity',
    '',
    '/42',
    'activity/',
    'activity/ 42',
    'activity/42\n',
    'act\u001b[2Jivity/42',
    'activity/\u202e42',
    'activity/\ud800',
    `activity/${'x'.repeat(257)}`,
    `${'x'.repeat(257)}/1`,
    { type: 'a/b', id: '1' },
    { type: '', id: '1' },
  ])('%j is refused', (entity) => {
    const error = refusal(() => checkEntity(entity));
    expect(error.code).toBe('bad-item');
    expect(error.message).toMatch(/^entity/);
  });

  test('a megabyte of slashes or blanks is refused in linear time', () => {
    expect(growth((n) => refusal(() => checkEntity('/'.repeat(n))), 250_000)).toBeLessThan(12);
    expect(growth((n) => refusal(() => checkEntity(`a/${' '.repeat(n)}b`)), 250_000)).toBeLessThan(12);
  });
});

describe('the payload of a draft', () => {
  test('is JSON by default, and kept as it is spelled', () => {
    const text = ' {"n":1e400, "n":9007199254740993,"s":"\\ud800"}\r\n';
    expect(make(json(text))).toMatchObject({ contentType: 'application/json', payload: Buffer.from(text) });
  });

  test('is a copy, so that the caller may reuse its buffer', () => {
    const bytes = Buffer.from('{"a":1}');
    const { payload } = make({ payload: { kind: 'bytes', bytes } });
    bytes.fill(0);
    expect(payload).toEqual(Buffer.from('{"a":1}'));
  });

  test.each(['{"a":hunter2}', '', '{"hunter2":1', '\ufeff{}', '{} {}', 'hunter2'])(
    '%j is no JSON, refused, not repeated',
    (text) => {
      const error = refusal(() => make(json(text)));
      expect(error.code).toBe('bad-item');
      expect(`${error.message}${error.hint ?? ''}`).not.toContain('hunter2');
      expect(refused({ ...json(text), contentType: 'application/vnd.api+json' })).toContain('not valid JSON');
    },
  );

  test('of another type may be anything, also empty', () => {
    for (const text of ['{', '', 'æ\0']) {
      expect(make({ ...json(text), contentType: 'text/plain' }).payload).toEqual(Buffer.from(text));
    }
    const bytes = Uint8Array.from([0xff, 0, 0xed, 0xa0]);
    const item = make({ payload: { kind: 'bytes', bytes }, contentType: 'application/octet-stream' });
    expect(item.payload).toEqual(Buffer.from(bytes));
  });

  test('may be nested 64 levels and not 65', () => {
    const nested = (levels: number): Partial<Draft> => json('['.repeat(levels) + ']'.repeat(levels));
    expect(make(nested(64)).payload).toHaveLength(128);
    expect(refused(nested(65))).toContain('nested too deep');
    expect(refused(nested(500_000))).toContain('nested too deep');
  });

  test('may have a mebibyte and not a byte more', () => {
    const limit = 1024 * 1024;
    for (const kind of ['text', 'bytes', 'base64'] as const) {
      const sized = (size: number): Partial<Draft> => {
        const bytes = Buffer.alloc(size, 0x31);
        if (kind === 'bytes') return { payload: { kind, bytes } };
        return { payload: { kind, text: bytes.toString(kind === 'text' ? 'latin1' : 'base64') } };
      };
      expect(make(sized(limit)).payload).toHaveLength(limit);
      const error = refusal(() => make(sized(limit + 1)));
      expect([error.code, error.message]).toEqual(['too-large', 'payload is larger than 1048576 bytes']);
      expect(error.hint).toMatch(/^raise limits\.payloadBytes in the config, or send large files another way/);
    }
  });

  test('the content type comes from the field or the header, and both must agree', () => {
    const headers: [string, string][] = [['Content-Type', 'text/csv']];
    expect(make({ ...json('a'), headers })).toMatchObject({ contentType: 'text/csv', headers: {} });
    expect(make({ ...json('a'), headers, contentType: 'text/csv' })).toMatchObject({ contentType: 'text/csv' });
    expect(refused({ ...json('a'), headers, contentType: 'text/plain' })).toContain('differs');
  });

  test('a missing payload has no content type', () => {
    expect(refused({ contentType: 'text/csv' })).toContain('without a payload');
    expect(refused({ headers: [['content-type', 'application/json']] })).toContain('without a payload');
  });

  test.each(['GET', 'head'])('%s has none', (method) => {
    expect(refused({ method, ...json('{}') })).toContain('cannot be sent with');
  });

  test('half a surrogate pair has no bytes', () => {
    expect(refused({ ...json('a\ud800'), contentType: 'text/plain' })).toContain('surrogate');
  });

  test.each(['AA', 'AA=', 'AA==\n', 'A A=', 'AB==', '_-==', 'AAAA====', 'A'])('%j is not base64', (text) => {
    expect(refused({ payload: { kind: 'base64', text }, contentType: 'text/plain' })).toContain('is not base64');
  });
});
