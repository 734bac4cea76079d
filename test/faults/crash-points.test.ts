import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import type { RestServer } from '../support/rest-server.js';
import { startServer } from '../support/rest-server.js';
import { tempDirectory } from '../support/temp.js';
import type { FaultCase } from './commands.js';
import { CASES, checkAgain, faultsIn } from './commands.js';
import { runWithFault, whyNoStrace, type Fault } from './strace.js';

const reason = whyNoStrace();
/** Every point by hand (`SYNCQ_FAULTS=all`), each so-many-th in CI, which is a sample. */
const STEP = process.env['SYNCQ_FAULTS'] === 'all' ? 1 : 23;

/** Calls that change what is on the disk. */
const CALLS = ['pwrite64', 'fsync', 'unlink'];
const MOST_POINTS = 400;

interface Tried {
  points: number;
  wrong: string[];
}

/** The keys that had an effect, once each: the server honours keys. */
function onceEach(server: RestServer): string[] {
  const bodies = new Map<string, Set<string>>();
  for (const { headers, body } of server.requests) {
    const key = String(headers['idempotency-key']);
    bodies.set(key, (bodies.get(key) ?? new Set()).add(body.toString()));
  }
  return [...bodies].flatMap(([key, sent]) => (sent.size === 1 ? [] : [`${key} was sent with other bytes`]));
}

async function tryPoints(one: FaultCase, act: Fault['act'], calls: readonly string[]): Promise<Tried> {
  const server = await startServer({ answer: ({ path }) => ({ status: path === '/refused' ? 422 : 200 }) });
  const prepared = join(tempDirectory(), 'prepared');
  mkdirSync(prepared);
  const config = { targets: { api: { baseUrl: server.url } }, retention: { completed: '30d', payloads: '7d' } };
  writeFileSync(join(prepared, 'syncq.json'), JSON.stringify(config));
  await one.prepare(prepared);
  const tried: Tried = { points: 0, wrong: [] };
  for (const call of calls) {
    for (let at = 1; at <= MOST_POINTS; at += STEP) {
      const cwd = tempDirectory();
      execFileSync('cp', ['-a', `${prepared}/.`, cwd]);
      const result = await runWithFault(one.argv, { call, act, at }, cwd);
      const where = `${one.name}: ${act} at ${call} ${at}`;
      // Killed: the point was there. With an error the command ends by itself; code 0 says that nothing was hurt.
      const wasHit = act === 'SIGKILL' ? result.killed : result.code !== 0;
      if (act !== 'SIGKILL' && ![0, 3, 4, 6].includes(result.code))
        tried.wrong.push(`${where}: exit ${result.code} ${result.stderr}`);
      const wrong = [...(await checkAgain(one, cwd)), ...onceEach(server)];
      tried.wrong.push(...wrong.map((text) => `${where}: ${text}`));
      if (existsSync(join(cwd, 'copy.db'))) {
        const faults = (await faultsIn(join(cwd, 'copy.db'))).filter((text) => !text.includes('is a copy of'));
        tried.wrong.push(...faults.map((text) => `${where}: the copy: ${text}`));
      }
      if (!wasHit && act === 'SIGKILL') break;
      // An error may be stepped over (a courtesy that failed): the end is where several in a row do nothing.
      if (!wasHit && act !== 'SIGKILL' && at > LAST_OF_A_COMMAND) break;
      tried.points += 1;
    }
  }
  return tried;
}

/** No command here makes more calls of one kind before its commit is durable. */
const LAST_OF_A_COMMAND = 12;

(reason === undefined ? describe : describe.skip)(
  `a command that is killed at a write${reason === undefined ? '' : ` (not here: ${reason})`}`,
  () => {
    test.each(CASES)(
      '$name: run again, it is done once, and doctor finds nothing',
      async (one) => {
        const { points, wrong } = await tryPoints(one, 'SIGKILL', CALLS);
        expect(wrong).toEqual([]);
        expect(points).toBeGreaterThan(0);
        process.stderr.write(`${one.name}: ${points} crash points\n`);
      },
      600_000,
    );
  },
);

(reason === undefined ? describe : describe.skip)(
  `a command whose disk fails${reason === undefined ? '' : ` (not here: ${reason})`}`,
  () => {
    test.each(
      CASES.flatMap((one) => [
        { ...one, act: 'EIO' as const },
        { ...one, act: 'ENOSPC' as const },
      ]),
    )(
      '$act, $name: says so with its exit code; run again, it is done once, and doctor finds nothing',
      async (one) => {
        const { wrong } = await tryPoints(one, one.act, one.act === 'EIO' ? ['pwrite64', 'fsync'] : ['pwrite64']);
        expect(wrong).toEqual([]);
      },
      600_000,
    );
  },
);
