/** Who and where this process is: the one file of the core that asks the operating system about it. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { getuid, pid } from 'node:process';

import type { RunnerIdentity } from './store/store.js';

/** Changes with every boot, so that a pid of yesterday is not taken for one of today; empty where unknown. */
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
