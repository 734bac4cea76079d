/** Refuses a queue with the log of another file beside it: SQLite would read that log into the queue, or delete it. */
import { statSync } from 'node:fs';

import { QueueError } from '../../../nouns/errors.js';

/**
 * A log whose file was deleted may hold the last acknowledged writes, and SQLite would delete it beside a new file. Reads
 * the size of the file after that of the log: another process may just have created both.
 */
export function assertNoOrphan(path: string): void {
  if (sizeOf(`${path}-wal`) === 0 || sizeOf(path) > 0) return;
  throw new QueueError(
    'corrupt',
    `${path} is gone, but its log (${path}-wal) is still there and may hold writes that nothing else does; nothing was touched`,
    {
      hint: `put the file back beside its log, or move ${path}-wal and ${path}-shm away to begin anew`,
    },
  );
}

export const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/**
 * The header of a queue in use names a log (write version 2); that of a backup does not. When a backup was copied over a
 * queue, SQLite would read the old queue's log into it, and old writes would hide the restored ones.
 */
export function assertOwnLog(path: string, writeVersion: number): void {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (writeVersion !== 1 || log === undefined || log.size === 0) return;
  throw new QueueError(
    'corrupt',
    `${path} was replaced by a backup, but the log of the file before it (${path}-wal) still lies beside it; nothing was touched`,
    {
      hint: `stop every program that uses the queue, then move ${path}-wal and ${path}-shm away`,
    },
  );
}
