/**
 * The runner's lock: an exclusive SQLite transaction on a side file (`FILE.lock`). The kernel frees it when its holder
 * dies in any way; a suspended holder keeps it; no clock matters. The lock alone is not enough: every commit of a session
 * also checks its epoch (decision 0002).
 */
import { closeSync, constants, existsSync } from 'node:fs';

import { fileIdentity, isBusy, storeError } from './connection.js';
import { loadSqlite, type Database } from './driver.js';
import { openPrivate } from '../../../files/private-file.js';

/** How long to wait for the lock, ms: long enough that the short check of `status` does not look like a runner. */
const ACQUIRE_TIMEOUT_MS = 250;

/** References for the life of the process: a collected Database object would silently free its lock. */
const heldLocks = new Map<string, Database>();

/**
 * Queues with a runner in this process, device and inode -> path: one runner at most, however often the library opened
 * the file. A new file may get the inode of a deleted one, so an entry counts only while its path leads to that file.
 */
const runnersHere = new Map<string, string>();

function hasRunnerHere(queue: string): boolean {
  const path = runnersHere.get(queue);
  return path !== undefined && fileIdentity(path) === queue;
}

export interface RunnerLock {
  /** False when the lock file was deleted or replaced: another process may hold a lock of that name. */
  intact(): boolean;
  release(): void;
}

const lockPath = (queuePath: string): string => `${queuePath}.lock`;

/** Takes the lock. @returns undefined when another runner holds it. @throws {QueueError} unwritable, disk-full, out-of-handles */
export function acquireLock(queuePath: string): RunnerLock | undefined {
  const path = lockPath(queuePath);
  const queue = fileIdentity(queuePath);
  if (hasRunnerHere(queue)) return undefined;
  try {
    closeSync(openPrivate(path, constants.O_RDWR));
  } catch (error) {
    throw storeError(error, path, false);
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

/** True while a runner holds the lock. Never creates the file, never waits. */
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
