/** Identity of this process and host. The only file of the core that asks the operating system about them. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { getgroups, getuid, pid, platform } from 'node:process';

import type { RunnerIdentity } from './reading.js';

/**
 * Changes with every boot, so that a pid from before a reboot is not mistaken for a present one; empty where unknown.
 */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

export function runnerIdentity(kind: RunnerIdentity['kind']): RunnerIdentity {
  return { kind, id: randomBytes(16).toString('hex'), pid, host: hostname(), bootId: bootId() };
}

/** Numeric user id; undefined where the platform has none (Windows). */
export function currentUid(): number | undefined {
  return getuid?.();
}

/** Numeric group ids of this process, its primary group included; empty where the platform has none. */
export function currentGroups(): readonly number[] {
  return getgroups?.() ?? [];
}

/** Flag of open(2) on Linux: a handle that reads nothing. Closing it drops none of SQLite's locks on the file. */
const O_PATH = 0o10000000;

/**
 * The mount that a file lies on; undefined where the system does not tell. On Linux the mount id of the handle: reading
 * /proc/self/mountinfo takes 10 ms with 2,000 mounts. Elsewhere the device number.
 */
export function mountOf(path: string): string | undefined {
  if (platform === 'win32') return undefined;
  if (platform !== 'linux') return String(statSync(path).dev);
  const handle = openSync(path, O_PATH);
  try {
    return /mnt_id:\s*\d+/.exec(firstBytes(`/proc/self/fdinfo/${handle}`))?.[0];
  } catch {
    return undefined; // no /proc
  } finally {
    closeSync(handle);
  }
}

function firstBytes(path: string): string {
  const handle = openSync(path, 'r');
  const bytes = Buffer.alloc(256);
  const length = readSync(handle, bytes);
  closeSync(handle);
  return bytes.toString('latin1', 0, length);
}
