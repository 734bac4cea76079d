import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { cacheFile, codeDirectory, ensurePrivate, readCode, writeCode } from '../../src/cli/start/code-cache.js';
import { canGiveAway, NOBODY } from '../support/root.js';
import { tempDirectory } from '../support/temp.js';

const POSIX = process.platform !== 'win32';

describe('the directory of compiled code', () => {
  test.each<[Record<string, string>, NodeJS.Platform, string | undefined]>([
    [{ HOME: '/home/ann' }, 'linux', '/home/ann/.cache/syncq/code'],
    [{ HOME: '/home/ann', XDG_CACHE_HOME: '/var/ann' }, 'linux', '/var/ann/syncq/code'],
    [{ HOME: '/Users/ann' }, 'darwin', '/Users/ann/Library/Caches/syncq/code'],
    [{ HOME: '/home/ann', SYNCQ_CACHE_DIR: '/srv/c' }, 'linux', '/srv/c/code'],
    [{ HOME: '/home/ann', XDG_CACHE_HOME: 'relative' }, 'linux', undefined],
    [{}, 'win32', undefined],
  ])('of %j on %s is %s', (env, platform, expected) => {
    expect(codeDirectory(env, platform)).toBe(expected);
  });

  test('is made, level by level, for the user alone', () => {
    const directory = join(tempDirectory(), '.cache', 'syncq', 'code');
    expect(ensurePrivate(directory)).toBe(true);
    if (POSIX) expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(ensurePrivate(directory)).toBe(true);
  });

  test('is not made where more than the caches are missing', () => {
    const place = tempDirectory();
    expect(ensurePrivate(join(place, 'no-home', '.cache', 'syncq', 'code'))).toBe(false);
    expect(readdirSync(place)).toEqual([]);
  });

  test('below a file, or in /proc, is refused and does not hang', () => {
    const file = join(tempDirectory(), 'file');
    writeFileSync(file, '');
    expect(ensurePrivate(join(file, 'syncq', 'code'))).toBe(false);
    expect(ensurePrivate('/proc/nope/syncq/code')).toBe(false);
  });

  test('that others may enter, or that is a link, is not trusted', () => {
    if (!POSIX) return;
    const open = join(tempDirectory(), 'open');
    mkdirSync(open);
    chmodSync(open, 0o755);
    expect(ensurePrivate(open)).toBe(false);
    const link = join(tempDirectory(), 'link');
    symlinkSync(tempDirectory(), link);
    expect(ensurePrivate(link)).toBe(false);
  });

  test('of another user is not trusted, nor is a file of theirs', () => {
    if (!canGiveAway) return;
    const directory = tempDirectory();
    const file = join(directory, 'a.cache');
    writeFileSync(file, 'code');
    expect(readCode(file)?.toString()).toBe('code');
    chownSync(file, NOBODY, NOBODY);
    expect(readCode(file)).toBeUndefined();
    expect(ensurePrivate(directory)).toBe(true);
    chownSync(directory, NOBODY, NOBODY);
    expect(ensurePrivate(directory)).toBe(false);
  });
});

describe('compiled code', () => {
  test('comes back as it was written, and no draft stays', () => {
    const directory = tempDirectory();
    const file = join(directory, 'a.cache');
    writeCode(file, Buffer.from('code'));
    expect(readCode(file)?.toString()).toBe('code');
    expect(readdirSync(directory)).toEqual(['a.cache']);
    if (POSIX) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('is not read through a link, from a directory, or where there is none', () => {
    const directory = tempDirectory();
    writeFileSync(join(directory, 'real'), 'code');
    symlinkSync(join(directory, 'real'), join(directory, 'link'));
    expect(readCode(join(directory, 'link'))).toBeUndefined();
    expect(readCode(directory)).toBeUndefined();
    expect(readCode(join(directory, 'none'))).toBeUndefined();
  });

  test('that cannot be written is not missed', () => {
    expect(() => writeCode('/proc/nope/a.cache', Buffer.from('code'))).not.toThrow();
    const directory = tempDirectory();
    mkdirSync(join(directory, 'a.cache'));
    writeCode(join(directory, 'a.cache'), Buffer.from('code'));
    expect(readdirSync(directory)).toEqual(['a.cache']);
  });

  test('of the oldest versions is forgotten', () => {
    const directory = tempDirectory();
    for (let index = 1; index <= 8; index += 1) {
      writeFileSync(join(directory, `${index}.cache`), '');
      utimesSync(join(directory, `${index}.cache`), index, index);
    }
    writeCode(join(directory, 'new.cache'), Buffer.from('code'));
    expect(readdirSync(directory).sort()).toEqual(['4.cache', '5.cache', '6.cache', '7.cache', '8.cache', 'new.cache']);
  });

  test('has another file after any change of the program, its version or Node', () => {
    const source = join(tempDirectory(), 'main.cjs');
    writeFileSync(source, 'a');
    utimesSync(source, 1, 1);
    const names = [cacheFile('/c', source, '1.0.0'), cacheFile('/c', source, '1.0.1')];
    writeFileSync(source, 'ab');
    utimesSync(source, 1, 1);
    names.push(cacheFile('/c', source, '1.0.0'));
    utimesSync(source, 2, 2);
    names.push(cacheFile('/c', source, '1.0.0'));
    expect(new Set(names).size).toBe(4);
    expect(names.every((name) => name.includes(process.version) && name.includes(process.arch))).toBe(true);
    expect(existsSync('/c')).toBe(false);
    expect(readFileSync(source, 'utf8')).toBe('ab');
  });
});
