import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { acquireLock, isLocked } from '../../../../src/core/store/sqlite/file/lock.js';
import { tempDirectory } from '../../../support/temp.js';

function queueFile(): string {
  const path = join(tempDirectory(), 'queue.db');
  writeFileSync(path, '');
  return path;
}

describe('the lock of the runner', () => {
  test('is held once per file, also within one process and under another name', () => {
    const path = queueFile();
    const other = join(tempDirectory(), 'queue.db');
    linkSync(path, other);
    const lock = acquireLock(path);
    expect(lock).toBeDefined();
    expect(acquireLock(path)).toBeUndefined();
    expect(acquireLock(other)).toBeUndefined();
    expect([isLocked(path), isLocked(other)]).toEqual([true, true]);
    lock?.release();
    expect([isLocked(path), isLocked(other)]).toEqual([false, false]);
    const next = acquireLock(other);
    expect(next).toBeDefined();
    next?.release();
  });

  test('is free for a new file with the inode of a deleted file whose lock was never released', () => {
    const path = queueFile();
    const abandoned = acquireLock(path);
    // A rename gives another name the same inode for certain; a file system that reuses inodes does it now and then.
    const fresh = join(tempDirectory(), 'queue.db');
    renameSync(path, fresh);
    rmSync(`${path}.lock`);
    expect(isLocked(fresh)).toBe(false);
    const lock = acquireLock(fresh);
    expect(lock).toBeDefined();
    abandoned?.release();
    expect(acquireLock(fresh)).toBeUndefined();
    lock?.release();
  });
});
