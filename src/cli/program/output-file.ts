/** Refuses output files that would overwrite the queue. */
import { statSync } from 'node:fs';
import { refuseUsage } from './usage.js';

/** A written file replaces what was there: never the queue or a file that belongs to it. */
export function refuseQueueFile(output: string, queue: string): void {
  const identity = (path: string): string | undefined => {
    const found = statSync(path, { throwIfNoEntry: false, bigint: true });
    return found === undefined ? undefined : `${found.dev}:${found.ino}`;
  };
  const wanted = identity(output);
  const own = ['', '-wal', '-shm', '.lock', '.reserve'].map((suffix) => identity(queue + suffix));
  if (wanted !== undefined && own.includes(wanted)) {
    refuseUsage(`${output} belongs to the queue itself; nothing was written`, 'Name another file.');
  }
}
