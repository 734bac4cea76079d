/** Temporary directories for tests: one per call, removed after the test that asked for it. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach } from '@jest/globals';

const made: string[] = [];

afterEach(() => {
  for (const directory of made.splice(0)) removeDirectory(directory);
});

/** A fresh empty directory, 0700, without symbolic links in its path. Removed after the running test. */
export function tempDirectory(): string {
  const directory = keepDirectory();
  made.push(directory);
  return directory;
}

/** Like `tempDirectory`, for a whole file: whoever makes it in `beforeAll` removes it with `removeDirectory`. */
export function keepDirectory(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'syncq-test-')));
}

/** Removes a directory with everything in it; a process of the test that just died may still be letting go of it. */
export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
