/** Salvages a damaged file: reads every item that can still be read. */
import { QueueError } from '../../../nouns/errors.js';
import { METHODS, STATES, type Entity, type Method } from '../../../nouns/item.js';
import type { Salvage } from '../../care.js';
import { storeError } from '../file/connection.js';
import { loadSqlite, type Database } from '../file/driver.js';
import { toWrite, WRITE_COLUMNS, type WriteColumns } from '../read/item-rows.js';
import { sha256 } from '../sql/payload-checksum.js';
import { assertSafePlace } from '../file/place.js';
import { orUndefined } from '../sql/rows.js';

interface Row extends WriteColumns {
  target_id: number;
  entity_id: number | null;
  payload: Buffer | null;
}

const SELECT_WRITE = `SELECT ${WRITE_COLUMNS}, target_id, entity_id, payload FROM item WHERE id = ?`;

const PAGE_OF_IDS = 256;
/** After an unreadable page, ids to try one by one before reading pages again. */
const PROBED_IDS = 1024;
/** Where the last id is unknown, this many misses in a row mean the end. */
const MISSES_AT_THE_END = 100_000;

/**
 * Fetches one row at a time in the order of ids, so only the rows on damaged pages are lost.
 *
 * @throws {QueueError} corrupt when not even the list of tables can be read; queue-owner, not-a-queue, unwritable
 */
export function* salvage(path: string, uid: number | undefined): Generator<Salvage> {
  assertSafePlace(path, uid, false);
  const Sqlite = loadSqlite();
  const db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 1000 });
  try {
    db.pragma('trusted_schema = OFF');
    const reader = openReader(db, path);
    for (const id of walkIds(db)) {
      const found = reader(id);
      if (found !== undefined) yield found;
    }
  } finally {
    db.close();
  }
}

type Reader = (id: number) => Salvage | undefined;

function openReader(db: Database, path: string): Reader {
  let item: { get(id: number): unknown };
  try {
    item = db.prepare(SELECT_WRITE);
  } catch (error) {
    if (/no such (table|column)/.test((error as Error).message)) {
      throw new QueueError('corrupt', `${path} holds no table of items that can be read; nothing was saved`, {
        hint: 'keep the file and its -wal',
        cause: error,
      });
    }
    throw storeError(error, path, false);
  }
  const targets = new Map<number, string | undefined>();
  const targetName = db.prepare('SELECT name FROM target WHERE id = ?').pluck();
  const entityName = db.prepare('SELECT type, key FROM entity WHERE id = ?');
  const nameOf = (id: number): string | undefined => {
    const name = targets.get(id) ?? attempted(() => targetName.get(id) as string | undefined);
    targets.set(id, name);
    return name;
  };
  return (id) => {
    try {
      const row = item.get(id) as Row | undefined;
      if (row === undefined) return undefined;
      const target = nameOf(row.target_id);
      if (target === undefined || !isWhole(row)) return { kind: 'unreadable', id };
      if (isAltered(row)) return { kind: 'altered', id };
      const { payload, payload_bytes: bytes } = row;
      const rest = { payload: orUndefined(payload), payloadGone: payload === null && bytes !== null };
      return { kind: 'item', item: { ...toWrite(row), target, entity: entityOf(row.entity_id, entityName), ...rest } };
    } catch (error) {
      if (!isDamage(error)) throw storeError(error, path, false);
      return { kind: 'unreadable', id };
    }
  };
}

function attempted<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** A damaged record can have any type in any column. */
function isWhole(row: Row): boolean {
  const texts = [row.method, row.path, row.operation, row.idempotency_key];
  return (
    STATES[row.state] !== undefined &&
    texts.every((value) => typeof value === 'string') &&
    METHODS.includes(row.method as Method) &&
    typeof row.created_at === 'number'
  );
}

function isAltered({ payload, payload_sha256: digest }: Row): boolean {
  return payload !== null && digest !== null && !sha256(payload).equals(digest);
}

/** An entity whose name cannot be read gets a made-up one, to keep the order of its items. */
function entityOf(id: number | null, statement: { get(id: number): unknown }): Entity | undefined {
  if (id === null) return undefined;
  const row = attempted(() => statement.get(id) as { type: string; key: string } | undefined);
  return row === undefined ? { type: 'unreadable', id: String(id) } : { type: row.type, id: row.key };
}

/** Yields ids in order: by pages where they can be read, else one by one up to the last id that was assigned. */
function* walkIds(db: Database): Generator<number> {
  const page = db.prepare('SELECT id FROM item WHERE id > ? ORDER BY id LIMIT ?').pluck();
  const last = lastId(db);
  let after = 0;
  let misses = 0;
  for (;;) {
    const ids = attempted(() => page.all(after, PAGE_OF_IDS) as number[]);
    if (ids !== undefined) {
      if (ids.length === 0) return;
      yield* ids;
      after = ids.at(-1) ?? after;
      misses = 0;
      continue;
    }
    for (let tried = 0; tried < PROBED_IDS; tried += 1) {
      after += 1;
      misses += 1;
      if (last === undefined ? misses > MISSES_AT_THE_END : after > last) return;
      yield after;
    }
  }
}

/** The last id that was assigned, from the first part of the file that can still be read. */
function lastId(db: Database): number | undefined {
  const ways = [
    `SELECT seq FROM sqlite_sequence WHERE name = 'item'`,
    'SELECT max(id) FROM item',
    'SELECT max(rowid) FROM item INDEXED BY sqlite_autoindex_item_1',
  ];
  for (const sql of ways) {
    const found = attempted(() => db.prepare(sql).pluck().get() as number | null | undefined);
    if (typeof found === 'number') return found;
  }
  return undefined;
}

function isDamage(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return error instanceof QueueError
    ? error.code === 'corrupt'
    : typeof code === 'string' && /^SQLITE_(CORRUPT|NOTADB|IOERR|MISMATCH|ERROR)/.test(code);
}
