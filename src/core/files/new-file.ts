/** Makes a file that is there whole or not at all: written beside its place, flushed, then given its name. */
import { closeSync, constants, fchmodSync, fsyncSync, lstatSync, openSync, renameSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

import { QueueError, fileFailure } from '../nouns/errors.js';
import { forgetTemporary, noteTemporary, removeTemporary } from './temporary.js';

/**
 * Refuses a place that is taken: nothing is ever overwritten.
 *
 * @throws {QueueError} usage
 */
export function assertFree(path: string, suffixes: readonly string[] = ['']): void {
  const taken = suffixes
    .map((suffix) => path + suffix)
    .find((name) => lstatSync(name, { throwIfNoEntry: false }) !== undefined);
  if (taken === undefined) return;
  throw new QueueError('usage', `${taken} exists already; nothing was written`, {
    hint: 'name another file, or move that one away',
  });
}

/** An empty file of our own beside `path`, 0600 whatever the umask. `removeTemporary` it, or `publish` it. */
export function temporaryBeside(path: string): string {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  // Undefined on Windows.
  const O_NOFOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;
  noteTemporary(temporary);
  try {
    const handle = openSync(temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
    fchmodSync(handle, 0o600);
    closeSync(handle);
  } catch (error) {
    removeTemporary(temporary);
    throw fileFailure(error, path);
  }
  return temporary;
}

/**
 * Flushes the file and gives it its name, durably. No process may have it open as a database.
 *
 * @throws {QueueError} usage when somebody took the name meanwhile; disk-full, unwritable
 */
export function publish(temporary: string, path: string): void {
  try {
    flush(temporary, 'r+');
    // Not link and unlink, which would also refuse a name taken in this very moment: killed between the two, it leaves
    // a file with two names.
    assertFree(path);
    renameSync(temporary, path);
    forgetTemporary(temporary);
  } catch (error) {
    removeTemporary(temporary);
    throw fileFailure(error, path);
  }
  try {
    flush(dirname(path), 'r');
  } catch {
    // Some file systems refuse to flush a directory, Windows to open one: their journals keep the name.
  }
}

function flush(path: string, flags: 'r' | 'r+'): void {
  const handle = openSync(path, flags);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
