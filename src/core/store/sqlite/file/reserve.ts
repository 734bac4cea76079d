/**
 * Free space on the disk: how much must be left before anything new is accepted, and a reserve file that is deleted when
 * the disk is full anyway, so that results can still be recorded and items removed (decision 0009).
 */
import { closeSync, constants, fsyncSync, lstatSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';

import { systemClock, type Clock } from '../../../nouns/clock.js';
import { QueueError } from '../../../nouns/errors.js';
import { openPrivate } from '../../../files/private-file.js';

/** Size of `FILE.reserve`, bytes: enough to record results of requests in flight and to delete items. */
export const RESERVE_BYTES = 1024 * 1024;

/** Bytes that must stay free: below, nothing is enqueued and nothing new is sent. */
export const LEAST_FREE_BYTES = 4 * 1024 * 1024;

/** Upper bound for how fast a disk fills, bytes per millisecond: 16 GiB/s, the speed of copying memory. */
const FASTEST_FILL = (16 * 2 ** 30) / 1000;

/** Refresh the free-space estimate after this time, ms: space can also be allocated without writing (fallocate). */
const LONGEST_KNOWN_MS = 100;

/** Free bytes on the disk that holds `path`; may return less than that, but never less than `enough` if there is enough. */
type FreeSpace = (path: string, enough: number) => number;

/** Bytes that this user may still write on the disk that holds `path`; throws where the system cannot tell. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/**
 * Asks the system only when the disk could have fallen below `enough` since the last call, however fast others write:
 * with gigabytes free, ten times a second instead of once per commit; near the minimum, every time. If `fallocate` fills
 * the disk in between, the reserve file still helps.
 */
export function freeSpaceOf({ monotonic }: Pick<Clock, 'monotonic'>): FreeSpace {
  let [known, askedAt] = [0, -Infinity];
  return (path, enough) => {
    const now = monotonic();
    const elapsed = now - askedAt;
    const atLeast = known - elapsed * FASTEST_FILL;
    if (elapsed < LONGEST_KNOWN_MS && atLeast >= enough) return atLeast;
    [known, askedAt] = [freeBytes(path), now];
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

  /** True when there is room for `bytes` more, and where the system cannot tell. */
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

  /** Creates the reserve file where it is missing and the disk has room. Never fails. */
  ensure(): void {
    const found = lstatSync(this.#path, { throwIfNoEntry: false });
    // A shorter file was left by a process that was killed.
    const isHalf = found?.isFile() === true && found.size < RESERVE_BYTES;
    if ((found !== undefined && !isHalf) || !this.hasRoom(RESERVE_BYTES)) return;
    try {
      if (isHalf) this.release();
      this.#make();
    } catch {
      this.release(); // a partial reserve is of no use
    }
  }

  #make(): void {
    const handle = openPrivate(this.#path, constants.O_EXCL | constants.O_WRONLY);
    try {
      // Random: a compressing file system would store zeros in almost no space.
      writeSync(handle, randomBytes(RESERVE_BYTES));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }

  /** Deletes the reserve file. Returns true if there was one. */
  release(): boolean {
    if (lstatSync(this.#path, { throwIfNoEntry: false }) === undefined) return false;
    rmSync(this.#path, { force: true });
    return true;
  }
}
