/** What the rules of `outcomes` make of the answers of real kinds of servers, and of answers that only look like them. */
import { describe, expect, test } from '@jest/globals';

import type { Method, Outcome } from '../../../src/core/nouns/item.js';
import { classify, type Classified, type EarlierAttempts } from '../../../src/core/send/classify.js';
import type { SendResult } from '../../../src/core/send/result.js';
import { rulesOf } from './support.js';

const now = Date.UTC(2026, 10, 6, 8, 49, 37);

interface Case {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  complete?: boolean;
  method?: Method;
  /** Headers of the item. */
  sent?: Record<string, string>;
  earlier?: EarlierAttempts;
}

const REPEAT: EarlierAttempts = { repeatOf: 1, hasEarlierKey: false };

function classified(outcomes: unknown, one: Case, targetHeaders: Record<string, string> = {}): Classified {
  const { status, body, headers = {}, complete = true, method = 'PUT', sent = {}, earlier = REPEAT } = one;
  const bytes = Buffer.from(typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body));
  const response = { status, headers, body: bytes, complete };
  const result: SendResult = { kind: 'response', durationMs: 5, redirectedTo: undefined, response };
  const target = {
    baseUrl: 'https://api.example.org',
    outcomes: rulesOf(outcomes),
    expect: undefined,
    headers: targetHeaders,
  };
  return classify(result, { method, headers: sent }, target, now, earlier);
}

function outcomeOf(outcomes: unknown, one: Case): Outcome {
  return classified(outcomes, one).outcome;
}

const FIRST: EarlierAttempts = { repeatOf: undefined, hasEarlierKey: false };
const PARSE = [{ status: 400, body: { '/code': 159 }, means: 'delivered' }];
const COUCH = [{ status: 409, body: { '/error': 'conflict' }, means: 'delivered' }];
const DIRECTUS = [
  { status: 400, body: { '/errors/0/extensions/code': 'RECORD_NOT_UNIQUE' }, means: 'delivered' },
  { status: '4xx', body: { '/errors/0/extensions/code': 'TOKEN_EXPIRED' }, means: 'auth' },
];
const NPM = [{ status: [403, 409], means: 'delivered' }];
const NPM_403 = { error: 'You cannot publish over the previously published versions: 1.0.0.' };
const STRIPE = [{ status: 409, body: { '/error/code': 'idempotency_key_in_use' }, means: 'transient' }];
const directus = (code: string): Case['body'] => ({ errors: [{ message: 'no', extensions: { code } }] });

describe('a server that has the write already', () => {
  test.each<[string, unknown, Case, Outcome]>([
    [
      'Parse: a duplicate request',
      PARSE,
      { status: 400, body: { code: 159, error: 'Duplicate request' } },
      'delivered',
    ],
    ['Parse: the number written another way', PARSE, { status: 400, body: '{"code":159.0}' }, 'delivered'],
    ['Parse: another error', PARSE, { status: 400, body: { code: 111 } }, 'rejected'],
    ['Parse: a text', PARSE, { status: 400, body: { code: '159' } }, 'rejected'],
    ['Parse: under another status', PARSE, { status: 409, body: { code: 159 } }, 'conflict'],
    ['CouchDB: its revision moved', COUCH, { status: 409, body: { error: 'conflict', reason: 'x' } }, 'delivered'],
    ['CouchDB: another host of the cluster fails', COUCH, { status: 409, body: { error: 'timeout' } }, 'conflict'],
    ['CalDAV: 412', { '412': 'delivered' }, { status: 412 }, 'conflict'],
    ['CalDAV: 412 by class', { '4xx': 'delivered' }, { status: 412 }, 'conflict'],
    ['CalDAV: 417', { '417': 'delivered' }, { status: 417 }, 'delivered'],
    ['Directus: not unique', DIRECTUS, { status: 400, body: directus('RECORD_NOT_UNIQUE') }, 'delivered'],
    ['Directus: no such field', DIRECTUS, { status: 400, body: directus('INVALID_PAYLOAD') }, 'rejected'],
    ['Directus: a token that expired', DIRECTUS, { status: 403, body: directus('TOKEN_EXPIRED') }, 'auth'],
    ['npm: 403', NPM, { status: 403, body: NPM_403 }, 'delivered'],
    ['npm: 409', NPM, { status: 409, body: { error: 'conflict' } }, 'delivered'],
    ['npm: 404', NPM, { status: 404 }, 'rejected'],
    ['an answer in 3xx', { '303': 'delivered' }, { status: 303, headers: { location: '/a' } }, 'delivered'],
    ['an answer in 5xx', { '500': 'delivered' }, { status: 500 }, 'delivered'],
    ['the object form', { '409': 'delivered' }, { status: 409 }, 'delivered'],
  ])('%s', (_what, outcomes, one, expected) => {
    expect(outcomeOf(outcomes, one)).toBe(expected);
    // To a first attempt nothing means delivered, and what means something else still does.
    const first = expected === 'delivered' ? classified([], one).outcome : expected;
    expect(outcomeOf(outcomes, { ...one, earlier: FIRST })).toBe(first);
  });

  test('keys that are still in progress are tried again, whatever the rules call delivered', () => {
    const busy: Case = { status: 409, headers: { 'retry-after': '1' }, body: { code: 'IN_PROGRESS' } };
    const rule = { status: 409, body: { '/code': 'IN_PROGRESS' }, means: 'delivered' };
    for (const outcomes of [{ '409': 'delivered' }, [rule], [{ ...rule, onlyRepeat: false }]]) {
      expect(classified(outcomes, busy)).toMatchObject({ outcome: 'transient', retryAfterMs: 1000 });
      expect(outcomeOf(outcomes, { ...busy, headers: { 'retry-after': 'soon' } })).toBe('conflict');
    }
    const stripe: Case = { status: 409, body: { error: { code: 'idempotency_key_in_use' } } };
    expect(outcomeOf(STRIPE, { ...stripe, earlier: FIRST })).toBe('transient');
  });
});

describe('delivered is passed over', () => {
  const WITHOUT = [{ status: '4xx', header: { 'x-replay': true }, means: 'delivered', onlyRepeat: false }];
  const answer: Case = { status: 409, headers: { 'x-replay': '1' } };

  test('"onlyRepeat": false lifts only the need of a repeat', () => {
    expect(outcomeOf(WITHOUT, { ...answer, earlier: FIRST })).toBe('delivered');
    expect(outcomeOf(WITHOUT, { ...answer, earlier: { repeatOf: undefined, hasEarlierKey: true } })).toBe('conflict');
    expect(outcomeOf(WITHOUT, { ...answer, earlier: FIRST, sent: { 'if-match': '"1"' } })).toBe('conflict');
    expect(outcomeOf(WITHOUT, { ...answer, earlier: FIRST, status: 412 })).toBe('conflict');
    expect(outcomeOf(WITHOUT, { ...answer, earlier: FIRST, headers: {} })).toBe('conflict');
    const busy = { ...answer.headers, 'retry-after': '1' };
    expect(outcomeOf(WITHOUT, { ...answer, earlier: FIRST, headers: busy })).toBe('transient');
  });

  test('where an attempt under an earlier key may have arrived', () => {
    expect(outcomeOf({ '409': 'delivered' }, { status: 409, earlier: { repeatOf: 3, hasEarlierKey: true } })).toBe(
      'conflict',
    );
  });

  test.each([
    'If-Match',
    'If-None-Match',
    'If-Unmodified-Since',
    'If-Modified-Since',
    'If-Range',
    'If-Schedule-Tag-Match',
    'If',
    'x-goog-if-generation-match',
  ])('where the request has a precondition: %s', (name) => {
    const outcomes = { '409': 'delivered' };
    for (const spelled of [name, name.toLowerCase()]) {
      expect(outcomeOf(outcomes, { status: 409, sent: { [spelled]: '*' } })).toBe('conflict');
      expect(classified(outcomes, { status: 409 }, { [spelled]: '*' }).outcome).toBe('conflict');
    }
  });

  test.each(['x-notify', 'x-iffy', 'gif', 'wolf-iframe'])('but not for the header %s', (name) => {
    expect(outcomeOf({ '409': 'delivered' }, { status: 409, sent: { [name]: '1' } })).toBe('delivered');
  });

  test('to the next rule, then to the table', () => {
    const outcomes = [
      { status: 409, means: 'delivered' },
      { status: 409, body: { '/later': true }, means: 'transient' },
    ];
    expect(outcomeOf(outcomes, { status: 409, body: { later: true } })).toBe('delivered');
    expect(outcomeOf(outcomes, { status: 409, body: { later: true }, earlier: FIRST })).toBe('transient');
    expect(outcomeOf(outcomes, { status: 409, body: { later: false }, earlier: FIRST })).toBe('conflict');
    expect(outcomeOf({ '4xx': 'rejected', '409': 'delivered' }, { status: 409, earlier: FIRST })).toBe('rejected');
  });

  test.each([404, 410])('DELETE answered %d is delivered without any rule, also the first time', (status) => {
    const one: Case = { status, method: 'DELETE', earlier: FIRST };
    expect(outcomeOf([], one)).toBe('delivered');
    expect(outcomeOf({ [status]: 'delivered' }, one)).toBe('delivered');
    expect(outcomeOf({ [status]: 'rejected' }, one)).toBe('rejected');
  });
});

describe('a rule about the body', () => {
  const body = (pointer: string, value: unknown): unknown => [
    { status: 422, body: { [pointer]: value }, means: 'conflict' },
  ];

  test.each<[string, unknown, unknown]>([
    ['/a/b', 'x', { a: { b: 'x' } }],
    ['/a/1', 2, { a: [1, 2] }],
    ['/0', true, [true]],
    ['/a~1b', 'x', { 'a/b': 'x' }],
    ['/a~0b', 'x', { 'a~b': 'x' }],
    ['/~01', 'x', { '~1': 'x' }],
    ['/', 'x', { '': 'x' }],
    ['/a//b', 'x', { a: { '': { b: 'x' } } }],
    ['', 'exists', 'exists'],
    ['/a', null, { a: null }],
    ['/a', false, { a: false }],
    ['/a', 0, '{"a":-0.0}'],
    ['/a', 1.5, '{"a":15e-1}'],
    ['/a', '', { a: '' }],
    ['/00', 1, { '00': 1 }],
    ['/a', 'å', '\ufeff{"a":"\\u00e5"}'],
  ])('%j has %j', (pointer, value, document) => {
    const text = pointer === '' ? JSON.stringify(document) : document;
    expect(outcomeOf(body(pointer, value), { status: 422, body: text })).toBe('conflict');
  });

  test.each<[string, unknown, unknown]>([
    ['/a', null, {}],
    ['/a/b', null, { a: null }],
    ['/length', 2, [1, 2]],
    ['/00', 1, [1]],
    ['/-', 1, [1]],
    ['/1', 1, [1]],
    ['/-1', 1, [1]],
    ['/constructor/name', 'Object', {}],
    ['/__proto__/__proto__', null, {}],
    ['/a/length', 3, { a: 'abc' }],
    ['/a', 'x', { a: ['x'] }],
    ['/a', 'X', { a: 'x' }],
    ['/a', 1, { a: '1' }],
    ['/a', 1, { a: true }],
    ['/a', false, { a: 0 }],
    ['/a', 9007199254740991, '{"a":9007199254740993}'],
    ['/a', 'x', ''],
    ['/a', 'x', 'a=x'],
    ['/a', 'x', '{"a":"x"'],
    ['/a', 'x', '{"a":"x"}{}'],
    ['', null, ''],
  ])('%j has not %j in %j', (pointer, value, document) => {
    expect(outcomeOf(body(pointer, value), { status: 422, body: document })).toBe('rejected');
  });

  test('never fits an unfinished or a compressed answer', () => {
    const one: Case = { status: 422, body: { a: 1 } };
    expect(outcomeOf(body('/a', 1), one)).toBe('conflict');
    expect(outcomeOf(body('/a', 1), { ...one, complete: false })).toBe('rejected');
    for (const coding of ['gzip', 'br', 'identity, gzip', 'GZIP', ''])
      expect(outcomeOf(body('/a', 1), { ...one, headers: { 'content-encoding': coding } })).toBe('rejected');
    expect(outcomeOf(body('/a', 1), { ...one, headers: { 'content-encoding': 'Identity' } })).toBe('conflict');
  });

  test('fits when every pointer does', () => {
    const both = [{ status: 422, body: { '/a': 1, '/b': 2 }, header: { 'X-C': '3' }, means: 'conflict' }];
    const fitting: Case = { status: 422, body: { a: 1, b: 2 }, headers: { 'x-c': ' 3 ' } };
    expect(outcomeOf(both, fitting)).toBe('conflict');
    expect(outcomeOf(both, { ...fitting, body: { a: 1 } })).toBe('rejected');
    expect(outcomeOf(both, { ...fitting, headers: {} })).toBe('rejected');
    expect(outcomeOf(both, { ...fitting, headers: { 'x-c': '30' } })).toBe('rejected');
    expect(outcomeOf(both, { ...fitting, status: 400 })).toBe('rejected');
  });
});

test('the ledger says which attempt the answer repeats', () => {
  const rule = { status: 409, body: { '/code': 1 }, means: 'delivered' };
  expect(classified({ '409': 'delivered' }, { status: 409, earlier: { repeatOf: 4 } }).message).toBe(
    'delivered: 409 to a repeat of attempt 4',
  );
  const first = classified([{ ...rule, onlyRepeat: false }], { status: 409, body: { code: 1 }, earlier: FIRST });
  expect(first.message).toBe('delivered (409)');
  expect(classified([], { status: 404, method: 'DELETE' }).message).toBe('delivered (404)');
  expect(classified({ '409': 'delivered' }, { status: 201 }).message).toBe('delivered (201)');
});
