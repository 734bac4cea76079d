import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { testQueue } from '../../support/queue.js';
import { startServer } from '../../support/rest-server.js';
import { tempDirectory } from '../../support/temp.js';

test('a claim that a stop caught before its request was on the wire goes back, as if it had not been made', async () => {
  const server = await startServer();
  const [first, second] = [join(tempDirectory(), 'first'), join(tempDirectory(), 'second')];
  // The token is never fresh, so every claim asks for it; from the second time on the answer is slow.
  const code = `const fs = require('fs'), [first, second] = process.argv.slice(1), again = fs.existsSync(first);
    fs.writeFileSync(again ? second : first, '');
    setTimeout(() => console.log(JSON.stringify({ token: 't', expiresAt: 1 })), again ? 1500 : 0);`;
  const command = [process.execPath, '-e', code, first, second];
  const { queue } = testQueue({ api: { baseUrl: server.url, auth: { bearer: { command } } } });
  const { id } = await queue.enqueue({ method: 'POST', path: '/a', json: 1 });
  const stop = new AbortController();
  const drained = queue.drain({ stop: stop.signal });
  while (!existsSync(second)) await new Promise((resolve) => setTimeout(resolve, 20));
  stop.abort();
  expect(await drained).toMatchObject({ stopped: 'signal', attempts: 0 });
  expect((await queue.inspect([id])).items[0]).toMatchObject({ state: 'pending', attempts: [] });
  expect(server.requests).toHaveLength(0);
}, 30_000);
