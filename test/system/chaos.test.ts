import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { startNode } from '../support/process.js';
import { ROOT } from '../support/source-graph.js';

test('ten processes on one queue, killed and stopped at random, lose nothing, and keep order and effects', async () => {
  const seed = '20261123';
  const chaos = startNode([join(ROOT, 'scripts/chaos.mjs'), '--seed', seed, '--seconds', '8'], { timeoutMs: 150_000 });
  const ended = await chaos.ended;
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const report = ended.json();
  expect(report).toMatchObject({ seed, violations: 0 });
  // A run in which nothing happened would prove nothing.
  expect(report.kills).toBeGreaterThan(5);
  expect(report.acknowledged).toBeGreaterThan(20);
}, 160_000);
