/**
 * One life of a queue in one process, for the power-loss test to log: makes the file, enqueues, sends, is refused,
 * retries, sends again. Says on stdout what it has acknowledged, in the order in which it did.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';

const [root, path, url, count] = process.argv.slice(2);
const { openQueue } = await import(join(root, 'dist/core/index.js'));
const config = { targets: { api: { baseUrl: url, retry: { base: '10ms', cap: '20ms' } } } };
const acknowledge = (word, value) => writeSync(1, `${word} ${value}\n`);

const write = (n) => ({
  method: 'POST',
  path: `/a/${n}`,
  entity: `a/${n % 5}`,
  idempotencyKey: `k${n}`,
  body: JSON.stringify({ n, pad: 'x'.repeat((n * 977) % 6000) }),
});

let queue = await openQueue({ queue: path, config });
for (let n = 0; n < Number(count); n += 1) {
  const { idempotencyKey } = await queue.enqueue(write(n));
  acknowledge('STORED', idempotencyKey);
}
await queue.close();
queue = await openQueue({ queue: path, config });
await queue.drain({ concurrency: 2 });
const { changed } = await queue.retry({ states: ['review'] });
for (const id of changed) acknowledge('RETRIED', id);
const more = await queue.enqueueMany([write(1000), write(1001)]);
for (const { idempotencyKey } of more) acknowledge('STORED', idempotencyKey);
await queue.drain({ concurrency: 2 });
await queue.close();
