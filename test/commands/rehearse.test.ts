import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { runCli } from '../support/cli.js';
import { runProcess, startProcess } from '../support/process.js';
import { tempDirectory } from '../support/temp.js';

const put = (url: string, key: string, body = 'x'): Promise<Response> =>
  fetch(url, { method: 'PUT', body, headers: { 'idempotency-key': key } });

describe('syncq rehearse', () => {
  test('prints its URL, then each request, and ends by a signal with a summary', async () => {
    const server = startProcess(['rehearse', '--script', '201,503+5s']);
    const url = await server.waitForStdout(/^http:\/\/127\.0\.0\.1:\d+$/);
    await put(`${url}/a`, 'one');
    await put(`${url}/b`, 'two');
    await put(`${url}/c`, 'two');
    const { code, stdout, stderr } = await server.kill('SIGINT');
    expect(code).toBe(130);
    expect(stdout.split('\n').slice(1)).toEqual([
      '1 PUT /a 201 1 bytes',
      '2 PUT /b 503 1 bytes',
      '3 PUT /c 422 1 bytes (VIOLATION: the key came before with another request)',
      '',
    ]);
    expect(stderr).toBe(
      '3 requests (201: 1, 422: 1, 503: 1); 1 had an effect, 0 got their stored answer again, 1 broke a promise\n',
    );
  });

  test('with --json gives one object a line, and journals the same to a private file', async () => {
    const journal = join(tempDirectory(), 'journal.ndjson');
    const server = startProcess(['rehearse', '--json', '--journal', journal]);
    const { url } = JSON.parse(await server.waitForStdout('listening'));
    await put(`${url}/a`, 'one');
    const { code, ndjson } = await server.kill('SIGTERM');
    expect(code).toBe(143);
    const [listening, request, ended] = ndjson();
    expect(listening).toEqual({ event: 'listening', url });
    expect(request).toMatchObject({ event: 'request', n: 1, method: 'PUT', path: '/a', key: 'one', answer: 201 });
    expect(ended).toMatchObject({ event: 'ended', requests: 1, effects: 1 });
    expect({ event: 'request', ...JSON.parse(readFileSync(journal, 'utf8')) }).toEqual(request);
    expect(statSync(journal).mode & 0o777).toBe(0o600);
  });

  test('reads the script from a file', async () => {
    const file = join(tempDirectory(), 'script.txt');
    writeFileSync(file, '503 # first\n201\n');
    const server = startProcess(['rehearse', '--script', `@${file}`]);
    const url = await server.waitForStdout(/^http:/);
    expect([(await put(url, 'a')).status, (await put(url, 'a')).status]).toEqual([503, 201]);
  });

  test.each([
    [['rehearse', '--script', 'nonsense'], '--script: step 1 of the script, "nonsense", is not known'],
    [['rehearse', '--script', '@/nowhere/at/all'], 'does not exist'],
    [['rehearse', '--journal', '/nowhere/at/all'], 'the journal /nowhere/at/all cannot be written (ENOENT)'],
  ])('refuses %j', async (argv, message) => {
    const { code, json } = await runCli(...argv, '--json');
    expect([code, json().error.code]).toEqual([2, 'usage']);
    expect(json().error.message).toContain(message);
  });

  test('journals into no link, and leaves a device as it is', async () => {
    const other = join(tempDirectory(), 'other');
    writeFileSync(other, '', { mode: 0o644 });
    const link = join(tempDirectory(), 'link');
    symlinkSync(other, link);
    const { code, json } = await runProcess(['rehearse', '--journal', link, '--json'], { timeoutMs: 5_000 });
    expect([code, json().error.hint]).toEqual([2, expect.stringContaining('symbolic link')]);
    const { mode } = statSync('/dev/null');
    const server = startProcess(['rehearse', '--journal', '/dev/null']);
    await server.waitForStdout(/^http:/);
    expect(statSync('/dev/null').mode).toBe(mode);
  });

  test('a queue drained against it delivers each write once, through outages', async () => {
    const server = startProcess(['rehearse', '--json', '--script', '503,reset,201*3']);
    const { url } = JSON.parse(await server.waitForStdout('listening'));
    for (const name of ['a', 'b', 'c'])
      await runCli('enqueue', 'PUT', `${url}/${name}`, '-d', '{}', '--entity', `thing/${name}`);
    const { code } = await runProcess(['run', '--wait', '--max-time', '15s']);
    expect(code).toBe(0);
    const ended = (await server.kill()).ndjson().at(-1);
    expect(ended).toMatchObject({ event: 'ended', effects: 3, violations: 0, answers: { 503: 1, reset: 1, 201: 3 } });
  });
});
