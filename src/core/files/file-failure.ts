/** What a failed file operation means: a full disk, no free inodes, too many open files, a path that leads nowhere. */
import { closeSync, openSync, statfsSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname } from 'node:path';

import { isQueueError, QueueError } from '../nouns/errors.js';

/** Codes by which SQLite or the system reports a full disk; ENOSPC is also about inodes. */
const FULL: readonly unknown[] = ['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE', 'ENOSPC', 'EDQUOT'];

export const isFullCode = (code: unknown): boolean => FULL.includes(code);

/**
 * The error for a process without free file handles, or a disk without room; undefined when neither is the cause.
 *
 * @param hint what to do about a full disk
 */
export function shortage(error: unknown, path: string, hint: string): QueueError | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  // SQLite reports every file that it cannot open in the same way.
  const isUnopened = typeof code === 'string' && code.startsWith('SQLITE_CANTOPEN');
  if (code === 'EMFILE' || code === 'ENFILE' || (isUnopened && !hasHandles())) return outOfHandles(error, path, code);
  if (!isUnopened && !isFullCode(code)) return undefined;
  if (hasInodes(path)) return isUnopened ? undefined : fullDisk(error, `the disk that holds ${path} is full`, hint);
  const remove =
    'remove files that nobody needs (df -i shows how many each disk may have), then run the same command again';
  return fullDisk(
    error,
    `the disk that holds ${path} has no room for another file, whatever its size (no inodes left)`,
    remove,
  );
}

export function outOfHandles(cause: unknown, path: string, code: string): QueueError {
  const who = code === 'ENFILE' ? 'the system' : 'this program';
  const message = `${path} cannot be opened: ${who} has as many files open as it may`;
  return new QueueError('out-of-handles', `${message}; nothing was changed, what was acknowledged is safe`, {
    cause,
    hint: 'close some files or allow more (ulimit -n 4096; LimitNOFILE=4096 in a systemd unit), then run the same command again',
  });
}

function fullDisk(cause: unknown, what: string, hint: string): QueueError {
  return new QueueError('disk-full', `${what}; nothing was stored, what was acknowledged is safe`, { cause, hint });
}

/** Handles that SQLite needs for one queue: file, log, index, directory. */
const NEEDED_HANDLES = 4;

function hasHandles(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < NEEDED_HANDLES) opened.push(openSync(devNull, 'r'));
    return true;
  } catch (error) {
    return !['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '');
  } finally {
    opened.forEach((handle) => closeSync(handle));
  }
}

/** Files that are made beside a queue at once: log and index. */
const NEEDED_INODES = 2;

/** Some file systems make inodes as they need them, and report none at all. */
export function hasInodes(path: string): boolean {
  try {
    const { files, ffree, bavail } = statfsSync(dirname(path));
    return files === 0 || ffree >= NEEDED_INODES || bavail === 0;
  } catch {
    return true;
  }
}

/** A system's code in words, where the code alone leads to the wrong place. */
export function codeWords(code: string): string {
  return code === 'ENOTDIR' ? 'ENOTDIR: a part of this path is a file, not a directory' : code;
}

/** A file of ours that could not be made or written, by what the system said; any other error is handed back. */
export function fileFailure(error: unknown, path: string, hint?: string): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (isQueueError(error) || code === undefined) return error instanceof Error ? error : new Error(String(error));
  const scarce = shortage(error, path, hint ?? 'free some space, or name a file on another disk');
  if (scarce !== undefined) return scarce;
  return new QueueError('unwritable', `${path} cannot be written (${codeWords(code)}); nothing was changed`, {
    cause: error,
    hint: hint ?? 'check the path and the permissions of its directory',
  });
}
