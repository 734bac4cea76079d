/** What the measurements need around them: places for files, a server that answers at once, filled queues. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const PROGRAM = join(ROOT, 'bin/run.js');
export const { openQueue } = await import(join(ROOT, 'dist/core/index.js'));

const places = [];
const servers = new Set();

/** A fresh directory, on disk or in memory. */
export function place(inMemory = false) {
  const directory = mkdtempSync(join(inMemory && existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'syncq-bench-'));
  places.push(directory);
  return directory;
}

export function cleanUp() {
  for (const server of servers) server.kill();
  for (const directory of places.splice(0)) rmSync(directory, { recursive: true, force: true });
}

const SERVER = `const delay = Number(process.argv[1]);
require('node:http').createServer((request, response) => {
  const answer = () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  request.resume().on('end', () => delay === 0 ? answer() : setTimeout(answer, delay));
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;

/** A server of its own process that takes everything, `delay` ms after the request. */
export async function startServer(delay = 0) {
  const child = spawn(process.execPath, ['-e', SERVER, String(delay)], { stdio: ['ignore', 'pipe', 'inherit'] });
  servers.add(child);
  const port = await new Promise((resolve) => child.stdout.once('data', (data) => resolve(Number(data))));
  return `http://127.0.0.1:${port}`;
}

/** A write as field workers make it: 350 bytes of JSON. */
export const BODY = JSON.stringify({ name: 'visit', status: 'done', note: 'x'.repeat(310) });

export const write = (number, lanes = 1000) => ({
  method: 'POST',
  path: `/activities/${number}`,
  entity: `activity/${number % lanes}`,
  body: BODY,
});

export async function openFilled(directory, count, { baseUrl = 'http://127.0.0.1:9', lanes, concurrency = 16 } = {}) {
  const file = join(directory, 'queue.db');
  const config = { targets: { api: { baseUrl, concurrency } } };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  const queue = await openQueue({ queue: file, config });
  await fill(queue, count, lanes);
  return { queue, file, config: join(directory, 'config.json') };
}

export async function fill(queue, count, lanes) {
  for (let done = 0; done < count; done += 1000) {
    const writes = Array.from({ length: Math.min(1000, count - done) }, (_, index) => write(done + index, lanes));
    await queue.enqueueMany(writes);
  }
}

/** NDJSON of `count` lines of 338 bytes. */
export function bulkFile(directory, count) {
  const file = join(directory, `${count}.ndjson`);
  const handle = openSync(file, 'w');
  let lines = '';
  for (let number = 1; number <= count; number += 1) {
    const entity = `activity/${number % 200_000}`;
    const line = { method: 'PATCH', path: `/activities/${number % 200_000}`, entity, payload: { number, note: '' } };
    line.payload.note = 'x'.repeat(338 - JSON.stringify(line).length - 1);
    lines += `${JSON.stringify(line)}\n`;
    if (number % 5000 === 0 || number === count) {
      writeSync(handle, lines);
      lines = '';
    }
  }
  closeSync(handle);
  return file;
}
