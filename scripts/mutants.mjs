/**
 * Breaks the sources on purpose, one promise at a time, in a private copy, and shows that the tests notice.
 *
 *     node scripts/mutants.mjs                 all of them; exit 1 when one lives
 *     node scripts/mutants.mjs fence-removed   some, by name
 *     node scripts/mutants.mjs --write         all, and docs/mutants.md anew
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { transformSync } from '@swc/core';

import { MUTANTS, mutate } from './mutants/list.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COPIED = [
  'bin',
  'docs',
  'schema',
  'scripts',
  'src',
  'test',
  'package.json',
  'jest.config.js',
  'oclif.manifest.json',
];
const PAGE = join(ROOT, 'docs', 'mutants.md');
/** A mutant that hangs is caught as well. */
const TIMEOUT_MS = 180_000;

function copyTree(from, to) {
  if (!statSync(from).isDirectory()) return copyFileSync(from, to);
  mkdirSync(to);
  for (const name of readdirSync(from)) copyTree(join(from, name), join(to, name));
}

function makeCopy() {
  const copy = mkdtempSync(join(tmpdir(), 'syncq-mutants-'));
  for (const name of COPIED) copyTree(join(ROOT, name), join(copy, name));
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const name of readdirSync(join(copy, 'src'), { recursive: true })) {
    if (name.endsWith('.ts')) compile(copy, join('src', name));
  }
  return copy;
}

/** What the processes of the tests run: types taken off, file by file. */
function compile(copy, path) {
  const { code } = transformSync(readFileSync(join(copy, path), 'utf8'), {
    swcrc: false,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'es6' },
  });
  const to = join(copy, path.replace(/^src/, 'dist').replace(/\.ts$/, '.js'));
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, code);
}

/** The first test that fails, as `file: title`; undefined = none does. */
function firstFailure(copy, tests) {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const jest = join('node_modules', 'jest', 'bin', 'jest.js');
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, '--ci', '-i', '--json'];
  const env = { ...process.env, SHRINK: '0' };
  const { status } = spawnSync(process.execPath, [...flags, `--outputFile=${report}`, '--runTestsByPath', ...tests], {
    cwd: copy,
    env,
    stdio: 'ignore',
    timeout: TIMEOUT_MS,
  });
  if (status === 0) return undefined;
  if (status === null) return `${tests.join(', ')}: hangs`;
  if (!existsSync(report)) return `${tests.join(', ')}: the run breaks off`;
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find((result) => result.status === 'failed');
    if (failed !== undefined) return `${name.slice(name.indexOf('test/'))}: ${failed.fullName}`;
  }
  return `${tests.join(', ')}: cannot even start`;
}

function tryMutant(copy, mutant) {
  const files = [...new Set(mutant.edits.map(({ file }) => file))];
  const originals = files.map((file) => [file, readFileSync(join(copy, file), 'utf8')]);
  try {
    for (const [file, text] of originals) {
      writeFileSync(join(copy, file), mutate(text, mutant, file));
      compile(copy, file);
    }
    return firstFailure(copy, mutant.tests);
  } finally {
    for (const [file, text] of originals) {
      writeFileSync(join(copy, file), text);
      compile(copy, file);
    }
  }
}

function page(results) {
  const rows = results.map(
    ({ name, breaks, caught }) => `| \`${name}\` | ${breaks} | ${caught.replaceAll('|', '\\|')} |`,
  );
  return `# Mutants

A green test proves something only if it can turn red. Each line below breaks one promise in a private copy of the
sources; the test named is the first that notices. \`npm run mutants\` tries all of them, and this page is written by
\`node scripts/mutants.mjs --write\`.

| mutant | what it breaks | caught by |
| --- | --- | --- |
${rows.join('\n')}
`;
}

const wanted = process.argv.slice(2).filter((name) => !name.startsWith('--'));
const chosen = wanted.length === 0 ? MUTANTS : MUTANTS.filter(({ name }) => wanted.includes(name));
const copy = makeCopy();
const results = [];
try {
  // Otherwise a test that always fails would catch everything.
  const broken = firstFailure(copy, [...new Set(chosen.flatMap(({ tests }) => tests))]);
  if (broken !== undefined) throw new Error(`the tests fail without any mutant: ${broken}`);
  for (const mutant of chosen) {
    const caught = tryMutant(copy, mutant);
    console.log(
      `${caught === undefined ? 'LIVES ' : 'caught'} ${mutant.name}${caught === undefined ? '' : ` by ${caught}`}`,
    );
    results.push({ ...mutant, caught });
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
const alive = results.filter(({ caught }) => caught === undefined);
if (alive.length > 0) process.exitCode = 1;
else if (process.argv.includes('--write')) writeFileSync(PAGE, page(results));
console.log(`${results.length - alive.length} of ${results.length} mutants caught`);
