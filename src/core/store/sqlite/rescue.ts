/** Reads every item that can still be read, item by item, also out of a file whose pages are partly damaged. */
import { QueueError } from '../../nouns/errors.js';
import { METHODS, STATES, type Entity, type Method, type State } from '../../nouns/item.js';
import { storeError } from './connection.js';
import { loadSqlite, type Database } from './driver.js';
import { sha256 } from './enqueue.js';
import { assertSafePlace } from './place.js';
import { contentTypeOf, orUndefined, toHeaders, toTags, type StoredColumns } from './rows.js';

/** A write as it can be enqueued again, and what had become of it. */
export interface SavedItem {
  id: number;
  createdAt: number;
  state: State;
  target: string;
  method: Method;
  path: string;
  headers: Record<string, string>;
  contentType: string | undefined;
  payload: Uint8Array | undefined;
  /** The payload was there once and a rule removed it. */
  payloadGone: boolean;
  entity: Entity | undefined;
  operation: string;
  idempotencyKey: string;
  notBefore: number | undefined;
  expiresAt: number | undefined;
  maxRetries: number | undefined;
  tags: string[];
}

/** What a walk over the file met. */
export type Salvage =
  | { kind: 'item'; item: SavedItem }
  /** The row, or what it needs, lies on a page that cannot be read. */
  | { kind: 'unreadable'; id: number }
  /** It can be read, but its bytes are not those that were stored. */
  | { kind: 'altered'; id: number };

interface Row extends StoredColumns {
  target_id: number;
  entity_id: number | null;
}

const PAGE_OF_IDS = 256;
/** Ids tried one by one behind a page that cannot be read, before the next page is looked for. */
const PROBED_IDS = 1024;
/** Where nothing tells the last id: so many misses in a row are taken for the end. */
const MISSES_AT_THE_END = 100_000;

/**
 * Ids ascend, and one row a time is fetched, so damage costs the rows on the damaged pages and no others.
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
    item = db.prepare(`SELECT id, created_at, state, target_id, entity_id, method, path, headers, content_type, payload,
      payload_bytes, payload_sha256, operation, idempotency_key, not_before, expires_at, max_retries, tags FROM item WHERE id = ?`);
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
    if (!targets.has(id))
      targets.set(
        id,
        attempted(() => targetName.get(id) as string | undefined),
      );
    return targets.get(id);
  };
  return (id) => {
    try {
      const row = item.get(id) as Row | undefined;
      if (row === undefined) return undefined;
      const target = nameOf(row.target_id);
      const state = STATES[row.state];
      if (target === undefined || state === undefined || !isWhole(row)) return { kind: 'unreadable', id };
      if (isAltered(row)) return { kind: 'altered', id };
      return { kind: 'item', item: toItem(row, state, target, entityOf(row.entity_id, entityName)) };
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

/** A damaged record can come out with any type in any column. */
function isWhole(row: Row): boolean {
  const texts = [row.method, row.path, row.operation, row.idempotency_key];
  return (
    texts.every((value) => typeof value === 'string') &&
    METHODS.includes(row.method as Method) &&
    typeof row.created_at === 'number'
  );
}

function isAltered({ payload, payload_sha256: digest }: Row): boolean {
  return payload !== null && digest !== null && !sha256(payload).equals(digest);
}

/** An entity whose name cannot be read keeps its lane under a made-up one: order matters more than the name. */
function entityOf(id: number | null, statement: { get(id: number): unknown }): Entity | undefined {
  if (id === null) return undefined;
  const row = attempted(() => statement.get(id) as { type: string; key: string } | undefined);
  return row === undefined ? { type: 'unreadable', id: String(id) } : { type: row.type, id: row.key };
}

function toItem(row: Row, state: State, target: string, entity: Entity | undefined): SavedItem {
  return {
    id: row.id,
    createdAt: row.created_at,
    state,
    target,
    method: row.method as Method,
    path: row.path,
    headers: toHeaders(row.headers),
    contentType: contentTypeOf(row),
    payload: orUndefined(row.payload),
    payloadGone: row.payload === null && row.payload_bytes !== null,
    entity,
    operation: row.operation,
    idempotencyKey: row.idempotency_key,
    notBefore: orUndefined(row.not_before),
    expiresAt: orUndefined(row.expires_at),
    maxRetries: orUndefined(row.max_retries),
    tags: toTags(row.tags),
  };
}

/** Ids in order: a page at a time where pages can be read, else one by one up to the last id that was given out. */
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

/** The last id that was given out, by whichever part of the file still tells. */
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
