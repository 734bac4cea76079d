/** Temporary directories for tests: one per call, removed after the test that asked for it. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach } from '@jest/globals';

import { ROOT } from './source-graph.js';

const made: string[] = [];
let home: TestHome | undefined;

afterEach(() => {
  home = undefined;
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

/** Where the programs a test runs live: a home of their own, and a working directory that holds nothing. */
export interface TestHome {
  home: string;
  cwd: string;
  /** The default place of the queue. */
  queue: string;
}

/** The running test's home, made when first asked for: the commands of one test share it, two tests never do. */
export function testHome(): TestHome {
  if (home !== undefined) return home;
  const directory = tempDirectory();
  home = {
    home: directory,
    cwd: join(directory, 'work'),
    queue: join(directory, '.local', 'share', 'syncq', 'syncq.db'),
  };
  mkdirSync(home.cwd);
  return home;
}

const INHERITED = ['PATH', 'LANG', 'LC_ALL', 'TMPDIR', 'SYSTEMROOT', 'TEMP', 'TMP', 'NODE_V8_COVERAGE'];

/**
 * The environment a program under test sees: nothing of the developer's own but the way to find programs, no colour,
 * the test's home, times in UTC.
 */
export function testEnvironment(own: Readonly<Record<string, string | undefined>> = {}): Record<string, string> {
  const inherited = INHERITED.map((name) => [name, process.env[name]] as const);
  const all: Record<string, string | undefined> = {
    ...Object.fromEntries(inherited),
    HOME: testHome().home,
    // One for all: compiling the program anew for each test's home would double what most tests take.
    SYNCQ_CACHE_DIR: join(ROOT, 'node_modules', '.cache', 'syncq'),
    NODE_OPTIONS: '',
    NO_COLOR: '1',
    TZ: 'UTC',
    ...own,
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
