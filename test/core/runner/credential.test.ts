/** Credentials that cannot be had: told once, asked for again seldom and by itself, and never in a loop. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

import type { QueueEvent } from '../../../src/core/index.js';
import { startServer } from '../../support/rest-server.js';
import type { TestQueue } from '../../support/queue.js';
import { testQueue } from '../../support/queue.js';
import { tempDirectory } from '../../support/temp.js';
import { until } from '../../support/until.js';

const write = { method: 'POST', path: '/a', json: {} } as const;

function secretFile(): { file: string; put: (token: string) => void } {
  const file = join(tempDirectory(), 'token');
  const put = (token: string): void => {
    writeFileSync(file, token);
    chmodSync(file, 0o600);
  };
  return { file, put };
}

async function drained({ queue }: TestQueue): Promise<QueueEvent[]> {
  const events: QueueEvent[] = [];
  await queue.drain({ onEvent: (event) => events.push(event) });
  return events;
}

describe('a credential that is not there', () => {
  test('is news for the first run that cron starts, not for every one', async () => {
    const server = await startServer();
    const { file, put } = secretFile();
    const test = testQueue({ api: { baseUrl: server.url, auth: { bearer: { file } } } });
    await test.queue.enqueue(write);
    const held = async () => (await test.queue.status()).targets[0];

    expect((await drained(test)).map(({ event }) => event)).toEqual(['held']);
    const since = (await held())?.since;
    test.clock.advance(300_000);
    expect(await drained(test)).toEqual([]);
    expect(await held()).toMatchObject({ state: 'misconfigured', since });
    expect(await test.queue.history()).toHaveLength(1);

    put('');
    expect((await drained(test)).map(({ event }) => event)).toEqual([]);
    expect((await held())?.reason).toContain('is empty');

    put('s3cret');
    expect((await drained(test)).map(({ event }) => event)).toEqual(['online', 'sending', 'delivered', 'online']);
  });

  test('is found by a watch when it comes, without a word from anybody', async () => {
    const server = await startServer();
    const { file, put } = secretFile();
    const { queue } = testQueue({ api: { baseUrl: server.url, auth: { bearer: { file } } } });
    await queue.enqueue(write);
    const stop = new AbortController();
    const watch = (async () => {
      for await (const event of queue.watch({ stop: stop.signal })) if (event.event === 'held') put('s3cret');
    })();
    await server.waitFor(1);
    stop.abort();
    await watch;
    expect(server.requests[0]?.headers.authorization).toBe('Bearer s3cret');
  });
});

test('a credential that ends and cannot be renewed holds its target, and is not asked for in a loop', async () => {
  const server = await startServer();
  const directory = tempDirectory();
  const calls = join(directory, 'calls');
  writeFileSync(calls, '');
  const script = `
    const { appendFileSync, existsSync, readFileSync } = require('node:fs');
    appendFileSync(${JSON.stringify(calls)}, '.');
    if (readFileSync(${JSON.stringify(calls)}, 'utf8').length === 1 || existsSync(${JSON.stringify(join(directory, 'back'))}))
      console.log(JSON.stringify({ token: 's3cret', expiresAt: Date.now() + 50_000 }));
    else { console.error('the vault is away'); process.exit(1); }`;
  const test = testQueue({
    api: { baseUrl: server.url, auth: { bearer: { command: [process.execPath, '-e', script] } } },
  });
  const { queue } = test;
  await queue.enqueue(write);
  const stop = new AbortController();
  const events: QueueEvent[] = [];
  const watch = (async () => {
    for await (const event of queue.watch({ stop: stop.signal })) events.push(event);
  })();
  await server.waitFor(1);
  test.clock.advance(60_000);
  await queue.enqueue(write);
  await until(async () => (await queue.status()).targets[0]?.state === 'misconfigured');
  expect((await queue.status()).targets[0]?.reason).toMatch(/the secret command .* failed \(exit 1\)/);
  const asked = readFileSync(calls, 'utf8').length;
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(readFileSync(calls, 'utf8').length - asked).toBeLessThanOrEqual(1);
  expect((await queue.inspect([2])).items[0]).toMatchObject({ state: 'pending', attempts: [] });

  writeFileSync(join(directory, 'back'), '');
  await server.waitFor(2);
  stop.abort();
  await watch;
  expect(events.filter(({ event }) => event === 'held')).toHaveLength(1);
});
