/** The main job as its user does it: real processes, a real server that is down at first, and one that gets killed. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { within } from '../support/lag.js';
import { runProcess, startNode, startProcess } from '../support/process.js';
import { startServer, type RestServer } from '../support/rest-server.js';
import { testHome } from '../support/temp.js';

/** One configured target, in the working directory of the test. */
function configure(baseUrl: string, target: Record<string, unknown> = {}): void {
  writeFileSync(join(testHome().cwd, 'syncq.json'), JSON.stringify({ targets: { field: { baseUrl, ...target } } }), {
    mode: 0o600,
  });
}

async function status(): Promise<{
  counts: Record<string, number>;
  runner: { pid: number; kind: string } | null;
  targets: { state: string }[];
}> {
  return (await runProcess(['status', '--json'])).json() as never;
}

/** Spellings that a parser would change: big integers, `1.0`, duplicate keys, inner white space. */
const PAYLOADS = [
  '{"big":12345678901234567890}',
  '{"one":1.0,  "two" : 2}',
  '{"a":1,"a":2}',
  '["\\ud800","\\u0000"]',
  '{"x":1e400}',
];

/** The same spelling, unlike every other of the test. */
function numbered(payload: string, n: number): string {
  return payload.startsWith('{') ? payload.replace('{', `{"n":${n},`) : payload.replace('[', `[${n},`);
}

describe('writes queued while the server is down', () => {
  test('cost no retry, and arrive once, in order per entity, byte for byte, under keys of their own', async () => {
    const server = await startServer();
    await server.stop();
    configure(server.url);
    const writes = Array.from({ length: 40 }, (_, n) => ({
      entity: `activity/${n % 8}`,
      payload: numbered(PAYLOADS[n % PAYLOADS.length] ?? '', n),
    }));
    const single = writes.slice(0, 5);
    for (const { entity, payload } of single) {
      expect(await runProcess(['enqueue', 'POST', '/a', '--entity', entity, '-d', payload])).toMatchObject({ code: 0 });
    }
    const lines = writes
      .slice(5)
      .map(({ entity, payload }) => `{"method":"POST","path":"/a","entity":"${entity}","payload":${payload}}\n`);
    expect(await runProcess(['enqueue', '--from', '-'], { stdin: lines.join('') })).toMatchObject({
      code: 0,
      stdout: '6 40\n',
    });

    expect(await runProcess(['run'])).toMatchObject({ code: 4 });
    const offline = (await runProcess(['inspect', '--state', 'pending', '--limit', '100', '--json'])).json() as {
      items: { retryCount: number }[];
    };
    expect(offline.items.map((item) => item.retryCount)).toEqual(writes.map(() => 0));

    await server.start();
    expect(await runProcess(['run'])).toMatchObject({ code: 0 });
    expect(server.requests).toHaveLength(40);
    for (const entity of new Set(writes.map((write) => write.entity))) {
      const sent = writes.filter((write) => write.entity === entity).map((write) => write.payload);
      const received = server.requests.map((request) => request.body.toString()).filter((body) => sent.includes(body));
      expect(received).toEqual(sent);
    }
    expect(new Set(server.requests.map((request) => request.headers['idempotency-key'])).size).toBe(40);
    expect(await runProcess(['run', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  }, 60_000);

  test('with four requests at once, one slow entity does not hold up the other seven', async () => {
    const server = await startServer({ answer: ({ path }) => ({ status: 201, delayMs: path === '/slow' ? 1500 : 0 }) });
    configure(server.url);
    const lines = Array.from(
      { length: 40 },
      (_, n) =>
        `{"method":"POST","path":"${n % 8 === 0 ? '/slow' : '/fast'}","entity":"activity/${n % 8}","payload":${n}}\n`,
    );
    await runProcess(['enqueue', '--from', '-'], { stdin: lines.slice(0, 33).join('') });

    expect(await runProcess(['run', '--concurrency', '4'])).toMatchObject({ code: 0 });
    const order = server.requests
      .toSorted((a, b) => (a.answeredAt ?? 0) - (b.answeredAt ?? 0))
      .map((request) => request.path);
    // All fast ones were answered before the second slow one was.
    expect(order.indexOf('/slow', order.indexOf('/slow') + 1)).toBeGreaterThan(order.lastIndexOf('/fast'));
  }, 60_000);
});

describe('a runner that dies or stops in the middle of a request', () => {
  async function midRequest(
    server: RestServer,
    target: Record<string, unknown> = {},
  ): Promise<ReturnType<typeof startProcess>> {
    configure(server.url, target);
    await runProcess(['enqueue', 'POST', '/a', '-d', '{"n":1.0}', '--entity', 'a/1']);
    server.setAnswer({ hang: true });
    const run = startProcess(['run']);
    await server.waitFor(1);
    return run;
  }

  test('is recorded as unknown by the next one, which sends the same bytes under the same key', async () => {
    const server = await startServer();
    const run = await midRequest(server);
    await run.kill('SIGKILL');
    server.setAnswer({ status: 201 });

    expect(await runProcess(['run'])).toMatchObject({ code: 0 });
    const [first, second] = server.requests;
    expect(second?.body).toEqual(first?.body);
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
    const item = (await runProcess(['inspect', '1', '--json'])).json() as { attempts: unknown[] };
    expect(item.attempts).toMatchObject([
      { number: 1, outcome: 'unknown' },
      { number: 2, outcome: 'delivered' },
    ]);
  }, 60_000);

  test('makes a repeat of the next attempt: "I have it already" then means delivered', async () => {
    const server = await startServer();
    const run = await midRequest(server, { outcomes: { '409': 'delivered' } });
    await run.kill('SIGKILL');
    server.setAnswer({ status: 409 });

    expect(await runProcess(['run'])).toMatchObject({ code: 0 });
    expect((await runProcess(['inspect', '1'])).stdout).toContain('delivered: 409 to a repeat of attempt 1');
    await runProcess(['enqueue', 'POST', '/a', '-d', '2', '--entity', 'a/1']);
    expect(await runProcess(['run'])).toMatchObject({ code: 3 });
  }, 60_000);

  test('leaves an item that says so, and what waits behind it too, until the next run', async () => {
    const server = await startServer();
    const run = await midRequest(server);
    await runProcess(['enqueue', 'POST', '/a', '-d', '2', '--entity', 'a/1']);
    expect((await runProcess(['inspect', '1'])).stdout).toMatch(/why: being sent since .*under way/s);
    await run.kill('SIGKILL');

    const left = (await runProcess(['inspect', '1'])).stdout;
    expect(left).toMatch(/why: sent at .* by a runner that stopped .*syncq run.*left open/s);
    expect(left).not.toMatch(/being sent|under way/);
    expect((await runProcess(['inspect', '2'])).stdout).toMatch(
      /behind item 1, which was sent at .*runner that stopped/,
    );
  }, 60_000);

  test('is told by the next one when the item went to review: cron and hooks learn of it nowhere else', async () => {
    const server = await startServer();
    const run = await midRequest(server, { onUnknown: 'review' });
    await run.kill('SIGKILL');
    server.setAnswer({ status: 201 });

    const next = await runProcess(['run']);
    expect(next.code).toBe(3);
    expect(next.stdout).toMatch(/^\S+ review item 1 \(POST \/a to field, a\/1\): unknown: the runner stopped .*\n$/);
    expect(await runProcess(['run'])).toMatchObject({ code: 0, stdout: '' });
    expect(server.requests).toHaveLength(1);
  }, 60_000);

  test('keeps the right to send while it is only stopped: a second sends nothing, and its result counts once', async () => {
    const server = await startServer({ answer: { status: 201, delayMs: 1500 } });
    configure(server.url);
    await runProcess(['enqueue', 'POST', '/a', '-d', '1', '--entity', 'a/1']);
    const first = startProcess(['run']);
    await server.waitFor(1);
    process.kill(first.pid, 'SIGSTOP');

    const second = await runProcess(['run']);
    expect(second.code).toBe(0);
    expect(second.stderr).toContain(String(first.pid));
    expect(await runProcess(['run', '--require'])).toMatchObject({ code: 4 });
    process.kill(first.pid, 'SIGCONT');
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(server.requests).toHaveLength(1);
    expect((await status()).counts).toMatchObject({ completed: 1, pending: 0, sending: 0 });
  }, 60_000);
});

describe('several processes on one queue', () => {
  test('watch and enqueue never see a locked database', async () => {
    const server = await startServer();
    configure(server.url);
    const watch = startProcess(['watch']);
    await watch.waitForStdout(/started/);
    const stored = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        runProcess(['enqueue', 'POST', '/a', '-d', String(n), '--entity', `a/${n % 3}`], { timeoutMs: 60_000 }),
      ),
    );
    expect(stored.map((result) => result.code)).toEqual(stored.map(() => 0));
    await server.waitFor(12);
    const ended = await watch.kill('SIGTERM');
    expect(ended.code).toBe(143);
    expect(ended.stdout + ended.stderr).not.toMatch(/locked|busy/i);
  }, 90_000);

  test('SIGTERM ends watch within a second although another process holds a write transaction', async () => {
    const server = await startServer();
    configure(server.url);
    await runProcess(['enqueue', 'POST', '/a', '-d', '1']);
    const watch = startProcess(['watch']);
    await watch.waitForStdout(/idle/);
    const holder = startNode(['-e', HOLD_WRITE_LOCK, join(testHome().cwd, 'syncq.db')]);
    await holder.waitForStdout('held');
    const before = performance.now();
    const ended = await watch.kill('SIGTERM');
    const took = performance.now() - before;
    expect(took).toBeLessThan(await within(1_000));
    expect(ended.code).toBe(143);
  }, 60_000);
});

const DRIVER = Number(process.versions.node.split('.')[0]) >= 22 ? 'better-sqlite3-13' : 'better-sqlite3';
const HOLD_WRITE_LOCK = `
const Sqlite = require(${JSON.stringify(createRequire(import.meta.url).resolve(DRIVER))});
const db = new Sqlite(process.argv[1]);
db.exec('BEGIN IMMEDIATE');
console.log('held');
setTimeout(() => { db.exec('ROLLBACK'); db.close(); }, 5000);
`;
