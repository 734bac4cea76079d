/**
 * Takes the right to send from the queue named as argument, collects all garbage there is, says `held`, and stays until
 * it is killed. Started with --expose-gc.
 */
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';

import { systemClock } from '../../dist/core/nouns/clock.js';
import { openSqliteStore } from '../../dist/core/store/sqlite/store.js';

const store = openSqliteStore({
  path: process.argv[2],
  mode: 'write',
  clock: systemClock,
  uid: process.getuid?.(),
  allowNetworkDisk: true,
});
const policy = { decide: () => ({}), gate: () => ({ slots: 0, rotate: false }) };
const who = { kind: 'run', id: 'holder', pid: process.pid, host: 'h', bootId: 'b' };
const session = await store.acquire(who, policy, systemClock.now());
if ('heldBy' in session) throw new Error('somebody else has it');
for (let round = 0; round < 5; round += 1) {
  globalThis.gc();
  await setTimeout(10);
}
process.stdout.write('held\n');
await setTimeout(60_000);
// Named once more, so that the session itself is alive all the while.
await session.end(undefined);
