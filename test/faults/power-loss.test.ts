import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { loadSqlite } from '../../src/core/store/sqlite/file/driver.js';
import { startServer } from '../support/rest-server.js';
import { ROOT } from '../support/source-graph.js';
import { tempDirectory, testEnvironment } from '../support/temp.js';
import type { LossModel, Operation } from './disk-log.js';
import { diskAfter, parseLog } from './disk-log.js';
import { whyNoStrace } from './strace.js';

const reason = whyNoStrace();
const MODELS: readonly LossModel[] = ['none', 'prefix', 'random', 'torn'];
/** Moments of the cut; each is tried with every model. */
const MOMENTS = process.env['SYNCQ_FAULTS'] === 'all' ? 2000 : 270;
const ITEMS = 40;
const CALLS = 'pwrite64,write,writev,sendmsg,fsync,fdatasync,ftruncate,unlink,openat';

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function record(root: string, directory: string): Promise<Operation[]> {
  let answered = 0;
  const server = await startServer({
    answer: () => {
      answered += 1;
      return { status: answered % 7 === 0 ? 422 : answered % 5 === 0 ? 503 : 200 };
    },
  });
  const log = join(tempDirectory(), 'log');
  const worker = join(ROOT, 'test/faults/power-worker.mjs');
  const strace = ['-qq', '-y', '-xx', '-s', '2000000', '-e', `trace=${CALLS}`, '-e', 'signal=none', '-o', log];
  const child = spawn(
    'strace',
    [...strace, process.execPath, worker, root, join(directory, 'queue.db'), server.url, String(ITEMS)],
    {
      env: testEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let errors = '';
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`the worker failed: ${errors}`);
  return parseLog(readFileSync(log, 'latin1'), directory);
}

/** What had been promised before the cut: keys that were acknowledged, ids put back, requests on the wire. */
function promises(operations: readonly Operation[]): {
  stored: string[];
  retried: number[];
  requests: Map<string, number>;
} {
  const told = operations.flatMap((operation) => (operation.kind === 'told' ? [operation.text] : [])).join('');
  const sent = operations.flatMap((operation) => (operation.kind === 'sent' ? [operation.text] : [])).join('');
  const requests = new Map<string, number>();
  for (const [, key = ''] of sent.matchAll(/idempotency-key: (\S+)\r/gi))
    requests.set(key, (requests.get(key) ?? 0) + 1);
  return {
    stored: Array.from(told.matchAll(/^STORED (\S+)$/gm), ([, key]) => key ?? ''),
    retried: Array.from(told.matchAll(/^RETRIED (\d+)$/gm), ([, id]) => Number(id)),
    requests,
  };
}

/** What a state breaks of the promises made before it; empty = nothing. */
function broken(files: ReadonlyMap<string, Buffer>, before: readonly Operation[]): string[] {
  const { stored, retried, requests } = promises(before);
  const directory = mkdtempSync(join(tmpdir(), 'syncq-power-'));
  try {
    for (const [name, bytes] of files)
      if (/queue\.db(-wal|-journal)?$/.test(name)) writeFileSync(join(directory, basename(name)), bytes);
    const path = join(directory, 'queue.db');
    const size = files.get([...files.keys()].find((name) => name.endsWith('queue.db')) ?? '')?.length ?? 0;
    if (size === 0) return stored.length === 0 ? [] : [`the file is gone with ${stored.length} acknowledged items`];
    const Sqlite = loadSqlite();
    const db = new Sqlite(path);
    try {
      db.pragma('synchronous = OFF');
      if (db.pragma('integrity_check(1)', { simple: true }) !== 'ok') return ['the file is damaged'];
      if (db.pragma('user_version', { simple: true }) === 0) return stored.length === 0 ? [] : ['the tables are gone'];
      const rows = db.prepare('SELECT idempotency_key AS key, attempts FROM item').all() as {
        key: string;
        attempts: number;
      }[];
      const attempts = new Map(rows.map((row) => [row.key, row.attempts]));
      const history = new Set(db.prepare(`SELECT item_id FROM history WHERE command = 'retry'`).pluck().all());
      return [
        ...stored.filter((key) => !attempts.has(key)).map((key) => `${key} was acknowledged and is gone`),
        ...retried.filter((id) => !history.has(id)).map((id) => `the retry of ${id} was acknowledged and is gone`),
        ...[...requests]
          .filter(([key, count]) => (attempts.get(key) ?? 0) < count)
          .map(([key]) => `${key} was sent without a durable attempt`),
      ];
    } finally {
      db.close();
    }
  } catch (error) {
    return [`it cannot be opened: ${String(error)}`];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function explore(root: string, moments: number): Promise<{ states: number; violations: string[] }> {
  const directory = join(tempDirectory(), 'disk');
  mkdirSync(directory);
  const operations = await record(root, directory);
  const violations: string[] = [];
  const random = seeded(4711);
  for (let moment = 0; moment < moments; moment += 1) {
    const end = 1 + Math.floor(random() * operations.length);
    for (const model of MODELS) {
      const files = diskAfter(operations, end, model, random, directory);
      violations.push(
        ...broken(files, operations.slice(0, end)).map(
          (text) => `cut ${end} of ${operations.length}, ${model}: ${text}`,
        ),
      );
    }
  }
  return { states: moments * MODELS.length, violations };
}

/** A copy of the program with its flushes at a commit taken out. */
function withoutFlushes(): string {
  const root = tempDirectory();
  mkdirSync(join(root, 'dist'));
  execFileSync('cp', ['-r', join(ROOT, 'dist/core'), join(root, 'dist')]);
  execFileSync('cp', [join(ROOT, 'package.json'), root]);
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const file = join(root, 'dist/core/store/sqlite/file/open.js');
  const text = readFileSync(file, 'utf8');
  const mutant = text
    .replace("'synchronous = FULL'", "'synchronous = NORMAL'")
    .replace('synchronous === 2', 'synchronous === 1');
  if (mutant.split('NORMAL').length !== text.split('NORMAL').length + 1) throw new Error('the mutation no longer fits');
  writeFileSync(file, mutant);
  return root;
}

(reason === undefined ? describe : describe.skip)(
  `a power cut at any moment${reason === undefined ? '' : ` (not here: ${reason})`}`,
  () => {
    test('of making a queue, enqueueing, sending and retrying: what was acknowledged or sent is in every state of the disk', async () => {
      const { states, violations } = await explore(ROOT, MOMENTS);
      expect(violations.slice(0, 5)).toEqual([]);
      expect(states).toBeGreaterThanOrEqual(1000);
    }, 300_000);

    test('loses acknowledged items when commits are not flushed: this harness would notice', async () => {
      const { violations } = await explore(withoutFlushes(), 60);
      expect(violations.filter((text) => text.includes('is gone')).length).toBeGreaterThan(10);
    }, 300_000);
  },
);
