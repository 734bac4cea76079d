/** Refuses output files that would overwrite the queue. */
import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { refuseUsage } from './usage.js';

/** A written file replaces what was there: never the queue or a file that belongs to it. */
export function refuseQueueFile(output: string, queue: string): void {
  const wanted = identity(output);
  const own = ['', '-wal', '-shm', '-journal', '.lock', '.reserve'].map((suffix) => identity(queue + suffix));
  if (wanted !== undefined && own.includes(wanted)) {
    refuseUsage(`${output} belongs to the queue itself; nothing was written`, 'Name another file.');
  }
}

/** Two paths of one file have one identity, also before the file exists; undefined without its directory. */
function identity(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (found !== undefined) return `${found.dev}:${found.ino}`;
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return undefined;
  }
}
