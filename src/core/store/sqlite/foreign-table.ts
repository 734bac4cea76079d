/**
 * Reads a table of another program's SQLite file. It reads a private copy, because even a read-only connection would
 * create an index file beside a WAL file.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';

import { systemClock } from '../../nouns/clock.js';
import { QueueError, isQueueError } from '../../nouns/errors.js';
import { removeTemporary, temporaryDirectory } from '../../files/temporary.js';
import { loadSqlite, type Database } from './file/driver.js';

type ForeignValue = string | number | bigint | Uint8Array | null;
type ForeignRow = Readonly<Record<string, ForeignValue>>;

interface ForeignTable {
  /** Names of the columns, as the table has them. */
  readonly columns: readonly string[];
  readonly count: number;
  /**
   * Every row, in the order of these columns; `_rowid_` breaks ties, where the table has one. A value of more than
   * `maxBytes` is not read: to ask the row for it calls `refuse`.
   */
  rows(order: readonly string[], maxBytes: number, refuse: (column: string) => never): Iterable<ForeignRow>;
  close(): void;
}

const NOTHING = 'nothing was stored';
const COPY_TRIES = 3;

/** A view may have no end. Counting so many rows takes 3 s (2-core machine, December 2026). */
const MOST_ROWS = 10_000_000;

/** @throws {QueueError} code 'usage': no such file, not SQLite, no such table, too many rows, or it keeps changing */
export async function openForeignTable(path: string, table: string): Promise<ForeignTable> {
  const directory = temporaryDirectory('import');
  const dispose = (): void => removeTemporary(directory);
  let db: Database | undefined;
  try {
    const copy = join(directory, 'copy.db');
    await copyStill(path, copy);
    db = new (loadSqlite())(copy, { fileMustExist: true });
    db.pragma('trusted_schema = OFF');
    const found = new CopiedTable(db, table, path, dispose);
    // An open file needs no name: now even a killed process leaves nothing behind.
    dispose();
    // While the copy had a name, a signal was this program's to handle: it hands it back two turns later. From then on
    // the system ends the process, also inside a view that has no end.
    for (let turn = 0; turn < 3; turn += 1) await systemClock.settleDown?.();
    found.countRows();
    return found;
  } catch (error) {
    db?.close();
    dispose();
    throw foreignError(error, path);
  }
}

/** Copies the file and its log, again if they changed meanwhile. Asynchronous, so that signals are handled. */
async function copyStill(path: string, copy: string): Promise<void> {
  for (let attempt = 0; attempt < COPY_TRIES; attempt++) {
    const before = traceOf(path);
    for (const suffix of ['', '-wal', '-journal']) {
      rmSync(copy + suffix, { force: true });
      if (suffix === '' || existsSync(path + suffix)) await copyFile(path + suffix, copy + suffix);
    }
    if (traceOf(path) === before) return;
  }
  throw new QueueError('usage', `${path} is being written all the time; ${NOTHING}`, {
    hint: 'stop the app, or import a copy of its file',
  });
}

function traceOf(path: string): string {
  return ['', '-wal', '-journal']
    .map((suffix) => statSync(path + suffix, { throwIfNoEntry: false, bigint: true }))
    .map((found) => (found === undefined ? '' : `${found.ino}/${found.size}/${found.mtimeNs}`))
    .join(' ');
}

class CopiedTable implements ForeignTable {
  readonly columns: readonly string[];
  count = 0;
  readonly #db: Database;
  readonly #name: string;
  readonly #dispose: () => void;
  readonly #path: string;

  constructor(db: Database, table: string, path: string, dispose: () => void) {
    this.#db = db;
    this.#path = path;
    this.#dispose = dispose;
    this.#name = quotedName(table);
    this.columns = (db.prepare('SELECT name FROM pragma_table_xinfo(?)').all(table) as { name: string }[]).map(
      ({ name }) => name,
    );
    if (this.columns.length === 0) throw noTable(db, table, path);
  }

  countRows(): void {
    const count = this.#db.prepare(`SELECT count(*) FROM (SELECT 1 FROM ${this.#name} LIMIT ${MOST_ROWS + 1})`).pluck();
    this.count = count.get() as number;
    if (this.count <= MOST_ROWS) return;
    throw new QueueError('usage', `${this.#name} in ${this.#path} has more than ${MOST_ROWS} rows; ${NOTHING}`, {
      hint: 'import it part by part, through views with WHERE; a view WITH RECURSIVE may have no end',
    });
  }

  *rows(order: readonly string[], maxBytes: number, refuse: (column: string) => never): Generator<ForeignRow> {
    // Reads text as its bytes, because the driver turns invalid UTF-8 into U+FFFD. SQLite itself converts UTF-16.
    const isUtf8 = this.#db.pragma('encoding', { simple: true }) === 'UTF-8';
    const names = this.columns.map(quotedName);
    const isLarge = names.map((name) => `octet_length(${name}) > ${maxBytes}`);
    const values = names
      .map((name) =>
        isUtf8 ? `iif(typeof(${name}) = 'text' AND ${name} <> '', CAST(${name} AS BLOB), ${name})` : name,
      )
      .map((value, index) => `iif(${isLarge[index] ?? ''}, NULL, ${value})`);
    const columns = [...isLarge, ...values].join(', ');
    const terms = order.map((name) => `${this.#name}.${quotedName(name)}`);
    try {
      // Whole numbers beyond 2^53 must not be rounded.
      const statement = this.#db
        .prepare(`SELECT ${columns} FROM ${this.#name} ORDER BY ${[...terms, ...this.#tieBreak()].join(', ')}`)
        .safeIntegers(true)
        .raw(true);
      for (const found of statement.iterate() as Iterable<ForeignValue[]>) {
        const row = Object.fromEntries(this.columns.map((name, index) => [name, found[names.length + index] ?? null]));
        this.columns.forEach((name, index) => {
          if (found[index] === 1n) Object.defineProperty(row, name, { get: () => refuse(name) });
        });
        yield row;
      }
    } catch (error) {
      throw foreignError(error, this.#path);
    }
  }

  /** Views and WITHOUT ROWID tables have no `_rowid_`. */
  #tieBreak(): string[] {
    try {
      this.#db.prepare(`SELECT _rowid_ FROM ${this.#name} LIMIT 1`).get();
      return ['_rowid_'];
    } catch {
      return ['1'];
    }
  }

  close(): void {
    this.#db.close();
    this.#dispose();
  }
}

function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function noTable(db: Database, table: string, path: string): QueueError {
  const known = db
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name LIMIT 20`,
    )
    .all() as { name: string }[];
  return new QueueError('usage', `${path} has no table ${table}; ${NOTHING}`, {
    hint: `its tables: ${known.map(({ name }) => name).join(', ')}`,
  });
}

function foreignError(error: unknown, path: string): Error {
  if (isQueueError(error)) return error;
  const code = (error as { code?: string }).code ?? '';
  if (code === 'ENOENT')
    return new QueueError('usage', `the file ${path} does not exist; ${NOTHING}`, { cause: error });
  if (code === 'SQLITE_NOTADB')
    return new QueueError('usage', `${path} is not an SQLite file; ${NOTHING}`, { cause: error });
  if (code !== '') return new QueueError('usage', `${path} cannot be read (${code}); ${NOTHING}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
