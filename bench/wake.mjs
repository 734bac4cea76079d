/**
 * How long an item enqueued by another process waits for its request: from the commit's return to the request's arrival,
 * with a `watch` beside it. Also with 100,000 pending items behind a pause and 1,000 in backoff.
 *
 *   npm run build && node bench/wake.mjs [--items 300] [--backlog 100000] [--backoff 1000]
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = process.env.SYNCQ_ROOT ?? new URL('..', import.meta.url).pathname;
const { openQueue } = await import(join(ROOT, 'dist/core/index.js'));

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '300' },
    backlog: { type: 'string', default: '100000' },
    backoff: { type: 'string', default: '1000' },
  },
});
const [ITEMS, BACKLOG, BACKOFF] = [values.items, values.backlog, values.backoff].map(Number);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const arrivals = new Map();
let failed = 0;
const server = createServer((request, response) => {
  const isFlaky = request.url.startsWith('/flaky/');
  if (isFlaky) failed += 1;
  else arrivals.set(request.headers['idempotency-key'], performance.now());
  request.resume().on('end', () => response.writeHead(isFlaky ? 500 : 200).end('{}'));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const base = `http://127.0.0.1:${server.address().port}`;
const retry = { base: '1h' };
const targets = {
  api: { baseUrl: base },
  flaky: { baseUrl: `${base}/flaky`, retry },
  paused: { baseUrl: `${base}/paused` },
};

const directory = mkdtempSync(join(tmpdir(), 'syncq-bench-'));
const { writeFileSync } = await import('node:fs');
const [file, config] = [join(directory, 'q.db'), join(directory, 'syncq.json')];
writeFileSync(config, JSON.stringify({ defaultTarget: 'api', targets }), { mode: 0o600 });
const queue = await openQueue({ queue: file, config: { defaultTarget: 'api', targets } });

let watcher;
try {
  await fill();
  watcher = spawn(process.execPath, [join(ROOT, 'bin/run.js'), 'watch', '--queue', file, '--config', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await pause(1000);
  while (failed < BACKOFF) await pause(200);
  await measure('idle queue, one item at a time');
  await idleCost();
} finally {
  watcher?.kill();
  await queue.close();
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
}

async function fill() {
  const write = (target, n) => ({
    method: 'POST',
    path: `/x/${n}`,
    target,
    entity: { type: 'x', id: String(n) },
    json: { n },
  });
  for (let n = 0; n < BACKOFF; n += 1000)
    await queue.enqueueMany(Array.from({ length: Math.min(1000, BACKOFF) }, (_, i) => write('flaky', n + i)));
  if (BACKLOG === 0) return;
  await queue.enqueue(write('paused', -1));
  await queue.desk.pause({ target: 'paused' }, { who: 'bench', command: 'pause', reason: undefined });
  for (let n = 0; n < BACKLOG; n += 5000)
    await queue.enqueueMany(Array.from({ length: 5000 }, (_, i) => write('paused', n + i)));
}

async function measure(name) {
  const latencies = [];
  for (let n = 0; n < ITEMS; n += 1) {
    const { idempotencyKey } = await queue.enqueue({ method: 'POST', path: '/item', json: { n } });
    const committed = performance.now();
    while (!arrivals.has(idempotencyKey)) await pause(1);
    latencies.push(Math.max(0, arrivals.get(idempotencyKey) - committed));
    // Not in step with any poll.
    await pause(20 + Math.random() * 180);
  }
  latencies.sort((a, b) => a - b);
  const at = (q) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))].toFixed(1);
  console.log(
    `${name}: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms (n ${ITEMS}, backlog ${BACKLOG}, backoff ${BACKOFF})`,
  );
}

/** CPU of the watch with nothing to do, % of one core. Linux only. */
async function idleCost() {
  if (process.platform !== 'linux') return;
  const ticks = () => {
    const fields = readFileSync(`/proc/${watcher.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  await pause(2000);
  const [before, seconds] = [ticks(), 20];
  await pause(seconds * 1000);
  console.log(`idle: ${(((ticks() - before) / 100 / seconds) * 100).toFixed(2)} % of a core`);
}
