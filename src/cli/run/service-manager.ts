/**
 * Reports the service's state to systemd (sd_notify(3)). Node cannot write to a unix datagram socket, so
 * `systemd-notify` does it, and the unit needs `NotifyAccess=all`. Without systemd it does nothing.
 */
import { spawn } from 'node:child_process';
import type { Environment } from '../program/environment.js';
import { environment } from '../program/environment.js';

export interface ServiceManager {
  /** Ready for work: at the start, and again after a reload. */
  ready(): void;
  reloading(): void;
  /** One line for `systemctl status`; the latest of a burst wins. */
  status(text: string): void;
  /** The sending loop is alive. Without a call for two minutes the watchdog gets no more signals. */
  beat(): void;
  stopping(): void;
  dispose(): void;
}

/** ms. The loop turns at least every minute, and may wait half a minute for another process's transaction. */
const LONGEST_TURN_MS = 120_000;
const STATUS_PERIOD_MS = 5_000;

const nothing = (): void => undefined;
const NONE: ServiceManager = {
  ready: nothing,
  reloading: nothing,
  status: nothing,
  beat: nothing,
  stopping: nothing,
  dispose: nothing,
};

export function serviceManager(env: Environment = environment()): ServiceManager {
  if ((env['NOTIFY_SOCKET'] ?? '') === '') return NONE;
  const notify = notifier(env);
  const watchdog = startWatchdog(env, notify);
  let text = '';
  let told = '';
  const tellStatus = (): void => {
    if (text !== told) notify(`STATUS=${text}`);
    told = text;
  };
  const statusTimer = setInterval(tellStatus, STATUS_PERIOD_MS).unref();
  return {
    ready: () => notify('READY=1'),
    // systemd >= 253 needs the start time of the reload, on the clock that hrtime reads.
    reloading: () => notify('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    status: (line) => {
      const isFirst = text === '';
      text = line;
      if (isFirst) tellStatus();
    },
    beat: () => watchdog.beat(),
    stopping: () => {
      clearInterval(statusTimer);
      notify('STOPPING=1');
    },
    dispose: () => {
      clearInterval(statusTimer);
      watchdog.stop();
    },
  };
}

/** One message after the other, in order. */
function notifier(env: Environment): (...words: string[]) => void {
  let last: Promise<void> = Promise.resolve();
  const send = (words: readonly string[]): Promise<void> =>
    new Promise((resolve) => {
      const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...words], { stdio: 'ignore', env: { ...env } });
      // Without the program, systemd times out and reports it.
      child.on('error', () => resolve());
      child.on('close', () => resolve());
    });
  return (...words) => {
    last = last.then(() => send(words));
  };
}

/** A blocked event loop, or a hanging sending loop, sends nothing. */
function startWatchdog(env: Environment, notify: (word: string) => void): { beat(): void; stop(): void } {
  const periodMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1000;
  const isOurs = [undefined, String(process.pid)].includes(env['WATCHDOG_PID']);
  if (!(periodMs > 0) || !isOurs) return { beat: nothing, stop: nothing };
  let beatAt = performance.now();
  const tell = (): void => {
    if (performance.now() - beatAt <= LONGEST_TURN_MS) notify('WATCHDOG=1');
  };
  // Half the time it allows, as sd_watchdog_enabled(3) advises.
  const timer = setInterval(tell, periodMs / 2).unref();
  return {
    beat: () => {
      beatAt = performance.now();
    },
    stop: () => clearInterval(timer),
  };
}
