import { expect, test } from '@jest/globals';

import { statusAnswer } from '../../../src/core/policy/status-answer.js';
import { why } from '../../../src/core/policy/why.js';
import { testQueue } from '../../support/queue.js';
import { startServer } from '../../support/rest-server.js';

test('a refused credential is named everywhere, also when the time of its hold is over', async () => {
  const server = await startServer({ answer: { status: 401 } });
  const { queue, clock } = testQueue({ api: { baseUrl: server.url } });
  const { id } = await queue.enqueue({ method: 'POST', path: '/a' });
  await queue.drain();
  clock.advance(120_000);
  const now = clock.now();
  expect(statusAnswer(await queue.status(), { now, terminal: true })).toEqual([
    expect.stringMatching(/^1 waits: api does not accept the credential/),
  ]);
  const [item] = (await queue.inspect([id])).items;
  expect(item).toMatchObject({ waiting: 'due' });
  expect(why(item!, { now, terminal: true })).toMatch(/^waiting: api does not accept the credential/);
  expect(await queue.next(['api'])).toMatchObject({ kind: 'held', state: 'auth' });
  expect(await queue.drain({ limit: 0 })).toMatchObject({
    needsPerson: true,
    held: [{ target: 'api', state: 'auth' }],
  });
});
