/** What `run` tells the hooks: programs act on it, a script that says "all is sent" among them. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { runCli } from '../support/cli.js';
import { startServer } from '../support/rest-server.js';
import { testHome } from '../support/temp.js';

test.each([
  ['nothing', { status: 201 }, 0],
  ['what waits for its retry', { status: 500 }, 2],
  ['what is blocked behind an item in review', { status: 422 }, 1],
] as const)('idle counts as pending: %s', async (_what, answer, pending) => {
  const server = await startServer({ answer });
  const { cwd } = testHome();
  const [hook, told] = [join(cwd, 'hook.sh'), join(cwd, 'told')];
  writeFileSync(hook, `#!/bin/sh\ncat > '${told}'\n`);
  chmodSync(hook, 0o700);
  const config = { targets: { crm: { baseUrl: server.url } }, hooks: { idle: [hook] } };
  writeFileSync(join(cwd, 'syncq.json'), JSON.stringify(config), { mode: 0o600 });
  for (const n of [1, 2]) await runCli('enqueue', 'POST', '/a', '-d', String(n));
  await runCli('run');

  const events = JSON.parse(readFileSync(told, 'utf8')) as { pending: number; nextDueAt: string | null }[];
  expect(events).toMatchObject([{ event: 'idle', pending }]);
  expect(events[0]?.nextDueAt === null).toBe(answer.status !== 500);
});

test('idle is not told by a run that sent nothing', async () => {
  const { cwd } = testHome();
  const told = join(cwd, 'told');
  const config = { targets: { crm: { baseUrl: 'https://api.test' } }, hooks: { idle: ['touch', told] } };
  writeFileSync(join(cwd, 'syncq.json'), JSON.stringify(config), { mode: 0o600 });
  await runCli('enqueue', 'POST', '/a', '-d', '1', '--delay', '1h');
  await runCli('run');
  expect(existsSync(told)).toBe(false);
});
