import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { describe, expect, test } from '@jest/globals';

import { isQueueError, openQueue } from '../../../src/core/index.js';
import type { CommandQueue } from '../../../src/core/queue/queue.js';
import { testQueue } from '../../support/queue.js';
import { tempDirectory } from '../../support/temp.js';

/** A queue as a program in plain JavaScript sees it. */
type Untyped = { [K in keyof CommandQueue]: any };
const TARGETS = { api: { baseUrl: 'http://127.0.0.1:1' } };
const BY = { who: 'Kari', command: 'test', reason: undefined };
const open = (): Untyped => testQueue(TARGETS).queue;
const write = (more: Record<string, unknown> = {}): any => ({ method: 'PUT', path: '/a', json: 1, ...more });

/** What the call is refused with, as `CODE MESSAGE`; also of one that throws at once. */
async function refusalOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (isQueueError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'was not refused';
}

describe('ifQueued', () => {
  test.each(['Replace', '', 'drop', null, true])('%j is refused, and the write that waits stays', async (ifQueued) => {
    const queue = open();
    const { id } = await queue.enqueue(write({ entity: 'e/1' }));
    expect(await refusalOf(() => queue.enqueue(write({ entity: 'e/1', json: 2 }), { ifQueued }))).toContain(
      'usage options.ifQueued: ',
    );
    expect((await queue.list()).items).toMatchObject([{ id, state: 'pending' }]);
  });

  test.each(['keep', 'replace'])('%s needs an entity', async (ifQueued) => {
    const queue = open();
    const message = `usage options.ifQueued: ${ifQueued} needs a write with an entity`;
    expect(await refusalOf(() => queue.enqueue(write(), { ifQueued }))).toBe(message);
    expect((await queue.list()).items).toEqual([]);
    expect(await queue.enqueue(write({ entity: 'e/1' }), { ifQueued })).toMatchObject({ duplicate: false });
  });

  test.each<[unknown, string]>([
    ['replace', 'options: is a string; write { … }'],
    [null, 'options: is null; write { … }'],
    [{ ifqueued: 'keep' }, 'options.ifqueued: there is no such name; did you mean ifQueued?'],
  ])('%j as options is refused', async (options, message) => {
    expect(await refusalOf(() => open().enqueue(write({ entity: 'e/1' }), options))).toBe(`usage ${message}`);
  });

  test('append is what no options mean', async () => {
    const queue = open();
    for (const options of [undefined, {}, { ifQueued: undefined }, { ifQueued: 'append' }]) {
      expect(await queue.enqueue(write(), options)).toMatchObject({ duplicate: false });
    }
  });
});

describe('a key', () => {
  test('that is a number is refused, not stored as another', async () => {
    const queue = open();
    const refused = 'bad-item idempotencyKey is not a string';
    expect(await refusalOf(() => queue.enqueue(write({ idempotencyKey: 1041 })))).toBe(refused);
    expect(await refusalOf(() => queue.findKey(1041))).toBe('usage key: is a number; it must be a string');
    expect((await queue.list()).items).toEqual([]);
  });

  test('that two writes of one call have is told by their indexes', async () => {
    const queue = open();
    const writes = [write(), write({ idempotencyKey: 'k1' }), write(), write({ idempotencyKey: 'k1', json: 2 })];
    expect(await refusalOf(() => queue.enqueueMany(writes))).toBe(
      'key-conflict writes[3]: the key k1 already belongs to writes[1], which has other content; nothing was stored',
    );
    expect((await queue.list()).items).toEqual([]);
  });

  test('that an item has is told by its id', async () => {
    const queue = open();
    const { id } = await queue.enqueue(write({ idempotencyKey: 'k1' }));
    expect(await refusalOf(() => queue.enqueueMany([write(), write({ idempotencyKey: 'k1', json: 2 })]))).toBe(
      `key-conflict writes[1]: the key k1 already belongs to item ${id}, which has other content; nothing was stored`,
    );
    const same = await queue.enqueueMany([write({ idempotencyKey: 'k1' }), write({ idempotencyKey: 'k1' })]);
    expect(same).toMatchObject([
      { id, duplicate: true },
      { id, duplicate: true },
    ]);
  });
});

describe('a call with what it does not take', () => {
  test.each<[string, (queue: Untyped) => unknown, string]>([
    ['enqueue()', (q) => q.enqueue(), 'bad-item the write is not an object'],
    ['enqueue({})', (q) => q.enqueue({}), 'bad-item method is missing'],
    ['enqueueMany({})', (q) => q.enqueueMany({}), 'usage writes is not a list'],
    [
      'enqueueFrom([])',
      (q) => q.enqueueFrom([], { stream: 1 }),
      'usage options.stream: is a number; it must be true or false',
    ],
    [
      'enqueueFrom(5)',
      (q) => q.enqueueFrom(5),
      'usage source: is neither a file name nor an iterable of bytes or lines; nothing was stored',
    ],
    [
      'enqueueFrom of numbers',
      (q) => q.enqueueFrom([5]),
      'usage source: gives a value of type number; give bytes (Uint8Array), or lines as strings; nothing was stored',
    ],
    ['inspect(5)', (q) => q.inspect(5), 'usage ids: is a number; write a list of ids [ … ]'],
    [
      'inspect of words',
      (q) => q.inspect([1, 'x']),
      'usage ids[1]: "x" is not a whole number from 1 to 9007199254740991',
    ],
    [
      'list of states',
      (q) => q.list({ states: ['nope'] }),
      'usage filter.states[0]: "nope" is not one of pending, sending, review, completed, discarded, due, waiting, blocked, held',
    ],
    ['list of a state', (q) => q.list({ states: 'review' }), 'usage filter.states: is a string; write a list [ … ]'],
    ['list of nothing', (q) => q.list({ entities: [] }), 'usage filter.entities: the list is empty'],
    [
      'half a character',
      (q) => q.desk.pause({ target: 'x\ud800' }, { who: 'a', command: 'b' }),
      'usage what.target: holds half of a surrogate pair, which has no UTF-8 form',
    ],
    ['list of words', (q) => q.list('review'), 'usage filter: is a string; write { … }'],
    [
      'list with a limit',
      (q) => q.list({}, { limit: 'x' }),
      'usage page.limit: "x" is not a whole number from 0 to 9007199254740991',
    ],
    [
      'list with another limit',
      (q) => q.list({}, { limit: -1 }),
      'usage page.limit: -1 is not a whole number from 0 to 9007199254740991',
    ],
    [
      'list by another name',
      (q) => q.list({}, { offset: 5 }),
      'usage page.offset: there is no such name; known here: after, limit',
    ],
    ['attention', (q) => q.attention('x'), 'usage limit: "x" is not a whole number from 0 to 9007199254740991'],
    ['next', (q) => q.next('api'), 'usage targets: is a string; write a list [ … ]'],
    ['retry()', (q) => q.retry(), 'usage filter: is undefined; write { … }'],
    [
      'retry by another name',
      (q) => q.retry({ state: ['review'] }),
      'usage filter.state: there is no such name; did you mean states?',
    ],
    [
      'retry with a deadline',
      (q) => q.retry({}, {}, { expires: '5m' }),
      'usage options.expires: is a string; write { … }',
    ],
    [
      'retry with two deadlines',
      (q) => q.retry({}, {}, { expires: { at: 1, delayMs: 1 } }),
      'usage options.expires: needs either at or delayMs',
    ],
    [
      'dryRun',
      (q) => q.dryRun({ limit: 'x' }),
      'usage options.limit: "x" is not a whole number from 0 to 9007199254740991',
    ],
    [
      'drain with no concurrency',
      (q) => q.drain({ concurrency: 0 }),
      'usage options.concurrency: 0 is not a whole number from 1 to 9007199254740991',
    ],
    ['drain with a signal', (q) => q.drain(new AbortController().signal), 'usage options: is an object; write { … }'],
    [
      'drain with a function',
      (q) => q.drain({ stop: () => 1 }),
      'usage options.stop: is a function; it must be an AbortSignal',
    ],
    [
      'drain with a time',
      (q) => q.drain({ maxTimeMs: '5m' }),
      'usage options.maxTimeMs: "5m" is not a number from 0 to 315360000000',
    ],
    [
      'watch',
      (q) => q.watch({ concurrency: 'x' }),
      'usage options.concurrency: "x" is not a whole number from 1 to 9007199254740991',
    ],
    [
      'watch with what a drain takes',
      (q) => q.watch({ limit: 5 }),
      'usage options.limit: there is no such name; known here: target, concurrency, stop, abort, stopCode, onEvent, onTurn, onUnknownTarget, isReload',
    ],
    ['wait with a time', (q) => q.wait([1], 5000), 'usage options: is a number; write { … }'],
    ['wait for one', (q) => q.wait(1), 'usage ids: is a number; write a list of ids [ … ]'],
    [
      'history',
      (q) => q.history({ since: 'monday' }),
      'usage filter.since: "monday" is not a number from 0 to 8640000000000000',
    ],
    ['record', (q) => q.record({ who: 'x', command: 'y' }), 'usage entry.event: is missing'],
    ['pause()', (q) => q.desk.pause(undefined, BY), 'usage what: is undefined; write { … }'],
    ['resume by nobody', (q) => q.desk.resume('all'), 'usage by: is undefined; write { … }'],
    ['a pause of what is unknown', (q) => q.desk.pause('everything', BY), 'usage what: is a string; write { … }'],
    [
      'a pause of two',
      (q) => q.desk.pause({ target: 'api', entity: { type: 'a', id: '1' } }, BY),
      'usage what: must be "all", { target } or { entity }',
    ],
    [
      'a pause until a word',
      (q) => q.desk.pause('all', BY, { until: 'monday' }),
      'usage options.until: "monday" is not a number from 0 to 8640000000000000',
    ],
    ['acceptTarget', (q) => q.desk.acceptTarget(1, BY), 'usage name: is a number; it must be a string'],
    [
      'acceptTarget with a URL',
      (q) => q.desk.acceptTarget('api', BY, { baseURL: 'https://a.example' }),
      'usage options.baseURL: there is no such name; did you mean baseUrl?',
    ],
    ['renameTarget', (q) => q.desk.renameTarget('api', undefined, BY), 'usage name: is undefined; it must be a string'],
    ['edit', (q) => q.desk.edit(1, { jsn: [] }, BY), 'usage edits.jsn: there is no such name; did you mean json?'],
    [
      'edit of a payload',
      (q) => q.desk.edit(1, { payload: 'a' }, BY),
      'usage edits.payload: is a string; it must be a Uint8Array',
    ],
    [
      'edit of nothing',
      (q) => q.desk.edit('x', {}, BY),
      'usage id: "x" is not a whole number from 1 to 9007199254740991',
    ],
    [
      'edit to nothing',
      (q) => q.desk.edit(1, { json: [{ op: 'set', pointer: '/a' }] }, BY),
      'usage edits.json[0].value: is missing',
    ],
    [
      'erase for good',
      (q) => q.desk.erase({ type: 'a', id: '1' }, { dryrun: true, by: BY }),
      'usage options.dryrun: there is no such name; did you mean dryRun?',
    ],
    ['erase of a word', (q) => q.desk.erase('a/1', { dryRun: true, by: BY }), 'usage entity: is a string; write { … }'],
    ['prune for good', (q) => q.desk.prune({ by: BY }), 'usage options.dryRun: is missing'],
  ])('%s names it', async (_name, call, message) => {
    expect(await refusalOf(() => call(open()))).toBe(message);
  });

  test('a filter with a mistyped name discards nothing', async () => {
    const queue = open();
    await queue.enqueue(write());
    const filter = { state: ['review'] };
    expect(await refusalOf(() => queue.desk.discard(filter, { dryRun: false, by: BY }))).toBe(
      'usage filter.state: there is no such name; did you mean states?',
    );
    expect(await refusalOf(() => queue.desk.discard({}, { dry: true, by: BY }))).toContain('options.dry: ');
    expect(await refusalOf(() => queue.desk.discard({}, { by: BY }))).toBe('usage options.dryRun: is missing');
    expect(await refusalOf(() => queue.desk.complete({}, { by: BY }))).toBe('usage options.dryRun: is missing');
    expect((await queue.list()).items).toMatchObject([{ state: 'pending' }]);
  });

  test('names whose value is undefined count as not given', async () => {
    const queue = open();
    await queue.enqueue(write({ entity: 'e/1' }));
    const { items } = await queue.list({ ids: undefined, states: ['pending'] }, { after: undefined, limit: undefined });
    expect(items).toHaveLength(1);
    const entities = [{ type: 'e', id: undefined }];
    expect((await queue.list({ entities })).items).toHaveLength(1);
    const filter = { ids: [items[0].id] };
    const report = await queue.retry(filter, BY, { expires: undefined, dryRun: true });
    expect(report.changed).toEqual([items[0].id]);
  });
});

describe('wait', () => {
  test('for an item that does not exist is refused at once', async () => {
    const queue = open();
    const { id } = await queue.enqueue(write());
    expect(await refusalOf(() => queue.wait([99999], { timeoutMs: 60_000 }))).toBe('not-found there is no item 99999');
    expect(await refusalOf(() => queue.wait([id, 7777, 8888]))).toBe('not-found there is no items 7777, 8888');
  });

  test('for one item twice is over when it is', async () => {
    const queue = open();
    const { id } = await queue.enqueue(write());
    await queue.desk.complete({ ids: [id] }, { dryRun: false, by: BY });
    expect(await queue.wait([id, id], { timeoutMs: 60_000 })).toMatchObject({ done: true });
  });
});

describe('openQueue', () => {
  const opening = openQueue as (options?: unknown) => Promise<unknown>;

  test.each<[unknown, string]>([
    [undefined, 'options: is undefined; write { … }'],
    ['./outbox.db', 'options: is a string; write { … }'],
    [{}, 'options.queue: is missing'],
    [{ queue: 5 }, 'options.queue: is neither the path of a file nor its file: URL'],
    [{ queue: '' }, 'options.queue: is neither the path of a file nor its file: URL'],
    [{ queue: new URL('https://a.example/q.db') }, 'options.queue: is neither the path of a file nor its file: URL'],
    [{ queue: 'q.db', mode: 'readonly' }, 'options.mode: "readonly" is not one of read, write, create'],
    [{ queue: 'q.db', env: 5 }, 'options.env: is a number; it must be an object'],
    [{ queue: 'q.db', baseDir: 5 }, 'options.baseDir: is a number; write a string'],
    [
      { queue: 'q.db', path: 'x' },
      'options.path: there is no such name; known here: queue, config, baseDir, mode, env',
    ],
  ])('%j is refused', async (options, message) => {
    expect(await refusalOf(() => opening(options))).toBe(`usage ${message}`);
  });

  test('takes a file: URL', async () => {
    const path = join(tempDirectory(), 'a queue.db');
    const queue = await openQueue({ queue: pathToFileURL(path) });
    expect(queue.location).toBe(path);
    await queue.close();
    expect(existsSync(path)).toBe(true);
  });

  test('refuses a config that is none, before anything is made', async () => {
    const path = join(tempDirectory(), 'q.db');
    expect(await refusalOf(() => opening({ queue: path, config: null }))).toContain('bad-config');
    expect(existsSync(path)).toBe(false);
  });
});
