import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { PROGRAM, runProcess } from '../support/process.js';
import { startServer } from '../support/rest-server.js';
import { tempDirectory, testEnvironment, testHome } from '../support/temp.js';

const CASES = [
  ['--version'],
  ['--help'],
  ['help', 'target', 'add'],
  ['help', 'exit-codes'],
  ['enqueue', '--help'],
  ['target'],
  ['status'],
  ['status', '--json'],
  ['stauts'],
  ['stauts', '--json'],
  ['status', '--nope'],
  ['status', '--nope', '--json'],
  ['enqueue', 'POST', '--json'],
  ['enqueue', 'POST', '/x', '--delay', 'soon', '--json'],
  ['inspect', 'x', '--json'],
  ['run', '--json', '--queue', './none.db'],
];

describe('the bundle and the separate files', () => {
  test.each(CASES.map((argv) => [argv.join(' '), argv] as const))('answer the same to: syncq %s', async (_, argv) => {
    const [bundled, plain] = await Promise.all([runProcess(argv), runProcess(argv, { env: { SYNCQ_NO_BUNDLE: '1' } })]);
    expect({ code: bundled.code, stdout: bundled.stdout, stderr: bundled.stderr }).toEqual({
      code: plain.code,
      stdout: plain.stdout,
      stderr: plain.stderr,
    });
  });

  test('end an unknown command with 2 and the nearest one', async () => {
    const { code, stderr } = await runProcess(['stauts']);
    expect(code).toBe(2);
    expect(stderr).toContain('syncq status');
  });

  test('answer an unknown flag under --json with one clean document', async () => {
    const result = await runProcess(['status', '--nope', '--json']);
    expect(result.code).toBe(2);
    expect(Object.keys(result.json())).toEqual(['error']);
    expect(result.json().error.code).toBe('usage');
  });
});

describe('the output without a terminal', () => {
  const HOOK = `process.on('exit', () => {
    const loaded = process.moduleLoadList.filter((name) => /^NativeModule (net|http|tls|stream)$/.test(name));
    require('node:fs').writeFileSync(process.env.LOADED, loaded.join());
  });`;

  test('is written without the network and stream modules of Node', async () => {
    const directory = tempDirectory();
    const [hook, loaded] = [join(directory, 'hook.cjs'), join(directory, 'loaded')];
    writeFileSync(hook, HOOK);
    const out = await runProcess(['status', '--json'], { env: { NODE_OPTIONS: `-r ${hook}`, LOADED: loaded } });
    expect([out.code, out.json().exists]).toEqual([0, false]);
    expect(readFileSync(loaded, 'utf8')).toBe('');
  });

  test('is written by a run that loads only the client of undici', async () => {
    const directory = tempDirectory();
    const [hook, loaded] = [join(directory, 'hook.cjs'), join(directory, 'loaded')];
    writeFileSync(
      hook,
      `process.on('exit', () => {
        const files = Object.keys(require('node:module').Module._cache).filter((file) => /undici.(index|lib.web.*|lib.dispatcher.pool)[.]js$/.test(file));
        require('node:fs').writeFileSync(process.env.LOADED, files.map((file) => file.replace(/.*undici./, '')).join());
      });`,
    );
    const server = await startServer();
    await runProcess(['enqueue', 'POST', `${server.url}/a`, '-d', '{}']);
    expect((await runProcess(['run'], { env: { NODE_OPTIONS: `-r ${hook}`, LOADED: loaded } })).code).toBe(0);
    expect(server.requests).toHaveLength(1);
    expect(readFileSync(loaded, 'utf8').replaceAll('\\', '/')).toBe('lib/dispatcher/pool.js');
  });

  test('arrives whole behind a full pipe, which does not block', () => {
    const script = `
      node -e 'require("fs").writeSync(1, "x".repeat(65536))'
      "$NODE" "$PROGRAM" --help
      "$NODE" "$PROGRAM" help exit-codes; "$NODE" "$PROGRAM" enqueue --help; "$NODE" "$PROGRAM" schedule --help`;
    const env = { ...process.env, ...testEnvironment(), NODE: process.execPath, PROGRAM };
    const whole = execFileSync('bash', ['-c', script], { env, encoding: 'utf8' });
    const slow = execFileSync('bash', ['-c', `(${script}) | (sleep 1; cat)`], { env, encoding: 'utf8' });
    expect(slow).toBe(whole);
    expect(whole.length).toBeGreaterThan(65_536 + 6_000);
  });

  test('of more than 16 KiB arrives whole, in order', async () => {
    const lines = Array.from({ length: 300 }, (_, index) =>
      JSON.stringify({ method: 'POST', path: `/a/${index}`, payload: { text: 'x'.repeat(90) } }),
    );
    await runProcess(['target', 'add', 'api', 'http://127.0.0.1:9']);
    await runProcess(['enqueue', '--from', '-', '--quiet'], { stdin: lines.join('\n') });
    const { stdout } = await runProcess(['export', '--format', 'ndjson']);
    const paths = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).path);
    expect(paths).toEqual(lines.map((_, index) => `/a/${index}`));
  });
});

// Newer Nodes keep compiled code by themselves.
const usesOwnCache = Number.parseInt(process.versions.node, 10) < 22;
const describeCache = usesOwnCache ? describe : describe.skip;

describeCache('compiled code kept between starts', () => {
  test('is written by the first start and taken by the next', async () => {
    const { directory, start } = place();
    await start();
    const [name = '', ...others] = readdirSync(directory);
    expect(others).toEqual([]);
    const before = statSync(join(directory, name), { bigint: true });
    await start();
    expect(statSync(join(directory, name), { bigint: true }).mtimeNs).toBe(before.mtimeNs);
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['empty', () => Buffer.alloc(0)],
    ['half', (bytes) => bytes.subarray(0, bytes.length >> 1)],
    ['no code at all', (bytes) => Buffer.alloc(bytes.length, 'x')],
    ['of another V8', (bytes) => Buffer.concat([bytes.subarray(0, 4), Buffer.from([1, 2, 3, 4]), bytes.subarray(8)])],
  ])('and %s is no harm and replaced', async (_, damage) => {
    const { directory, start } = place();
    await start();
    const [name = ''] = readdirSync(directory);
    const file = join(directory, name);
    const good = readFileSync(file);
    writeFileSync(file, damage(good));
    await start();
    expect(readdirSync(directory)).toEqual([name]);
    expect(readFileSync(file).equals(damage(good))).toBe(false);
    expect(Math.abs(statSync(file).size - good.length)).toBeLessThan(good.length / 5);
  });

  test('in a directory that others may write is neither read nor written', async () => {
    const { directory, start } = place();
    await start();
    const [name = ''] = readdirSync(directory);
    // Code that would end the process, were it taken.
    writeFileSync(join(directory, name), 'x');
    chmodSync(directory, 0o777);
    await start();
    expect(readFileSync(join(directory, name), 'utf8')).toBe('x');
  });

  test.each([
    ['is a file', 'file'],
    ['is in /proc', '/proc/nope'],
    ['is /dev/null', '/dev/null/x'],
  ])('is done without where the directory for it %s', async (_, where) => {
    const cache = where === 'file' ? join(testHome().cwd, 'file') : where;
    if (where === 'file') writeFileSync(cache, '');
    const { code, json } = await runProcess(['status', '--json'], { env: { SYNCQ_CACHE_DIR: cache } });
    expect(code).toBe(0);
    expect(json().exists).toBe(false);
  });

  test('is done without where there is no home', async () => {
    const env = { SYNCQ_CACHE_DIR: undefined, XDG_CACHE_HOME: undefined, HOME: '/nonexistent/home' };
    expect((await runProcess(['status', '--json'], { env })).code).toBe(0);
  });

  test('may be written by two first starts at once', async () => {
    const { directory, start } = place();
    await Promise.all([start(), start(), start()]);
    expect(readdirSync(directory)).toHaveLength(1);
    await start();
  });
});

function place(): { directory: string; start(): Promise<void> } {
  const cache = tempDirectory();
  const directory = join(cache, 'code');
  mkdirSync(directory, { mode: 0o700 });
  return {
    directory,
    start: async () => {
      const result = await runProcess(['status', '--json'], { env: { SYNCQ_CACHE_DIR: cache } });
      expect({ code: result.code, stderr: result.stderr }).toEqual({ code: 0, stderr: '' });
      expect(result.json().exists).toBe(false);
    },
  };
}
