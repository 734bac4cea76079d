/** The one writer of items: their target, entity, lane and place, the row itself, and the counts. */
import type { Entity } from '../../../nouns/item.js';
import type { LaneOrder } from '../../../nouns/target.js';
import { headEligibility, laneOf } from '../../../policy/lane.js';
import type { ArchivedItem } from '../../archive.js';
import type { Connection } from '../file/connection.js';
import { COMPLETED, ELIG, STATE_CODE } from '../sql/codes.js';
import { SHARED_LANE } from '../sql/lane-sql.js';
import { contentTypeOrNull, headersOrNull, orNull } from '../sql/rows.js';
import { nextInLane, takePlace } from './lanes.js';
import { Tally } from './tally.js';

const insertItem = (...columns: string[]): string =>
  `INSERT INTO item (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;

const COLUMNS =
  `idempotency_key created_at target_id entity_id lane elig not_before set_at asked_at expires_at max_retries
  method path operation content_type headers tags payload_sha256 payload`.split(/\s+/);
const PAST_COLUMNS =
  'id state state_at retry_count attempts review_group revision payload_bytes may_have_arrived touched'.split(' ');

/** New items bind no column that has its default: ten more cost 3 % of a bulk. */
const INSERT_NEW = insertItem(...COLUMNS);
const INSERT_WITH_PAST = insertItem(...COLUMNS, ...PAST_COLUMNS);

/** Cache limit per kind: a long stream must not use unbounded memory. */
const MOST_KNOWN = 100_000;

export interface TargetRef {
  id: number;
  order: LaneOrder;
}

export interface EntityRef {
  id: number;
  paused: boolean;
}

type Stored = Pick<
  ArchivedItem,
  | 'idempotencyKey'
  | 'createdAt'
  | 'notBefore'
  | 'askedAt'
  | 'expiresAt'
  | 'maxRetries'
  | 'method'
  | 'path'
  | 'operation'
  | 'contentType'
  | 'headers'
  | 'payload'
>;

/** `notBefore`: only a time that is still ahead. */
interface ItemRow extends Stored {
  target: TargetRef;
  entity: EntityRef | undefined;
  /** It was enqueued for a time of its own, so it need not wait in the lane of its target. */
  ownTime: boolean;
  tags: readonly string[];
  payloadSha256: Uint8Array | undefined;
}

/** What an item brings along from another queue. */
interface Past extends Pick<ArchivedItem, 'state' | 'stateAt' | 'retryCount' | 'revision' | 'mayHaveArrived'> {
  /** Undefined = the next one. */
  id: number | undefined;
  attempts: number;
  reviewGroup: number | undefined;
  /** Length of a payload, also of one that is gone. */
  payloadBytes: number | undefined;
  touched: boolean;
}

/** Writes items in one transaction. Caches look-ups, so that a bulk looks up each target, entity and lane once. */
export class ItemWriter {
  readonly tally = new Tally();
  readonly targets = new Map<string, TargetRef>();
  readonly #connection: Connection;
  readonly #now: number;
  readonly #entities = new Map<string, EntityRef>();
  readonly #busyLanes = new Set<string>();

  constructor(connection: Connection, now: number) {
    this.#connection = connection;
    this.#now = now;
  }

  target(name: string, implicitBaseUrl: string | undefined, order: LaneOrder): TargetRef {
    let target = this.targets.get(name);
    if (target === undefined) {
      target = ensureTarget(this.#connection, name, implicitBaseUrl, order, this.#now);
      this.targets.set(name, target);
    }
    return target;
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

  /** Id of the new item. Without a past it is pending. */
  insert(row: ItemRow, past?: Past): number {
    const { target, entity, notBefore, payload } = row;
    const { state = 'pending' } = past ?? {};
    const lane = orNull(laneOf(target.order, entity?.id, SHARED_LANE, row.ownTime));
    const isHead = STATE_CODE[state] < COMPLETED && this.#takePlace(target.id, lane);
    const waits = notBefore !== undefined;
    const elig = state === 'pending' && isHead ? ELIG[headEligibility(entity?.paused === true, waits)] : null;
    const columns = [
      row.idempotencyKey,
      row.createdAt,
      target.id,
      entity?.id ?? null,
      lane,
      elig,
      orNull(notBefore),
      waits ? this.#now : null,
      orNull(row.askedAt),
      orNull(row.expiresAt),
      orNull(row.maxRetries),
      row.method,
      row.path,
      row.operation,
      contentTypeOrNull(payload !== undefined || past?.payloadBytes !== undefined, row.contentType),
      headersOrNull(row.headers),
      row.tags.length === 0 ? null : JSON.stringify(row.tags),
      orNull(row.payloadSha256),
      orNull(payload),
    ];
    const { lastInsertRowid: id } =
      past === undefined
        ? this.#connection.run(INSERT_NEW, ...columns)
        : this.#connection.run(INSERT_WITH_PAST, ...columns, ...pastColumns(past, row));
    this.tally.move(target.id, undefined, { state, elig });
    return id;
  }

  /** After an unfinished item of the lane ended: the next one becomes its head. */
  leaveLane(target: number, lane: number): void {
    this.#busyLanes.delete(`${target}/${lane}`);
    nextInLane(this.#connection, this.tally, target, lane, this.#now);
  }

  /** Writes the counts; at the end of the transaction, and between the batches of a long one. */
  flush(): void {
    this.tally.flush(this.#connection);
  }

  #takePlace(target: number, lane: number | null): boolean {
    if (this.#busyLanes.size >= MOST_KNOWN) this.#busyLanes.clear();
    return takePlace(this.#connection, this.#busyLanes, target, lane);
  }
}

function pastColumns(past: Past, { createdAt, payload }: ItemRow): unknown[] {
  return [
    orNull(past.id),
    STATE_CODE[past.state],
    past.stateAt === createdAt ? null : past.stateAt,
    past.retryCount,
    past.attempts,
    orNull(past.reviewGroup),
    past.revision,
    payload === undefined ? orNull(past.payloadBytes) : null,
    orNull(past.mayHaveArrived),
    past.touched ? 1 : 0,
  ];
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
