/** Whose fault is it? Poison items among healthy ones, servers that are down for days, a base URL that is wrong. */
import { describe, expect, test } from '@jest/globals';

import { startServer, type RestServer, type Answer } from '../../support/rest-server.js';
import { testQueue, type TestQueue } from '../../support/queue.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

async function enqueue({ queue }: TestQueue, entity: string, body = 'good'): Promise<number> {
  return (await queue.enqueue({ method: 'POST', path: '/a', entity, json: body })).id;
}

/** Lets time pass in strides, draining after each, as cron would. */
async function passTime(test: TestQueue, totalMs: number, strideMs: number): Promise<void> {
  for (let passed = 0; passed < totalMs; passed += strideMs) {
    test.clock.advance(strideMs);
    await test.queue.drain();
  }
}

function answerBody(bad: Answer): (request: { body: Buffer }) => Answer {
  return ({ body }) => (body.toString() === '"bad"' ? bad : { status: 201 });
}

describe('one item that the server answers 502, only it', () => {
  test('holds up no other lane, and reaches review after its counted failures', async () => {
    const server = await startServer({ answer: answerBody({ status: 502 }) });
    const queue = testQueue({ api: { baseUrl: server.url, retry: { max: 3, base: '1s', factor: 2, cap: '1m' } } });
    const bad = await enqueue(queue, 'lane/0', 'bad');
    for (let lane = 1; lane < 5; lane += 1) await enqueue(queue, `lane/${lane}`);

    expect(await queue.queue.drain()).toMatchObject({ delivered: 4 });
    for (let round = 0; round < 12; round += 1) {
      const id = await enqueue(queue, `lane/${1 + (round % 4)}`);
      await passTime(queue, 30_000, 30_000);
      const { items } = await queue.queue.inspect([id]);
      expect(items[0]?.state).toBe('completed');
    }
    const { items } = await queue.queue.inspect([bad]);
    expect(items[0]).toMatchObject({ state: 'review', reviewReason: 'exhausted', retryCount: 3 });
    // The first failure never counts; every other one had its evidence.
    expect(items[0]?.attempts.filter((attempt) => attempt.counted)).toHaveLength(3);
    expect((await queue.queue.status()).targets[0]?.state).toBe('online');
  });

  test('in a quiet queue waits visibly, and reaches review when patience ends', async () => {
    const server = await startServer({ answer: { status: 502 } });
    const queue = testQueue({ api: { baseUrl: server.url, patience: '1d' } });
    const id = await enqueue(queue, 'lane/0', 'bad');
    await queue.queue.drain();
    await passTime(queue, 23 * HOUR, HOUR);
    expect((await queue.queue.inspect([id])).items[0]).toMatchObject({ state: 'pending', retryCount: 0 });
    expect((await queue.queue.status()).targets[0]).toMatchObject({ state: 'unavailable' });
    await passTime(queue, 3 * HOUR, HOUR);
    expect((await queue.queue.inspect([id])).items[0]).toMatchObject({
      state: 'review',
      reviewReason: 'exhausted',
      retryCount: 0,
    });
  });
});

describe.each<[string, Answer]>([
  ['502', { status: 502 }],
  ['500', { status: 500 }],
  ['silence', { drop: true }],
])('a server that answers everything with %s for a weekend', (_name, answer) => {
  test('flags nothing within the patience, and gets everything once when it is back', async () => {
    const server: RestServer = await startServer({ answer });
    const queue = testQueue({ api: { baseUrl: server.url } });
    for (let lane = 0; lane < 6; lane += 1) await enqueue(queue, `lane/${lane}`);
    await queue.queue.drain();
    await passTime(queue, 2.5 * DAY, 2 * HOUR);
    const down = await queue.queue.status();
    expect(down.counts).toMatchObject({ pending: 6, review: 0 });

    server.setAnswer({ status: 201 });
    queue.clock.advance(7 * HOUR);
    for (let round = 0; round < 3; round += 1) await queue.queue.drain();
    expect((await queue.queue.status()).counts).toMatchObject({ completed: 6, pending: 0, review: 0 });
  });
});

test('time spent offline is no failure: it does not use up patience', async () => {
  const server = await startServer({ answer: { status: 502 } });
  const queue = testQueue({ api: { baseUrl: server.url, patience: '1d' } });
  const id = await enqueue(queue, 'lane/0');
  await queue.queue.drain();
  queue.clock.advance(10 * MINUTE);
  await server.stop();
  await queue.queue.drain();
  await passTime(queue, 4 * DAY, 12 * HOUR);
  await server.start();
  await queue.queue.drain();
  expect((await queue.queue.inspect([id])).items[0]).toMatchObject({ state: 'pending' });
});

test('a wrong base path with 1,000 lanes flags 20 items, not 1,000, and goes on after resume', async () => {
  const server = await startServer({ answer: ({ path }) => ({ status: path.startsWith('/v1/') ? 201 : 404 }) });
  const queue = testQueue({ api: { baseUrl: `${server.url}/v2` } });
  await queue.queue.enqueueMany(
    Array.from({ length: 1_000 }, (_, n) => ({ method: 'POST', path: '/a', entity: `lane/${n}`, json: n })),
  );
  expect(await queue.queue.drain()).toMatchObject({ review: 20, needsPerson: true, stopped: 'held' });
  const { targets, counts } = await queue.queue.status();
  expect(counts.review).toBe(20);
  expect(targets[0]).toMatchObject({ state: 'misconfigured', held: 980 });
  expect(targets[0]?.reason).toContain('20 items refused with 404');

  await queue.queue.desk.resume({ target: 'api' }, { who: 'test', command: 'resume', reason: undefined });
  expect(await queue.queue.drain({ limit: 5 })).toMatchObject({ attempts: 5, review: 5 });
});

test('a credential that is renewed after a 401 sends the item on at once', async () => {
  const { writeFileSync, chmodSync } = await import('node:fs');
  const { join } = await import('node:path');
  const { tempDirectory } = await import('../../support/temp.js');
  const file = join(tempDirectory(), 'token');
  writeFileSync(file, 'old');
  chmodSync(file, 0o600);
  const server = await startServer({
    answer: ({ headers }) => {
      if (headers.authorization === 'Bearer new') return { status: 201 };
      writeFileSync(file, 'new');
      return { status: 401 };
    },
  });
  const queue = testQueue({ api: { baseUrl: server.url, auth: { bearer: { file } } } });
  for (let lane = 0; lane < 3; lane += 1) await enqueue(queue, `lane/${lane}`);
  expect(await queue.queue.drain({ concurrency: 3 })).toMatchObject({ delivered: 3, needsPerson: false });
  expect((await queue.queue.inspect([1])).items[0]).toMatchObject({ retryCount: 0 });
});
