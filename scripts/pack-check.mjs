/** What npm would publish: packed, installed as a user would, and run from a directory that is not ours. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expectCode, newUser, run, sandbox } from './programs.mjs';
import { step, summary } from './steps.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const WINDOWS = process.platform === 'win32';
const NPM = WINDOWS ? 'npm.cmd' : 'npm';
const WANTED = [
  'bin/run.js',
  'dist/core/index.js',
  'dist/core/index.d.ts',
  'oclif.manifest.json',
  'LICENSE',
  'README.md',
];

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
await step("import { openQueue } from 'syncq' works", async () => {
  const script = join(modules, '..', 'try.mjs');
  writeFileSync(script, "import { openQueue } from 'syncq';\nconsole.log(typeof openQueue);\n");
  assert.equal(expectCode(0, await run(process.execPath, [script], asUser)).stdout, 'function\n');
});
await step('its types are whole for a program that does not skip checking them', async () => {
  const script = join(modules, '..', 'try.ts');
  writeFileSync(
    script,
    "import { openQueue } from 'syncq';\nexport const open: (...args: never[]) => unknown = openQueue;\n",
  );
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules', '@types')];
  const argv = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', ...types, script];
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  expectCode(0, await run(process.execPath, [tsc, ...argv], asUser));
});

place.remove();
summary();
