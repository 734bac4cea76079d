/**
 * Lets `watch` work for a long time on a bad day: 20 items a second, a server that goes away, answers 503 or dies after
 * it has done the work, and (in the first half) kill -9 of the watch. In the end every item has had its effect once and
 * in order, no entity had two requests under way, the backlog moved as soon as the server was back, and in the second
 * half memory and file descriptors were flat.
 *
 *   npm run build && npm run soak -- --minutes 3
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = process.env.SYNCQ_ROOT ?? fileURLToPath(new URL('..', import.meta.url));
const { openQueue } = await import(join(ROOT, 'dist/core/index.js'));
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    rate: { type: 'string', default: '20' },
    seed: { type: 'string' },
  },
});
const DURATION_MS = Number(values.minutes) * 60_000;
const ENTITIES = 50;
const LATENCY_MS = 20;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** mulberry32: the faults of a run can be had again. */
let state = Number(values.seed ?? Date.now() % 2 ** 31);
console.log(`seed ${state}`);
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const between = (from, to) => from + random() * (to - from);

/** What the server has done: the bytes by idempotency key, the last number of each entity, and what is under way. */
const effects = new Map();
const lastOf = new Map();
const underWay = new Map();
/** Longest pause between the probes of a server that was away, and room for a busy machine, ms. */
const BACK_MS = 12_000;
const problems = [];
const counts = { requests: 0, repeated: 0, refused: 0, cut: 0, outages: 0, windows: 0, kills: 0, longestReturnMs: 0 };
let mode = 'ok';
let lastRequestAt = 0;

const server = createServer((request, response) => {
  const chunks = [];
  const key = request.headers['idempotency-key'];
  const entity = request.url;
  const other = underWay.get(entity);
  // Only what a killed sender left on the wire may overlap, and only with itself.
  if (other !== undefined && !(other.key === key && other.pid !== watcher.child.pid))
    problems.push(`${entity}: two requests at the same time`);
  const mine = { key, pid: watcher.child.pid };
  underWay.set(entity, mine);
  response.on('close', () => underWay.get(entity) === mine && underWay.delete(entity));
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    counts.requests += 1;
    lastRequestAt = performance.now();
    const body = Buffer.concat(chunks).toString();
    if (mode === '503') {
      counts.refused += 1;
      response.writeHead(503).end();
      return;
    }
    if (!effects.has(key)) apply(key, body);
    else if (effects.get(key) === body) counts.repeated += 1;
    else problems.push(`${key} came again with other bytes`);
    if (mode === 'cut') {
      counts.cut += 1;
      request.socket.destroy();
      return;
    }
    // Long enough for requests to overlap; not of the seed's chance, which makes the faults.
    setTimeout(
      () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
      Math.random() * LATENCY_MS,
    );
  });
});
await listen(0);
const { port } = server.address();

function listen(at) {
  return new Promise((resolve) => server.listen(at, '127.0.0.1', resolve));
}

function apply(key, body) {
  effects.set(key, body);
  const { entity, number } = JSON.parse(body);
  const last = lastOf.get(entity) ?? 0;
  if (number !== last + 1) problems.push(`${entity}: ${number} after ${last}`);
  lastOf.set(entity, number);
}

const directory = mkdtempSync(join(tmpdir(), 'syncq-soak-'));
const [file, config] = [join(directory, 'q.db'), join(directory, 'syncq.json')];
// Short holds, so that a 503 window costs seconds and the run has many of them.
const targets = {
  api: { baseUrl: `http://127.0.0.1:${port}`, timeout: '5s', retry: { max: 1000, base: '1s', cap: '5s' } },
};
writeFileSync(config, JSON.stringify({ targets }), { mode: 0o600 });
const queue = await openQueue({ queue: file, config: { targets } });

let watcher;
const samples = [];
let stopping = false;

function startWatch() {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'bin/run.js'), 'watch', '--json', '--quiet', '--queue', file, '--config', config],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith('{"event":"') || !line.endsWith('}')) problems.push(`no event: ${line.slice(0, 100)}`);
    }
  });
  child.on('exit', (code, signal) => {
    if (!stopping && signal !== 'SIGKILL') problems.push(`watch ended by itself: ${code ?? signal}`);
  });
  watcher = { child, startedAt: performance.now() };
}

const begun = performance.now();
const isOver = () => performance.now() - begun > DURATION_MS;
const isSecondHalf = () => performance.now() - begun > DURATION_MS / 2;

async function produce() {
  const numbers = new Map();
  let produced = 0;
  while (!isOver()) {
    const due = ((performance.now() - begun) / 1000) * Number(values.rate);
    for (; produced < due; produced += 1) {
      const entity = `e${Math.floor(random() * ENTITIES)}`;
      const number = (numbers.get(entity) ?? 0) + 1;
      numbers.set(entity, number);
      await queue.enqueue({
        method: 'POST',
        path: `/${entity}`,
        entity: { type: 'x', id: entity },
        json: { entity, number },
      });
    }
    await pause(40);
  }
  return produced;
}

/** One fault after another, each with calm before and after it. */
async function disturb() {
  while (!isOver()) {
    await pause(between(4000, 12_000));
    if (isOver()) break;
    const fault = random();
    if (fault < 0.35) {
      counts.outages += 1;
      server.close();
      server.closeAllConnections();
      await pause(between(500, 6000));
      await listen(port);
      await backInTime();
    } else if (fault < 0.6) {
      counts.windows += 1;
      mode = '503';
      await pause(between(300, 3000));
      mode = 'ok';
    } else if (fault < 0.8 || isSecondHalf()) {
      mode = 'cut';
      await pause(between(20, 300));
      mode = 'ok';
    } else {
      counts.kills += 1;
      watcher.child.kill('SIGKILL');
      await pause(between(50, 2000));
      startWatch();
    }
  }
}

/**
 * There is always a backlog after an outage: it has to be on its way as soon as the contract says. A target that had
 * answered 503 before is held for a time of its own, which a server's return does not end.
 */
async function backInTime() {
  const back = performance.now();
  const [target] = (await queue.status()).targets;
  const held = target.state === 'unavailable' ? Math.max(0, target.until - Date.now()) : 0;
  const patience = Math.max(BACK_MS, held + 2000);
  while (lastRequestAt < back && performance.now() - back < patience) await pause(20);
  counts.longestReturnMs = Math.max(counts.longestReturnMs, Math.round(performance.now() - back));
  if (lastRequestAt < back)
    problems.push(`nothing came within ${Math.round(patience / 1000)} s of the server's return (${target.state})`);
}

async function sample() {
  while (!isOver()) {
    await pause(Math.min(5000, DURATION_MS / 40));
    const { child, startedAt } = watcher;
    try {
      const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;
      const fds = readdirSync(`/proc/${child.pid}/fd`).length;
      const { counts: items } = await queue.status();
      samples.push({
        at: performance.now() - begun,
        age: performance.now() - startedAt,
        rss,
        fds,
        backlog: items.pending + items.sending,
      });
    } catch {
      // It was just killed.
    }
  }
}

startWatch();
const [produced] = await Promise.all([produce(), disturb(), sample()]);
const deadline = performance.now() + 330_000;
for (;;) {
  const { counts: items } = await queue.status();
  if (items.pending + items.sending === 0) break;
  if (performance.now() > deadline) {
    problems.push(`${items.pending} items still pending`);
    break;
  }
  await pause(200);
}
stopping = true;
watcher.child.kill('SIGTERM');
await new Promise((resolve) => watcher.child.on('exit', resolve));
const { counts: items } = await queue.status();
await queue.close();
server.close();
server.closeAllConnections();
rmSync(directory, { recursive: true, force: true });

if (items.completed !== produced)
  problems.push(`${items.completed} of ${produced} completed, ${items.review} in review`);
if (effects.size !== produced) problems.push(`${effects.size} effects of ${produced} items`);
console.log(
  JSON.stringify({
    minutes: Number(values.minutes),
    produced,
    ...counts,
    mostBacklog: Math.max(...samples.map(({ backlog }) => backlog)),
  }),
);
judgeMemory();
for (const problem of problems.slice(0, 20)) console.log(`PROBLEM ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
console.log(problems.length === 0 ? 'soak: ok' : 'soak: FAILED');

/** The second half, without kills: its first and last third may differ by 5 % in a long run, more while Node warms up. */
function judgeMemory() {
  const calm = samples.filter(({ at, age }) => at > DURATION_MS / 2 && age > Math.min(60_000, DURATION_MS / 6));
  if (calm.length < 6) {
    if (Number(values.minutes) >= 3) problems.push(`only ${calm.length} samples of memory in calm times`);
    return;
  }
  const third = Math.floor(calm.length / 3);
  const median = (list, field) => list.map((each) => each[field]).sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const [early, late] = [calm.slice(0, third), calm.slice(-third)];
  const growth = median(late, 'rss') / median(early, 'rss') - 1;
  const fds = median(late, 'fds') - median(early, 'fds');
  const perHour = slope(calm) * 3_600_000;
  console.log(
    `rss ${median(early, 'rss').toFixed(1)} -> ${median(late, 'rss').toFixed(1)} MB (${(growth * 100).toFixed(1)} %, ` +
      `slope ${perHour.toFixed(2)} MB/h over ${((calm.at(-1).at - calm[0].at) / 60_000).toFixed(1)} min), fds ${median(early, 'fds')} -> ${median(late, 'fds')}`,
  );
  const allowed = Number(values.minutes) >= 20 ? 0.05 : 0.25;
  if (growth > allowed) problems.push(`memory grew by ${(growth * 100).toFixed(1)} %`);
  // Four come and go with the connections of a target; what leaks, leaks with every outage or request.
  if (fds > 8) problems.push(`${fds} file descriptors more`);
}

/** Least squares, MB per ms. */
function slope(points) {
  const mean = (pick) => points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [x, y] = [mean(({ at }) => at), mean(({ rss }) => rss)];
  const over = points.reduce((sum, { at, rss }) => sum + (at - x) * (rss - y), 0);
  return over / points.reduce((sum, { at }) => sum + (at - x) ** 2, 0);
}
