import { describe, expect, test } from '@jest/globals';

import {
  assertSafeForWriting,
  driverError,
  driverPackages,
  loadSqlite,
  sqliteVersion,
} from '../../../../src/core/store/sqlite/file/driver.js';

describe('loadSqlite', () => {
  test('returns a driver that opens a database', () => {
    const Sqlite = loadSqlite();
    const database = new Sqlite(':memory:');
    expect(database.prepare('SELECT 1 + 1 AS two').get()).toEqual({ two: 2 });
    database.close();
  });

  test('loads the driver once', () => {
    expect(loadSqlite()).toBe(loadSqlite());
  });

  test('the driver contains a SQLite that may write', () => {
    expect(sqliteVersion()).toMatch(/^3\.\d+\.\d+$/);
    expect(() => {
      assertSafeForWriting();
    }).not.toThrow();
  });
});

describe('assertSafeForWriting', () => {
  test.each(['3.51.2', '3.40.1', '3.9.99', '2.99.99', '3.51', '0'])('refuses SQLite %s', (version) => {
    expect(() => {
      assertSafeForWriting(version);
    }).toThrow(expect.objectContaining({ code: 'defect', message: expect.stringContaining(version) }));
  });

  test.each(['3.51.3', '3.51.10', '3.53.0', '3.100.0', '4.0.0'])('accepts SQLite %s', (version) => {
    expect(() => {
      assertSafeForWriting(version);
    }).not.toThrow();
  });
});

describe('driverPackages', () => {
  test.each([
    [20, ['better-sqlite3']],
    [22, ['better-sqlite3-13', 'better-sqlite3']],
    [26, ['better-sqlite3-13', 'better-sqlite3']],
  ])('on Node %i tries %j', (major, names) => {
    expect(driverPackages(major)).toEqual(names);
  });
});

describe('driverError', () => {
  const missing = new Error("Cannot find module 'better-sqlite3'\nRequire stack:\n- /x.js");
  const blocked = new Error('Could not locate the bindings file. Tried: ...');
  const wrongAbi = new Error('... was compiled against a different Node.js version using\nNODE_MODULE_VERSION 115.');
  const wrongAbiToo = new Error('Module did not self-register: /x/better_sqlite3.node');

  test.each([
    ['a package that is absent', [missing], 20, 'is not installed', '--allow-scripts=better-sqlite3 syncq'],
    ['a blocked install script', [blocked], 20, 'has no working binary', '--allow-scripts=better-sqlite3 syncq'],
    ['a binary of another Node', [wrongAbi], 20, 'another version of Node', 'npm rebuild better-sqlite3'],
    ['a binary of another Node, said otherwise', [wrongAbiToo], 20, 'another version', 'npm rebuild better-sqlite3'],
    ['both absent on a newer Node', [missing, missing], 24, 'is not installed', '--include=optional syncq'],
    ['one absent, one blocked', [missing, blocked], 24, 'has no working binary', '--include=optional syncq'],
  ])('names %s and the command that repairs it', (_case, failures, major, message, hint) => {
    const error = driverError(failures, major);
    expect(error.code).toBe('defect');
    expect(error.message).toContain(message);
    expect(error.message).toContain('no queue was touched');
    expect(error.hint).toContain(hint);
  });
});
