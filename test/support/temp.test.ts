import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { keepDirectory, removeDirectory, tempDirectory } from './temp.js';

let first = '';

describe('tempDirectory', () => {
  test('is new, empty and private', () => {
    first = tempDirectory();
    writeFileSync(join(first, 'file'), 'x');
    const second = tempDirectory();
    expect(second).not.toBe(first);
    expect(readdirSync(second)).toEqual([]);
    expect(statSync(second).mode & 0o777).toBe(0o700);
  });

  test('is gone after its test', () => {
    expect(first).not.toBe('');
    expect(existsSync(first)).toBe(false);
  });
});

describe('keepDirectory', () => {
  test('stays until it is removed', () => {
    const kept = keepDirectory();
    expect(existsSync(kept)).toBe(true);
    removeDirectory(kept);
    expect(existsSync(kept)).toBe(false);
  });
});
