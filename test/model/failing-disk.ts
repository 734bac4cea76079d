/** A disk under every connection of the simulation that fails when it is told to: in the commit that comes next. */
import { isQueueError } from '../../src/core/nouns/errors.js';
import { Connection } from '../../src/core/store/sqlite/file/connection.js';
import type { Statement } from '../../src/core/store/sqlite/file/driver.js';

/** What those are told under whom the disk failed. */
export const FAILED_DISK: ReadonlySet<string> = new Set(['store-unknown', 'disk-full']);

/** True for the end that a runner is supposed to have whose disk failed. */
export function isFailedDisk(error: unknown): boolean {
  return isQueueError(error) && FAILED_DISK.has(error.code);
}

export class FailingDisk {
  failures = 0;
  #next: 'before' | 'after' | 'full' | undefined;
  readonly #sql = Connection.prototype.sql;
  /** Connections whose open transaction writes: a read has nothing to flush. */
  readonly #writing = new WeakSet<Connection>();

  constructor() {
    const [original, statement] = [this.#sql, this.#statement.bind(this)];
    Connection.prototype.sql = function (text) {
      return statement(this, text, original.call(this, text));
    };
  }

  failNext(how: 'before' | 'after' | 'full'): void {
    this.#next = how;
  }

  mend(): void {
    this.#next = undefined;
  }

  remove(): void {
    Connection.prototype.sql = this.#sql;
  }

  #statement(connection: Connection, text: string, statement: Statement): Statement {
    if (text === 'BEGIN IMMEDIATE') this.#writing.add(connection);
    if (text === 'BEGIN') this.#writing.delete(connection);
    const fails = text === 'COMMIT' && this.#next !== undefined && this.#writing.has(connection);
    return fails ? this.#failing(statement) : statement;
  }

  #failing(commit: Statement): Statement {
    return {
      run: () => {
        const how = this.#next;
        this.mend();
        this.failures += 1;
        if (how === 'after') commit.run();
        const code = how === 'full' ? 'SQLITE_FULL' : 'SQLITE_IOERR_FSYNC';
        throw Object.assign(new Error('as SQLite says'), { code });
      },
    } as unknown as Statement;
  }
}
