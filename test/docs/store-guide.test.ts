/** docs/store-guide.md against the conformance suite and the mutants: each promise has a case, and one that breaks it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { ROOT } from '../support/source-graph.js';

const SUITE = join(ROOT, 'test/core/store/conformance');
const LIST = '../../scripts/mutants/list.mjs';
const STORE_LIST = '../../scripts/mutants/store.mjs';
const { MUTANTS } = (await import(LIST)) as { MUTANTS: { name: string }[] };

const guide = readFileSync(join(ROOT, 'docs/store-guide.md'), 'utf8').replace(/\s+/g, ' ');
const promises = Array.from(
  guide.matchAll(/- \*\*(S\d+)\. (?<says>[^*]+)\*\*.*?Case: \*(?<title>.+?)\*\. Mutant: `(?<mutant>[a-z-]+)`\./g),
  ([, number]) => number,
);
const named = Array.from(guide.matchAll(/Case: \*(.+?)\*\. Mutant: `([a-z-]+)`\./g), ([, title, mutant]) => ({
  title: title!,
  mutant: mutant!,
}));
const suite = readdirSync(SUITE)
  .map((file) => readFileSync(join(SUITE, file), 'utf8'))
  .join('\n');

describe('the store guide', () => {
  test('numbers its promises without a gap, each with a case and a mutant', () => {
    expect(promises).toEqual(Array.from({ length: promises.length }, (_, index) => `S${index + 1}`));
    expect(guide.match(/- \*\*S\d+\./g)).toHaveLength(promises.length);
    expect(named).toHaveLength(promises.length);
  });

  test.each(named)('has the case: $title', ({ title }) => {
    expect(suite).toContain(`'${title}'`);
  });

  test.each(named)('has the mutant: $mutant', ({ mutant }) => {
    expect(MUTANTS.map(({ name }) => name)).toContain(mutant);
  });

  test('has a promise for every mutant of the stores', async () => {
    const { STORE_MUTANTS } = (await import(STORE_LIST)) as {
      STORE_MUTANTS: { name: string }[];
    };
    expect(named.map(({ mutant }) => mutant)).toEqual(expect.arrayContaining(STORE_MUTANTS.map(({ name }) => name)));
  });
});

describe('the conformance suite', () => {
  test('knows no SQL: what is damaged or checked below a store is the subject’s', () => {
    expect(suite).not.toMatch(/\b(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|PRAGMA)\b/);
    expect(suite).not.toMatch(/store\/sqlite/);
  });
});
