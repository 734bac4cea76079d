/** What only real processes show: stdin, a closed or full stdout, signals. */
import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, test } from '@jest/globals';

import { runProcess, startProcess } from '../support/process.js';
import { startServer } from '../support/rest-server.js';
import { ROOT } from '../support/source-graph.js';
import { testEnvironment, testHome } from '../support/temp.js';

const LINES = 20_000;

function lines(count: number): string {
  return Array.from({ length: count }, (_, n) => `{"method":"PUT","path":"/a/${n}","payload":{"n":${n}}}\n`).join('');
}

function writeConfig(baseUrl: string): void {
  writeFileSync(join(testHome().cwd, 'syncq.json'), JSON.stringify({ targets: { api: { baseUrl } } }), { mode: 0o600 });
}

function shellOptions(): { env: Record<string, string>; cwd: string; encoding: 'utf8'; timeout: number } {
  const env = testEnvironment({ SYNCQ: `${process.execPath} ${join(ROOT, 'bin', 'run.js')}` });
  return { env, cwd: testHome().cwd, encoding: 'utf8', timeout: 20_000 };
}

/** In a shell, for redirections; `$SYNCQ` is the program. */
function shell(script: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('bash', ['-c', script], shellOptions());
}

describe('stdin', () => {
  test('arrives whole where - is written', async () => {
    writeConfig('http://127.0.0.1:1');
    const stored = await runProcess(['enqueue', '--from', '-', '--json'], { stdin: lines(LINES) });
    expect(stored.stderr).toBe('');
    expect(stored.json()).toEqual({ firstId: 1, lastId: LINES, count: LINES, duplicates: 0, rejected: [] });
    const payload = await runProcess(['enqueue', 'POST', '/b', '-d', '-', '--content-type', 'text/plain'], {
      stdin: 'exact\n',
    });
    expect(payload.stdout).toBe(`${LINES + 1}\n`);
    const shown = await runProcess(['inspect', String(LINES + 1), '--json']);
    expect(shown.json()).toMatchObject({ payload: 'exact\n', payloadBytes: 6 });
  });

  test('is not read because it is a pipe', async () => {
    writeConfig('http://127.0.0.1:1');
    // It stays open: a program that reads it would wait for ever.
    for (const argv of [['enqueue', 'POST', '/b'], ['status'], ['inspect'], ['retry', '1'], ['enqueue']]) {
      const { code, signal } = await startProcess(argv, { stdin: 'open', timeoutMs: 15_000 }).ended;
      expect([argv[0], signal, code]).toEqual([argv[0], null, argv.length === 1 && argv[0] === 'enqueue' ? 2 : 0]);
    }
  });

  test('may hold ids, as words or as the lines of a list', async () => {
    writeConfig('http://127.0.0.1:1');
    await runProcess(['enqueue', '--from', '-'], { stdin: lines(3) });
    expect((await runProcess(['inspect', '-', '--json'], { stdin: '1 2\n3\n' })).json().items).toHaveLength(3);
    expect((await runProcess(['inspect', '-', '--json'], { stdin: '{"id":2}\n{"id":9}' })).json()).toMatchObject({
      missing: [9],
    });
  });
});

describe('stdout', () => {
  test('that is full ends with 6, says so, and what was stored is stored', () => {
    writeConfig('http://127.0.0.1:1');
    for (const argv of [
      'enqueue POST /a',
      'enqueue POST /b --json',
      'status',
      'status --json',
      '--help',
      'status --nope --json',
    ]) {
      const { status, stderr } = shell(`$SYNCQ ${argv} > /dev/full`);
      expect([argv, status]).toEqual([argv, 6]);
      expect(
        stderr.match(/could not be written \(ENOSPC\); what the command did to the queue is done and safe/g),
      ).toHaveLength(1);
    }
    expect(JSON.parse(shell('$SYNCQ status --json').stdout).counts.pending).toBe(2);
  });

  test('whose reader goes away is no failure', async () => {
    writeConfig('http://127.0.0.1:1');
    await runProcess(['enqueue', '--from', '-'], { stdin: lines(5000) });
    const { stdout, stderr } = shell('$SYNCQ inspect --limit 5000 | head -1; echo "${PIPESTATUS[0]}"');
    expect(stdout.split('\n').slice(0, 2)).toEqual([expect.stringMatching(/^1\tdue\t/), '0']);
    expect(stderr).toBe('');
  });

  test('that is closed does not undo what was asked', () => {
    writeConfig('http://127.0.0.1:1');
    shell('$SYNCQ enqueue POST /a >&-');
    expect(JSON.parse(shell('$SYNCQ status --json').stdout).counts.pending).toBe(1);
  });
});

describe('signals', () => {
  test('watch delivers what is enqueued beside it, and SIGTERM ends it with 143 after a clean stop', async () => {
    const server = await startServer();
    writeConfig(server.url);
    const watch = startProcess(['watch', '--json']);
    await watch.waitForStdout('"event":"started"');
    await runProcess(['enqueue', 'POST', '/a', '-d', '{}']);
    await watch.waitForStdout('"event":"delivered"');
    const end = await watch.kill('SIGTERM');
    expect([end.code, end.signal]).toEqual([143, null]);
    expect(end.ndjson().at(-1)).toMatchObject({ event: 'stopped', reason: 'signal' });
    expect((await runProcess(['status', '--json'])).json()).toMatchObject({ counts: { completed: 1 }, runner: null });
  });

  test('the first lets the request in flight end', async () => {
    const server = await startServer({ answer: { status: 200, delayMs: 1000 } });
    writeConfig(server.url);
    await runProcess(['enqueue', '--from', '-'], { stdin: lines(2) });
    const run = startProcess(['run', '--json']);
    await server.waitFor(1);
    const end = await run.kill('SIGINT');
    expect(end.code).toBe(130);
    expect(end.json()).toMatchObject({ delivered: 1, stopped: 'signal', remaining: { due: 1 } });
    expect(server.requests).toHaveLength(1);
  });

  test('the second cuts it off, and the outcome is unknown', async () => {
    const server = await startServer({ answer: { hang: true } });
    writeConfig(server.url);
    await runProcess(['enqueue', 'POST', '/a', '-d', '{}']);
    const run = startProcess(['run']);
    await server.waitFor(1);
    run.child.kill('SIGINT');
    await run.waitForStderr('once more cuts them off');
    const end = await run.kill('SIGINT');
    expect([end.code, end.signal]).toEqual([130, null]);
    const item = (await runProcess(['inspect', '1', '--json'])).json();
    expect(item.state).toBe('pending');
    expect(item.attempts).toMatchObject([{ outcome: 'unknown' }]);
  });

  test('status --follow ends with the signal', async () => {
    writeConfig('http://127.0.0.1:1');
    const follow = startProcess(['status', '--follow', '--json']);
    await follow.waitForStdout('"exists":false');
    await runProcess(['enqueue', 'POST', '/a']);
    await follow.waitForStdout('"pending":1');
    expect((await follow.kill('SIGINT')).code).toBe(130);
  });
});

test('a second run says who is running and ends with 0, or 4 with --require', async () => {
  const server = await startServer({ answer: { status: 200, delayMs: 3000 } });
  writeConfig(server.url);
  await runProcess(['enqueue', 'POST', '/a', '-d', '{}']);
  const first = startProcess(['run']);
  await server.waitFor(1);
  const second = await runProcess(['run', '--json']);
  expect([second.code, second.json().stopped]).toEqual([0, 'other-runner']);
  const since = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(second.json().runner).toEqual({
    kind: 'run',
    pid: first.pid,
    host: expect.any(String),
    since,
    lastActiveAt: since,
  });
  const third = await runProcess(['run', '--require']);
  expect(third.code).toBe(4);
  expect(third.stderr).toMatch(new RegExp(`^run \\(pid ${first.pid} on .+\\) is at work: it sends what is due\\n$`));
  expect((await first.ended).code).toBe(0);
});

test('a run beside an idle watch says so too, although there is nothing to send', async () => {
  writeConfig((await startServer()).url);
  const watch = startProcess(['watch']);
  await watch.waitForStdout('idle');
  const second = await runProcess(['run', '--json']);
  expect([second.code, second.json().stopped]).toEqual([0, 'other-runner']);
  const third = await runProcess(['run', '--require']);
  expect(third.code).toBe(4);
  expect(third.stderr).toMatch(/^watch \(pid \d+ on .+\) is at work/);
  await watch.kill('SIGTERM');
  expect(await runProcess(['run', '--require'])).toMatchObject({ code: 0, stderr: '' });
});

test('on a terminal watch shows the status and the last events, and leaves with 143', async () => {
  const server = await startServer();
  writeConfig(server.url);
  await runProcess(['enqueue', 'POST', '/a', '-d', '{}']);
  // `script` gives it a terminal of its own.
  const delivered = `for n in $(seq 60); do $SYNCQ status --json | grep -q '"completed": *1' && break; sleep 0.2; done; sleep 1.5`;
  const inner = `stty cols 100 rows 30; $SYNCQ watch & pid=$!; ${delivered}; kill $pid; wait $pid; echo code $?`;
  // Not `shell`: the server of this test must be able to answer meanwhile.
  const { stdout } = await promisify(execFile)('script', ['-qec', inner, '/dev/null'], {
    ...shellOptions(),
    timeout: 60_000,
  });
  expect(stdout).toContain('\x1b[?1049h');
  expect(stdout).toContain('\x1b[?25h\x1b[?1049l');
  expect(stdout).toContain('all delivered');
  expect(stdout).toMatch(/\d\d:\d\d:\d\d delivered item 1 \(POST \/a to api\): 200 after/);
  expect(stdout).toContain('code 143');
});

test('a watch of one target that a config read again has lost goes on: its items may come back', async () => {
  const baseUrl = (await startServer()).url;
  const config = join(testHome().cwd, 'mine.json');
  const queue = ['--queue', join(testHome().cwd, 'shared.db')];
  const name = (target: string): void =>
    writeFileSync(config, JSON.stringify({ targets: { [target]: { baseUrl } } }), { mode: 0o600 });
  writeConfig(baseUrl);
  const first = startProcess(['watch', ...queue]);
  await first.waitForStdout('idle');
  // It stands by, so that the queue never heard of its target.
  name('mine');
  const watch = startProcess(['watch', '--target', 'mine', '--config', config, ...queue, '--json']);
  await watch.waitForStdout('standby');
  name('another');
  watch.child.kill('SIGHUP');
  await watch.waitForStdout('stopped');
  await first.kill();
  await watch.waitForStdout('started');
  expect((await watch.kill()).code).toBe(143);
});
