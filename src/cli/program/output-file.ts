/** Refuses a place for a new file that would cost the queue its life. */
import { statSync } from 'node:fs';
import { refuseUsage } from './usage.js';

/** A file that is written replaces what was there: never the queue, nor what belongs to it. */
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
