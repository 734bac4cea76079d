/** Makes directories and flushes them, so that the names in them survive a power cut. */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory and what is missing above it, each level for its owner only (0700, whatever the umask). Level by
 * level, because a recursive mkdir never returns under some paths (/proc) on Node 20.
 */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path, 0o700);
    chmodSync(path, 0o700);
    flushDirectory(parent);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Makes the names in a directory durable, where the system can: Windows cannot open a directory, some disks refuse to flush one. */
export function flushDirectory(path: string): void {
  try {
    flushFile(path, 'r');
  } catch {
    // As SQLite does: go on. Such file systems journal names.
  }
}

/** @param flags `r+` for a file that was written: Windows flushes only what is open for writing */
export function flushFile(path: string, flags: 'r' | 'r+'): void {
  const handle = openSync(path, flags);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
