import { describe, expect, test } from '@jest/globals';

import { rawServer } from '../send/wire.js';
import { testQueue } from '../../support/queue.js';

const UNREADABLE = 'HTTP/1.1 201 Created\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}';

async function queueFor(lanes: number) {
  let requests = 0;
  const server = await rawServer((socket) => {
    requests += 1;
    socket.end(UNREADABLE);
  });
  const { queue, clock } = testQueue({ api: { baseUrl: server.url } });
  const ids: number[] = [];
  for (let lane = 1; lane <= lanes; lane += 1)
    ids.push((await queue.enqueue({ method: 'POST', path: '/a', entity: `a/${lane}`, json: { lane } })).id);
  return { queue, clock, ids, requests: () => requests };
}

describe('a server that acts and cannot say so', () => {
  test('is asked twice, whatever waits for it, and the hold outlives the run', async () => {
    const { queue, clock, ids, requests } = await queueFor(5);
    const before = Date.now();
    const report = await queue.drain();
    expect(requests()).toBe(2);
    expect(report).toMatchObject({ review: 0, needsPerson: true });
    expect(report.held[0]).toMatchObject({ state: 'misconfigured', reason: expect.stringContaining('cannot be read') });
    expect(report.held[0]?.until).toBeGreaterThanOrEqual(before + 60_000);
    await queue.drain();
    expect(requests()).toBe(2);
    clock.advance(61_000);
    await queue.drain();
    expect(requests()).toBe(3);
    clock.advance(61_000);
    await queue.drain();
    expect(requests()).toBe(3);
    const { items } = await queue.inspect(ids);
    expect(items.every(({ state }) => state === 'pending')).toBe(true);
  });

  test('sends its only item to a person after the second time', async () => {
    const { queue, ids, requests } = await queueFor(1);
    await queue.drain();
    expect(requests()).toBe(2);
    const [item] = (await queue.inspect(ids)).items;
    expect(item).toMatchObject({ state: 'review', reviewReason: 'unknown', lastError: { outcome: 'unknown' } });
  });
});
