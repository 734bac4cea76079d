import { expect, test } from '@jest/globals';

import type { Attempt, ItemDetail } from '../../src/core/nouns/item.js';
import type { HistoryEntry } from '../../src/core/index.js';
import type { Told } from '../../src/render/history.js';
import { storyDocument, storyLines } from '../../src/render/history.js';
import type { Look } from '../../src/render/style.js';
import { PLAIN_STYLE } from '../../src/render/style.js';

const NOW = new Date(2026, 10, 23, 12, 0).getTime();
const look = (columns: number): Look => ({
  terminal: true,
  columns,
  style: PLAIN_STYLE,
  now: NOW,
  suggest: (text) => text,
});
const PIPE: Look = { ...look(80), terminal: false };

const event = (more: Partial<HistoryEntry>): Told => ({
  kind: 'event',
  at: NOW,
  entry: {
    id: 1,
    at: NOW,
    item: undefined,
    target: undefined,
    who: 'kari',
    command: 'x',
    event: 'e',
    reason: undefined,
    detail: undefined,
    ...more,
  },
});
const attempt = (more: Partial<Attempt>): Told => ({
  kind: 'attempt',
  at: NOW,
  item: 7,
  target: 'api',
  attempt: {
    number: 2,
    startedAt: NOW,
    durationMs: 20,
    outcome: 'rejected',
    status: 422,
    message: 'no \x1b[2Jphone',
    counted: false,
    runner: 'watch 812@field-1',
    url: undefined,
    idempotencyKey: 'k',
    response: undefined,
    ...more,
  },
});

test.each([
  [{ item: 7, event: 'pending' }, 'put item 7 back in line'],
  [
    { item: 7, event: 'edited', detail: { fields: ['/phone'] }, reason: 'a typo' },
    'edited item 7 (/phone), with a new idempotency key: a typo',
  ],
  [
    { item: 7, event: 'edited', detail: { fields: [], lastOutcome: 'unknown' } },
    'edited item 7, with a new idempotency key, though the server may have it already',
  ],
  [
    { item: 7, event: 'discarded', detail: { lastOutcome: 'unknown' } },
    'discarded item 7, though the server may have it already',
  ],
  [{ item: 7, event: 'revealed' }, "looked at item 7's hidden values"],
  [{ item: 7, event: 'erased' }, 'erased what item 7 held'],
  [{ item: 7, event: 'something-new' }, 'something-new'],
  [{ target: 'api', event: 'paused', reason: 'release' }, 'paused api: release'],
  [{ target: 'api', event: 'renamed', detail: { from: 'old' } }, 'renamed api (it was old)'],
  [
    { target: 'api', event: 'accepted', detail: { from: 'https://a', to: null, delivered: true } },
    'accepted the new base URL of api (it was https://a)',
  ],
  [
    { target: 'api', event: 'moved', detail: { from: 'https://a', to: 'https://b', delivered: true } },
    'found another base URL for api (it was https://a)',
  ],
  [{ target: 'api', event: 'offline', reason: 'ECONNREFUSED' }, 'api is offline: ECONNREFUSED'],
  [{ event: 'pruned', command: 'prune', detail: { items: 3, payloads: 4 } }, 'pruned 3 items, 4 payloads (prune)'],
  [{ event: 'pruned', command: 'prune', detail: { items: 1, payloads: 1 } }, 'pruned 1 item, 1 payload (prune)'],
] as [Partial<HistoryEntry>, string][])('%j is told as: %s', (entry, words) => {
  expect(storyLines([event(entry)], PIPE, false)[0]!.split('\t')[3]).toBe(words);
});

test('of one item its number need not be said', () => {
  expect(storyLines([event({ item: 7, event: 'revealed' })], PIPE, true)[0]).toMatch(/\tlooked at its hidden values$/);
});

test.each([
  [{}, 'attempt 2: the server refused it (422, no \\x1b[2Jphone, after 20 ms)'],
  [{ message: '422 no' }, 'attempt 2: the server refused it (422 no, after 20 ms)'],
  [{ outcome: 'delivered', status: 200, message: 'OK' }, 'attempt 2: the server accepted it (200, after 20 ms)'],
  [{ outcome: 'delivered', status: 404 }, "attempt 2: the server's answer counts as done (404, after 20 ms)"],
  [
    { outcome: 'transient', status: 500, message: undefined, counted: true },
    'attempt 2: the server failed (500, after 20 ms, counted)',
  ],
  [{ outcome: undefined, status: undefined, durationMs: undefined }, 'attempt 2: under way'],
] as [Partial<Attempt>, string][])('an attempt %j is told as: %s', (more, words) => {
  expect(storyLines([attempt(more)], PIPE, true)[0]!.split('\t')[3]).toBe(words);
});

test('on a terminal the words are wrapped beside the time, on a narrow one below it', () => {
  const told = event({
    item: 7,
    event: 'discarded',
    reason: 'it was entered twice, once by the nurse and once by the doctor',
  });
  expect(storyLines([told], look(80), true)).toEqual([
    '2026-11-23 12:00:00  kari  discarded it: it was entered twice, once by the nurse',
    '                           and once by the doctor',
  ]);
  expect(storyLines([told], look(50), true)).toEqual([
    '2026-11-23 12:00:00  kari',
    '    discarded it: it was entered twice, once by',
    '    the nurse and once by the doctor',
  ]);
});

test('in JSON every entry says when, who, what, and its facts', () => {
  const stored: Told = {
    kind: 'stored',
    at: NOW,
    item: { id: 7, method: 'PUT', path: '/a', target: 'api' } as ItemDetail,
  };
  expect(
    storyDocument([stored, attempt({}), event({ item: 7, event: 'pending', reason: 'r', detail: { from: 'review' } })]),
  ).toMatchObject([
    { kind: 'stored', item: 7, target: 'api', what: 'stored it: PUT /a for api' },
    {
      kind: 'attempt',
      item: 7,
      number: 2,
      outcome: 'rejected',
      status: 422,
      idempotencyKey: 'k',
      runner: 'watch 812@field-1',
    },
    { kind: 'event', item: 7, who: 'kari', event: 'pending', reason: 'r', detail: { from: 'review' } },
  ]);
});
