/** Refuses a queue beside which the log of another file lies: SQLite would read it in, or delete it. */
import { statSync } from 'node:fs';

import { QueueError } from '../../nouns/errors.js';

/**
 * A log whose file was deleted may hold the last writes that were acknowledged, and SQLite would delete it beside a new
 * file. Asked twice: another process may just have made the file, and its log.
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

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/**
 * A queue in use says in its header that it has a log (write version 2). A backup that was copied over it does not, and
 * SQLite would read the old queue's log into it: the writes that were restored would vanish behind the old ones.
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
