import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { runProcess } from '../support/process.js';
import { testHome } from '../support/temp.js';

test('a start from cached code can load every package that sending needs', async () => {
  const targets = { api: { baseUrl: 'http://127.0.0.1:1' } };
  writeFileSync(join(testHome().cwd, 'syncq.json'), JSON.stringify({ targets }));
  await runProcess(['enqueue', 'POST', '/a', '-d', '1']);
  const codes: number[] = [];
  // The first start of a version compiles, later ones find what it left.
  for (let start = 0; start < 3; start += 1) codes.push((await runProcess(['run'])).code);
  expect(codes).toEqual([4, 4, 4]);
}, 30_000);
