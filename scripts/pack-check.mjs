/** What npm would publish: packed, installed as a user would, and run from a directory that is not ours. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expectCode, newUser, run, sandbox } from './programs.mjs';
import { step, summary } from './steps.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const WINDOWS = process.platform === 'win32';
const NPM = WINDOWS ? 'npm.cmd' : 'npm';
const WANTED = [
  'bin/package.json',
  'bin/run.js',
  'dist/cli/boot.cjs',
  'dist/cli/main.cjs',
  'dist/core/index.js',
  'dist/core/index.d.ts',
  'man/syncq.1',
  'oclif.manifest.json',
  'LICENSE',
  'README.md',
];

/** The library as a program uses it: offline first, then a server, then the background loop. */
const LIBRARY_PROGRAM = `
import { createServer } from 'node:http';
import { isQueueError, openQueue } from 'syncq';
const received = [];
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text) => (body += text)).on('end', () => {
    received.push({ path: request.url, body, key: request.headers['idempotency-key'] });
    response.writeHead(201).end();
  });
});
const listen = (port) => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
await listen(0);
const { port } = server.address();
await new Promise((resolve) => server.close(resolve));
const config = { targets: { api: { baseUrl: 'http://127.0.0.1:' + port + '/v1' } } };
const queue = await openQueue({ queue: './library.db', config });
const write = { method: 'POST', path: '/activities', entity: 'activity/42', json: { km: 7.5 }, idempotencyKey: 'walk-1' };
await queue.enqueue(write);
const { delivered, remaining } = await queue.drain();
await listen(port);
const { duplicate } = await queue.enqueue(write);
await queue.drain();
const stop = new AbortController();
const watched = [];
for await (const { event } of queue.watch({ stop: stop.signal })) {
  watched.push(event);
  if (event === 'idle') stop.abort();
}
const { counts } = await queue.status();
const refused = await queue.enqueue({ method: 'POST', path: '//evil/x' }).catch((error) => isQueueError(error) && error.code);
await queue.close();
server.close();
console.log(JSON.stringify({ offline: { delivered, held: remaining.held }, duplicate, received, watched, completed: counts.completed, refused }));
`;

const place = sandbox();
const prefix = join(place.root, 'prefix');
const modules = WINDOWS ? join(prefix, 'node_modules') : join(prefix, 'lib', 'node_modules');
const installed = join(modules, 'syncq');
const program = WINDOWS ? join(prefix, 'syncq.cmd') : join(prefix, 'bin', 'syncq');
const asUser = { cwd: place.work, env: newUser(place.home) };

await step('npm pack', async () => {
  mkdirSync(join(place.root, 'pack'));
  expectCode(0, await run(NPM, ['pack', '--pack-destination', join(place.root, 'pack')], { cwd: ROOT }));
});
await step('npm install --global of the tarball', async () => {
  const [tarball] = readdirSync(join(place.root, 'pack'));
  const install = ['install', '--global', '--prefix', prefix, '--allow-scripts=better-sqlite3', '--prefer-offline'];
  expectCode(0, await run(NPM, [...install, `./${tarball}`], { cwd: join(place.root, 'pack') }));
});
await step('the package holds what it needs and nothing else', () => {
  assert.deepEqual(
    WANTED.filter((file) => !existsSync(join(installed, file))),
    [],
  );
  assert.deepEqual(
    ['src', 'test', 'scripts', '.ci'].filter((file) => existsSync(join(installed, file))),
    [],
  );
  assert.equal(JSON.parse(readFileSync(join(installed, 'oclif.manifest.json'), 'utf8')).version, version);
});
await step('npm linked the manual page', () => {
  // npm links what is named in a list only.
  if (!WINDOWS) assert.ok(existsSync(join(prefix, 'share/man/man1/syncq.1')));
});
await step('syncq --version from a foreign directory', async () => {
  const { stdout, stderr } = expectCode(0, await run(program, ['--version'], asUser));
  assert.match(stdout, new RegExp(`^syncq/${version} `));
  assert.equal(stderr, '');
});
await step('syncq status from a foreign directory creates nothing', async () => {
  const { stdout } = expectCode(0, await run(program, ['status', '--json'], asUser));
  assert.equal(JSON.parse(stdout).exists, false);
  assert.deepEqual(readdirSync(place.work), []);
  assert.equal(existsSync(join(place.home, '.local')), false);
});
await step('syncq enqueue stores an item with the installed driver', async () => {
  const argv = ['enqueue', 'PUT', 'https://api.example.org/person/1', '-d', '{}', '--queue', './syncq.db'];
  assert.equal(expectCode(0, await run(program, argv, asUser)).stdout, '1\n');
});
await step("a program that imports openQueue from 'syncq' stores and delivers a write", async () => {
  const script = join(modules, '..', 'try.mjs');
  writeFileSync(script, LIBRARY_PROGRAM);
  const { stdout } = expectCode(0, await run(process.execPath, [script], asUser));
  assert.deepEqual(JSON.parse(stdout), {
    offline: { delivered: 0, held: 1 },
    duplicate: true,
    received: [{ path: '/v1/activities', body: '{"km":7.5}', key: 'walk-1' }],
    watched: ['started', 'idle', 'stopped'],
    completed: 1,
    refused: 'bad-item',
  });
});
await step('its types are whole for a program that does not skip checking them', async () => {
  const script = join(modules, '..', 'try.ts');
  writeFileSync(
    script,
    "import { openQueue } from 'syncq';\nexport const open: (...args: never[]) => unknown = openQueue;\n",
  );
  // Only Node's own: what else lies in our node_modules would be found there too, and missing where the package goes.
  const typeRoot = join(modules, '..', 'types');
  mkdirSync(typeRoot);
  symlinkSync(join(ROOT, 'node_modules', '@types', 'node'), join(typeRoot, 'node'), 'junction');
  const types = ['--types', 'node', '--typeRoots', typeRoot];
  const argv = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', ...types, script];
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  expectCode(0, await run(process.execPath, [tsc, ...argv], asUser));
});

place.remove();
summary();
