/** One durable write from a shell, with `sqlite3` as in examples/outbox.sh, against an empty Node and the program. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ENV, interleave, program, ratioOf } from './measure.mjs';
import { openFilled, place, PROGRAM, ROOT } from './world.mjs';

const INSERT = `PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE;
  INSERT INTO outbox (method, path, payload) VALUES ('POST', '/notes', '{"a":1}'); COMMIT;`;

export async function shell({ rounds }) {
  if (spawnSync('sqlite3', ['--version']).status !== 0) {
    return [{ id: 'shell-insert', what: 'not measured, as `sqlite3` is missing: a write from a shell' }];
  }
  const directory = place();
  const { queue, file, config } = await openFilled(directory, 1000);
  // Nothing is sent, for no server is there; but a runner records the default target, which an INSERT may leave out.
  await queue.drain();
  await queue.close();
  ENV.SYNCQ_CACHE_DIR = place();
  const run =
    (...argv) =>
    async () =>
      void (await program(argv));
  const sqlite = ['sqlite3', '-batch', '-bail', '-init', '/dev/null', '-cmd', '.timeout 10000', `file:${file}?mode=rw`];
  const enqueue = [process.execPath, PROGRAM, 'enqueue', 'POST', '/notes', '-d', '{"a":1}'];
  const samples = await interleave(rounds, {
    node: run(process.execPath, '-e', '0'),
    insert: run(...sqlite, INSERT),
    example: run('sh', join(ROOT, 'examples/outbox.sh'), file, 'walk'),
    enqueue: run(...enqueue, '--queue', file, '--config', config),
  });
  const row = (id, what, one, other) => ({
    id,
    what,
    ...ratioOf(samples[one].wall, samples[other].wall),
    cpu: ratioOf(samples[one].cpu, samples[other].cpu).median,
  });
  return [
    row('shell-insert', '`sqlite3` INSERT of one item from a shell / `node -e 0`', 'insert', 'node'),
    row('shell-enqueue', '`sqlite3` INSERT of one item from a shell / CLI `enqueue`', 'insert', 'enqueue'),
    row('shell-example', 'examples/outbox.sh (two items) / CLI `enqueue` of one', 'example', 'enqueue'),
  ];
}
