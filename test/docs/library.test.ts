/** docs/library.md lists every export and every method, and the config is typed. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { ROOT } from '../support/source-graph.js';
import { tempDirectory } from '../support/temp.js';

const page = readFileSync(join(ROOT, 'docs/library.md'), 'utf8');
const named = new Set([...page.matchAll(/`([A-Za-z_]+)/g)].map(([, name]) => name));

function namesIn(file: string, pattern: RegExp): string[] {
  return [...readFileSync(join(ROOT, file), 'utf8').matchAll(pattern)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  );
}

describe('the library reference', () => {
  const exported = namesIn('src/core/index.ts', /export (?:type )?\{([^}]*)\}/g);

  test('names every export, and no other type', () => {
    expect(exported.length).toBeGreaterThan(50);
    expect(exported.filter((name) => !named.has(name))).toEqual([]);
    const rows = [...page.slice(page.indexOf('## Types')).matchAll(/^\| (`.*?) \|/gm)].map(([, cell = '']) => cell);
    const types = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(types.filter((name) => name === undefined || !exported.includes(name))).toEqual([]);
  });

  test('names every method of a queue', () => {
    const source = readFileSync(join(ROOT, 'src/core/queue/queue.ts'), 'utf8');
    const body = source.slice(
      source.indexOf('export interface Queue {'),
      source.indexOf('export interface CommandQueue'),
    );
    const methods = [...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm)].map(([, name]) => name);
    expect(methods.length).toBeGreaterThan(15);
    expect(methods.filter((name) => !named.has(name))).toEqual([]);
  });
});

test('a mistyped key of the config does not compile', () => {
  const directory = tempDirectory();
  const file = join(directory, 'program.ts');
  const program = (target: string): string =>
    `import { openQueue } from ${JSON.stringify(join(ROOT, 'dist/core/index.js'))};
     void openQueue({ queue: './q.db', config: { targets: { api: { baseUrl: 'https://a', ${target} } } } });`;
  const compile = (text: string): string => {
    writeFileSync(file, text);
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--skipLibCheck',
      '--types',
      'node',
    ];
    const roots = ['--typeRoots', join(ROOT, 'node_modules/@types')];
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    return spawnSync(process.execPath, [tsc, ...options, ...roots, file], { encoding: 'utf8', cwd: directory }).stdout;
  };
  expect(compile(program("retry: { max: 4 }, outcomes: { '409': 'delivered' }"))).toBe('');
  expect(compile(program('retries: { max: 4 }'))).toContain("'retries' does not exist in type 'TargetDocument'");
  expect(compile(program("outcomes: { '409': 'done' }"))).toContain('error TS');
});
