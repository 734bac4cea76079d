/** One process of a chaos run, made to be killed: enqueues, sends, or does what support does, until the end. */
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { pick, seeded, seedOf, sleep } from './random.mjs';
import { TARGETS, write } from './writes.mjs';

const [root, role, queuePath, configPath, seed, name, from, count] = process.argv.slice(2);
const { openQueue } = await import(join(root, 'dist/core/index.js'));
const random = seeded(seedOf(seed, role, name, process.pid));
const tell = (word, value) => writeSync(1, `${word} ${JSON.stringify(value)}\n`);
const BY = { who: 'chaos', command: role };

const queue = await openQueue({ queue: queuePath, config: JSON.parse(readFileSync(configPath, 'utf8')) });
tell('READY', role);

const ROLES = {
  async enqueue() {
    const end = Number(from) + Number(count);
    for (let n = Number(from); n < end;) {
      const size = random() < 0.1 ? Math.min(5, end - n) : 1;
      const writes = Array.from({ length: size }, (_, i) => write(seed, name, n + i));
      const results = size === 1 ? [await queue.enqueue(writes[0])] : await queue.enqueueMany(writes);
      for (const { id, idempotencyKey } of results) tell('ACK', { id, key: idempotencyKey });
      n += size;
    }
  },

  async run() {
    for (;;) {
      const report = await queue.drain({ concurrency: 4, wait: true, maxTimeMs: 1000 });
      await sleep(report.stopped === 'other-runner' ? 30 : 5);
    }
  },

  async watch() {
    for await (const { event } of queue.watch({ concurrency: 4 })) if (event === 'stopped') return;
  },

  async support() {
    for (;;) {
      await sleep(random() * 60);
      const entity = { type: 'e', id: String(Math.floor(random() * 25)) };
      const target = pick(random, TARGETS);
      const what = pick(random, [{ target }, { entity }]);
      const junk = { entities: [{ type: 'junk', id: undefined }], states: ['review', 'pending'] };
      const act = pick(random, [
        () => queue.desk.resume('all', BY),
        () => queue.desk.resume('all', BY),
        () => queue.desk.resume(what, BY),
        () => queue.desk.pause(what, BY, { until: Date.now() + 200 }),
        () => queue.desk.discard(junk, { dryRun: false, by: BY }),
      ]);
      // Nothing to pause yet, or an entity that nobody knows: no failure.
      await act().catch((error) => {
        if (!['not-found', 'unknown-target'].includes(error.code)) throw error;
      });
      await queue.retry({ states: ['review', 'pending'] }, BY);
      await queue.status();
    }
  },
};

try {
  await ROLES[role]();
  await queue.close();
} catch (error) {
  // Nothing in a chaos run may fail but by being killed; patience with a stopped writer may end.
  if (error.code !== 'busy') tell('FAILED', { role, code: error.code, message: String(error.stack ?? error) });
}
