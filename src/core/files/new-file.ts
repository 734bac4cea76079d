/** Makes new files that exist whole or not at all: written under a temporary name beside their place, flushed, renamed. */
import { closeSync, constants, lstatSync, renameSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

import { QueueError } from '../nouns/errors.js';
import { flushDirectory, flushFile } from './directory.js';
import { fileFailure } from './file-failure.js';
import { openPrivate } from './private-file.js';
import { forgetTemporary, noteTemporary, removeTemporary } from './temporary.js';

/**
 * Refuses a name that is taken, because nothing is ever overwritten.
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

/** Makes an empty private file beside `path`. End it with `publish` or `removeTemporary`. */
export function temporaryBeside(path: string): string {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  noteTemporary(temporary);
  try {
    closeSync(openPrivate(temporary, constants.O_EXCL | constants.O_WRONLY));
  } catch (error) {
    removeTemporary(temporary);
    throw fileFailure(error, path);
  }
  return temporary;
}

/**
 * Flushes the file and renames it to `path`, durably. No process may have it open as a database.
 *
 * @param lastCheck called just before the name is given; throws to leave what is there. Default: refuse a name that
 *   somebody took meanwhile
 * @throws {QueueError} usage, disk-full, unwritable; the temporary file is gone then
 */
export function publish(temporary: string, path: string, lastCheck: () => void = () => assertFree(path)): void {
  try {
    flushFile(temporary, 'r+');
    // Not link and unlink, which could not overwrite a name that is taken just now: a crash between the two leaves a file
    // with two names.
    lastCheck();
    renameSync(temporary, path);
    forgetTemporary(temporary);
  } catch (error) {
    removeTemporary(temporary);
    throw fileFailure(error, path);
  }
  flushDirectory(dirname(path));
}
