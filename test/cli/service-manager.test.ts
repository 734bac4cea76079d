import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { serviceManager } from '../../src/cli/run/service-manager.js';
import { runProcess, startProcess } from '../support/process.js';
import { startServer } from '../support/rest-server.js';
import { tempDirectory, testHome } from '../support/temp.js';

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not come true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A systemd-notify that writes down how it was called. */
function recorder(): { env: Record<string, string>; lines: () => string[] } {
  const directory = tempDirectory();
  const log = join(directory, 'log');
  writeFileSync(join(directory, 'systemd-notify'), `#!/bin/sh\necho "$NOTIFY_SOCKET $@" >> '${log}'\n`);
  chmodSync(join(directory, 'systemd-notify'), 0o755);
  return {
    env: { PATH: `${directory}:/usr/bin:/bin`, NOTIFY_SOCKET: '/run/n' },
    lines: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
  };
}

const said = (words: string): string => `/run/n --pid=${process.pid} ${words}`;

describe('systemd', () => {
  test('hears in order that the service is ready, what it does, that it is alive, reloads and stops', async () => {
    const { env, lines } = recorder();
    const service = serviceManager({ ...env, WATCHDOG_USEC: '100000', WATCHDOG_PID: String(process.pid) });
    service.ready();
    service.status('idle: nothing waits');
    await until(() => lines().includes(said('WATCHDOG=1')));
    service.dispose();
    service.reloading();
    service.ready();
    service.stopping();
    await until(() => lines().includes(said('STOPPING=1')));
    const order = lines().filter((line) => !line.includes('WATCHDOG'));
    expect(order.map((line) => line.replace(/MONOTONIC_USEC=\d+/, 'MONOTONIC_USEC=N'))).toEqual(
      ['READY=1', 'STATUS=idle: nothing waits', 'RELOADING=1 MONOTONIC_USEC=N', 'READY=1', 'STOPPING=1'].map(said),
    );
  });

  test.each([
    ['the watchdog is meant for another process', { WATCHDOG_USEC: '20000', WATCHDOG_PID: '1' }],
    ['there is no watchdog', {}],
  ])('hears no sign of life when %s', async (_why, extra) => {
    const { env, lines } = recorder();
    const service = serviceManager({ ...env, ...extra });
    service.ready();
    await new Promise((resolve) => setTimeout(resolve, 200));
    service.dispose();
    expect(lines().filter((line) => line.includes('WATCHDOG'))).toEqual([]);
  });

  test('is not missed, nor is its program', async () => {
    serviceManager({}).ready();
    const service = serviceManager({ PATH: tempDirectory(), NOTIFY_SOCKET: '/run/n' });
    service.ready();
    service.dispose();
    await new Promise((resolve) => setTimeout(resolve, 50));
    // An error of the missing program would have ended the test run by now.
    expect(service.dispose).toBeInstanceOf(Function);
  });
});

const missing = ['python3', 'systemd-notify'].filter(
  (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
);

/** systemd's end of the socket. */
const LISTENER = `import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    data, ancillary, _, _ = s.recvmsg(4096, 4096)
    for line in data.decode().splitlines():
        print(line, flush=True)
    # systemd-notify waits until its descriptor is closed here (BARRIER=1).
    for level, kind, payload in ancillary:
        if kind == socket.SCM_RIGHTS:
            for at in range(0, len(payload), 4):
                os.close(int.from_bytes(payload[at:at + 4], sys.byteorder))
`;

test('a watch under a notify socket is ready, alive, reloads its config on SIGHUP and stops', async () => {
  if (missing.length > 0) {
    console.log(`skipped: ${missing.join(' and ')} is missing`);
    return;
  }
  const directory = tempDirectory();
  const socket = join(directory, 'notify');
  const heard: string[] = [];
  const listener = spawn('python3', ['-c', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  listener.stdout.setEncoding('utf8').on('data', (text: string) => heard.push(...text.split('\n').filter(Boolean)));
  try {
    await until(() => heard.includes('bound'));
    const config = join(testHome().cwd, 'syncq.json');
    const server = await startServer();
    writeFileSync(config, JSON.stringify({ targets: { a: { baseUrl: server.url } } }), { mode: 0o600 });
    // Without a controlling terminal, as a service: SIGHUP is a reload there, also when a person runs the tests.
    const watch = startProcess(['watch', '--json'], { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' } });
    await until(() => heard.includes('READY=1'));
    await until(() => heard.includes('WATCHDOG=1'));
    expect(heard.some((line) => line.startsWith('STATUS='))).toBe(true);
    const hasTerminal = spawnSync('sh', ['-c', ': < /dev/tty'], { stdio: 'ignore' }).status === 0;
    if (!hasTerminal) {
      expect((await runProcess(['enqueue', 'POST', '/x', '-d', '1'])).code).toBe(0);
      await watch.waitForStdout('"delivered"');
      writeFileSync(config, '{ broken');
      watch.child.kill('SIGHUP');
      await watch.waitForStderr('the config is not read again');
      expect(heard).not.toContain('RELOADING=1');
      writeFileSync(config, JSON.stringify({ targets: { b: { baseUrl: server.url } } }));
      watch.child.kill('SIGHUP');
      await until(() => heard.includes('RELOADING=1') && heard.filter((line) => line === 'READY=1').length === 2);
      await runProcess(['enqueue', 'POST', '/y', '-d', '1']);
      await until(() => heard.includes('STATUS=idle: nothing waits (2 delivered since the start)'));
    }
    const begun = performance.now();
    const { code } = await watch.kill('SIGTERM');
    expect(code).toBe(143);
    expect(performance.now() - begun).toBeLessThan(10_000);
    await until(() => heard.includes('STOPPING=1'));
  } finally {
    listener.kill('SIGKILL');
  }
});
