import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/store.js';
import type { Store } from '../../../../src/core/store/store.js';
import { keepDirectory, removeDirectory, tempDirectory } from '../../../support/temp.js';
import { storeConformance } from '../conformance.js';
import { about, decide, end, item, openGate, runner } from '../conformance/harness.js';
import { faultsOf, raw } from './support.js';

storeConformance('SQLite', async () => {
  const directory = keepDirectory();
  const path = join(directory, 'queue.db');
  let others = 0;
  const open = (file = path): Store =>
    openSqliteStore({
      path: file,
      mode: 'create',
      clock: systemClock,
      uid: process.getuid?.(),
      allowNetworkDisk: false,
    });
  const store = open();
  return {
    store,
    second: async () => open(),
    // The kernel frees the lock of a dead process and nothing else happens: what `end` writes is taken out again.
    killRunner: async (session) => {
      await session.end({ kind: 'run', startedAt: 0, endedAt: 0, exitCode: 0, delivered: 0, remaining: 0 });
      raw(path, (db) => db.exec('DELETE FROM last_run'));
    },
    another: async () => open(join(directory, `another-${(others += 1)}.db`)),
    damage: async (id) => raw(path, (db) => void db.prepare(`UPDATE item SET payload = x'7b7d' WHERE id = ?`).run(id)),
    check: async () => faultsOf(path),
    dispose: async () => removeDirectory(directory),
  };
});

test('a claim that somebody else moved is stale, whatever this runner has cached', async () => {
  const path = join(tempDirectory(), 'queue.db');
  const store = openSqliteStore({
    path,
    mode: 'create',
    clock: systemClock,
    uid: process.getuid?.(),
    allowNetworkDisk: false,
  });
  await store.enqueue(
    ['a/1', 'b/1', 'c/1', 'd/1'].map((name) => item(about(name))),
    { now: 0, ifQueued: 'append' },
  );
  const session = await store.acquire(runner(), { decide, gate: openGate }, 0);
  if ('heldBy' in session) throw new Error('held');
  const step = { now: 0, settle: [], release: [], targets: [], claim: 0, only: undefined, signal: undefined };
  const { claims } = await session.step({ ...step, claim: 4 });
  raw(path, (db) => db.exec('UPDATE item SET claim_attempt = claim_attempt + 100'));
  for (const [index, outcome] of (['delivered', 'rejected', 'unknown'] as const).entries()) {
    const { settled } = await session.step({ ...step, settle: [{ claim: claims[index]!, end: end(outcome) }] });
    expect(settled).toMatchObject([{ result: 'stale' }]);
  }
  await session.step({ ...step, release: [claims[3]!] });
  expect((await store.get([1, 2, 3, 4], 0)).map(({ state }) => state)).toEqual(
    Array.from({ length: 4 }, () => 'sending'),
  );
  await store.close();
  expect(faultsOf(path)).toEqual([]);
});
