/**
 * Tells systemd that the service is ready and alive (sd_notify(3)). Node cannot write to a unix datagram socket, so
 * systemd's own small program does it; the unit needs `NotifyAccess=all`. Without systemd nothing happens.
 */
import { spawn } from 'node:child_process';
import type { Environment } from './environment.js';
import { environment } from './environment.js';

export interface ServiceManager {
  ready(): void;
  stopping(): void;
  dispose(): void;
}

const NONE: ServiceManager = { ready: () => undefined, stopping: () => undefined, dispose: () => undefined };

export function serviceManager(env: Environment = environment()): ServiceManager {
  if ((env['NOTIFY_SOCKET'] ?? '') === '') return NONE;
  const notify = (...words: string[]): void => {
    const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...words], { stdio: 'ignore', env: { ...env } });
    // Where the program is missing, systemd waits in vain and says so itself.
    child.on('error', () => undefined);
    child.unref();
  };
  const watchdogMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1000;
  let timer: NodeJS.Timeout | undefined;
  return {
    ready: () => {
      notify('--ready');
      // Half the time it allows, as sd_watchdog_enabled(3) advises; a blocked event loop sends nothing.
      if (watchdogMs > 0 && timer === undefined)
        timer = setInterval(() => notify('WATCHDOG=1'), watchdogMs / 2).unref();
    },
    stopping: () => notify('STOPPING=1'),
    dispose: () => clearInterval(timer),
  };
}
