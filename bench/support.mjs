/**
 * The support desk in front of a million items, 500 of them in review: every command against `status` of an empty queue,
 * measured in turns, as whole processes. Needs `npm run build`.
 *
 *     node bench/support.mjs [ITEMS] [ROUNDS]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { systemClock } from '../dist/core/nouns/clock.js';
import { openSqliteStore } from '../dist/core/store/sqlite/store.js';

const ITEMS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = Number(process.argv[3] ?? 7);
const REVIEW = 500;
const COMPLETED = Math.floor(ITEMS / 10);
const PROGRAM = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const HOUR = 3_600_000;

const directory = mkdtempSync(join(tmpdir(), 'syncq-bench-'));
const now = systemClock.now();

function item(n) {
  return {
    target: n % 10 === 0 ? 'staging' : 'production',
    method: 'PUT',
    path: `/activities/${n}`,
    headers: {},
    contentType: 'application/json',
    payload: Buffer.from(`{"n":${n},"name":"activity number ${n}","phone":"4799${n}"}`),
    entity: { type: 'activity', id: String(n % 200_000) },
    operation: n % 3 === 0 ? 'create' : 'update',
    idempotencyKey: undefined,
    notBefore: undefined,
    expires: undefined,
    maxRetries: undefined,
    tags: n % 50 === 0 ? ['import'] : [],
  };
}

async function* batches() {
  for (let at = 1; at <= ITEMS; at += 1000) {
    yield Array.from({ length: Math.min(1000, ITEMS - at + 1) }, (_, index) => item(at + index));
  }
}

/** The first items of the log end: most are delivered, every so many is refused. */
async function send(store) {
  const policy = {
    gate: () => ({ slots: 1000, rotate: false }),
    decide: (facts, { outcome, message, cause }) => ({
      counted: false,
      target: {},
      move:
        outcome === 'delivered'
          ? { to: 'completed' }
          : { to: 'review', reason: 'rejected', message, cause, retryCount: facts.retryCount },
    }),
  };
  const who = { kind: 'run', id: 'bench', pid: process.pid, host: 'bench', bootId: '' };
  const session = await store.acquire(who, policy, now - 2 * HOUR);
  const step = (more) =>
    session.step({
      now: now - 2 * HOUR,
      settle: [],
      release: [],
      targets: [],
      claim: 0,
      only: undefined,
      signal: undefined,
      ...more,
    });
  const every = Math.floor(COMPLETED / REVIEW);
  let [ended, refused, settle] = [0, 0, []];
  while (ended < COMPLETED) {
    const { claims } = await step({ settle, claim: 500 });
    if (claims.length === 0) break;
    settle = claims.map((claim) => {
      ended += 1;
      const bad = ended % every === 0 && refused < REVIEW;
      if (bad) refused += 1;
      const message = refused % 2 === 0 ? 'phone must be digits' : 'the name is too long';
      return { claim, end: endOf(bad ? 'rejected' : 'delivered', bad ? message : 'accepted') };
    });
  }
  await step({ settle });
  await session.end(undefined);
}

function endOf(outcome, message) {
  return {
    outcome,
    status: outcome === 'rejected' ? 422 : 200,
    message,
    cause: message,
    retryAfterMs: undefined,
    durationMs: 30,
    redirectedTo: undefined,
    response: undefined,
    crashed: false,
  };
}

async function build(name, fill) {
  const home = join(directory, name);
  mkdirSync(home);
  const config = {
    targets: { production: { baseUrl: 'https://a.invalid' }, staging: { baseUrl: 'https://b.invalid' } },
    sensitive: ['phone'],
    retention: { completed: '30d' },
  };
  writeFileSync(join(home, 'syncq.json'), JSON.stringify(config), { mode: 0o600 });
  const path = join(home, 'syncq.db');
  const uid = process.getuid?.();
  const store = openSqliteStore({ path, mode: 'create', clock: systemClock, uid, allowNetworkDisk: false });
  await fill(store);
  await store.close();
  return home;
}

function run(home, argv) {
  const env = { PATH: process.env.PATH, HOME: home, NO_COLOR: '1' };
  const begun = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...argv], { cwd: home, env, encoding: 'utf8' });
  const ms = Number(process.hrtime.bigint() - begun) / 1e6;
  return { ms, status, stderr };
}

const begun = systemClock.monotonic();
const empty = await build('empty', async () => undefined);
const full = await build('full', async (store) => {
  await store.bulk(batches(), { now: () => now - 3 * HOUR });
  await send(store);
});
const size = statSync(join(full, 'syncq.db')).size / 1e6;
console.log(
  `built ${ITEMS} items (${size.toFixed(0)} MB) in ${((systemClock.monotonic() - begun) / 1000).toFixed(0)} s`,
);

/** [label, arguments]; ids are taken anew each round where a command ends the item it is given. */
const store = openSqliteStore({
  path: join(full, 'syncq.db'),
  mode: 'read',
  clock: systemClock,
  uid: process.getuid?.(),
  allowNetworkDisk: false,
});
const review = (await store.select({ states: ['review'] }, { after: undefined, limit: REVIEW, now })).items;
await store.close();
let next = 0;
const fresh = () => String(review[next++ % review.length].id);
const freshEntity = () => `activity/${review[next++ % review.length].entity.id}`;
const first = String(review[0].id);

const COMMANDS = [
  ['status', () => ['status']],
  ['status --json', () => ['status', '--json']],
  ['status --ages', () => ['status', '--ages']],
  ['inspect', () => ['inspect']],
  ['inspect ID', () => ['inspect', first]],
  ['inspect --like ID', () => ['inspect', '--like', first]],
  ['inspect --status 422', () => ['inspect', '--status', '422']],
  ['inspect --reason rejected --sort', () => ['inspect', '--reason', 'rejected', '--sort', 'stored:desc']],
  ['inspect --entity T/ID', () => ['inspect', '--entity', 'activity/7', '--state', 'all']],
  ['inspect --search', () => ['inspect', '--search', 'digits']],
  ['history', () => ['history']],
  ['history ID', () => ['history', first]],
  ['retry --status 422 --dry-run', () => ['retry', '--status', '422', '--dry-run']],
  ['retry ID', () => ['retry', fresh()]],
  ['edit --set', () => ['edit', fresh(), '--set', '/phone="1"']],
  ['discard ID --yes', () => ['discard', fresh(), '--yes']],
  ['discard --all --dry-run', () => ['discard', '--all', '--dry-run']],
  ['complete ID --yes', () => ['complete', fresh(), '--reason', 'seen it', '--yes']],
  ['pause, entity', () => ['pause', '--entity', freshEntity()]],
  ['resume, entity', () => ['resume', '--entity', 'activity/7']],
  ['erase --dry-run', () => ['erase', '--entity', freshEntity(), '--dry-run']],
  ['erase --yes', () => ['erase', '--entity', freshEntity(), '--yes']],
  ['prune --dry-run', () => ['prune', '--dry-run']],
  ['complete a word', () => ['__complete', '--', 'retry', '']],
];

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const times = new Map([['status, empty queue', []], ...COMMANDS.map(([label]) => [label, []])]);
for (let round = -1; round < ROUNDS; round += 1) {
  for (const [label, argv] of [['status, empty queue', () => ['status']], ...COMMANDS]) {
    const { ms, status, stderr } = run(label.endsWith('empty queue') ? empty : full, argv());
    if (![0, 5].includes(status)) throw new Error(`${label} ended with ${status}: ${stderr}`);
    if (round >= 0) times.get(label).push(ms);
  }
}
const base = median(times.get('status, empty queue'));
for (const [label, values] of times) {
  console.log(
    `${label.padEnd(36)} ${median(values).toFixed(0).padStart(6)} ms  x${(median(values) / base).toFixed(2)}`,
  );
}
rmSync(directory, { recursive: true, force: true });
