/**
 * Room on the disk: how much must be free before anything new is taken on, and a small file that is given up when the
 * disk is full all the same, so that results can be recorded and items removed (decision 0009).
 */
import { closeSync, constants, fsyncSync, lstatSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';

import { systemClock, type Clock } from '../../nouns/clock.js';
import { QueueError } from '../../nouns/errors.js';
import { openPrivate } from '../../files/private-file.js';

/** Size of `FILE.reserve`, bytes: about 200 pages, enough to record what is under way and to delete. */
export const RESERVE_BYTES = 1024 * 1024;

/** Bytes that must stay free: below, nothing is enqueued and nothing new is sent. */
export const LEAST_FREE_BYTES = 4 * 1024 * 1024;

/** No disk is written faster than memory can be copied; bytes a millisecond (16 GiB/s). */
const FASTEST_FILL = (16 * 2 ** 30) / 1000;

/** An answer of the system counts no longer than this, ms: room can also be set aside without a byte being written. */
const LONGEST_KNOWN_MS = 100;

/** Bytes that this user may still write on the disk that holds `path`; it may answer less as long as that is `enough`. */
export type FreeSpace = (path: string, enough: number) => number;

/**
 * Asks the system only when the disk could have been written below `enough` since it was last asked, however busy others
 * are: with gigabytes free that is ten times a second instead of once a commit, and near the minimum every time. What is
 * set aside meanwhile (fallocate) is met by the second rule, as on a disk that is full all the same.
 */
export function freeSpaceOf({ monotonic }: Pick<Clock, 'monotonic'>): FreeSpace {
  let [known, askedAt] = [0, -Infinity];
  return (path, enough) => {
    const now = monotonic();
    const elapsed = now - askedAt;
    const atLeast = known - elapsed * FASTEST_FILL;
    if (elapsed < LONGEST_KNOWN_MS && atLeast >= enough) return atLeast;
    const { bavail, bsize } = statfsSync(path);
    [known, askedAt] = [bavail * bsize, now];
    return known;
  };
}

export class Reserve {
  readonly #queuePath: string;
  readonly #path: string;
  readonly #free: FreeSpace;

  constructor(queuePath: string, free: FreeSpace = freeSpaceOf(systemClock)) {
    this.#queuePath = queuePath;
    this.#path = `${queuePath}.reserve`;
    this.#free = free;
  }

  /** True when there is room for `bytes` more. Where the system does not tell, there is. */
  hasRoom(bytes: number): boolean {
    const enough = LEAST_FREE_BYTES + bytes;
    try {
      return this.#free(dirname(this.#queuePath), enough) >= enough;
    } catch {
      return true;
    }
  }

  /** @throws {QueueError} disk-full */
  assertRoom(bytes: number, whatIsSafe: string): void {
    if (this.hasRoom(bytes)) return;
    throw new QueueError(
      'disk-full',
      `the disk that holds ${this.#queuePath} has less than ${LEAST_FREE_BYTES / 1024 / 1024} MiB free; ${whatIsSafe}, what was acknowledged is safe`,
      { hint: 'free some space and run the same command again' },
    );
  }

  /** Makes the reserve where it is missing and the disk has room. A courtesy: never fails. */
  ensure(): void {
    const found = lstatSync(this.#path, { throwIfNoEntry: false });
    // A shorter file is one whose maker was killed.
    const isHalf = found?.isFile() === true && found.size < RESERVE_BYTES;
    if ((found !== undefined && !isHalf) || !this.hasRoom(RESERVE_BYTES)) return;
    try {
      if (isHalf) this.release();
      this.#make();
    } catch {
      this.release(); // half a reserve takes room and gives none
    }
  }

  #make(): void {
    const handle = openPrivate(this.#path, constants.O_EXCL | constants.O_WRONLY);
    try {
      // Random: a file system that compresses would keep zeros in no room at all.
      writeSync(handle, randomBytes(RESERVE_BYTES));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }

  /** Gives the room back to the queue. True when there was some. */
  release(): boolean {
    if (lstatSync(this.#path, { throwIfNoEntry: false }) === undefined) return false;
    rmSync(this.#path, { force: true });
    return true;
  }
}
