/**
 * What one turn of a runner costs the store (settle one item, claim the next) with few and with many items: the ratio
 * has to stay near 1. Needs `npm run build`; the files lie in memory where the system has /dev/shm, so that it is the
 * statements that are measured and not the disk.
 *
 *     node bench/claim.mjs [SMALL [LARGE [STEPS [SCENARIO]]]]     defaults: 1000 1000000 1000, all scenarios
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '../dist/core/nouns/clock.js';
import { loadSqlite } from '../dist/core/store/sqlite/driver.js';
import { openSqliteStore } from '../dist/core/store/sqlite/store.js';

const [small = 1_000, large = 1_000_000, steps = 1_000] = process.argv.slice(2, 5).map(Number);
const only = process.argv[5];
const HOUR = 3_600_000;
const payload = Buffer.from(JSON.stringify({ name: 'walk', note: 'x'.repeat(100) }));
const START = Date.now();

/** `item(n, total)` says what the n-th item is; `then` changes the file by SQL, as thousands of answers would have. */
const SCENARIOS = {
  '1,000 lanes': { item: (n) => ({ entity: n % 1000 }) },
  'all in one lane': { item: () => ({ entity: 0 }) },
  'own lane each': { order: 'none', item: () => ({}) },
  'own lane, first half backing off': { order: 'none', item: (n, total) => ({ wait: n < total / 2 }) },
  'own lane, first half in review': {
    order: 'none',
    item: () => ({}),
    then: (total) => `INSERT INTO review_group (target_id, reason, status, operation, cause, message, items)
        VALUES (1, 'rejected', 422, 'update', 'x', 'x', ${total / 2});
      UPDATE item SET state = 2, elig = NULL, review_group = 1, attempts = 1 WHERE id <= ${total / 2};
      UPDATE tally SET pending = pending - ${total / 2}, ready = ready - ${total / 2}, review = ${total / 2}`,
  },
  'first half on a paused target': {
    order: 'none',
    item: (n, total) => ({ target: n < total / 2 ? 'paused' : 'main' }),
    then: () => `UPDATE target SET paused_at = 1, paused_by = 'x' WHERE name = 'paused'`,
  },
  '999 of 1,000 heads backing off': { item: (n) => ({ entity: n % 1000, wait: n > 0 && n < 1000 }) },
  '1,000 targets, one of them at the small size': {
    item: (n, total) => ({ entity: n, target: total > small ? `t${n % 1000}` : 'main' }),
    targets: (total) => (total > small ? Array.from({ length: 1000 }, (_, index) => `t${index}`) : []),
  },
};

function draft({ entity, wait = false, target = 'main' }) {
  return {
    target,
    method: 'PUT',
    path: '/activities/1',
    headers: {},
    contentType: 'application/json',
    payload,
    operation: 'update',
    entity: entity === undefined ? undefined : { type: 'activity', id: String(entity) },
    idempotencyKey: undefined,
    notBefore: wait ? { at: START + HOUR } : undefined,
    expires: undefined,
    maxRetries: undefined,
    tags: [],
  };
}

async function* batches(total, item) {
  for (let n = 0; n < total; n += 1000) {
    yield Array.from({ length: Math.min(1000, total - n) }, (_, index) => draft(item(n + index, total)));
  }
}

const policy = {
  decide: () => ({ move: { to: 'completed' }, counted: false, target: {} }),
  gate: (target) => ({ slots: target.paused === undefined ? 1 : 0, rotate: false }),
};
const runner = { kind: 'run', id: 'bench', pid: process.pid, host: 'bench', bootId: '' };
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function acquire(store) {
  const session = await store.acquire(runner, policy, Date.now());
  if ('heldBy' in session) throw new Error('somebody else is sending');
  return session;
}

async function measure({ order = 'entity', item, then, targets = () => [] }, total) {
  const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'syncq-bench-'));
  const path = join(directory, 'queue.db');
  const open = () =>
    openSqliteStore({ path, mode: 'create', clock: systemClock, uid: process.getuid?.(), allowNetworkDisk: true });
  try {
    let store = open();
    const first = await acquire(store);
    await first.syncTargets(
      ['main', 'paused', ...targets(total)].map((name) => ({ name, order, implicitBaseUrl: undefined })),
      'main',
      START,
    );
    await first.end(undefined);
    await store.bulk(batches(total, item), { now: Date.now });
    await store.close();
    if (then !== undefined) {
      const db = new (loadSqlite())(path);
      db.exec(then(total));
      db.close();
    }
    store = open();
    const session = await acquire(store);
    const times = [];
    let settle = [];
    for (let round = 0; round < Math.min(steps, total / 4); round += 1) {
      const begun = performance.now();
      const { claims } = await session.step({
        now: Date.now(),
        settle,
        release: [],
        targets: [],
        claim: 1,
        only: undefined,
        signal: undefined,
      });
      times.push((performance.now() - begun) * 1000);
      if (claims.length === 0) break;
      const end = { outcome: 'delivered', status: 201, message: '', cause: '', durationMs: 1, crashed: false };
      settle = [{ claim: claims[0], end }];
    }
    const begun = performance.now();
    for (let round = 0; round < 50; round += 1) await store.summary(Date.now());
    const summary = ((performance.now() - begun) / 50) * 1000;
    await store.close();
    return { step: median(times), summary };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

// The first turns of a process are slow for reasons of the engine.
await measure(SCENARIOS['own lane each'], 4_000);
console.log(`settle one and claim the next, median of up to ${steps} turns, and one summary, us`);
console.log(`scenario | turn at ${small} | turn at ${large} | ratio | summary at ${small} | summary at ${large}`);
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (only !== undefined && only !== name) continue;
  const [few, many] = [await measure(scenario, small), await measure(scenario, large)];
  const figures = [few.step, many.step].map((us) => us.toFixed(0));
  const summaries = [few.summary, many.summary].map((us) => us.toFixed(0));
  console.log([name, ...figures, (many.step / few.step).toFixed(2), ...summaries].join(' | '));
}
