/** Enqueues new items: the answer to a repeated key, and what becomes of an unsent write about the same (`--if-queued`). */
import { QueueError } from '../../../nouns/errors.js';
import { keyConflict, newIdempotencyKey } from '../../../input/key.js';
import { contentDigest } from '../../../input/content-digest.js';
import { STATES, type NewItem } from '../../../nouns/item.js';
import { decideIfQueued } from '../../../policy/if-queued.js';
import { stillAhead } from '../../../policy/lane.js';
import type { EnqueueResult, IfQueued, OnConflict } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { noteItem } from '../read/history.js';
import { findByKey } from '../read/known-keys.js';
import { COMPLETED, DISCARDED, PENDING } from '../sql/codes.js';
import { sha256 } from '../sql/payload-checksum.js';
import { ItemWriter, type EntityRef, type TargetRef } from './item-writer.js';

/** Enqueues items in one transaction. */
export class Enqueuer {
  readonly #connection: Connection;
  readonly #now: number;
  readonly #onConflict: OnConflict;
  readonly #writer: ItemWriter;

  constructor(connection: Connection, now: number, onConflict: OnConflict = refuseConflict) {
    this.#connection = connection;
    this.#writer = new ItemWriter(connection, now);
    this.#now = now;
    this.#onConflict = onConflict;
  }

  /** Undefined when the key belongs to other content and `onConflict` skipped the item; nothing is written then. */
  add(item: NewItem, ifQueued: IfQueued): EnqueueResult | undefined {
    const known = item.idempotencyKey === undefined ? undefined : this.#findDuplicate(item, item.idempotencyKey);
    if (known === 'other') return undefined;
    if (known !== undefined) return known;
    const target = this.#writer.target(item.target, item.implicitBaseUrl, 'entity');
    const entity = this.#writer.entity(item.entity);
    if (ifQueued === 'append' || entity === undefined) return this.#insert(item, target, entity, undefined);
    const unsent = this.#unsent(target.id, entity.id, item.operation);
    const isLastOfLane = (): boolean => unsent !== undefined && this.#isLastOfLane(target.id, unsent);
    const action = decideIfQueued(ifQueued, unsent === undefined ? undefined : { isLastOfLane });
    if (unsent === undefined || action === 'append') return this.#insert(item, target, entity, undefined);
    const { id, idempotency_key: idempotencyKey } = unsent;
    if (action === 'keep') return { id, idempotencyKey, state: 'pending', duplicate: true, replaced: undefined };
    this.#discard(target.id, unsent, item);
    return this.#insert(item, target, entity, id);
  }

  /** Writes the counts; call once, at the end of the transaction. */
  finish(): void {
    this.#writer.flush();
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
    const idempotencyKey = item.idempotencyKey ?? newIdempotencyKey(now);
    const { payload } = item;
    const id = this.#writer.insert({
      target,
      entity,
      ownTime: notBefore !== undefined,
      idempotencyKey,
      createdAt: now,
      notBefore,
      askedAt: asked,
      expiresAt: timeOf(item.expires, now),
      maxRetries: item.maxRetries,
      method: item.method,
      path: item.path,
      operation: item.operation,
      contentType: item.contentType,
      headers: item.headers,
      tags: item.tags,
      payload,
      payloadSha256: payload === undefined ? undefined : sha256(payload),
    });
    return { id, idempotencyKey, state: 'pending', duplicate: false, replaced };
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
  #unsent(target: number, entity: number, operation: string): UnsentRow | undefined {
    return this.#connection.get<UnsentRow>(
      `SELECT id, idempotency_key, lane, elig FROM item INDEXED BY item_entity
       WHERE entity_id = ? AND target_id = ? AND operation = ? AND state = ${PENDING} AND touched = 0
       ORDER BY id DESC LIMIT 1`,
      entity,
      target,
      operation,
    );
  }

  #isLastOfLane(target: number, { id, lane }: UnsentRow): boolean {
    const later = `SELECT 1 FROM item INDEXED BY item_lane WHERE target_id = ? AND lane = ? AND lane IS NOT NULL AND id > ?
      AND state < ${COMPLETED} LIMIT 1`;
    return lane === null || this.#connection.get(later, target, lane, id) === undefined;
  }

  #discard(target: number, { id, lane, elig }: UnsentRow, item: NewItem): void {
    this.#connection.run(`UPDATE item SET state = ${DISCARDED}, elig = NULL, state_at = ? WHERE id = ?`, this.#now, id);
    this.#writer.tally.move(target, { state: 'pending', elig }, { state: 'discarded', elig: null });
    if (lane !== null) this.#writer.leaveLane(target, lane);
    const by = { who: 'syncq', command: 'enqueue', reason: 'replaced by a newer write (--if-queued replace)' };
    noteItem({ connection: this.#connection, by, now: this.#now }, { id, target: item.target }, 'discarded');
  }
}

interface UnsentRow {
  id: number;
  idempotency_key: string;
  lane: number | null;
  elig: number | null;
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
