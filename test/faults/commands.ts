/** The writing commands, each with the queue it starts from and what must be true when it was run (again) to its end. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { systemClock } from '../../src/core/nouns/clock.js';
import { emptyConfig } from '../../src/core/config/validate.js';
import { examineQueue } from '../../src/core/store/doors/care.js';
import { loadSqlite } from '../../src/core/store/sqlite/file/driver.js';
import { runCli } from '../support/cli.js';
import { makeVersion1 } from '../support/older-queue.js';

export interface FaultCase {
  name: string;
  /** Makes the queue in `cwd`, in good order. */
  prepare(cwd: string): Promise<void>;
  argv: readonly string[];
  /** Codes of the command when it is run again after a fault. */
  again: readonly number[];
  /** What must hold then: counts of the states. */
  counts: Record<string, number>;
}

const LINES = Array.from(
  { length: 30 },
  (_, n) => `{"method":"POST","path":"/a","key":"b${n}","entity":"a/${n % 4}","payload":{"n":${n}}}\n`,
).join('');

async function enqueue(cwd: string, count: number, from = 0): Promise<void> {
  for (let n = from; n < from + count; n += 1) {
    await runCli('enqueue', 'POST', '/a', '-d', `{"n":${n}}`, '--key', `k${n}`, '--entity', `a/${n % 2}`, { cwd });
  }
}

/** Item 1 is in review, item 2 waits behind it. */
async function refuseOne(cwd: string): Promise<void> {
  await runCli('enqueue', 'POST', '/refused', '-d', '{"n":1}', '--key', 'k0', '--entity', 'a/1', { cwd });
  await runCli('enqueue', 'POST', '/a', '-d', '{"n":2}', '--key', 'k1', '--entity', 'a/1', { cwd });
  await runCli('run', { cwd });
}

function sql(cwd: string, text: string): void {
  const Sqlite = loadSqlite();
  const db = new Sqlite(join(cwd, 'syncq.db'));
  db.exec(text);
  db.close();
}

export const CASES: readonly FaultCase[] = [
  {
    name: 'enqueue that makes the queue',
    prepare: async () => undefined,
    argv: ['enqueue', 'POST', '/a', '-d', '{"n":0}', '--key', 'k0'],
    again: [0],
    counts: { pending: 1 },
  },
  {
    name: 'enqueue',
    prepare: (cwd) => enqueue(cwd, 3),
    argv: ['enqueue', 'POST', '/a', '-d', '{"n":3}', '--key', 'k3', '--entity', 'a/1'],
    again: [0],
    counts: { pending: 4 },
  },
  {
    name: 'enqueue that renews the format of the file',
    prepare: async (cwd) => makeVersion1(join(cwd, 'syncq.db')),
    argv: ['enqueue', 'POST', '/a', '-d', '{"n":3}', '--key', 'k3', '--entity', 'a/1'],
    again: [0],
    counts: { pending: 7, sending: 1, review: 7, completed: 2, discarded: 1 },
  },
  {
    name: 'enqueue --from',
    prepare: async (cwd) => {
      await enqueue(cwd, 1);
      writeFileSync(join(cwd, 'lines.ndjson'), LINES);
    },
    argv: ['enqueue', '--from', 'lines.ndjson'],
    again: [0],
    counts: { pending: 31 },
  },
  {
    name: 'run',
    prepare: (cwd) => enqueue(cwd, 4),
    argv: ['run', '--concurrency', '2'],
    again: [0],
    counts: { completed: 4, pending: 0, sending: 0 },
  },
  {
    name: 'retry',
    prepare: async (cwd) => {
      await runCli('enqueue', 'POST', '/refused', '-d', '1', '--key', 'k0', { cwd });
      await runCli('run', { cwd });
    },
    argv: ['retry', '--all'],
    again: [0, 5],
    counts: { pending: 1, review: 0 },
  },
  {
    name: 'pause',
    prepare: (cwd) => enqueue(cwd, 2),
    argv: ['pause', '--entity', 'a/1'],
    again: [0],
    counts: { pending: 2 },
  },
  {
    name: 'resume',
    prepare: async (cwd) => {
      await enqueue(cwd, 2);
      await runCli('pause', '--entity', 'a/1', { cwd });
    },
    argv: ['resume', '--entity', 'a/1'],
    again: [0, 5],
    counts: { pending: 2 },
  },
  {
    name: 'discard',
    prepare: (cwd) => enqueue(cwd, 3),
    argv: ['discard', '1', '--yes'],
    again: [0, 5],
    counts: { pending: 2, discarded: 1 },
  },
  {
    name: 'edit',
    prepare: refuseOne,
    argv: ['edit', '1', '--set', '/n=5'],
    again: [0, 5],
    counts: { review: 1, pending: 1 },
  },
  {
    name: 'complete',
    prepare: refuseOne,
    argv: ['complete', '1', '--yes', '--because', 'the server has it'],
    again: [0, 5],
    counts: { review: 0, completed: 1, pending: 1 },
  },
  {
    name: 'prune',
    prepare: async (cwd) => {
      await enqueue(cwd, 3);
      await runCli('run', { cwd });
      sql(cwd, 'UPDATE item SET state_at = state_at - 90 * 86400000');
    },
    argv: ['prune', '--yes'],
    again: [0, 5],
    counts: { completed: 0 },
  },
  {
    name: 'erase',
    prepare: (cwd) => enqueue(cwd, 4),
    argv: ['erase', '--entity', 'a/1', '--yes'],
    again: [0, 5],
    counts: { pending: 2, discarded: 2 },
  },
  {
    name: 'import',
    prepare: async (cwd) => {
      await enqueue(cwd, 5);
      await runCli('run', '--limit', '1', { cwd });
      await runCli('export', '--state', 'all', '--format', 'bundle', '-o', 'all.bundle', { cwd });
      for (const name of ['syncq.db', 'syncq.db-wal', 'syncq.db-shm']) rmSync(join(cwd, name), { force: true });
    },
    argv: ['import', 'all.bundle'],
    again: [0],
    counts: { pending: 4 },
  },
  {
    name: 'enqueue --from --stream',
    prepare: async (cwd) => {
      await enqueue(cwd, 1);
      writeFileSync(join(cwd, 'lines.ndjson'), LINES);
    },
    argv: ['enqueue', '--from', 'lines.ndjson', '--stream'],
    again: [0],
    counts: { pending: 31 },
  },
  {
    name: 'backup',
    prepare: (cwd) => enqueue(cwd, 3),
    argv: ['backup', 'copy.db'],
    again: [0, 2],
    counts: { pending: 3 },
  },
  {
    name: 'doctor --repair',
    prepare: async (cwd) => {
      await enqueue(cwd, 3);
      sql(cwd, 'UPDATE tally SET pending = 9; UPDATE item SET elig = NULL');
    },
    argv: ['doctor', '--repair'],
    again: [0],
    counts: { pending: 3 },
  },
  {
    name: 'doctor --adopt',
    prepare: async (cwd) => {
      await enqueue(cwd, 3);
      sql(cwd, `UPDATE queue SET copy_of = 'elsewhere'`);
    },
    argv: ['doctor', '--adopt', '--yes'],
    again: [0, 5],
    counts: { pending: 3 },
  },
];

/** Runs the command again, without a fault, and says what is not as it must be. */
export async function checkAgain(one: FaultCase, cwd: string): Promise<string[]> {
  const wrong: string[] = [];
  const { code, stdout, stderr } = await runCli(...one.argv, { cwd });
  if (!one.again.includes(code)) wrong.push(`run again: exit ${code} ${stdout}${stderr}`);
  const { counts } = (await runCli('status', '--json', { cwd })).json() as { counts: Record<string, number> };
  for (const [state, count] of Object.entries(one.counts)) {
    if (counts[state] !== count) wrong.push(`${counts[state] ?? 0} ${state} instead of ${count}`);
  }
  wrong.push(...(await faultsIn(join(cwd, 'syncq.db'))));
  return wrong;
}

/** What doctor finds in the file, apart from the config. */
export async function faultsIn(path: string): Promise<string[]> {
  const config = { config: emptyConfig(), problem: undefined, warning: undefined };
  const { findings } = await examineQueue({ path, clock: systemClock }, config);
  return findings
    .filter(({ code, severity }) => severity !== 'note' && code !== 'unknown-target')
    .map(({ message }) => message);
}
