/** What tests of the store do in a process of its own, in another user's shoes or on a disk of their own: `child.mjs TASK PATH`. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { systemClock } from '../../../../dist/core/nouns/clock.js';
import { openSqliteStore } from '../../../../dist/core/store/sqlite/store.js';

const [task, path] = process.argv.slice(2);
const open = (mode) =>
  openSqliteStore({ path, mode, clock: systemClock, uid: process.getuid(), allowNetworkDisk: false });
let drafts = 0;
const draft = (payload) => ({
  target: 'main',
  method: 'PUT',
  path: '/',
  headers: {},
  contentType: payload && 'text/plain',
  payload,
  entity: { type: 'a', id: String((drafts += 1)) },
  operation: 'update',
  idempotencyKey: undefined,
  notBefore: undefined,
  expires: undefined,
  maxRetries: undefined,
  tags: [],
});
const enqueue = (store, payload) => store.enqueue([draft(payload)], { now: Date.now(), ifQueued: 'append' });
const codeOf = async (action) => {
  try {
    await action();
    return 'ok';
  } catch (error) {
    return error.code ?? String(error);
  }
};
const policy = {
  decide: () => ({ move: { to: 'completed' }, counted: false, target: {} }),
  gate: () => ({ slots: 9, rotate: false }),
};
const runner = { kind: 'run', id: 'x', pid: process.pid, host: 'here', bootId: '' };
const stepWith = (session, more) =>
  session.step({
    now: Date.now(),
    settle: [],
    release: [],
    targets: [],
    claim: 0,
    only: undefined,
    signal: undefined,
    ...more,
  });
const delivered = (claim) => ({
  claim,
  end: {
    outcome: 'delivered',
    message: '',
    cause: '',
    durationMs: 1,
    crashed: false,
    response: { status: 200, headers: {}, body: Buffer.alloc(8192, 'x'), complete: true },
  },
});
const modeOf = (name) => (statSync(name).mode & 0o777).toString(8);
const pending = async (store) => (await store.summary(Date.now())).targets[0]?.pending ?? 0;

function fill(directory) {
  const handle = openSync(join(directory, 'filler'), 'w');
  for (const size of [65536, 4096, 1]) {
    const chunk = Buffer.alloc(size, 1);
    try {
      for (;;) if (writeSync(handle, chunk) < size) break;
    } catch {
      // full
    }
  }
  closeSync(handle);
}

async function hundredsOfCommands(store) {
  const codes = [];
  for (let n = 0; n < 300; n += 1) {
    const kind = n % 2 === 0 ? 'pause' : 'resume';
    codes.push(
      await codeOf(() =>
        store.change({ kind, what: 'all', until: undefined }, { who: 'x', command: kind }, Date.now()),
      ),
    );
  }
  return codes;
}

const TASKS = {
  /** Makes the queue, or finds that others were quicker, and stores one item. */
  async add() {
    const store = open('create');
    await enqueue(store);
    await store.close();
    return 'ok';
  },
  async modes() {
    process.umask(Number.parseInt(process.env.UMASK, 8));
    const store = open('create');
    await enqueue(store);
    const session = await store.acquire(runner, policy, Date.now());
    const files = ['', '-wal', '-shm', '.lock', '.reserve'].map((suffix) => modeOf(path + suffix));
    await session.end(undefined);
    return { directories: [modeOf(dirname(path)), modeOf(dirname(dirname(path)))], files };
  },
  /** Leaves the log behind, as a killed process does. */
  async addAndDie() {
    await enqueue(open('create'));
    process.kill(process.pid, 'SIGKILL');
  },
  async look() {
    let seen;
    const read = await codeOf(async () => {
      const store = open('read');
      seen = await pending(store);
      await store.runner();
      await store.close();
    });
    const write = await codeOf(async () => {
      const store = open('write');
      await enqueue(store);
      await store.close();
    });
    return { read, seen, write };
  },
  /** How each way of opening ends, and what the last refusal said to do. */
  async judge() {
    const ends = {};
    for (const mode of ['read', 'write', 'create']) {
      ends[mode] = await codeOf(async () => {
        try {
          const store = open(mode);
          await (mode === 'read' ? store.runner() : enqueue(store));
          await store.close();
        } catch (error) {
          ends.hint = error.hint;
          throw error;
        }
      });
    }
    return ends;
  },
  async fullDisk() {
    const directory = dirname(path);
    const store = open('create');
    for (let n = 0; n < 4; n += 1) await enqueue(store, Buffer.alloc(1000));
    const session = await store.acquire(runner, policy, Date.now());
    const { claims } = await stepWith(session, { claim: 2 });
    const before = existsSync(`${path}.reserve`);
    fill(directory);
    const full = {
      enqueue: await codeOf(() => enqueue(store)),
      bulk: await codeOf(() =>
        store.bulk(
          (async function* () {
            yield [draft(Buffer.alloc(1000))];
          })(),
          { now: Date.now },
        ),
      ),
      settle: await codeOf(() => stepWith(session, { settle: [delivered(claims[0])], claim: 5 })),
      reserve: existsSync(`${path}.reserve`),
      settleAgain: await codeOf(() => stepWith(session, { settle: [delivered(claims[1])] })),
      claim: await codeOf(() => stepWith(session, { claim: 5 })),
      discard: await codeOf(() =>
        store.change(
          { kind: 'discard', filter: { ids: [3] }, dryRun: false },
          { who: 'x', command: 'discard' },
          Date.now(),
        ),
      ),
      // Far more than the reserve holds: the log is written over again and again.
      commands: [...new Set(await hundredsOfCommands(store))],
      states: (await store.get([1, 2, 3, 4], Date.now())).map((item) => item.state),
    };
    fill(directory);
    const other = JSON.parse(execFileSync(process.execPath, [process.argv[1], 'look', path], { encoding: 'utf8' }));
    rmSync(join(directory, 'filler'));
    const after = {
      enqueue: await codeOf(() => enqueue(store)),
      claim: await codeOf(() => stepWith(session, { claim: 5 })),
    };
    await session.end(undefined);
    await store.close();
    return { before, full, other, after, reserve: existsSync(`${path}.reserve`) };
  },
  /** Nobody has the queue open: there is no room for the index that opening makes. */
  async closedOnFullDisk() {
    const store = open('create');
    for (let n = 0; n < 2; n += 1) await enqueue(store);
    await store.close();
    fill(dirname(path));
    const reserve = () => existsSync(`${path}.reserve`);
    const look = async () => {
      const store = open('read');
      const seen = await pending(store);
      await store.close();
      return seen;
    };
    // The only disk there is.
    process.env.TMPDIR = dirname(path);
    const seen = await look();
    const enqueued = await codeOf(() => enqueue(open('create')));
    const before = reserve();
    const change = { kind: 'discard', filter: { ids: [1] }, dryRun: false };
    const discarded = await codeOf(async () => {
      const store = open('write');
      await store.change(change, { who: 'x', command: 'discard' }, Date.now());
      await store.close();
    });
    return { seen, enqueued, before, discarded, after: reserve(), left: await look() };
  },
  async tinyDisk() {
    const created = await codeOf(() => enqueue(open('create')));
    return { created, look: await TASKS.look() };
  },
};

console.log(JSON.stringify(await TASKS[task]()));
