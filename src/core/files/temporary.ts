/**
 * Temporary files and directories with personal data in them: which of them have a name at this moment. A process that
 * knows of signals asks to be told, and removes them before it ends; the core knows no signals.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fileFailure } from '../nouns/errors.js';

/** Told when the first temporary gets its name, and when the last one has lost it. */
export interface TemporaryGuard {
  hold(): void;
  release(): void;
}

/** What SQLite may leave beside a file of its own. */
const SUFFIXES = ['', '-journal', '-wal', '-shm'];

const named = new Set<string>();
let guard: TemporaryGuard | undefined;

export function guardTemporaries(by: TemporaryGuard): void {
  guard = by;
}

/** A file or directory that is to go when the process ends. Call it before it is made. */
export function noteTemporary(path: string): void {
  if (named.size === 0) guard?.hold();
  named.add(path);
}

/** It has got its final name, or has none any more, or somebody was told where it is. */
export function forgetTemporary(path: string): void {
  if (named.delete(path) && named.size === 0) guard?.release();
}

/** Removes it with what is in it and what SQLite put beside it; what cannot be removed yet is tried again at the end. */
export function removeTemporary(path: string): void {
  try {
    for (const suffix of SUFFIXES) rmSync(path + suffix, { recursive: true, force: true });
    forgetTemporary(path);
  } catch {
    // Windows refuses while a file is open.
  }
}

/** Removes them all: for the moment before a process ends. */
export function removeTemporaries(): void {
  for (const path of [...named]) removeTemporary(path);
}

/**
 * A directory of its own in the one for temporary files, for this user only (0700).
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
