/** Keeps the answers to replayed requests in a small SQLite file in the data directory. */
import { randomUUID } from 'node:crypto';
import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { isQueueError, QueueError } from '../../nouns/errors.js';
import { currentUid } from '../../nouns/host.js';
import type { ReplayEntry, ReplayLedger } from '../replay-ledger.js';
import { sha256 } from './sql/payload-checksum.js';
import { isBusy } from './file/connection.js';
import { loadSqlite, type Database, type Statement } from './file/driver.js';
import { makeDirectory } from '../../files/directory.js';
import { assertSafePlace } from './file/place.js';
import { toResponse, type ResponseColumns } from './sql/rows.js';

/** "SYNR": no queue, though it lies beside one. */
const LEDGER_APPLICATION_ID = 0x53594e52;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS replay (one INTEGER PRIMARY KEY CHECK (one = 1), family TEXT NOT NULL) STRICT;
DROP TABLE IF EXISTS sent;                  -- of a format that did not say which request was answered
CREATE TABLE IF NOT EXISTS answer (
  key TEXT PRIMARY KEY,                     -- of the request, not of its item
  at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  status INTEGER,                           -- NULL = no answer
  message TEXT,
  response_headers TEXT,
  response_complete INTEGER,
  response_body BLOB
) STRICT, WITHOUT ROWID;
`;

interface AnswerColumns extends ResponseColumns {
  at: number;
  duration_ms: number;
  message: string | null;
}

/**
 * Finds the ledger of one queue's replays to one target. The base URL belongs to its name: a target that moved is another
 * server, which got nothing yet.
 *
 * @param mode `read` creates nothing: undefined when nothing was ever replayed
 * @throws {QueueError} busy while another replay to the same target is running; unwritable
 */
export function openLedger(
  directory: string,
  { queue, target, baseUrl }: { queue: string; target: string; baseUrl: string },
  mode: 'read' | 'write',
): ReplayLedger | undefined {
  const name = target.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 64);
  const digest = sha256(Buffer.from(`${queue}\n${target}\n${baseUrl}`)).toString('hex');
  const path = join(directory, `replay-${name}-${digest.slice(0, 16)}.db`);
  return mode === 'read' && !existsSync(path) ? undefined : openReplayLedger(path);
}

export function openReplayLedger(path: string): ReplayLedger {
  try {
    makeDirectory(dirname(path));
    assertSafePlace(path, currentUid(), true);
    if (!existsSync(path)) closeSync(openSync(path, constants.O_CREAT | constants.O_RDWR, 0o600));
    return new SqliteReplayLedger(path);
  } catch (error) {
    throw ledgerError(error, path);
  }
}

class SqliteReplayLedger implements ReplayLedger {
  readonly location: string;
  readonly #db: Database;
  readonly #get: Statement<[string]>;
  readonly #put: Statement;
  #family: string;

  constructor(path: string) {
    this.location = path;
    this.#db = new (loadSqlite())(path, { timeout: 200 });
    try {
      // Locks the file while it is open: two replays at once would send the same items twice.
      this.#db.pragma('locking_mode = EXCLUSIVE');
      this.#db.pragma('journal_mode = WAL');
      // Entries lost in a power cut are sent again, with the same keys.
      this.#db.pragma('synchronous = NORMAL');
      this.#db.pragma('trusted_schema = OFF');
      this.#db.pragma(`application_id = ${LEDGER_APPLICATION_ID}`);
      this.#db.exec(SCHEMA);
      this.#get = this.#db.prepare('SELECT * FROM answer WHERE key = ?');
      this.#put = this.#db.prepare('INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
      this.#family = this.#readFamily();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  get family(): string {
    return this.#family;
  }

  get(key: string): ReplayEntry | undefined {
    const row = this.#get.get(key) as AnswerColumns | undefined;
    if (row === undefined) return undefined;
    return { at: row.at, durationMs: row.duration_ms, response: toResponse(row), message: row.message ?? undefined };
  }

  put(key: string, { at, durationMs, response, message }: ReplayEntry): void {
    this.#put.run(
      key,
      at,
      durationMs,
      response?.status ?? null,
      message ?? null,
      response === undefined ? null : JSON.stringify(response.headers),
      response === undefined ? null : Number(response.complete),
      response === undefined || response.body.length === 0 ? null : response.body,
    );
  }

  startAnew(): void {
    this.#db.exec('BEGIN; DELETE FROM answer; DELETE FROM replay; COMMIT');
    this.#family = this.#readFamily();
  }

  #readFamily(): string {
    this.#db.prepare('INSERT OR IGNORE INTO replay (one, family) VALUES (1, ?)').run(randomUUID());
    return (this.#db.prepare('SELECT family FROM replay').get() as { family: string }).family;
  }

  close(): void {
    this.#db.close();
  }
}

function ledgerError(error: unknown, path: string): unknown {
  if (isQueueError(error)) return error;
  if (isBusy(error)) {
    return new QueueError('busy', 'another replay from this queue to this target is at work; nothing was sent', {
      hint: 'wait for its end, or stop it',
      cause: error,
    });
  }
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') return error;
  return new QueueError(
    'unwritable',
    `the replay's own record ${path} cannot be used (${code}); nothing was sent, the queue was not touched`,
    {
      hint: 'remove that file to begin anew, or check its permissions',
      cause: error,
    },
  );
}
