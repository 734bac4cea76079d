import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { ROOT } from '../support/source-graph.js';

interface Mutant {
  name: string;
  breaks: string;
  edits: { file: string; from: string; to: string }[];
  tests: string[];
}

const LIST = '../../scripts/mutants/list.mjs';
const { MUTANTS, mutate } = (await import(LIST)) as {
  MUTANTS: Mutant[];
  mutate: (text: string, mutant: Mutant, file: string) => string;
};

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

describe('the mutants', () => {
  test.each(MUTANTS)('$name still fits the sources', (mutant) => {
    for (const file of new Set(mutant.edits.map((edit) => edit.file))) {
      const text = read(file);
      expect(mutate(text, mutant, file)).not.toBe(text);
    }
    for (const path of mutant.tests) expect(read(path)).toContain('test(');
  });

  test('are all on the page, each with the test that catches it', () => {
    const rows = read('docs/mutants.md').matchAll(/^\| `([a-z-]+)` *\| ([^|]+?) *\| (test\/\S+\.test\.ts): [^|]+\|$/gm);
    const listed = [...rows].map(([, name, breaks]) => ({ name, breaks }));
    expect(listed).toEqual(MUTANTS.map(({ name, breaks }) => ({ name, breaks })));
  });

  // All of them take a few minutes: npm run mutants.
  test('are caught: three of them, as a sample', () => {
    const names = ['fence-removed', 'lock-file-deleted', 'tester-not-rotated'];
    const { status, stdout } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'mutants.mjs'), ...names], {
      encoding: 'utf8',
    });
    expect(stdout).toContain('3 of 3 mutants caught');
    expect(status).toBe(0);
  }, 180_000);
});
