/**
 * One SQLite connection: prepares each statement once, runs transactions that wait for a lock without blocking signals,
 * and turns SQLite's error codes into those of this project.
 */
import { statSync } from 'node:fs';

import { codeWords, isFullCode, shortage } from '../../../files/file-failure.js';
import type { Clock } from '../../../nouns/clock.js';
import { closedQueue, QueueError, isQueueError, type ErrorCode } from '../../../nouns/errors.js';
import type { Database, Statement } from './driver.js';

/**
 * How long SQLite itself may block the thread for a lock, ms. Short, because Node runs neither signal handlers nor
 * timers meanwhile; the rest of the waiting is asynchronous retries.
 */
export const BUSY_TIMEOUT_MS = 100;

/** How long a transaction waits for a lock in total, ms. */
const LOCK_PATIENCE_MS = 30_000;

/** Somebody else has the lock. */
const LOCKED = Symbol('locked');

export interface TransactionOptions {
  /** Default `LOCK_PATIENCE_MS`. */
  patienceMs?: number;
  /** Gives up waiting for the lock at once. */
  signal?: AbortSignal;
  /** Called when the disk is full, before the only retry; returns true if it freed space (decision 0009). */
  onFull?: () => boolean;
  /** For the runner's own commits: `dataVersion` does not count them, and the session calls `checkAfterOthers` itself. */
  quiet?: boolean;
}

export class Connection {
  readonly db: Database;
  readonly path: string;
  readonly #clock: Clock;
  /** Kept for the life of the process: collecting a Statement aborts better-sqlite3 12 on Node 24. */
  readonly #statements = new Map<string, Statement>();
  readonly #identity: string;
  /** Set by a commit that may or may not be stored: nothing more is written through this connection. */
  #failure: Error | undefined;
  #closed = false;
  #localCommits = 0;
  #othersVersion = 0;
  #checkFile: (() => void) | undefined;
  /** `#othersVersion` at the last successful check of the file. */
  #checkedVersion: number | undefined;

  readonly #asStored: (text: string) => string;
  readonly #onClose: () => void;

  /**
   * @param onClose called once, after the file is closed
   * @param asStored turns a query into one that fits a file of an older version
   */
  constructor(
    db: Database,
    path: string,
    clock: Clock,
    onClose: () => void,
    asStored = (text: string): string => text,
  ) {
    this.db = db;
    this.path = path;
    this.#clock = clock;
    this.#onClose = onClose;
    this.#asStored = asStored;
    this.#identity = fileIdentity(path);
  }

  /** The prepared statement of this text; the text is its name. @throws {QueueError} usage, once it is closed */
  sql(text: string): Statement {
    if (this.#closed) throw closedQueue(this.path);
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.db.prepare(this.#asStored(text));
      this.#statements.set(text, statement);
    }
    return statement;
  }

  get<Row>(text: string, ...parameters: unknown[]): Row | undefined {
    return this.sql(text).get(...parameters) as Row | undefined;
  }

  all<Row>(text: string, ...parameters: unknown[]): Row[] {
    return this.sql(text).all(...parameters) as Row[];
  }

  run(text: string, ...parameters: unknown[]): { changes: number; lastInsertRowid: number } {
    const result = this.sql(text).run(...parameters);
    return { changes: result.changes, lastInsertRowid: Number(result.lastInsertRowid) };
  }

  /** One consistent view of the file for several reads. */
  async read<T>(body: () => T): Promise<T> {
    return this.#transaction('BEGIN', body, {});
  }

  /**
   * One durable commit: all of `body` or nothing. `body` is synchronous, so no other caller can run in between. It may be
   * called a second time, after everything the first call wrote was rolled back.
   */
  async write<T>(body: () => T, options: TransactionOptions = {}): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    const checked = (): T => {
      if (options.quiet !== true) this.checkAfterOthers();
      return body();
    };
    let value: T;
    try {
      value = await this.#transaction('BEGIN IMMEDIATE', checked, options);
    } catch (error) {
      const isFull = isQueueError(error) && error.code === 'disk-full';
      if (!isFull || options.onFull === undefined) throw error;
      const freed = options.onFull();
      if (!this.#reuseLog() && !freed) throw error;
      value = await this.#transaction('BEGIN IMMEDIATE', checked, options);
    }
    if (options.quiet !== true) this.#localCommits += 1;
    return value;
  }

  /**
   * Copies the log into the file, now and after every later commit of this connection, so that SQLite reuses the log's
   * space: a growing log would fill the disk. Returns true when all of it was copied.
   */
  #reuseLog(): boolean {
    try {
      this.db.pragma('wal_autocheckpoint = 1');
      const [row] = this.db.pragma('wal_checkpoint(PASSIVE)') as { busy: number; log: number; checkpointed: number }[];
      return row?.busy === 0 && row.log > 0 && row.log === row.checkpointed;
    } catch {
      return false;
    }
  }

  /** Opens a write transaction for a caller that awaits its input in between and owns the connection meanwhile. */
  async begin(): Promise<{ commit(): void; rollback(error: unknown): Error }> {
    if (this.#failure !== undefined) throw this.#failure;
    const waiting = this.#waiting({});
    while (!this.#tryBegin('BEGIN IMMEDIATE')) await waiting();
    let committing = false;
    try {
      this.checkAfterOthers();
    } catch (error) {
      throw this.#failed(error, committing);
    }
    return {
      commit: () => {
        committing = true;
        this.sql('COMMIT').run();
        this.#localCommits += 1;
      },
      rollback: (error) => this.#failed(error, committing),
    };
  }

  /**
   * Runs `check` now, and again before each write that follows a commit of others. An error from it ends the transaction.
   */
  checkBeforeWriting(check: () => void): void {
    this.#checkFile = check;
    this.checkAfterOthers();
  }

  /** Runs the check if others have committed since the last one. Inside a write transaction the result stays valid. */
  checkAfterOthers(): void {
    this.#askOthersVersion();
    if (this.#othersVersion === this.#checkedVersion) return;
    const version = this.#othersVersion;
    this.#checkFile?.();
    this.#checkedVersion = version;
  }

  async #transaction<T>(begin: string, body: () => T, options: TransactionOptions): Promise<T> {
    let result = this.#once(begin, body);
    if (result !== LOCKED) return result;
    const waiting = this.#waiting(options);
    do {
      await waiting();
      result = this.#once(begin, body);
    } while (result === LOCKED);
    return result;
  }

  /** No await between BEGIN and COMMIT: another caller would find itself inside this transaction. */
  #once<T>(begin: string, body: () => T): T | typeof LOCKED {
    if (!this.#tryBegin(begin)) return LOCKED;
    let committing = false;
    try {
      const value = body();
      committing = true;
      this.sql('COMMIT').run();
      return value;
    } catch (error) {
      const failure = this.#failed(error, committing);
      // A plain BEGIN takes its lock at the first read, when the last process to close the file may be cleaning up.
      if (begin !== 'BEGIN' || !isBusy(error)) throw failure;
      return LOCKED;
    }
  }

  /** Rolls back and returns the error to throw. */
  #failed(error: unknown, committing: boolean): Error {
    if (this.db.inTransaction) this.#rollback();
    if (isQueueError(error)) return error;
    const failure = storeError(error, this.path, committing);
    if (isQueueError(failure) && failure.code === 'store-unknown') this.#failure = failure;
    return failure;
  }

  /** Returns a function that waits a moment for the lock, so that signals and timers run; it throws `busy` in the end. */
  #waiting({ patienceMs = LOCK_PATIENCE_MS, signal }: TransactionOptions): () => Promise<void> {
    const startedAt = this.#clock.monotonic();
    let round = 0;
    return async () => {
      const waited = this.#clock.monotonic() - startedAt;
      if (waited >= patienceMs || signal?.aborted === true) {
        throw new QueueError(
          'busy',
          `another process has been writing to ${this.path} for ${Math.round(waited)} ms; nothing was changed`,
          {
            hint: 'try again',
          },
        );
      }
      round += 1;
      await this.#clock.sleep(Math.min(5 * round, 50), signal);
    };
  }

  #tryBegin(begin: string): boolean {
    // A bulk import of this process may be between two batches.
    if (this.db.inTransaction) return false;
    try {
      this.sql(begin).run();
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw storeError(error, this.path, false);
    }
  }

  #rollback(): void {
    try {
      this.sql('ROLLBACK').run();
    } catch {
      // SQLite rolled back by itself (full disk, I/O error): the first error is the one that matters.
    }
  }

  /** Changes with every commit except `quiet` ones. SQLite's `data_version` leaves out commits of its own connection. */
  dataVersion(): string {
    this.#askOthersVersion();
    return `${this.#othersVersion}/${this.#localCommits}`;
  }

  #askOthersVersion(): void {
    try {
      this.#othersVersion = (this.sql('PRAGMA data_version').get() as { data_version: number }).data_version;
    } catch (error) {
      // Another process has the file locked for a moment (recovery, last close): the next call will see the change.
      if (!isBusy(error)) throw storeError(error, this.path, false);
    }
  }

  /**
   * Throws when the file at our path is no longer the one we have open: a commit into a deleted or replaced file
   * succeeds silently and is lost. Called before every acknowledgement and every claim.
   *
   * @throws {QueueError} code 'store-unknown'
   */
  assertSameFile(): void {
    if (fileIdentity(this.path) === this.#identity) return;
    throw new QueueError(
      'store-unknown',
      `the queue file ${this.path} was deleted or replaced while it was open; what was just written may be lost`,
      {
        hint: 'find out who moved it, then run the same command again: with the same --key it is stored once',
      },
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.db.close();
    this.#onClose();
  }
}

/** Device and inode; empty when there is no file. */
export function fileIdentity(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? '' : `${found.dev}:${found.ino}`;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED';
}

/** True for every code by which SQLite or the system reports a full disk. */
export const isFull = (error: unknown): boolean => isFullCode(codeOf(error));

/**
 * The error of this project for an error of SQLite or of the file system.
 *
 * @param committing true when COMMIT itself failed: then the fate of the write may be unknown. A failed fsync is never
 *   tried again in the same process: the kernel may have dropped the pages (PostgreSQL's "fsyncgate", 2018).
 */
export function storeError(error: unknown, path: string, committing: boolean): Error {
  const code = codeOf(error);
  const failure = (...[name, message, hint]: [ErrorCode, string, string]): QueueError =>
    new QueueError(name, message, { cause: error, hint });
  const scarce = shortage(error, path, 'free some space and run the same command again');
  if (scarce !== undefined) return scarce;
  if (committing && code.startsWith('SQLITE_IOERR')) {
    const message = `the disk failed while ${path} was being written (${code}); the last write may or may not be stored`;
    const hint = 'check the disk, then run the same command again: with the same --key it is stored once';
    return failure('store-unknown', message, hint);
  }
  const { message } = error as Error;
  const isForeign =
    code === 'SQLITE_ERROR' && /^(?:no such (?:table|column|index|view)|duplicate column)/.test(message);
  if (isForeign || code.startsWith('SQLITE_CORRUPT')) {
    const what = isForeign ? `is not as syncq made it (${message})` : `is damaged (${code})`;
    return failure('corrupt', `${path} ${what}; nothing was sent or changed`, 'keep the file, then: syncq doctor');
  }
  if (code === 'SQLITE_NOTADB') {
    return failure('not-a-queue', `${path} is not a syncq queue; it was not touched`, 'name another file with --queue');
  }
  const unusable = `${path} cannot be used (${codeWords(code)}); nothing was changed`;
  if (/^SQLITE_(READONLY|CANTOPEN|PERM|IOERR)/.test(code)) {
    return failure('unwritable', unusable, 'check the disk and the permissions of the file and its directory');
  }
  if (isBusy(error)) {
    return failure('busy', `another process is writing to ${path}; nothing was changed`, 'try again');
  }
  if (/^E(ACCES|PERM|ROFS|NOENT|NOTDIR|ISDIR|LOOP|NAMETOOLONG|IO)$/.test(code)) {
    const hint = 'check the path and the permissions of every directory above it, or name another place with --queue';
    return failure('unwritable', unusable, hint);
  }
  return error instanceof Error ? error : new Error(String(error));
}
