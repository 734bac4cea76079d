/** Progress on a real terminal: `script` of util-linux, which every Linux has, gives the program one. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { PROGRAM } from '../support/process.js';
import { testEnvironment, testHome } from '../support/temp.js';

const SCRIPT = '/usr/bin/script';

/** What the terminal received. */
function run(columns: number, ...argv: string[]): string {
  const words = [process.execPath, PROGRAM, ...argv].map((word) => `'${word}'`).join(' ');
  const sized = `stty cols ${columns} rows 30; exec ${words}`;
  const options = { cwd: testHome().cwd, env: testEnvironment(), encoding: 'utf8', timeout: 60_000 } as const;
  const { stdout, status } = spawnSync(SCRIPT, ['-qec', sized, '/dev/null'], options);
  expect(status).toBe(0);
  return stdout;
}

function writeInput(): void {
  const { cwd } = testHome();
  writeFileSync(join(cwd, 'syncq.json'), '{"targets":{"api":{"baseUrl":"http://127.0.0.1:9"}}}', { mode: 0o600 });
  const line = JSON.stringify({ method: 'POST', path: '/a', payload: { text: 'x'.repeat(100) } });
  writeFileSync(join(cwd, 'in.ndjson'), `${line}\n`.repeat(60_000));
}

test('a bulk enqueue shows count, total, rate and time left while it is busy', () => {
  writeInput();
  const output = run(100, 'enqueue', '--from', 'in.ndjson');
  expect(new Set(output.match(/storing: \d+ of 60000 \(\d+\/s, .*? left\)/g)).size).toBeGreaterThan(1);
});

test('a terminal of no columns gets no progress and the command ends', () => {
  writeInput();
  const output = run(0, 'enqueue', '--from', 'in.ndjson');
  expect(output).toContain('1 60000');
  expect(output).not.toContain('storing');
});
