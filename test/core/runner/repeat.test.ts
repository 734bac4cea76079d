/** When "I have it already" means delivered: only to a repeat of an attempt that may have arrived. By a real server. */
import { describe, expect, test } from '@jest/globals';

import { why } from '../../../src/core/policy/why.js';
import { storyLines } from '../../../src/render/history.js';
import type { TestQueue } from '../../support/queue.js';
import { testQueue } from '../../support/queue.js';
import type { Answer, ReceivedRequest, RestServer } from '../../support/rest-server.js';
import { startServer } from '../../support/rest-server.js';
import { until } from '../../support/until.js';
import { startRaw } from '../send/support.js';
import { raw } from '../store/sqlite/support.js';

const KARI = { who: 'kari', command: 'edit', reason: undefined };
const EXISTS: Answer = { status: 409, body: { code: 'EXISTS' } };
const RULES = [
  { status: 409, body: { '/code': 'EXISTS' }, means: 'delivered' },
  { status: 400, body: { '/code': 'EXISTS' }, header: { 'X-Replay': 'yes' }, means: 'delivered', onlyRepeat: false },
];

interface World extends TestQueue {
  server: RestServer;
  id: number;
  /** Drains with each of these answers in turn (the last one stays), and says how it ended. */
  drain(...answers: Answer[]): Promise<{ state: string | undefined; outcomes: string[]; why: string }>;
}

async function world(
  options: { target?: object; headers?: Record<string, string>; method?: string } = {},
): Promise<World> {
  const server = await startServer();
  const tested = testQueue({ api: { baseUrl: server.url, outcomes: { '409': 'delivered' }, ...options.target } });
  const { queue, clock } = tested;
  const { method = 'PUT', headers = {} } = options;
  const { id } = await queue.enqueue({ method, path: '/a', entity: 'a/1', json: { n: 1 }, headers });
  const drain: World['drain'] = async (...answers) => {
    const start = server.requests.length;
    server.setAnswer(({ n }: ReceivedRequest) => answers[Math.min(n - start, answers.length) - 1] ?? EXISTS);
    clock.advance(86_400_000 / 4);
    await queue.drain({ limit: answers.length });
    const [item] = (await queue.inspect([id])).items;
    if (item === undefined) throw new Error('gone');
    const outcomes = item.attempts.map((attempt) => attempt.outcome ?? 'open');
    return { state: item.state, outcomes, why: why(item, { now: clock.now(), terminal: true }) };
  };
  return { ...tested, server, id, drain };
}

const CUT: Answer = { reset: true };

describe('409 where the config says that it means delivered', () => {
  test('stays a conflict to a first attempt', async () => {
    const { drain } = await world();
    expect(await drain(EXISTS)).toMatchObject({ state: 'review', outcomes: ['conflict'] });
  });

  test.each<[string, Answer]>([
    ['cut', CUT],
    ['dropped', { drop: true }],
  ])('is delivered to a repeat of an attempt whose answer was %s', async (_what, first) => {
    const { drain, queue, id } = await world();
    const ended = await drain(first, EXISTS);
    expect(ended).toMatchObject({ state: 'completed', outcomes: ['unknown', 'delivered'] });
    expect(ended.why).toMatch(/^delivered: 409 to a repeat of attempt 1, at \S+$/);
    const [item] = (await queue.inspect([id])).items;
    expect(item?.attempts[1]?.message).toBe('delivered: 409 to a repeat of attempt 1');
    const told = { kind: 'attempt' as const, at: 0, item: id, target: 'api', attempt: item!.attempts[1]! };
    const look = { terminal: false, columns: 80 } as unknown as Parameters<typeof storyLines>[1];
    expect(storyLines([told], look, true)[0]).toMatch(
      /attempt 2: delivered: 409 to a repeat of attempt 1 \(after \d+ ms\)$/,
    );
  });

  test('goes on while the server says that it is still at work, then is delivered', async () => {
    const { drain } = await world();
    const busy: Answer = { status: 409, headers: { 'retry-after': '1' }, body: { code: 'IN_PROGRESS' } };
    expect(await drain(busy)).toMatchObject({ state: 'pending', outcomes: ['transient'] });
    expect(await drain(CUT)).toMatchObject({ state: 'pending' });
    expect(await drain(busy)).toMatchObject({ state: 'pending', outcomes: ['transient', 'unknown', 'transient'] });
    const { state, why: sentence } = await drain(EXISTS);
    expect(state).toBe('completed');
    expect(sentence).toContain('409 to a repeat of attempt 2');
  });

  test('is a conflict after an edit: the server may have the version before it', async () => {
    const { drain, queue, id } = await world();
    await drain(CUT);
    await queue.desk.edit(id, { json: [{ op: 'set', pointer: '/n', value: '2' }] }, KARI, { yes: true });
    expect(await drain(EXISTS)).toMatchObject({ state: 'review', outcomes: ['unknown', 'conflict'] });
    // Nor does a second cut under the new key tell which version is there.
    await queue.retry({ ids: [id] }, KARI);
    expect(await drain(CUT, EXISTS)).toMatchObject({ state: 'review' });
  });

  test('is delivered after an edit of what never arrived, once the new version may have arrived', async () => {
    const { drain, queue, id } = await world();
    await drain({ status: 422 });
    await queue.desk.edit(id, { json: [{ op: 'set', pointer: '/n', value: '2' }] }, KARI, { yes: true });
    await queue.retry({ ids: [id] }, KARI);
    const ended = await drain(CUT, EXISTS);
    expect(ended).toMatchObject({ state: 'completed', outcomes: ['rejected', 'unknown', 'delivered'] });
    expect(ended.why).toContain('409 to a repeat of attempt 2');
  });

  test.each<[string, Answer]>([
    ['refused', { status: 422 }],
    ['answered 500', { status: 500 }],
    ['answered 503', { status: 503 }],
    ['not reached', { status: 511 }],
  ])('is a conflict to an attempt whose earlier ones were %s', async (_what, first) => {
    const { drain, queue, id } = await world();
    await drain(first);
    await queue.retry({ ids: [id] }, KARI);
    await queue.desk.resume('all', KARI);
    const ended = await drain(EXISTS);
    expect(ended.state).toBe('review');
    expect(ended.outcomes).toHaveLength(2);
  });

  test('is a conflict to an attempt whose earlier one got a 2xx that was not the server’s', async () => {
    const { drain } = await world({ target: { expect: { contentType: 'application/json' } } });
    await drain({ status: 200, headers: { 'content-type': 'text/html' }, body: '<title>Login</title>' });
    expect(await drain(EXISTS)).toMatchObject({ state: 'review', outcomes: ['unknown', 'conflict'] });
  });

  test.each([
    { 'If-Match': '"7"' },
    { 'If-None-Match': '*' },
    { 'If-Unmodified-Since': 'Fri, 06 Nov 2026 08:49:37 GMT' },
  ])('is a conflict to a write with a precondition: %j', async (headers) => {
    const { drain } = await world({ headers });
    expect(await drain(CUT, EXISTS)).toMatchObject({ state: 'review', outcomes: ['unknown', 'conflict'] });
  });

  test('is a conflict where the target sends the precondition', async () => {
    const { drain } = await world({ target: { headers: { 'If-Match': '*' } } });
    expect(await drain(CUT, EXISTS)).toMatchObject({ state: 'review' });
  });

  test('is a conflict at another server than the one that may have it', async () => {
    const { drain, queue } = await world();
    await drain(CUT);
    await queue.desk.acceptTarget('api', KARI);
    expect(await drain(EXISTS)).toMatchObject({ state: 'review', outcomes: ['unknown', 'conflict'] });
  });

  test('an attempt that was stopped before it was sent is none', async () => {
    const silent = await startRaw(() => undefined);
    const { queue } = testQueue({ api: { baseUrl: silent.url.replace('http:', 'https:') } });
    const { id } = await queue.enqueue({ method: 'PUT', path: '/a', json: 1 });
    const control = new AbortController();
    const drained = queue.drain({ stop: control.signal, abort: control.signal });
    await until(() => silent.connections() > 0);
    control.abort();
    const report = await drained.finally(() => silent.close());
    expect(report).toMatchObject({ attempts: 0 });
    expect((await queue.inspect([id])).items).toMatchObject([{ state: 'pending', attemptCount: 0, attempts: [] }]);
  });

  test('of another item does not make this one a repeat', async () => {
    const { drain, queue, id } = await world();
    await drain(CUT);
    const other = await queue.enqueue({ method: 'PUT', path: '/b', entity: 'b/1', json: { n: 1 } });
    await drain(EXISTS, EXISTS);
    const { items } = await queue.inspect([id, other.id]);
    expect(items.map(({ state }) => state)).toEqual(['completed', 'review']);
  });
});

describe('of a copy, whose original may have sent the item', () => {
  const cameAsCopy = ({ path }: World): unknown =>
    raw(path, (db) => db.exec('UPDATE item SET may_have_arrived = 0; UPDATE attempt SET attempt = 0'));

  test.each<[string, Answer[]]>([
    ['a first attempt is no repeat', [EXISTS]],
    ['an attempt of the original is none to repeat', [CUT, EXISTS]],
  ])('%s', async (_what, [first = EXISTS, second]) => {
    const copied = await world();
    if (second !== undefined) await copied.drain(first);
    cameAsCopy(copied);
    const { state, outcomes } = await copied.drain(second ?? first);
    expect({ state, last: outcomes.at(-1) }).toEqual({ state: 'review', last: 'conflict' });
  });

  test('an attempt of this queue is one', async () => {
    const copied = await world();
    cameAsCopy(copied);
    expect(await copied.drain(CUT, EXISTS)).toMatchObject({ state: 'completed', outcomes: ['unknown', 'delivered'] });
  });

  test('an edit makes it another version than the original’s', async () => {
    const copied = await world({ target: { outcomes: RULES } });
    cameAsCopy(copied);
    await copied.queue.desk.edit(copied.id, { json: [{ op: 'set', pointer: '/n', value: '2' }] }, KARI, { yes: true });
    expect(await copied.drain(CUT, EXISTS)).toMatchObject({ state: 'review', outcomes: ['unknown', 'conflict'] });
  });
});

describe('a rule about the answer', () => {
  test('looks into the body and at the headers as they came', async () => {
    const { drain, queue } = await world({ target: { outcomes: RULES } });
    const replay: Answer = { status: 400, headers: { 'X-Replay': ['no', 'yes'] }, body: { code: 'EXISTS' } };
    expect(await drain(replay)).toMatchObject({ state: 'completed', outcomes: ['delivered'] });
    // What only the rule asked for is not kept.
    const [item] = (await queue.inspect([1])).items;
    expect(Object.keys(item?.response?.headers ?? {})).not.toContain('x-replay');
  });

  test.each<[string, number, Answer]>([
    ['8 KiB, all of which is kept', 8 * 1024, {} as Answer],
    ['64 KiB, most of which is not kept', 64 * 1024, {} as Answer],
  ])('reads a body of %s', async (_what, bytes) => {
    const { drain, queue } = await world({ target: { outcomes: RULES } });
    expect(await drain(CUT, { status: 409, body: padded(bytes) })).toMatchObject({ state: 'completed' });
    const [item] = (await queue.inspect([1])).items;
    expect(item?.response?.body).toHaveLength(8 * 1024);
    expect(item?.response?.complete).toBe(bytes === 8 * 1024);
  });

  test.each<[string, Answer]>([
    ['is longer', { status: 409, body: padded(64 * 1024 + 1) }],
    ['breaks off', { status: 409, body: `${padded(100)} `, truncateAfter: 100 }],
    ['is compressed', { status: 409, headers: { 'content-encoding': 'gzip' }, body: padded(100) }],
    ['says something else', { status: 409, body: { code: 'CONFLICT' } }],
  ])('does not fit an answer whose body %s', async (_what, answer) => {
    const { drain } = await world({ target: { outcomes: RULES } });
    expect(await drain(CUT, answer)).toMatchObject({ state: 'review', outcomes: ['unknown', 'conflict'] });
  });

  test('without a need of a repeat still asks for an edit’s version', async () => {
    const { drain, queue, id } = await world({ target: { outcomes: RULES } });
    await drain(CUT);
    await queue.desk.edit(id, { json: [{ op: 'set', pointer: '/n', value: '2' }] }, KARI, { yes: true });
    const replay: Answer = { status: 400, headers: { 'X-Replay': 'yes' }, body: { code: 'EXISTS' } };
    expect(await drain(replay)).toMatchObject({ state: 'review', outcomes: ['unknown', 'rejected'] });
  });
});

function padded(bytes: number): string {
  const text = '{"code":"EXISTS","pad":""}';
  return `${text.slice(0, -2)}${'x'.repeat(bytes - text.length)}"}`;
}
