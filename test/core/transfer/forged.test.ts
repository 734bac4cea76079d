/** A bundle in which one field was changed by hand, and its checksum with it: refused, or no worse than what `enqueue` makes. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from '@jest/globals';

import { parseConfig } from '../../../src/core/config/validate.js';
import { isQueueError } from '../../../src/core/nouns/errors.js';
import { examineFile } from '../../../src/core/store/sqlite/care/examine.js';
import { AtomicFile } from '../../../src/core/files/atomic-file.js';
import { exportBundle } from '../../../src/core/transfer/export.js';
import { importBundle } from '../../../src/core/transfer/import.js';
import { testQueue, type TestQueue } from '../../support/queue.js';
import { startServer } from '../../support/rest-server.js';
import { tempDirectory } from '../../support/temp.js';

const BY = { who: 'a test', command: 'import', reason: undefined };
/** Nobody listens there. */
const API = { api: { baseUrl: 'http://127.0.0.1:1' } };

interface Parts {
  head: any;
  preamble: any;
  items: any[];
}

const BAD: readonly unknown[] = [
  null, '', 'x', '../x', '//evil.example', 'https://evil.example/', 'a\u0000b', '\u001b[2J', '\u202e', '__proto__', 'constructor',
  'x'.repeat(70_000), -1, 0, 1.5, 1e300, 2 ** 52, 2 ** 53 - 1, 99, 600, true, false, [], {}, [1], { a: 1 }, ['\u0000'],
  { authorization: 'Bearer x' }, { 'idempotency-key': 'x' }, { __proto__x: 1 }, '9999-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z',
  '2026-02-30T00:00:00.000Z', 'Tue', 'review', 'editing', 'completed', 'TRACE', { text: 'y'.repeat(9000) },
]; // prettier-ignore

let good: Parts;

/** Completed, in review, blocked behind it, waiting for its time, discarded, edited, without payload, to a URL, as text. */
async function everyKind(): Promise<TestQueue> {
  const server = await startServer({
    answer: ({ path }) => (path.includes('refuse') ? { status: 422, body: { message: 'no' } } : { status: 201 }),
  });
  const from = testQueue({ api: { baseUrl: server.url } }, { defaultTarget: 'api' });
  const write = (path: string, more = {}): ReturnType<TestQueue['queue']['enqueue']> =>
    from.queue.enqueue({ method: 'POST', path, json: { path }, ...more });
  await write('/one', { headers: [['accept-language', 'nb']], tags: ['a'], entity: { type: 't', id: '1' } });
  await write('/refuse', { entity: { type: 't', id: 'x' } });
  await write('/behind', { entity: { type: 't', id: 'x' } });
  const gone = await write('/gone', { delay: '1h' });
  await from.queue.desk.discard({ ids: [gone.id] }, { dryRun: false, by: { ...BY, reason: 'no use' } });
  await from.queue.drain();
  await write('/later', { delay: '2h', maxRetries: 3, expires: '3h' });
  const edited = await write('/edited');
  await from.queue.desk.edit(edited.id, { path: '/better' }, BY);
  await from.queue.enqueue({ method: 'DELETE', path: '/plain' });
  await from.queue.enqueue({
    method: 'PUT',
    url: 'https://other.example.org/x',
    contentType: 'text/plain',
    body: 'é\n',
  });
  return from;
}

beforeAll(async () => {
  const { queue, clock } = await everyKind();
  const path = join(tempDirectory(), 'good.bundle');
  const config = parseConfig({}, { source: undefined, baseDir: '/' });
  await exportBundle(queue.archive, { filter: {}, config, redactor: undefined, now: clock.now(), version: '1' }, new AtomicFile(path)); // prettier-ignore
  const [head, preamble, ...items] = readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line)); // prettier-ignore
  good = { head, preamble, items };
});

/** Writes the bundle, with a checksum that fits; `change` may also return what the `head` is to say in the end. */
function forged(change: (parts: Parts) => unknown): string {
  const parts = structuredClone(good);
  const last = change(parts);
  const body = [parts.preamble, ...parts.items].map((value) => `${JSON.stringify(value)}\n`).join('');
  const sha256 = createHash('sha256').update(body).digest('hex');
  const head = {
    ...parts.head,
    items: parts.items.length,
    sha256,
    ...((last as { head?: object } | undefined)?.head ?? {}),
  };
  const path = join(tempDirectory(), 'forged.bundle');
  writeFileSync(path, `${JSON.stringify(head).padEnd(511)}\n${body}`);
  return path;
}

/** What the import says when it refuses, with nothing stored; undefined when it was stored and everything works with it. */
async function importOf(path: string): Promise<string | undefined> {
  const to = testQueue(API, { defaultTarget: 'api' });
  const { archive } = to.queue;
  let refused: string | undefined;
  try {
    const context = await to.queue.draftContext();
    await importBundle(archive, path, { asPaused: false, by: BY, now: to.clock.now(), context });
  } catch (error) {
    if (!isQueueError(error)) throw error;
    expect(['bad-item', 'key-conflict']).toContain(error.code);
    expect(error.message).toContain('nothing was stored');
    refused = error.message;
    expect((await archive.extent({})).count).toBe(0);
  }
  if (refused === undefined) {
    await to.queue.drain();
    const { findings } = await examineFile({ path: to.path, clock: to.clock, uid: process.getuid?.(), allowNetworkDisk: false }); // prettier-ignore
    expect(findings).toEqual([]);
    await to.queue.enqueue({ method: 'POST', path: '/next', json: 1 });
  }
  await to.queue.close();
  return refused;
}

/** Every place in a document, lists by their first entry. */
function places(value: unknown, at: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [at];
  const entries = Array.isArray(value)
    ? value.slice(0, 1).map((entry, n) => [n, entry] as const)
    : Object.entries(value);
  return [...(at.length === 0 ? [] : [at]), ...entries.flatMap(([name, entry]) => places(entry, [...at, name]))];
}

function put(document: any, at: readonly (string | number)[], value: unknown): void {
  const parent = at.slice(0, -1).reduce((found, step) => found[step], document);
  // As a parser would: an own member, whatever its name.
  Object.defineProperty(parent, at.at(-1)!, { value, enumerable: true, configurable: true, writable: true });
}

describe('a bundle with one field changed', () => {
  test('as it was made is imported whole', async () => {
    expect(await importOf(forged(() => undefined))).toBeUndefined();
  });

  test.each(['preamble', 0, 1, 2, 3, 4, 5, 6, 7])(
    'of %s is refused, or harmless',
    async (part) => {
      const document = typeof part === 'number' ? good.items[part] : good.preamble;
      let n = typeof part === 'number' ? part : 0;
      for (const at of places(document)) {
        // Each item tries other values, so that all of them are tried on every kind of field.
        const values = process.env['FORGE_ALL'] === '1' ? BAD : BAD.filter((_, index) => index % 24 === n % 24);
        n += 1;
        for (const value of values) {
          const path = forged((parts) => put(typeof part === 'number' ? parts.items[part] : parts.preamble, at, value));
          try {
            await expect(importOf(path)).resolves.not.toBeNull();
          } catch (error) {
            throw new Error(`${at.join('.')} = ${JSON.stringify(value).slice(0, 60)}`, { cause: error });
          }
        }
      }
    },
    process.env['FORGE_ALL'] === '1' ? 900_000 : 120_000,
  );

  test.each<[string, (parts: Parts) => unknown, string]>([
    ['an implicit target that leads elsewhere', ({ preamble }) => (preamble.targets[1].implicitBaseUrl = 'http://127.0.0.1:1'), 'leads to another server'],
    ['an implicit target by plain http', ({ preamble, items }) => { Object.assign(preamble.targets[1], { name: 'http://other.example.org', implicitBaseUrl: 'http://other.example.org', boundTo: null }); items[7].target = 'http://other.example.org'; }, 'plain http'],
    ['a named target with the name of a URL', ({ preamble }) => (preamble.targets[1].implicitBaseUrl = null), 'has no name that a target may have'],
    ['a target twice', ({ preamble }) => preamble.targets.push(preamble.targets[0]), 'is there twice'],
    ['a target that it does not tell of', ({ items }) => (items[0].target = 'production'), 'target is none of those'],
    ['an id of 2^52', ({ items }) => (items[7].id = 2 ** 52), 'id is not a whole number'],
    ['an id twice', ({ items }) => (items[1].id = items[0].id), 'id is not greater'],
    ['a key twice, with the same content', ({ items }) => items.push({ ...items[7], id: 99 }), 'as another of its items'],
    ['a key that another item had', ({ items }) => (items[7].idempotencyKey = items[5].revisions[0].idempotencyKey), 'as another of its items'],
    ['a completed item that is in review', ({ items }) => (items[0].review = items[1].review), 'review does not fit the state'],
    ['an item in review without a reason', ({ items }) => (items[1].review = null), 'review does not fit the state'],
    ['an attempt under way of a completed item', ({ items }) => (items[0].attempts[0].outcome = null), 'attempts do not fit the state'],
    ['an unfinished item whose payload is gone', ({ items }) => delete items[4].payload, 'the item cannot be sent'],
    ['another length', ({ items }) => (items[4].payloadBytes = 3), 'payloadBytes is not the length'],
    ['a payload under GET', ({ items }) => (items[4].method = 'GET'), 'payload cannot be sent with GET'],
    ['a URL as path', ({ items }) => (items[4].path = 'http://127.0.0.1:1/x'), 'path is not relative'],
    ['an event with the name of an object’s own', ({ items }) => (items[3].history[0].event = 'constructor'), 'event is not of the form'],
    ['a status of 700', ({ items }) => (items[0].attempts[0].status = 700), 'status is not a whole number from 100 to 599'],
    ['an answer of 9,000 bytes', ({ items }) => (items[1].attempts[0].response.body = { text: 'x'.repeat(9000) }), 'more than 8192 bytes'],
    ['a time far ahead', ({ items }) => (items[4].createdAt = '9999-01-01T00:00:00.000Z'), 'lies ahead'],
    ['a larger payload than enqueue takes', ({ items }) => Object.assign(items[6], { method: 'PUT', contentType: 'text/plain', payload: 'x'.repeat(1024 * 1024 + 1), payloadBytes: 1024 * 1024 + 1, payloadSha256: createHash('sha256').update('x'.repeat(1024 * 1024 + 1)).digest('hex') }), 'payload is larger than'],
    ['a wrong count', () => ({ head: { items: 3 } }), 'does not fit its checksum'],
    ['a wrong checksum', () => ({ head: { sha256: '0'.repeat(64) } }), 'does not fit its checksum'],
    ['version 0', () => ({ head: { syncqBundle: 0 } }), 'is not a bundle'],
    ['version 1.5', () => ({ head: { syncqBundle: 1.5 } }), 'is not a bundle'],
    ['a queue with control characters', () => ({ head: { queue: '\u001b[2J' } }), 'does not fit'],
  ])('is refused: %s', async (_name, change, message) => {
    expect(await importOf(forged(change))).toContain(message);
  }); // prettier-ignore
});
