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
    }).toThrow(expect.objectContaining({ code: 'driver-missing', message: expect.stringContaining(version) }));
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
    ['a package that is absent', [missing], 'is not installed', 'npm install --omit=dev --include=optional'],
    ['a blocked install script', [blocked], 'has no working binary', 'better-sqlite3 && npm run install'],
    ['a binary of another Node', [wrongAbi], 'another version of Node', 'better-sqlite3 && npm run install'],
    ['a binary of another Node, said otherwise', [wrongAbiToo], 'another version', 'better-sqlite3 && npm run install'],
    ['both absent on a newer Node', [missing, missing], 'is not installed', 'npm install --omit=dev'],
    ['one absent, one blocked', [missing, blocked], 'has no working binary', 'better-sqlite3 && npm run install'],
    ['one blocked, one absent', [blocked, missing], 'has no working binary', 'npm install --omit=dev'],
  ])('names %s and the command that repairs it, and no package to install', (_case, failures, message, hint) => {
    const error = driverError(failures);
    expect(error.code).toBe('driver-missing');
    expect(error.message).toContain(message);
    expect(error.message).toContain('no queue was touched');
    expect(error.hint).toContain(hint);
    expect(error.hint).toMatch(/cd \/\S+ && npm [^@]+$/);
    expect(error.hint).not.toMatch(/ syncq$/);
  });
});
