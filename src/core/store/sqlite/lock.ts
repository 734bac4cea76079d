/**
 * The right to send, as a kernel lock: an exclusive transaction on a side file (`FILE.lock`), freed by any death of its
 * holder and kept through suspension, blind to clocks. The lock alone is not the fence; every commit of a session also
 * checks its epoch (decision 0002).
 */
import { closeSync, constants, existsSync } from 'node:fs';

import { QueueError } from '../../nouns/errors.js';
import { fileIdentity, isBusy, storeError } from './connection.js';
import { loadSqlite, type Database } from './driver.js';
import { openPrivate } from '../../files/private-file.js';

/** Long enough that a passing probe of `status` does not look like another runner; ms. */
const ACQUIRE_TIMEOUT_MS = 250;

/** Held here for the life of the process: a collected Database object would silently free the lock. */
const heldLocks = new Map<string, Database>();

/**
 * One runner per queue file and process, however many times the library opened it: device and inode -> path. A file system
 * gives the inode of a deleted file to the next one, so an entry counts only while its path still leads to that file.
 */
const runnersHere = new Map<string, string>();

function hasRunnerHere(queue: string): boolean {
  const path = runnersHere.get(queue);
  return path !== undefined && fileIdentity(path) === queue;
}

export interface RunnerLock {
  /** False when the lock file was deleted or replaced: somebody else may hold a lock of that name. */
  intact(): boolean;
  release(): void;
}

const lockPath = (queuePath: string): string => `${queuePath}.lock`;

/** Undefined when another runner holds it. */
export function acquireLock(queuePath: string): RunnerLock | undefined {
  const path = lockPath(queuePath);
  const queue = fileIdentity(queuePath);
  if (hasRunnerHere(queue)) return undefined;
  try {
    closeSync(openPrivate(path, constants.O_RDWR));
  } catch (error) {
    throw new QueueError('unwritable', `the lock file ${path} cannot be made; nothing was sent`, {
      cause: error,
      hint: 'check the permissions of the directory of the queue',
    });
  }
  const Sqlite = loadSqlite();
  const db = new Sqlite(path, { timeout: ACQUIRE_TIMEOUT_MS });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isBusy(error)) return undefined;
    throw storeError(error, path, false);
  }
  runnersHere.set(queue, queuePath);
  heldLocks.set(path, db);
  const identity = fileIdentity(path);
  return {
    intact: () => fileIdentity(path) === identity,
    release: () => {
      if (heldLocks.get(path) !== db) return;
      heldLocks.delete(path);
      if (runnersHere.get(queue) === queuePath) runnersHere.delete(queue);
      db.close();
    },
  };
}

/** True while a runner is alive, by the kernel's word. Never creates the file, never waits. */
export function isLocked(queuePath: string): boolean {
  const path = lockPath(queuePath);
  if (hasRunnerHere(fileIdentity(queuePath))) return true;
  if (!existsSync(path)) return false;
  const Sqlite = loadSqlite();
  let db: Database | undefined;
  try {
    db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 0 });
    db.prepare('SELECT count(*) FROM sqlite_master').get();
    return false;
  } catch (error) {
    return isBusy(error);
  } finally {
    db?.close();
  }
}
