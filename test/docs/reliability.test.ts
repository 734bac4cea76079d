/** docs/reliability.md names only tests that exist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { ROOT } from '../support/source-graph.js';

const page = readFileSync(join(ROOT, 'docs/reliability.md'), 'utf8');

/** The last cell of each row: tests by their path below `test/`, without `.test.ts`, or a folder and `/*`. */
const named = new Set(
  page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .flatMap((line) => [...(line.split(' | ').at(-1) ?? '').matchAll(/`([a-z]+\/[a-z/-]+|[a-z/]+\/\*)`/g)])
    .map(([, path = '']) => path),
);

test('there are tests on the page', () => {
  expect(named.size).toBeGreaterThan(25);
});

test.each([...named])('%s exists', (path) => {
  expect(existsSync(join(ROOT, 'test', path.endsWith('/*') ? path.slice(0, -2) : `${path}.test.ts`))).toBe(true);
});
