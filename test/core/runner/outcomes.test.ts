/** Every outcome of the contract's table, by a real server: what becomes of the item and of its target. */
import { describe, expect, test } from '@jest/globals';

import type { QueueEvent } from '../../../src/core/nouns/events.js';
import type { TargetStateName } from '../../../src/core/nouns/item.js';
import type { Answer } from '../../support/rest-server.js';
import { startServer } from '../../support/rest-server.js';
import { testQueue } from '../../support/queue.js';

interface Row {
  when: string;
  answer: Answer;
  method?: string;
  config?: Record<string, unknown>;
  outcome: string;
  state: 'completed' | 'pending' | 'review';
  reason?: string;
  target: TargetStateName;
  /** What `run` would exit with: nobody needed, later, a person. */
  ends: 'done' | 'later' | 'person';
}

const json = { 'content-type': 'application/json' };

/** A 4xx says that it had no effect, a redirect too; these say nothing. */
const MAY_HAVE_ARRIVED = [
  '511',
  'a connection cut without an answer',
  'a reset',
  'silence',
  'a 200 that is not what was expected (captive portal)',
  'silence, and the server does not honour the key',
  '502',
  '503',
  '504',
  '503 with Retry-After',
  '500',
  '507',
  '5xx that this server means as no',
];

const ROWS: Row[] = [
  { when: '201', answer: { status: 201 }, outcome: 'delivered', state: 'completed', target: 'online', ends: 'done' },
  { when: '204', answer: { status: 204 }, outcome: 'delivered', state: 'completed', target: 'online', ends: 'done' },
  {
    when: 'DELETE answered 404',
    method: 'DELETE',
    answer: { status: 404 },
    outcome: 'delivered',
    state: 'completed',
    target: 'online',
    ends: 'done',
  },
  {
    when: 'DELETE answered 410',
    method: 'DELETE',
    answer: { status: 410 },
    outcome: 'delivered',
    state: 'completed',
    target: 'online',
    ends: 'done',
  },
  { when: '511', answer: { status: 511 }, outcome: 'offline', state: 'pending', target: 'offline', ends: 'later' },
  {
    when: 'a connection cut without an answer',
    answer: { drop: true },
    outcome: 'unknown',
    state: 'pending',
    target: 'unavailable',
    ends: 'later',
  },
  {
    when: 'a reset',
    answer: { reset: true },
    outcome: 'unknown',
    state: 'pending',
    target: 'unavailable',
    ends: 'later',
  },
  {
    when: 'silence',
    answer: { hang: true },
    config: { timeout: '100ms' },
    outcome: 'unknown',
    state: 'pending',
    target: 'unavailable',
    ends: 'later',
  },
  {
    when: 'a 200 that is not what was expected (captive portal)',
    answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<title>Login</title>' },
    config: { expect: { contentType: 'application/json' } },
    outcome: 'unknown',
    state: 'pending',
    target: 'unavailable',
    ends: 'later',
  },
  {
    when: 'silence, and the server does not honour the key',
    answer: { drop: true },
    config: { onUnknown: 'review' },
    outcome: 'unknown',
    state: 'review',
    reason: 'unknown',
    target: 'suspect',
    ends: 'person',
  },
  {
    when: '502',
    answer: { status: 502 },
    outcome: 'unavailable',
    state: 'pending',
    target: 'unavailable',
    ends: 'later',
  },
  {
    when: '503',
    answer: { status: 503 },
    outcome: 'unavailable',
    state: 'pending',
    target: 'unavailable',
    ends: 'later',
  },
  {
    when: '504',
    answer: { status: 504 },
    outcome: 'unavailable',
    state: 'pending',
    target: 'unavailable',
    ends: 'later',
  },
  {
    when: '503 with Retry-After',
    answer: { status: 503, headers: { 'retry-after': '30' } },
    outcome: 'throttled',
    state: 'pending',
    target: 'throttled',
    ends: 'later',
  },
  { when: '429', answer: { status: 429 }, outcome: 'throttled', state: 'pending', target: 'throttled', ends: 'later' },
  {
    when: '429 with a date',
    answer: { status: 429, headers: { 'retry-after': new Date(Date.now() + 90_000).toUTCString() } },
    outcome: 'throttled',
    state: 'pending',
    target: 'throttled',
    ends: 'later',
  },
  { when: '408', answer: { status: 408 }, outcome: 'transient', state: 'pending', target: 'online', ends: 'later' },
  { when: '425', answer: { status: 425 }, outcome: 'transient', state: 'pending', target: 'online', ends: 'later' },
  { when: '500', answer: { status: 500 }, outcome: 'transient', state: 'pending', target: 'online', ends: 'later' },
  { when: '507', answer: { status: 507 }, outcome: 'transient', state: 'pending', target: 'online', ends: 'later' },
  {
    when: '409 with Retry-After (key in progress)',
    answer: { status: 409, headers: { 'retry-after': '1' } },
    outcome: 'transient',
    state: 'pending',
    target: 'online',
    ends: 'later',
  },
  { when: '401', answer: { status: 401 }, outcome: 'auth', state: 'pending', target: 'auth', ends: 'person' },
  {
    when: '407 without a proxy',
    answer: { status: 407 },
    outcome: 'unknown',
    state: 'pending',
    target: 'unavailable',
    ends: 'later',
  },
  {
    when: '409',
    answer: { status: 409 },
    outcome: 'conflict',
    state: 'review',
    reason: 'conflict',
    target: 'online',
    ends: 'person',
  },
  {
    when: '412',
    answer: { status: 412 },
    outcome: 'conflict',
    state: 'review',
    reason: 'conflict',
    target: 'online',
    ends: 'person',
  },
  {
    when: '400',
    answer: { status: 400 },
    outcome: 'rejected',
    state: 'review',
    reason: 'rejected',
    target: 'online',
    ends: 'person',
  },
  {
    when: '403',
    answer: { status: 403 },
    outcome: 'rejected',
    state: 'review',
    reason: 'rejected',
    target: 'online',
    ends: 'person',
  },
  {
    when: 'POST answered 404',
    answer: { status: 404 },
    outcome: 'rejected',
    state: 'review',
    reason: 'rejected',
    target: 'online',
    ends: 'person',
  },
  {
    when: '302',
    answer: { status: 302, headers: { location: '/login' } },
    outcome: 'redirect',
    state: 'review',
    reason: 'redirect',
    target: 'online',
    ends: 'person',
  },
  {
    when: '307 to another host',
    answer: { status: 307, headers: { location: 'http://127.0.0.1:1/v1/a' } },
    outcome: 'redirect',
    state: 'review',
    reason: 'redirect',
    target: 'online',
    ends: 'person',
  },
  {
    when: '409 to a first attempt, where a repeat would be delivered',
    answer: { status: 409 },
    config: { outcomes: { '409': 'delivered' } },
    outcome: 'conflict',
    state: 'review',
    reason: 'conflict',
    target: 'online',
    ends: 'person',
  },
  {
    when: '428',
    answer: { status: 428 },
    outcome: 'conflict',
    state: 'review',
    reason: 'conflict',
    target: 'online',
    ends: 'person',
  },
  {
    when: '404 that this server means as later',
    answer: { status: 404 },
    config: { outcomes: { '404': 'transient' } },
    outcome: 'transient',
    state: 'pending',
    target: 'online',
    ends: 'later',
  },
  {
    when: '5xx that this server means as no',
    answer: { status: 500 },
    config: { outcomes: { '5xx': 'rejected' } },
    outcome: 'rejected',
    state: 'review',
    reason: 'rejected',
    target: 'online',
    ends: 'person',
  },
  {
    when: 'a 200 whose body breaks off',
    answer: { status: 200, headers: json, body: '{"id":12345678}', truncateAfter: 6 },
    outcome: 'delivered',
    state: 'completed',
    target: 'online',
    ends: 'done',
  },
];

describe('an answer of the server', () => {
  test.each(ROWS)('$when is $outcome: the item is $state, the target $target', async (row) => {
    const server = await startServer({ answer: row.answer });
    const { queue } = testQueue({ api: { baseUrl: `${server.url}/v1`, ...row.config } });
    const method = row.method ?? 'POST';
    const { id } = await queue.enqueue({
      method,
      path: '/a',
      entity: 'a/1',
      ...(method === 'DELETE' ? {} : { json: { n: 1 } }),
    });

    const report = await queue.drain();

    const { items } = await queue.inspect([id]);
    const [item] = items;
    expect(item?.attempts[0]).toMatchObject({ outcome: row.outcome, counted: false });
    expect(item?.mayHaveArrived).toBe(MAY_HAVE_ARRIVED.includes(row.when) ? 1 : undefined);
    expect(item).toMatchObject({ state: row.state, retryCount: 0, reviewReason: row.reason });
    const status = await queue.status();
    expect(status.targets[0]?.state).toBe(row.target);
    expect({
      person: report.needsPerson,
      later: report.tryLater && !report.needsPerson,
      done: !report.needsPerson && !report.tryLater,
    }).toEqual({
      person: row.ends === 'person',
      later: row.ends === 'later',
      done: row.ends === 'done',
    });
    // Every request says the same under the same key, however often it was sent.
    expect(
      new Set(
        server.requests.map((request) => `${request.body.toString()} ${String(request.headers['idempotency-key'])}`),
      ).size,
    ).toBe(1);
  });

  test('a refused connection is offline: no attempt counts, and the next run asks once before it sends', async () => {
    const server = await startServer();
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueue({ method: 'POST', path: '/a', json: 1 });
    await server.stop();

    expect(await queue.drain()).toMatchObject({
      attempts: 1,
      delivered: 0,
      stopped: 'held',
      tryLater: true,
      needsPerson: false,
    });
    expect(await queue.drain()).toMatchObject({ attempts: 0, stopped: 'held', tryLater: true });
    const { items } = await queue.inspect([1]);
    expect(items[0]).toMatchObject({ state: 'pending', retryCount: 0, waiting: 'held', mayHaveArrived: undefined });

    await server.start();
    expect(await queue.drain()).toMatchObject({ attempts: 1, delivered: 1, stopped: 'drained', tryLater: false });
  });

  test('a deadline that passed is told like any other refusal: of which write, about what', async () => {
    const { queue, clock } = testQueue({ api: { baseUrl: 'http://127.0.0.1:9' } });
    await queue.enqueue({ method: 'PUT', path: '/a', entity: 'a/1', json: 1, expires: '1s' });
    clock.advance(2000);

    const events: QueueEvent[] = [];
    await queue.drain({ onEvent: (event) => events.push(event) });
    expect(events).toMatchObject([
      { event: 'review', item: 1, reason: 'expired', method: 'PUT', path: '/a', entity: 'a/1', target: 'api' },
    ]);
  });

  test('a 307 under the base URL is followed once, within one attempt that records where it led', async () => {
    const server = await startServer({
      answer: ({ path }) => (path === '/v1/old' ? { status: 307, headers: { location: '/v1/new' } } : { status: 201 }),
    });
    const { queue } = testQueue({ api: { baseUrl: `${server.url}/v1` } });
    await queue.enqueue({ method: 'POST', path: '/old', json: { n: 1 } });

    expect(await queue.drain()).toMatchObject({ attempts: 1, delivered: 1 });
    const { items } = await queue.inspect([1]);
    expect(items[0]?.attempts).toHaveLength(1);
    expect(items[0]?.attempts[0]?.url).toBe(`${server.url}/v1/new`);
    expect(server.requests.map(({ path, body }) => [path, body.toString()])).toEqual([
      ['/v1/old', '{"n":1}'],
      ['/v1/new', '{"n":1}'],
    ]);
  });

  test('a target without its credential is misconfigured, says what to mend, and nothing is sent', async () => {
    const server = await startServer();
    const { queue } = testQueue({ api: { baseUrl: server.url, auth: { bearer: { env: 'NO_SUCH_TOKEN' } } } });
    await queue.enqueue({ method: 'POST', path: '/a', json: 1 });

    expect(await queue.drain()).toMatchObject({ attempts: 0, needsPerson: true, stopped: 'held' });
    const [target] = (await queue.status()).targets;
    expect(target?.state).toBe('misconfigured');
    expect(target?.reason).toContain('NO_SUCH_TOKEN');
    expect(server.requests).toHaveLength(0);
  });

  test('a review item blocks its lane and only its lane, and the blocked one names its blocker', async () => {
    const server = await startServer({
      answer: ({ path }) => ({ status: path === '/bad' ? 422 : 201, body: { message: 'phone must be digits' } }),
    });
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueue({ method: 'POST', path: '/bad', entity: 'a/1', json: 1 });
    await queue.enqueue({ method: 'POST', path: '/ok', entity: 'a/1', json: 2 });
    await queue.enqueue({ method: 'POST', path: '/ok', entity: 'a/2', json: 3 });

    expect(await queue.drain()).toMatchObject({
      delivered: 1,
      review: 1,
      remaining: { blocked: 1, due: 0, held: 0, waiting: 0 },
      needsPerson: true,
    });
    const { items } = await queue.inspect([1, 2, 3]);
    expect(items.map(({ state }) => state)).toEqual(['review', 'pending', 'completed']);
    expect(items[1]?.waitingOn).toMatchObject({ kind: 'item', id: 1, state: 'review', reason: 'rejected' });

    await queue.desk.discard(
      { ids: [1] },
      { dryRun: false, by: { who: 'test', command: 'discard', reason: undefined } },
    );
    expect(await queue.drain()).toMatchObject({ delivered: 1, needsPerson: false, tryLater: false });
  });

  test('what a limit left is left on purpose: nobody is needed and nothing is to be tried later', async () => {
    const server = await startServer();
    const { queue } = testQueue({ api: { baseUrl: server.url } });
    for (let n = 0; n < 3; n += 1) await queue.enqueue({ method: 'POST', path: '/a', entity: `a/${n}`, json: n });
    expect(await queue.drain({ limit: 2 })).toMatchObject({
      attempts: 2,
      delivered: 2,
      stopped: 'limit',
      tryLater: false,
      needsPerson: false,
      remaining: { due: 1 },
    });
    expect(await queue.drain({ maxTimeMs: 0 })).toMatchObject({ stopped: 'time' });
  });
});
