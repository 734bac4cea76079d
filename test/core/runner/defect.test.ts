import { expect, jest, test } from '@jest/globals';

import { Channel } from '../../../src/core/runner/channel.js';
import { testQueue } from '../../support/queue.js';
import { startServer } from '../../support/rest-server.js';

test('what throws while an item is sent ends the drain, after what else was under way is recorded', async () => {
  const server = await startServer({ answer: { status: 200, delayMs: 200 } });
  const { queue } = testQueue({ api: { baseUrl: server.url } });
  for (const name of ['a', 'b', 'c'])
    await queue.enqueue({ method: 'POST', path: `/${name}`, entity: `x/${name}`, json: 1 });
  const send = Channel.prototype.send;
  const spy = jest.spyOn(Channel.prototype, 'send').mockImplementation(function (this: Channel, request, ...rest) {
    if (request.path === '/b') throw new Error('a defect');
    return send.call(this, request, ...rest);
  });
  try {
    await expect(queue.drain({ concurrency: 2 })).rejects.toThrow('a defect');
  } finally {
    spy.mockRestore();
  }
  const states = (await queue.inspect([1, 2, 3])).items.map(({ state }) => state);
  expect(states).toEqual(['completed', 'sending', 'pending']);
  // The next runner finds the open claim, calls it unknown, and goes on.
  await queue.drain();
  const { items } = await queue.inspect([1, 2, 3]);
  expect(items.map(({ state }) => state)).toEqual(['completed', 'completed', 'completed']);
  expect(items[1]?.attempts.map(({ outcome }) => outcome)).toEqual(['unknown', 'delivered']);
  expect(server.requests.map(({ path }) => path).sort()).toEqual(['/a', '/b', '/c']);
}, 30_000);
