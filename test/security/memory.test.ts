import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterEach, describe, expect, test } from '@jest/globals';

import { openQueue } from '../../src/core/index.js';
import { startProcess } from '../support/process.js';
import { testHome } from '../support/temp.js';

const PENDING = 100_000;
const MOST_BYTES = 200 * 1024 * 1024;
const ANSWERED = 60;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const MEGABYTE = Buffer.alloc(1024 * 1024, 'x');
/** 210 MB of zeros in 204 KB. */
const BOMB = gzipSync(Buffer.alloc(210 * 1024 * 1024));

/** Writes chunks for as long as somebody takes them, `most` at most. */
function pour(response: ServerResponse, most: number): void {
  let written = 0;
  const more = (): void => {
    while (written < most && !response.destroyed) {
      written += 1;
      if (!response.write(MEGABYTE)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}

const ANSWERS: readonly ((response: ServerResponse) => void)[] = [
  (response) => pour(response.writeHead(200, { 'content-length': 50 * MEGABYTE.length }), 50),
  (response) => pour(response.writeHead(200), Number.POSITIVE_INFINITY),
  (response) => response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': BOMB.length }).end(BOMB),
  (response) => response.writeHead(422, { 'content-encoding': 'gzip' }).end(BOMB),
  (response) => response.writeHead(200, { 'x-large': 'y'.repeat(12_000) }).end('{}'),
  (response) => pour(response.writeHead(422), Number.POSITIVE_INFINITY),
];

/** Highest resident memory that the kernel saw so far. */
function highWater(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

const hasProc = existsSync('/proc/self/status');

(hasProc ? describe : describe.skip)(`memory of run${hasProc ? '' : ' (not here: no /proc)'}`, () => {
  test('stays under 200 MB with 100,000 pending items, 50 MB and endless answers and compression bombs', async () => {
    let answered = 0;
    server = createServer((request, response) => {
      request.resume();
      request.on('end', () => {
        ANSWERS[answered % ANSWERS.length]?.(response);
        answered += 1;
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { cwd } = testHome();
    const targets = { api: { baseUrl: url, timeout: '5s', breaker: 0 } };
    writeFileSync(join(cwd, 'syncq.json'), JSON.stringify({ targets }));
    const queue = await openQueue({ queue: join(cwd, 'syncq.db'), config: { targets } });
    for (let from = 0; from < PENDING; from += 10_000) {
      await queue.enqueueMany(
        Array.from({ length: 10_000 }, (_, n) => ({
          method: 'POST',
          path: '/a',
          entity: `a/${(from + n) % 5000}`,
          json: { n: from + n },
        })),
      );
    }
    await queue.close();

    const run = startProcess(['run', '--limit', String(ANSWERED), '--concurrency', '6'], { timeoutMs: 120_000 });
    let most = 0;
    const over = new AbortController();
    void run.ended.then(() => over.abort());
    while (!over.signal.aborted) {
      try {
        most = Math.max(most, highWater(run.pid));
      } catch {
        // It has just ended.
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const { stderr } = await run.ended;
    expect(stderr).not.toContain('defect');
    expect(answered).toBeGreaterThanOrEqual(ANSWERED);
    expect(most).toBeGreaterThan(20 * 1024 * 1024);
    expect(most).toBeLessThan(MOST_BYTES);
    process.stderr.write(`run: at most ${Math.round(most / 1024 / 1024)} MB resident over ${answered} answers\n`);
  }, 240_000);
});
