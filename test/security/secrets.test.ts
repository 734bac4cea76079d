import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { runProcess, startProcess } from '../support/process.js';
import { startServer } from '../support/rest-server.js';
import { testHome } from '../support/temp.js';

const CANARY = {
  env: 'CANARY-env-5f1d',
  file: 'CANARY-file-77aa',
  command: 'CANARY-command-90c2',
  password: 'CANARY-password-13e8',
};
/** As they are, and as `basic` spells one. */
const SECRETS = [...Object.values(CANARY), Buffer.from(`dev:${CANARY.password}`).toString('base64')];
const TARGETS = ['env', 'file', 'command', 'password'] as const;
const ENV = {
  TOKEN: CANARY.env,
  PASSWORD: CANARY.password,
  DEBUG: '*',
  NODE_DEBUG: 'http,net,tls,fetch,undici',
  // An editor that writes down what it was started with, and changes nothing.
  EDITOR: 'env > editor.txt; false',
};

function configure(url: string): void {
  const { cwd } = testHome();
  writeFileSync(join(cwd, 'token'), `${CANARY.file}\n`, { mode: 0o600 });
  const auth = {
    env: { bearer: { env: 'TOKEN' } },
    file: { header: { name: 'x-api-key', value: { file: './token' } } },
    command: { bearer: { command: [process.execPath, '-e', `console.log(['CANARY', 'command', '90c2'].join('-'))`] } },
    password: { basic: { user: 'dev', password: { env: 'PASSWORD' } } },
  };
  const targets = Object.fromEntries(TARGETS.map((name) => [name, { baseUrl: `${url}/${name}`, auth: auth[name] }]));
  // What hooks get is in files afterwards, where the search below finds it.
  const dump = `fs.writeFileSync(process.argv[1] + '-' + process.pid, JSON.stringify(process.env) + fs.readFileSync(0))`;
  const hook = (name: string): string[] => [process.execPath, '-e', dump, join(cwd, `hook-${name}`)];
  const hooks = { review: hook('review'), offline: hook('offline'), idle: hook('idle') };
  writeFileSync(join(cwd, 'syncq.json'), JSON.stringify({ defaultTarget: 'env', targets, hooks }), { mode: 0o600 });
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((name) => statSync(name).isFile());
}

const leaksIn = (text: string): string[] => SECRETS.filter((secret) => text.includes(secret));

/** Everything a person or a script may type, also what fails. */
const COMMANDS: readonly (readonly string[])[] = [
  ['run', '--dry-run'],
  ['run', '--events'],
  ['run', '--concurrency', '4'],
  ['run', '--json'],
  ['status'],
  ['status', '--json'],
  ['status', '--check'],
  ['inspect'],
  ['inspect', '1', '2', '3', '4', '--reveal'],
  ['inspect', '--state', 'all', '--json', '--payload'],
  ['history'],
  ['history', '--json'],
  ['retry', '--all'],
  ['run'],
  ['pause', 'env'],
  ['resume', '--all'],
  ['target', 'list', '--json'],
  ['target', 'test', 'env'],
  ['target', 'test', 'file', '--json'],
  ['target', 'accept', 'env'],
  ['target', 'add', 'more', 'https://user:CANARY@example.org'],
  ['export', '--state', 'all'],
  ['export', '--state', 'all', '--format', 'curl'],
  ['backup', 'copy.db'],
  ['doctor', '--save', 'saved.ndjson'],
  ['doctor', '--json'],
  ['run', '--nonsense'],
  ['wait', '1', '--timeout', '100ms'],
  ['edit', '1', '--set', '/n=2'],
  ['edit', '1'],
  ['export', '--state', 'all', '--format', 'bundle', '-o', 'all.bundle'],
  ['export', '--state', 'all', '--format', 'bundle', '--redact', '-o', 'redacted.bundle'],
  ['import', 'all.bundle', '--queue', 'other.db'],
  ['replay', '1', '2', '--to', 'command', '--report', 'report.html', '--allow-production'],
  ['replay', '--all', '--to', 'password', '--dry-run'],
  ['schedule', 'watch'],
  ['schedule', 'cron'],
  ['complete', '2', '--because', 'seen'],
  ['erase', '--entity', 'a/echo', '--dry-run'],
  ['prune'],
  ['discard', '1'],
  ['help'],
];

describe('a credential', () => {
  test('appears nowhere but in the requests to its own target: not in output, errors, logs, exports or files', async () => {
    // The worst of servers: it answers with what it was sent, and sends others elsewhere.
    const evil = await startServer();
    const server = await startServer({
      answer: ({ path, headers }) => {
        const echo = JSON.stringify({ message: `refused: ${JSON.stringify(headers)}`, headers });
        if (path.includes('/moved')) return { status: 307, headers: { location: `${evil.url}${path}` }, body: echo };
        if (path.includes('/auth'))
          return { status: 401, headers: { 'www-authenticate': JSON.stringify(headers) }, body: echo };
        return {
          status: 422,
          headers: { 'content-type': 'application/json', 'x-request-id': echo.slice(0, 200) },
          body: echo,
        };
      },
    });
    configure(server.url);
    const output: string[] = [];
    const run = async (argv: readonly string[]): Promise<void> => {
      const { stdout, stderr } = await runProcess(argv, { env: ENV, timeoutMs: 60_000 });
      output.push(stdout, stderr);
      expect({ argv, leaks: leaksIn(stdout + stderr) }).toEqual({ argv, leaks: [] });
    };
    for (const target of TARGETS) {
      for (const path of ['/echo', '/moved', '/auth']) {
        await run(['enqueue', 'POST', path, '-d', '{"n":1}', '--target', target, '--entity', `a${path}`]);
      }
    }
    for (const argv of COMMANDS) await run(argv);

    const hanging = await startServer({ answer: { hang: true } });
    configure(hanging.url);
    await runProcess(['enqueue', 'POST', '/x', '-d', '1', '--target', 'file'], { env: ENV });
    await run(['target', 'accept', 'file']);
    const killed = startProcess(['run', '--concurrency', '8'], { env: ENV });
    await hanging.waitFor(1);
    const { stdout, stderr } = await killed.kill('SIGABRT');
    expect(leaksIn(stdout + stderr)).toEqual([]);

    // The header went where it belongs, so the search above was for the right words.
    expect(server.requests.length).toBeGreaterThan(4);
    for (const { path, headers } of [...server.requests, ...hanging.requests]) {
      // `target test` asks the base URL itself.
      const own = TARGETS.find((name) => path === `/${name}` || path.startsWith(`/${name}/`));
      const seen = leaksIn(JSON.stringify(headers)).map((secret) => SECRETS.indexOf(secret) % 4);
      const allowed = own === undefined ? [] : [TARGETS.indexOf(own), 0];
      expect({ path, foreign: seen.filter((index) => !allowed.includes(index)) }).toEqual({ path, foreign: [] });
    }
    expect(new Set(server.requests.flatMap(({ headers }) => leaksIn(JSON.stringify(headers)))).size).toBe(4);
    expect(evil.requests).toEqual([]);

    const own = [join(testHome().cwd, 'token')];
    // Where the system keeps the memory of what aborts beside it, that is not of our making.
    const isDump = (name: string): boolean => /^core(?:\..*)?$/.test(basename(name));
    const files = filesUnder(testHome().home).filter((name) => !own.includes(name) && !isDump(name));
    expect(files.length).toBeGreaterThan(5);
    // They were started at all.
    for (const name of ['editor.txt', 'hook-review', 'report.html', 'other.db'])
      expect(files.filter((file) => file.includes(name))).not.toEqual([]);
    expect(files.filter((name) => leaksIn(readFileSync(name, 'latin1')).length > 0)).toEqual([]);
  }, 400_000);

  test('is never taken from a header of an item', async () => {
    configure('http://127.0.0.1:1');
    for (const header of [
      'Authorization: Bearer CANARY-x',
      'Cookie: a=CANARY-x',
      'Proxy-Authorization: CANARY-x',
      'X-Api-Key: CANARY-x',
    ]) {
      const { code, stdout, stderr } = await runProcess(['enqueue', 'POST', '/a', '-H', header]);
      expect({ code, leaks: (stdout + stderr).includes('CANARY') }).toEqual({ code: 2, leaks: false });
    }
  });
});
