/** Stores new items: their target, entity, lane and place, the answer to a repeated key, and `--if-queued`. */
import { QueueError } from '../../../nouns/errors.js';
import { keyConflict, newIdempotencyKey } from '../../../input/key.js';
import { contentDigest } from '../../../input/content-digest.js';
import { STATES, type Entity, type NewItem } from '../../../nouns/item.js';
import type { LaneOrder } from '../../../nouns/target.js';
import { headEligibility, laneOf, stillAhead } from '../../../policy/lane.js';
import type { EnqueueResult, IfQueued, OnConflict } from '../../store.js';
import { sha256 } from '../sql/payload-checksum.js';
import type { Connection } from '../file/connection.js';
import { noteItem } from '../read/history.js';
import { SHARED_LANE } from '../sql/lane-sql.js';
import { nextInLane, takePlace } from './lanes.js';
import {
  orNull,
  contentTypeOf,
  contentTypeOrNull,
  headersOrNull,
  toEntity,
  toHeaders,
  type EntityColumns,
  type RequestColumns,
} from '../sql/rows.js';
import { COMPLETED, DISCARDED, ELIG, PENDING } from '../sql/codes.js';
import { Tally } from './tally.js';

const INSERT_ITEM = `INSERT INTO item (idempotency_key, created_at, target_id, entity_id, lane, elig, not_before, set_at,
  asked_at, expires_at, max_retries, method, path, operation, content_type, headers, tags, payload_sha256, payload)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export interface TargetRef {
  id: number;
  order: LaneOrder;
}

interface EntityRef {
  id: number;
  paused: boolean;
}

/** Cache limit per kind: a long stream must not use unbounded memory. */
const MOST_KNOWN = 100_000;

/** Caches the entities and lanes of new items in one transaction; each is looked up once. */
export class Places {
  readonly #connection: Connection;
  readonly #entities = new Map<string, EntityRef>();
  readonly #busyLanes = new Set<string>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  entity(named: Entity | undefined): EntityRef | undefined {
    if (named === undefined) return undefined;
    const name = `${named.type}/${named.id}`;
    let entity = this.#entities.get(name);
    if (entity === undefined) {
      entity = ensureEntity(this.#connection, named.type, named.id);
      if (this.#entities.size >= MOST_KNOWN) this.#entities.clear();
      this.#entities.set(name, entity);
    }
    return entity;
  }

  /** True when the new item is the first unfinished one of its lane. */
  take(target: number, lane: number | null): boolean {
    if (this.#busyLanes.size >= MOST_KNOWN) this.#busyLanes.clear();
    return takePlace(this.#connection, this.#busyLanes, target, lane);
  }

  free(target: number, lane: number): void {
    this.#busyLanes.delete(`${target}/${lane}`);
  }
}

/** Enqueues items in one transaction. Caches look-ups, so a bulk enqueue looks up each lane once. */
export class Enqueuer {
  readonly #connection: Connection;
  readonly #now: number;
  readonly #onConflict: OnConflict;
  readonly #tally = new Tally();
  readonly #targets = new Map<string, TargetRef>();
  readonly #places: Places;

  constructor(connection: Connection, now: number, onConflict: OnConflict = refuseConflict) {
    this.#connection = connection;
    this.#places = new Places(connection);
    this.#now = now;
    this.#onConflict = onConflict;
  }

  /** Undefined when the key belongs to other content and `onConflict` skipped the item; nothing is written then. */
  add(item: NewItem, ifQueued: IfQueued): EnqueueResult | undefined {
    const known = item.idempotencyKey === undefined ? undefined : this.#findDuplicate(item, item.idempotencyKey);
    if (known === 'other') return undefined;
    if (known !== undefined) return known;
    const target = this.#target(item);
    const entity = this.#places.entity(item.entity);
    if (ifQueued === 'append' || entity === undefined) return this.#insert(item, target, entity, undefined);
    const old = this.#unsent(target.id, entity.id, item.operation);
    if (old !== undefined && ifQueued === 'keep') return old;
    const replaced = old === undefined ? undefined : this.#discardLast(old.id, target.id, item);
    return this.#insert(item, target, entity, replaced);
  }

  /** Writes the counts; call once, at the end of the transaction. */
  finish(): void {
    this.#tally.flush(this.#connection);
  }

  #insert(
    item: NewItem,
    target: TargetRef,
    entity: EntityRef | undefined,
    replaced: number | undefined,
  ): EnqueueResult {
    const now = this.#now;
    const asked = timeOf(item.notBefore, now);
    const notBefore = stillAhead(asked, now);
    const waits = notBefore !== undefined;
    const lane = orNull(laneOf(target.order, entity?.id, SHARED_LANE, waits));
    const isHead = this.#places.take(target.id, lane);
    const elig = isHead ? ELIG[headEligibility(entity?.paused === true, waits)] : null;
    const idempotencyKey = item.idempotencyKey ?? newIdempotencyKey(now);
    const { payload } = item;
    const { lastInsertRowid: id } = this.#connection.run(
      INSERT_ITEM,
      idempotencyKey,
      now,
      target.id,
      entity?.id ?? null,
      lane,
      elig,
      orNull(notBefore),
      waits ? now : null,
      orNull(asked),
      orNull(timeOf(item.expires, now)),
      orNull(item.maxRetries),
      item.method,
      item.path,
      item.operation,
      contentTypeOrNull(payload !== undefined, item.contentType),
      headersOrNull(item.headers),
      item.tags.length === 0 ? null : JSON.stringify(item.tags),
      payload === undefined ? null : sha256(payload),
      orNull(payload),
    );
    this.#tally.move(target.id, undefined, { state: 'pending', elig });
    return { id, idempotencyKey, state: 'pending', duplicate: false, replaced };
  }

  #target(item: NewItem): TargetRef {
    let target = this.#targets.get(item.target);
    if (target !== undefined) return target;
    target = ensureTarget(this.#connection, item.target, item.implicitBaseUrl, 'entity', this.#now);
    this.#targets.set(item.target, target);
    return target;
  }

  #findDuplicate(item: NewItem, key: string): EnqueueResult | 'other' | undefined {
    const found = findByKey(this.#connection, key);
    if (found === undefined) return undefined;
    if (found.digest !== undefined && !Buffer.from(contentDigest(item)).equals(found.digest)) {
      this.#onConflict(item, found.id);
      return 'other';
    }
    return {
      id: found.id,
      idempotencyKey: key,
      state: STATES[found.state] ?? 'pending',
      duplicate: true,
      replaced: undefined,
    };
  }

  /**
   * The latest item of the same target, entity and operation that was never claimed, neither here nor in a queue it
   * came from.
   */
  #unsent(target: number, entity: number, operation: string): EnqueueResult | undefined {
    const row = this.#connection.get<{ id: number; idempotency_key: string }>(
      `SELECT id, idempotency_key FROM item INDEXED BY item_entity
       WHERE entity_id = ? AND target_id = ? AND operation = ? AND state = ${PENDING} AND touched = 0
       ORDER BY id DESC LIMIT 1`,
      entity,
      target,
      operation,
    );
    if (row === undefined) return undefined;
    return { id: row.id, idempotencyKey: row.idempotency_key, state: 'pending', duplicate: true, replaced: undefined };
  }

  /**
   * Discards the old item when it is the last of its lane: an update that another write follows must stay before it.
   * Undefined when it has to stay.
   */
  #discardLast(old: number, target: number, item: NewItem): number | undefined {
    const row = this.#connection.get<{ lane: number | null; elig: number | null }>(
      'SELECT lane, elig FROM item WHERE id = ?',
      old,
    );
    if (row === undefined) return undefined;
    if (row.lane !== null) {
      const later = this.#connection.get(
        `SELECT 1 FROM item INDEXED BY item_lane WHERE target_id = ? AND lane = ? AND lane IS NOT NULL AND id > ?
         AND state < ${COMPLETED} LIMIT 1`,
        target,
        row.lane,
        old,
      );
      if (later !== undefined) return undefined;
    }
    this.#connection.run(
      `UPDATE item SET state = ${DISCARDED}, elig = NULL, state_at = ? WHERE id = ?`,
      this.#now,
      old,
    );
    this.#tally.move(target, { state: 'pending', elig: row.elig }, { state: 'discarded', elig: null });
    if (row.lane !== null) {
      this.#places.free(target, row.lane);
      nextInLane(this.#connection, this.#tally, target, row.lane, this.#now);
    }
    const by = { who: 'syncq', command: 'enqueue', reason: 'replaced by a newer write (--if-queued replace)' };
    noteItem({ connection: this.#connection, by, now: this.#now }, { id: old, target: item.target }, 'discarded');
    return old;
  }
}

/** @throws {QueueError} key-conflict */
function refuseConflict(item: NewItem, owner: number): never {
  const { code, message, hint = '' } = keyConflict(item, owner);
  throw new QueueError(code, `${message}; nothing was stored`, { hint });
}

function timeOf(time: NewItem['notBefore'], now: number): number | undefined {
  if (time === undefined) return undefined;
  return 'at' in time ? time.at : now + time.delayMs;
}

/** The target of this name, made when the queue does not know it yet. */
export function ensureTarget(
  connection: Connection,
  name: string,
  implicitBaseUrl: string | undefined,
  order: LaneOrder,
  now: number,
): TargetRef {
  const found = connection.get<{ id: number; lane_order: LaneOrder }>(
    'SELECT id, lane_order FROM target WHERE name = ?',
    name,
  );
  if (found !== undefined) return { id: found.id, order: found.lane_order };
  const { lastInsertRowid: id } = connection.run(
    'INSERT INTO target (name, implicit_base_url, lane_order, since) VALUES (?, ?, ?, ?)',
    name,
    orNull(implicitBaseUrl),
    order,
    now,
  );
  connection.run('INSERT INTO tally (target_id) VALUES (?)', id);
  return { id, order };
}

function ensureEntity(connection: Connection, type: string, key: string): EntityRef {
  const found = connection.get<{ id: number; paused_at: number | null }>(
    'SELECT id, paused_at FROM entity WHERE type = ? AND key = ?',
    type,
    key,
  );
  if (found !== undefined) return { id: found.id, paused: found.paused_at !== null };
  return {
    id: connection.run('INSERT INTO entity (type, key) VALUES (?, ?)', type, key).lastInsertRowid,
    paused: false,
  };
}

interface FoundKey {
  id: number;
  state: number;
  /** Digest of the content; undefined where the bytes are gone and no digest was kept. */
  digest: Buffer | undefined;
}

interface KeyColumns extends Omit<RequestColumns, 'idempotency_key'>, EntityColumns {
  id: number;
  state: number;
  target: string;
  payload_sha256: Buffer | null;
  operation: string;
}

const SELECT_CONTENT = (content: string, from: string): string => `SELECT item.id, item.state, target.name AS target,
  item.method, ${content}, item.payload_bytes, entity.type AS entity_type,
  entity.key AS entity_key, item.operation
  FROM ${from} JOIN target ON target.id = item.target_id LEFT JOIN entity ON entity.id = item.entity_id`;

const BY_KEY = `${SELECT_CONTENT('item.path, item.headers, item.content_type, item.payload, item.payload_sha256', 'item')}
  WHERE item.idempotency_key = ?`;
const BY_OLD_KEY = `${SELECT_CONTENT(
  'revision.path, revision.headers, revision.content_type, revision.payload, revision.payload_sha256',
  'revision JOIN item ON item.id = revision.item_id',
)} WHERE revision.idempotency_key = ?`;

/** The item with this key, also when it was edited or pruned since. */
export function findByKey(connection: Connection, key: string): FoundKey | undefined {
  const row = connection.get<KeyColumns>(BY_KEY, key) ?? connection.get<KeyColumns>(BY_OLD_KEY, key);
  if (row === undefined) {
    const pruned = connection.get<{ id: number; state: number; content_sha256: Buffer | null }>(
      'SELECT id, state, content_sha256 FROM pruned WHERE idempotency_key = ?',
      key,
    );
    return pruned === undefined
      ? undefined
      : { id: pruned.id, state: pruned.state, digest: pruned.content_sha256 ?? undefined };
  }
  return { id: row.id, state: row.state, digest: digestOf(row) };
}

/** For an item without bytes, the stored checksum represents them. */
function digestOf(row: KeyColumns): Buffer {
  const payloadGone = row.payload === null && row.payload_bytes !== null;
  return contentDigest({
    target: row.target,
    method: row.method as NewItem['method'],
    path: row.path,
    headers: toHeaders(row.headers),
    contentType: contentTypeOf(row),
    entity: toEntity(row),
    operation: row.operation,
    ...(payloadGone ? { payloadSha256: row.payload_sha256?.toString('hex') } : { payload: row.payload ?? undefined }),
  });
}
