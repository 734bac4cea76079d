import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { serviceManager } from '../../src/cli/service-manager.js';
import { tempDirectory } from '../support/temp.js';

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('systemd hears that the service is ready, alive and stopping', async () => {
  const directory = tempDirectory();
  const log = join(directory, 'log');
  writeFileSync(join(directory, 'systemd-notify'), `#!/bin/sh\necho "$NOTIFY_SOCKET $@" >> '${log}'\n`);
  chmodSync(join(directory, 'systemd-notify'), 0o755);
  const told = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  const env = { PATH: `${directory}:/usr/bin:/bin`, NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '100000' };
  const service = serviceManager(env);
  service.ready();
  await until(() => told().includes('WATCHDOG=1'));
  service.dispose();
  service.stopping();
  await until(() => told().includes('STOPPING=1'));
  const lines = told().trim().split('\n');
  expect(lines).toContain(`/run/n --pid=${process.pid} --ready`);
  expect(lines).toContain(`/run/n --pid=${process.pid} WATCHDOG=1`);
  expect(lines).toContain(`/run/n --pid=${process.pid} STOPPING=1`);
});

test('nothing happens without systemd, or without its program', async () => {
  serviceManager({}).ready();
  const service = serviceManager({ PATH: tempDirectory(), NOTIFY_SOCKET: '/run/n' });
  service.ready();
  service.dispose();
  await new Promise((resolve) => setTimeout(resolve, 50));
  // An error of the missing program would have ended the test run by now.
  expect(service.dispose).toBeInstanceOf(Function);
});
