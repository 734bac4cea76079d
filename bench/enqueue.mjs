/** Getting writes in: one by one and in bulk, against the bare flush and the bare insert. */
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { interleave, program, ratioOf, timed } from './measure.mjs';
import { BODY, bulkFile, openFilled, place, PROGRAM, write } from './world.mjs';

const require = createRequire(import.meta.url);
const SLICE = 300;

export async function enqueue({ rounds, lines }) {
  return [...(await single(rounds)), ...(await bulk(Math.max(3, rounds >> 2), lines))];
}

async function single(rounds) {
  const directory = place();
  const { queue } = await openFilled(directory, 0);
  const log = openSync(join(directory, 'log'), 'a');
  let number = 0;
  const samples = await interleave(rounds, {
    flush: () => {
      for (let index = 0; index < SLICE; index += 1) {
        writeSync(log, BODY);
        fdatasyncSync(log);
      }
      return SLICE;
    },
    enqueue: async () => {
      for (let index = 0; index < SLICE; index += 1) await queue.enqueue(write((number += 1)));
      return SLICE;
    },
  });
  closeSync(log);
  await queue.close();
  const cpuUs = samples.enqueue.cpu;
  return [
    {
      id: 'enqueue',
      what: 'durable enqueue in a process / loop of write + fdatasync (rate)',
      goal: ['>=', 0.7],
      ...ratioOf(samples.flush.wall, samples.enqueue.wall),
      cpuUs: cpuUs.sort((a, b) => a - b)[cpuUs.length >> 1],
    },
  ];
}

async function bulk(rounds, count) {
  const directory = place();
  const input = bulkFile(directory, count);
  const target = ['--queue', join(directory, 'bulk.db'), '--config', await config(directory)];
  const found = { memory: 0, bytes: 0 };
  const remove = (name) =>
    ['', '-wal', '-shm', '.reserve', '.lock'].forEach((end) => rmSync(join(directory, name + end), { force: true }));
  const samples = await interleave(rounds, {
    bare: () => {
      remove('bare.db');
      return timed(() => bareInsert(input, join(directory, 'bare.db')));
    },
    import: async () => {
      remove('bulk.db');
      const { peak } = await program([process.execPath, PROGRAM, 'enqueue', '--from', input, '--quiet', ...target]);
      found.memory = Math.max(found.memory, peak);
      found.bytes = statSync(join(directory, 'bulk.db')).size;
      return count;
    },
  });
  const size = found.bytes / statSync(input).size;
  return [
    {
      id: 'bulk',
      what: `bulk NDJSON by the CLI, ${count} lines / bare insert of the same lines, no parse, no index (rate)`,
      goal: ['>=', 0.5],
      ...ratioOf(samples.bare.wall, samples.import.wall),
      cpu: ratioOf(samples.bare.cpu, samples.import.cpu).median,
    },
    { id: 'bulk-memory', what: `memory of that import, MB`, goal: ['<=', 200], median: found.memory },
    { id: 'bulk-size', what: 'file size / input', goal: ['<=', 1.2], median: size },
  ];
}

async function config(directory) {
  const { queue, config: file } = await openFilled(join(directory), 0);
  await queue.close();
  return file;
}

function bareInsert(input, file) {
  const Database = require('better-sqlite3');
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT');
  const insert = db.prepare('INSERT INTO line (text) VALUES (?)');
  const lines = readFileSync(input, 'latin1').split('\n');
  db.exec('BEGIN');
  for (const line of lines) if (line !== '') insert.run(line);
  db.exec('COMMIT');
  db.close();
  return lines.length - 1;
}
