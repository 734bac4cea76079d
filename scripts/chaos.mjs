/**
 * Many processes on one queue, killed and stopped at random moments, against a server that loses answers; then all is
 * healed and drained, and the server's journal is held against the invariants. Fails with the seed to repeat it.
 *
 *   npm run chaos -- --seed 7 --seconds 60 [--kills 1000] [--items 10000] [--keep]
 *
 * It ends when all three of seconds, kills and items are reached.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { parseArgs } from 'node:util';

import { readItems, violations } from './chaos/check.mjs';
import { exponential, pick, seeded, sleep } from './chaos/random.mjs';
import { startRecorder } from './chaos/server.mjs';
import { config, write } from './chaos/writes.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    kills: { type: 'string', default: '0' },
    items: { type: 'string', default: '0' },
    keep: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const SEED = values.seed;
const [SECONDS, KILLS, ITEMS] = [values.seconds, values.kills, values.items].map(Number);
const ROOT = process.env.SYNCQ_ROOT ?? new URL('..', import.meta.url).pathname;
const WORKER = new URL('./chaos/worker.mjs', import.meta.url).pathname;
const PROGRAM = join(ROOT, 'bin/run.js');

const random = seeded(Number(SEED));
const directory = mkdtempSync(join(tmpdir(), 'syncq-chaos-'));
const queuePath = join(directory, 'queue.db');
const configPath = join(directory, 'syncq.json');
const laneOf = (key) => {
  const { target, entity } = write(
    SEED,
    key.slice(0, key.lastIndexOf('-')),
    Number(key.slice(key.lastIndexOf('-') + 1)),
  );
  return entity === undefined ? `${target} default` : `${target} ${entity}`;
};
const server = await startRecorder(Number(SEED) + 1, laneOf);
writeFileSync(configPath, JSON.stringify(config(server.url)), { mode: 0o600 });

const acked = new Map();
const failures = [];
const counts = { started: 0, kills: 0, stops: 0, commands: 0, backups: 0 };
const startedAt = performance.now();
const elapsed = () => (performance.now() - startedAt) / 1000;
/** An enqueuer's name and how far it is known to have got; a killed one's work is repeated from there. */
const enqueuers = Array.from({ length: 3 }, (_, i) => ({ name: `w${i}`, next: 0 }));
const isDone = () => elapsed() >= SECONDS && counts.kills >= KILLS && acked.size >= ITEMS;

/** Starts a process and reads its lines until it is gone. */
function start(argv, onLine, env = {}) {
  counts.started += 1;
  const child = spawn(process.execPath, argv, {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let rest = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) onLine(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, errors })));
  return { child, ended };
}

/** Kills (or first stops) the process after a while; `afterReady` resolves when it has begun its work. */
async function harass({ child, ended }, begun, mean) {
  let over = false;
  void ended.then(() => (over = true));
  await Promise.race([begun, ended]);
  await Promise.race([sleep(exponential(random, mean)), ended]);
  if (!over && random() < 0.25) {
    counts.stops += 1;
    child.kill('SIGSTOP');
    await sleep(random() * 500);
    if (random() < 0.7) {
      child.kill('SIGCONT');
      await Promise.race([sleep(exponential(random, mean)), ended]);
    }
  }
  if (over) return;
  child.kill('SIGKILL');
  child.kill('SIGCONT');
  const { signal } = await ended;
  if (signal === 'SIGKILL') counts.kills += 1;
}

async function worker(role, enqueuer) {
  let begin;
  const begun = new Promise((resolve) => (begin = resolve));
  const more = enqueuer === undefined ? [] : [enqueuer.name, String(enqueuer.next), '400'];
  const process_ = start(
    [WORKER, ROOT, role, queuePath, configPath, SEED, ...(more.length > 0 ? more : [role])],
    (line) => {
      const [word, json] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)];
      if (word === 'READY') begin();
      if (word === 'FAILED') failures.push(json);
      if (word !== 'ACK') return;
      const { id, key } = JSON.parse(json);
      acked.set(key, id);
      enqueuer.next = Number(key.slice(key.lastIndexOf('-') + 1)) + 1;
    },
  );
  // A sender that has just begun has nothing under way yet, and a fresh process takes its time to load.
  await harass(process_, begun, role === 'run' || role === 'watch' ? 1200 : 250);
  const { errors, signal } = await process_.ended;
  if (signal === null && errors.trim() !== '') failures.push(`${role}: ${errors.slice(0, 600)}`);
}

/** Codes that say "not now" are answers, not failures. */
const FINE = new Set([0, 3, 4, 5]);

async function command(cli, { enqueuer, mayDie = true, mustDie = false } = {}) {
  counts.commands += 1;
  let out = '';
  const process_ = start([PROGRAM, ...cli], (line) => (out += `${line}\n`), {
    SYNCQ_CONFIG: configPath,
    SYNCQ_QUEUE: queuePath,
  });
  if (mustDie || (mayDie && random() < 0.6)) await harass(process_, sleep(150), 250);
  const { code, signal, errors } = await process_.ended;
  if (signal === null && !FINE.has(code)) failures.push(`syncq ${cli.join(' ')}: exit ${code}\n${out}${errors}`);
  if (enqueuer !== undefined && code === 0 && signal === null) {
    acked.set(`${enqueuer.name}-${enqueuer.next}`, Number(out));
    enqueuer.next += 1;
  }
}

async function enqueueByCommand(enqueuer) {
  const { method, path, target, entity, idempotencyKey, body } = write(SEED, enqueuer.name, enqueuer.next);
  const about = entity === undefined ? [] : ['--entity', entity];
  await command(['enqueue', method, path, '--target', target, '--key', idempotencyKey, '-d', body, ...about], {
    enqueuer,
  });
}

/** Each slot is one process after the other, so that so many live at a time. */
const SLOTS = [
  ...enqueuers.map((enqueuer) => async () => {
    if (acked.size > Math.max(ITEMS, 500) && acked.size > server.journal.effects.size + 3000) return sleep(200);
    if (random() < 0.04) return enqueueByCommand(enqueuer);
    return worker('enqueue', enqueuer);
  }),
  () => (random() < 0.1 ? command(['run', '--concurrency', '4', '--quiet']) : worker('run')),
  () => worker(random() < 0.6 ? 'run' : 'watch'),
  () => (random() < 0.1 ? command(['watch', '--quiet'], { mustDie: true }) : worker('watch')),
  () => worker('support'),
  async () => {
    await sleep(1500);
    const commands = [
      ['retry', '--all'],
      ['resume', '--all'],
      ['status', '--json'],
      ['inspect'],
      ['doctor', '--json'],
      ['backup', 'x'],
    ];
    const cli = pick(random, commands);
    if (!existsSync(queuePath)) return;
    if (cli[0] !== 'backup') return command(cli);
    counts.backups += 1;
    await command(['backup', join(directory, `backup-${counts.backups}.db`)]);
  },
];

const trace = (...words) => values.verbose && console.error(Math.round(elapsed()), ...words);

async function storm() {
  const beat = setInterval(() => trace(JSON.stringify(counts), acked.size, server.journal.effects.size), 2000);
  await Promise.all(
    SLOTS.map(async (slot) => {
      while (!isDone()) await slot();
    }),
  );
  clearInterval(beat);
}

/** All is well from here: everything that was acknowledged has to arrive. */
async function heal() {
  server.heal();
  for (let round = 0; round < 200; round += 1) {
    await command(['resume', '--all', '--quiet'], { mayDie: false });
    await command(['retry', '--all', '--quiet'], { mayDie: false });
    await command(['run', '--concurrency', '8', '--quiet'], { mayDie: false });
    let status = '';
    const { ended } = start([PROGRAM, 'status', '--json'], (line) => (status += line), {
      SYNCQ_CONFIG: configPath,
      SYNCQ_QUEUE: queuePath,
    });
    await ended;
    const { counts: now } = JSON.parse(status);
    if (failures.length > 0) return;
    trace('healing', JSON.stringify(now));
    if (now.pending + now.sending + now.review === 0) return;
    await sleep(200);
  }
  failures.push('after 200 rounds without faults there is still something left');
}

async function examine() {
  let out = '';
  const { ended } = start([PROGRAM, 'doctor', '--json'], (line) => (out += line), {
    SYNCQ_CONFIG: configPath,
    SYNCQ_QUEUE: queuePath,
  });
  const { code } = await ended;
  if (code !== 0) failures.push(`doctor: exit ${code} ${out}`);
}

await storm();
const stormed = elapsed();
await heal();
await examine();
const items = await readItems(ROOT, queuePath);
const { journal } = server;
const found = [...failures, ...violations({ seed: SEED, items, acked, journal })];
server.close();

console.log(
  JSON.stringify({
    seed: SEED,
    seconds: Math.round(stormed),
    ...counts,
    acknowledged: acked.size,
    stored: items.length,
    requests: journal.requests.length,
    effects: journal.effects.size,
    replays: journal.requests.length - new Set(journal.requests.map(({ key }) => key)).size,
    unknown: items.reduce((sum, item) => sum + item.attempts.filter(({ outcome }) => outcome === 'unknown').length, 0),
    reviewed: items.filter(({ attempts }) => attempts.some(({ outcome }) => outcome === 'rejected')).length,
    violations: found.length,
  }),
);
if (found.length > 0) {
  console.error([...found.slice(0, 20), `... seed ${SEED}; everything is in ${directory}`].join('\n'));
  process.exitCode = 1;
} else if (!values.keep) {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
