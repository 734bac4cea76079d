/**
 * Keeps track of temporary files and directories, which may hold personal data, so that a process can remove them before it
 * ends. The core knows no signals: the CLI sets a guard.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fileFailure } from './file-failure.js';

/** Is called when the first temporary file is noted, and when the last one is gone. */
interface TemporaryGuard {
  hold(): void;
  release(): void;
}

/** Files that SQLite may leave beside its own. */
const SUFFIXES = ['', '-journal', '-wal', '-shm'];

const named = new Set<string>();
let guard: TemporaryGuard | undefined;

export function guardTemporaries(by: TemporaryGuard): void {
  guard = by;
}

/** Notes a file or directory for removal when the process ends. Call this before making it. */
export function noteTemporary(path: string): void {
  if (named.size === 0) guard?.hold();
  named.add(path);
}

/** Forgets a file that got its final name, was removed, or is kept for a person. */
export function forgetTemporary(path: string): void {
  if (named.delete(path) && named.size === 0) guard?.release();
}

/** Removes it with its content and SQLite's files beside it. What cannot be removed yet is tried again at the end. */
export function removeTemporary(path: string): void {
  try {
    for (const suffix of SUFFIXES) rmSync(path + suffix, { recursive: true, force: true });
    forgetTemporary(path);
  } catch {
    // Windows refuses while a file is open.
  }
}

/** Removes all of them. Call this before the process ends. */
export function removeTemporaries(): void {
  for (const path of [...named]) removeTemporary(path);
}

/**
 * Makes a new directory in the system's temporary directory, for this user only (0700).
 *
 * @throws {QueueError} `unwritable` or `disk-full`
 */
export function temporaryDirectory(kind: string, within = tmpdir()): string {
  const directory = join(within, `syncq-${kind}-${randomBytes(6).toString('hex')}`);
  noteTemporary(directory);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    forgetTemporary(directory);
    throw fileFailure(error, directory, 'Set TMPDIR to a directory that you may write to.');
  }
  return directory;
}
