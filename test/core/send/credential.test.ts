import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../src/core/nouns/clock.js';
import { systemClock } from '../../../src/core/nouns/clock.js';
import { createCredentials } from '../../../src/core/send/credential.js';
import type { Credentials } from '../../../src/core/send/credential.js';
import type { AuthConfig, SecretRef } from '../../../src/core/nouns/target.js';
import { until } from '../../support/until.js';

let dir = '';

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'syncq-credential-'));
});

afterAll(async () => {
  await rm(dir, { recursive: true });
});

interface Given {
  env?: Record<string, string>;
  clock?: Clock;
  implicit?: boolean;
  secretEnv?: string[];
}

function credentials(
  auth: AuthConfig | undefined,
  { env = {}, clock = systemClock, implicit = false, secretEnv }: Given = {},
): Credentials {
  const path = process.env['PATH'] ?? '';
  const deps = { env: { PATH: path, ...env }, clock, ...(secretEnv === undefined ? {} : { secretEnv }) };
  return createCredentials({ name: 'production', auth, implicit }, deps);
}

function bearer(token: SecretRef, given: Given = {}): Credentials {
  return credentials({ kind: 'bearer', token }, given);
}

/** A secret command that runs `code` in Node. */
function script(code: string): SecretRef {
  return { command: [process.execPath, '-e', code] };
}

async function fileWith(content: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = join(dir, `secret-${String(Math.random()).slice(2)}`);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

describe('headers', () => {
  test.each<[AuthConfig, readonly [string, string]]>([
    [{ kind: 'bearer', token: { env: 'S' } }, ['authorization', 'Bearer s3cret']],
    [
      { kind: 'basic', user: 'dev', password: { env: 'S' } },
      ['authorization', `Basic ${Buffer.from('dev:s3cret').toString('base64')}`],
    ],
    [
      { kind: 'basic', user: 'jürgen', password: { env: 'S' } },
      ['authorization', `Basic ${Buffer.from('jürgen:s3cret', 'utf8').toString('base64')}`],
    ],
    [{ kind: 'header', name: 'X-Api-Key', value: { env: 'S' } }, ['x-api-key', 's3cret']],
  ])('%j', async (auth, header) => {
    expect(await credentials(auth, { env: { S: 's3cret' } }).get()).toEqual({ ok: true, header });
  });

  test('a target without auth and an implicit target have none', async () => {
    expect(await credentials(undefined).get()).toEqual({ ok: true, header: undefined });
    const implicit = credentials({ kind: 'bearer', token: { env: 'S' } }, { env: { S: 's3cret' }, implicit: true });
    expect(await implicit.get()).toEqual({ ok: true, header: undefined });
  });

  test.each<[AuthConfig, string]>([
    [{ kind: 'header', name: 'X-Key', value: { env: 'S' } }, 's3cret\r\nx-evil: 1'],
    [{ kind: 'header', name: 'X-Key', value: { env: 'S' } }, 's3cret\u2028'],
    [{ kind: 'header', name: 'X Key', value: { env: 'S' } }, 's3cret'],
    [{ kind: 'bearer', token: { env: 'S' } }, 's3cret with blanks'],
    [{ kind: 'basic', user: 'a:b', password: { env: 'S' } }, 's3cret'],
  ])('%j with a value that HTTP does not allow is refused without showing it', async (auth, value) => {
    const result = await credentials(auth, { env: { S: value } }).get();
    expect(result).toMatchObject({ ok: false, code: 'no-credential' });
    expect(JSON.stringify(result)).not.toContain('s3cret');
  });
});

describe('environment', () => {
  test.each([{}, { S: '' }])('%j: says which variable to set', async (env) => {
    expect(await bearer({ env: 'S' }, { env }).get()).toMatchObject({
      ok: false,
      message: 'the environment variable S is not set',
    });
  });

  test('bytes that are no UTF-8, which arrive as a replacement character, are no secret', async () => {
    expect(await bearer({ env: 'S' }, { env: { S: 'p\ufffdss' } }).get()).toMatchObject({
      ok: false,
      message: 'the environment variable S is not valid UTF-8',
    });
  });
});

describe('file', () => {
  test('the trailing newline is no part of the secret', async () => {
    const path = await fileWith('tok\r\n\n');
    expect(await bearer({ file: path }).get()).toMatchObject({ ok: true, header: ['authorization', 'Bearer tok'] });
    const link = join(dir, 'link');
    await symlink(path, link);
    expect(await bearer({ file: link }).get()).toMatchObject({ ok: true });
  });

  test.each([0o640, 0o604, 0o620, 0o644, 0o666])('mode %o is refused', async (mode) => {
    const result = await bearer({ file: await fileWith('s3cret', mode) }).get();
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining('chmod 600') });
    expect(JSON.stringify(result)).not.toContain('s3cret');
  });

  test('missing, empty, too large, a directory: each is told', async () => {
    const message = async (path: string): Promise<unknown> =>
      ((await bearer({ file: path }).get()) as { message?: string }).message;
    expect(await message(join(dir, 'nowhere'))).toMatch(/cannot be read \(ENOENT\)/);
    expect(await message(await fileWith('\n'))).toMatch(/is empty/);
    expect(await message(await fileWith('x'.repeat(70_000)))).toMatch(/larger than 64 KiB/);
    expect(await message(await fileWith(Buffer.from('p\xf8ss', 'latin1')))).toMatch(/is not UTF-8 text/);
    expect(await message(dir)).toMatch(/not a regular file/);
  });

  test.each(['\ufefftok', '\ufefftok\r\n'])('a byte order mark is no part of it (%j)', async (text) => {
    const header = ['authorization', 'Bearer tok'];
    expect(await bearer({ file: await fileWith(text) }).get()).toEqual({ ok: true, header });
    expect(await bearer(script(`process.stdout.write(${JSON.stringify(text)})`)).get()).toEqual({ ok: true, header });
  });

  test.each([
    ['s3cretABC==', true],
    ['S3CRETABC=', true],
    ['it="s3cret"', true],
    ['API_TOKEN=s3cret', 'NAME=value: only the value'],
    ['export token=s3cret', 'NAME=value: only the value'],
    ['API_TOKEN="s3cret"', 'NAME=value: only the value'],
    ['"s3cret"', 'in quotes'],
    ["'s3cret'", 'in quotes'],
    ['\ufeff"s3cret"\r\n', 'in quotes'],
    [Buffer.from('\ufeffs3cret', 'utf16le'), 'UTF-16'],
    [Buffer.from('s3cret\r\n', 'utf16le'), 'UTF-16'],
    [Buffer.from('\ufeffs3cret', 'utf16le').swap16(), 'UTF-16'],
  ])('%j is refused unless it is bare, from wherever it comes', async (content, expected) => {
    const kept: SecretRef[] = [
      { file: await fileWith(content) },
      script(`process.stdout.write(Buffer.from('${Buffer.from(content).toString('hex')}', 'hex'))`),
    ];
    if (typeof content === 'string' && !content.startsWith('\ufeff')) kept.push({ env: 'S' });
    for (const value of kept) {
      const auth: AuthConfig = { kind: 'header', name: 'X-Key', value };
      const result = await credentials(auth, { env: typeof content === 'string' ? { S: content } : {} }).get();
      expect(result).toMatchObject(
        expected === true ? { ok: true } : { ok: false, message: expect.stringContaining(String(expected)) },
      );
      expect(JSON.stringify(result).includes('s3cret')).toBe(
        expected === true && result.ok && content !== 'S3CRETABC=',
      );
    }
  });

  test('what looks like that can come from a command as JSON', async () => {
    const print = script(`console.log(JSON.stringify({ token: '"A=b"' }))`);
    expect(await credentials({ kind: 'header', name: 'X-Key', value: print }).get()).toMatchObject({ ok: true });
  });

  // Opening one waits for a writer: the runner, and with it a stop that was asked for, would wait for ever.
  test('a FIFO is refused at once', async () => {
    if (process.platform === 'win32') return;
    const path = join(dir, 'fifo');
    execFileSync('mkfifo', ['-m', '600', path]);
    const late = new Promise((resolve) => setTimeout(resolve, 5_000, 'late').unref());
    const result = await Promise.race([bearer({ file: path }).get(), late]);
    // A reader that waits must not outlive the test.
    if (result === 'late') await writeFile(path, 'x');
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining('not a regular file') });
  });
});

describe('command', () => {
  test('plain text', async () => {
    expect(await bearer(script('console.log("tok")')).get()).toMatchObject({ header: ['authorization', 'Bearer tok'] });
  });

  test('it gets no shell', async () => {
    const ref = { command: [process.execPath, '-e', 'console.log(process.argv[1])', '$(id);echo'] };
    expect(await credentials({ kind: 'header', name: 'x', value: ref }).get()).toMatchObject({
      header: ['x', '$(id);echo'],
    });
  });

  test.each([
    ['JSON with token', '{"token":"tok","expiresAt":"2999-01-01T00:00:00Z"}', 'tok'],
    ['a text that only looks like JSON', '{tok', '{tok'],
  ])('%s', async (_what, printed, token) => {
    const result = await bearer(script(`process.stdout.write(${JSON.stringify(printed)})`)).get();
    expect(result).toMatchObject({ header: ['authorization', `Bearer ${token}`] });
  });

  test.each([
    ['nothing', '', /printed nothing/],
    ['what is no text', 'process.stdout.write(Buffer.from([0x70, 0xf8]))', /printed what is not UTF-8 text/],
    [
      'a failure',
      'console.log("s3cret");console.error("\\u001b[31mlogin first\\nmore");process.exit(3)',
      /failed \(exit 3\): run it by hand to see why; what it prints is never kept$/,
    ],
    [
      'a failure that quotes what it found',
      'console.error("password s3cret is not valid");process.exit(1)',
      /failed \(exit 1\): run it by hand to see why; what it prints is never kept$/,
    ],
    ['JSON without token', 'console.log("{\\"secret\\":\\"s3cret\\"}")', /without "token"/],
    ['a time that is none', 'console.log("{\\"token\\":\\"s3cret\\",\\"expiresAt\\":\\"soon\\"}")', /"expiresAt"/],
    ['too much', 'process.stdout.write("s3cret".repeat(1e6));setTimeout(()=>{},60000)', /more than 64 KiB/],
    [
      'pages on stderr',
      'process.stderr.write("s3cret ".repeat(1e5),()=>process.exit(2))',
      /\(exit 2\): run it by hand/,
    ],
    ['a signal', 'process.kill(process.pid,"SIGTERM");setTimeout(()=>{},60000)', /signal SIGTERM/],
  ])('%s is told, and no secret with it', async (_what, code, message) => {
    const result = (await bearer(script(code)).get()) as { ok: boolean; message: string };
    expect(result.ok).toBe(false);
    expect(result.message).toMatch(message);
    expect(result.message).not.toContain('s3cret');
  });

  test('a program that does not exist', async () => {
    expect(await bearer({ command: ['/nowhere/prog'] }).get()).toMatchObject({
      ok: false,
      message: expect.stringContaining('ENOENT'),
    });
  });

  test('one that never ends is killed, even if its child keeps the pipe', async () => {
    const pidFile = join(dir, 'pid');
    const code = `require('fs').writeFileSync(${JSON.stringify(pidFile)},String(process.pid));setInterval(()=>{},1000)`;
    let release = (): void => undefined;
    const waited = new Promise<void>((resolve) => {
      release = resolve;
    });
    const asked: number[] = [];
    const clock: Clock = { ...systemClock, sleep: (ms) => (asked.push(ms), waited) };
    const result = bearer(script(code), { clock }).get();
    while ((await readFile(pidFile, 'utf8').catch(() => '')) === '')
      await new Promise((resolve) => setTimeout(resolve, 20));
    release();
    expect(await result).toMatchObject({ ok: false, message: expect.stringContaining('no end within 10 s') });
    expect(asked).toEqual([10_000]);
    const pid = Number(await readFile(pidFile, 'utf8'));
    const isThere = (): boolean => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    await until(() => !isThere());
  });

  test("other secrets in the environment are not the child's", async () => {
    const given = { env: { OTHER: 's3cret', KEPT: 'yes' }, secretEnv: ['OTHER'] };
    const result = await bearer(script('console.log(String(process.env.OTHER)+process.env.KEPT)'), given).get();
    expect(result).toMatchObject({ header: ['authorization', 'Bearer undefinedyes'] });
  });
});

describe('memory', () => {
  /** A command that prints how often it has run. */
  function counting(expiresAt?: string): { ref: SecretRef; runs: () => Promise<number> } {
    const path = join(dir, `runs-${String(Math.random()).slice(2)}`);
    const print =
      expiresAt === undefined
        ? 'console.log("t"+n)'
        : `console.log(JSON.stringify({token:"t"+n,expiresAt:${JSON.stringify(expiresAt)}}))`;
    const code = `const fs=require('fs'),p=${JSON.stringify(path)};fs.appendFileSync(p,'x');const n=fs.readFileSync(p).length;${print}`;
    return { ref: script(code), runs: async () => (await readFile(path)).length };
  }

  test('it is fetched once, also by many at a time', async () => {
    const { ref, runs } = counting();
    const found = bearer(ref);
    const results = await Promise.all([found.get(), found.get(), found.get()]);
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    await found.get();
    expect(await runs()).toBe(1);
  });

  test('refreshes at the same time are one', async () => {
    const { ref, runs } = counting();
    const found = bearer(ref);
    await found.get();
    expect(await Promise.all([found.refresh(), found.refresh()])).toEqual([true, true]);
    expect(await runs()).toBe(2);
  });

  test('it is fetched again 30 s before it ends', async () => {
    const { ref, runs } = counting('2026-01-01T00:10:00Z');
    let now = Date.UTC(2026, 0, 1);
    const found = bearer(ref, { clock: { ...systemClock, now: () => now } });
    await found.get();
    now += 569_000;
    await found.get();
    expect(await runs()).toBe(1);
    now += 1000;
    expect(await found.get()).toMatchObject({ header: ['authorization', 'Bearer t2'] });
  });

  test('refresh tells whether it changed', async () => {
    const changing = bearer(counting().ref);
    await changing.get();
    expect(await changing.refresh()).toBe(true);
    const steady = bearer(script('console.log("same")'));
    await steady.get();
    expect(await steady.refresh()).toBe(false);
    expect(await credentials(undefined).refresh()).toBe(false);
  });

  test('a failure is not remembered', async () => {
    const path = join(dir, 'later');
    const found = bearer({ file: path });
    expect(await found.get()).toMatchObject({ ok: false });
    await writeFile(path, 'tok', { mode: 0o600 });
    expect(await found.get()).toMatchObject({ ok: true });
  });
});
