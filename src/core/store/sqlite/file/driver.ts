/**
 * Chooses and loads the SQLite driver: better-sqlite3 12 on Node 20, its N-API successor 13 from Node 22 on. Throws an
 * error with the command that repairs the installation when neither loads.
 *
 * Why two: 12 aborts the process on Node 24 when a Database or Statement is garbage-collected while no JavaScript runs
 * (`RemoveEnvironmentCleanupHook: Assertion failed`); 13 crashes on Node 20. For the same reason, and for speed, callers
 * prepare each SQL text once and keep references to the Database and its Statements for the life of the process.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { versions } from 'node:process';

import type DatabaseConstructor from 'better-sqlite3';

import { outOfHandles } from '../../../files/file-failure.js';
import { QueueError } from '../../../nouns/errors.js';
import { shellWord } from '../../../policy/shell-word.js';
import { requireDriver } from './driver-package.js';

/** An open connection. */
export type Database = DatabaseConstructor.Database;
/** A prepared statement with its parameters and its rows. */
export type Statement<P extends unknown[] = unknown[], R = unknown> = DatabaseConstructor.Statement<P, R>;
/** What `loadSqlite` returns: `new Sqlite(file, options)`. */
export type Sqlite = typeof DatabaseConstructor;

/**
 * Oldest SQLite that may write: 3.7.0 to 3.51.2 can corrupt a WAL file when two connections checkpoint and reset it at
 * the same time (sqlite.org/wal.html, "the WAL-reset bug").
 */
const OLDEST_WRITING_SQLITE = '3.51.3';

interface Loaded {
  sqlite: Sqlite;
  version: string;
  /** Never released: collecting them aborts 12 on Node 24. */
  probe: readonly [Database, Statement<[], string>];
}

let loaded: Loaded | undefined;

/**
 * The driver's constructor, loaded on the first call; its binary is known to work in this process.
 *
 * @throws {QueueError} driver-missing when no driver is installed or its binary does not fit; the hint is the command
 */
export function loadSqlite(): Sqlite {
  return load().sqlite;
}

/** @throws {QueueError} driver-missing */
export function assertDriver(): void {
  load();
}

/** Version of the SQLite inside the driver, e.g. "3.53.2". Throws like `loadSqlite`. */
export function sqliteVersion(): string {
  return load().version;
}

/**
 * Throws when this SQLite can corrupt a queue. Call it before opening a connection that writes.
 *
 * @param version of the SQLite in use; default the driver's own
 * @throws {QueueError} driver-missing
 */
export function assertSafeForWriting(version: string = sqliteVersion()): void {
  if (!isOlder(version, OLDEST_WRITING_SQLITE)) return;
  throw new QueueError(
    'driver-missing',
    `the SQLite in use (${version}) can corrupt a queue that two processes write; nothing was written`,
    { hint: `install a driver with SQLite ${OLDEST_WRITING_SQLITE} or newer: ${repairCommand(false)}` },
  );
}

/** Packages to try, best first. 12 stays second on newer Nodes: it can be compiled where 13 ships no binary. */
export function driverPackages(major: number): readonly string[] {
  return major >= 22 ? ['better-sqlite3-13', 'better-sqlite3'] : ['better-sqlite3'];
}

/**
 * The error for a driver that does not load, with the command that repairs the installation.
 *
 * @param failures one error per package tried, in the order of `driverPackages`; the last package can be compiled
 */
export function driverError(failures: readonly unknown[]): QueueError {
  const unopened = failures.find((failure) => /too many open files/i.test(messageOf(failure)));
  if (unopened !== undefined) return outOfHandles(unopened, 'the SQLite driver', 'EMFILE');
  const compiledForOther = failures.some(isAbiMismatch);
  const missing = failures.every(isMissingPackage);
  const message = `the SQLite driver ${driverFault(compiledForOther, missing)}; no queue was touched`;
  return new QueueError('driver-missing', message, {
    hint: `as the user who installed syncq, type: ${repairCommand(isMissingPackage(failures.at(-1)))}`,
    cause: failures.length === 1 ? failures[0] : new AggregateError(failures),
  });
}

function driverFault(compiledForOther: boolean, missing: boolean): string {
  if (compiledForOther) return 'was compiled for another version of Node';
  return missing ? 'is not installed' : 'has no working binary for this machine';
}

function load(): Loaded {
  loaded ??= tryPackages(nodeMajor());
  return loaded;
}

function tryPackages(major: number): Loaded {
  const failures: unknown[] = [];
  for (const name of driverPackages(major)) {
    try {
      const sqlite = requireDriver(name) as Sqlite;
      // The binary is loaded by the first connection, not by `require`.
      const probe = new sqlite(':memory:');
      const statement = probe.prepare<[], string>('SELECT sqlite_version()').pluck();
      return { sqlite, version: statement.get() ?? '0', probe: [probe, statement] };
    } catch (error) {
      failures.push(error);
    }
  }
  throw driverError(failures);
}

function nodeMajor(): number {
  return Number.parseInt(versions.node, 10);
}

/**
 * Names no package to install: syncq may have come from a file. The driver's install script is run by name, because
 * npm 12 runs it by itself only where a package.json allows it, as syncq's own does.
 */
function repairCommand(isMissing: boolean): string {
  const { resolve } = createRequire(import.meta.url);
  const manifest = resolve(isMissing ? 'syncq/package.json' : 'better-sqlite3/package.json');
  const command = isMissing ? 'npm install --omit=dev --include=optional' : 'npm run install';
  return `cd ${shellWord(dirname(manifest))} && ${command}`;
}

function isAbiMismatch(error: unknown): boolean {
  return /NODE_MODULE_VERSION|did not self-register/.test(messageOf(error));
}

function isMissingPackage(error: unknown): boolean {
  return /^Cannot find (module|package) /.test(messageOf(error));
}

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null ? String((error as { message?: unknown }).message) : String(error);
}

function isOlder(version: string, than: string): boolean {
  const [left, right] = [numbers(version), numbers(than)];
  const at = right.findIndex((part, index) => part !== (left[index] ?? 0));
  return at >= 0 && (left[at] ?? 0) < (right[at] ?? 0);
}

function numbers(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0);
}
