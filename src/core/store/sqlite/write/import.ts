/** Stores items from another queue with their key, order, ledger, revisions and history. */
import { QueueError } from '../../../nouns/errors.js';
import { contentDigest } from '../../../input/content-digest.js';
import type { Attempt } from '../../../nouns/item.js';
import { CUT_OFF, standingOf } from '../../../policy/imported-item.js';
import { stillAhead } from '../../../policy/lane.js';
import type { ArchivedItem, ArchivedRevision, StoreOptions, StoreReport } from '../../archive.js';
import { COMPLETED, STATE_CODE } from '../sql/codes.js';
import type { Connection } from '../file/connection.js';
import { appendHistory } from '../read/history.js';
import { findByKey } from '../read/known-keys.js';
import { keyOfRecipient, readRecipients } from '../read/recipients.js';
import { ItemWriter, type TargetRef } from './item-writer.js';
import { joinGroup } from './review-groups.js';
import { contentTypeOrNull, headersOrNull, orNull } from '../sql/rows.js';

/** Attempt ids of another queue have no meaning here: 0 is before all of them. */
const INSERT_ATTEMPT = `INSERT INTO attempt (item_id, number, attempt, started_at, duration_ms, outcome, counted, status,
  message, runner, redirected_to, response_headers, response_complete, response_body)
  VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const INSERT_REVISION = `INSERT INTO revision (item_id, number, at, who, reason, attempts, idempotency_key, path,
  content_type, headers, payload_sha256, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/**
 * One transaction over all batches. Awaiting the input inside it is safe, because nobody else uses this store
 * meanwhile.
 */
export async function importItems(
  connection: Connection,
  batches: AsyncIterable<readonly ArchivedItem[]>,
  options: StoreOptions,
  assertRoom: (bytes: number) => void,
): Promise<StoreReport> {
  const transaction = await connection.begin();
  try {
    const importer = new Importer(connection, options);
    for await (const batch of batches) {
      assertRoom(batch.reduce((sum, item) => sum + 2 * (item.payload?.length ?? 0) + 2048, 0));
      for (const item of batch) importer.add(item);
      importer.flush();
    }
    const report = importer.finish();
    options.beforeCommit?.();
    transaction.commit();
    connection.assertSameFile();
    return report;
  } catch (error) {
    throw transaction.rollback(error);
  }
}

class Importer {
  readonly #connection: Connection;
  readonly #options: StoreOptions;
  readonly #writer: ItemWriter;
  /** A queue that never held an item keeps the imported ids, so that "item 1041" means the same in both. */
  readonly #keepsIds: boolean;
  /** Items from this id on came with this import. */
  #firstNew = Infinity;
  readonly #report = {
    firstId: undefined as number | undefined,
    lastId: undefined as number | undefined,
    count: 0,
    duplicates: 0,
  };

  constructor(connection: Connection, options: StoreOptions) {
    this.#connection = connection;
    this.#writer = new ItemWriter(connection, options.now);
    this.#options = options;
    this.#keepsIds = connection.get(`SELECT 1 FROM sqlite_sequence WHERE name = 'item' AND seq > 0`) === undefined;
  }

  add(item: ArchivedItem): void {
    const id = this.#known(item) ?? this.#insert(item);
    this.#report.firstId ??= id;
    this.#report.lastId = id;
    this.#report.count += 1;
  }

  flush(): void {
    this.#writer.flush();
  }

  finish(): StoreReport {
    const { pause, by, now, detail, recipients } = this.#options;
    const { count, duplicates } = this.#report;
    const paused = pause === undefined ? [] : this.#pause(pause);
    if (count > duplicates || this.#bringsRecipients()) {
      appendHistory(this.#connection, {
        at: now,
        item: undefined,
        target: undefined,
        who: by.who,
        command: by.command,
        event: 'imported',
        reason: by.reason,
        detail: { ...detail, items: count - duplicates, ...(recipients === undefined ? {} : { recipients }) },
      });
    }
    return { ...this.#report, paused };
  }

  /** A later bundle of the same items may name another server that has them. */
  #bringsRecipients(): boolean {
    const { recipients = [] } = this.#options;
    if (recipients.length === 0) return false;
    const known = new Set(readRecipients(this.#connection).map(keyOfRecipient));
    return recipients.some((one) => !known.has(keyOfRecipient(one)));
  }

  #pause(reason: string): string[] {
    const { by, now } = this.#options;
    for (const [name, { id }] of this.#writer.targets) {
      const { changes } = this.#connection.run(
        'UPDATE target SET paused_at = ?, paused_until = NULL, paused_reason = ?, paused_by = ? WHERE id = ? AND paused_at IS NULL',
        now,
        reason,
        by.who,
        id,
      );
      if (changes === 0) continue;
      appendHistory(this.#connection, {
        at: now,
        item: undefined,
        target: name,
        who: by.who,
        command: by.command,
        event: 'paused',
        reason,
        detail: undefined,
      });
    }
    return [...this.#writer.targets.keys()];
  }

  /** Id of the item that already has this key here. */
  #known(item: ArchivedItem): number | undefined {
    const found = findByKey(this.#connection, item.idempotencyKey);
    if (found === undefined) return undefined;
    const isOther = found.digest !== undefined && !contentDigest(item).equals(found.digest);
    // Two items of one queue never have one key.
    if (isOther || (item.id > 0 && found.id >= this.#firstNew))
      throw this.#conflict(item, item.idempotencyKey, found.id);
    // Its target counts as imported, so --as-paused pauses it also when the import is repeated.
    this.#target(item.target);
    this.#report.duplicates += 1;
    return found.id;
  }

  #conflict(item: ArchivedItem, key: string, owner: number): QueueError {
    const what = item.id === 0 ? 'a row' : `item ${item.id}`;
    const message = `${what} of the file has, or had, the key ${key}`;
    return owner >= this.#firstNew
      ? new QueueError('bad-item', `${message}, as another of its items; nothing was stored`)
      : new QueueError(
          'key-conflict',
          `${message}, which belongs to item ${owner} here, with other content; nothing was stored`,
          {
            hint: `look at it with: syncq inspect ${owner}; another file (say, redacted with another key) goes into another queue`,
          },
        );
  }

  #insert(item: ArchivedItem): number {
    const target = this.#target(item.target);
    const { state, review } = standingOf(item);
    const copied = this.#options.areCopies === true ? 0 : undefined;
    const mayHaveArrived = STATE_CODE[state] < COMPLETED ? (item.mayHaveArrived ?? copied) : undefined;
    const reviewGroup =
      review === undefined
        ? undefined
        : joinGroup(this.#connection, {
            target: target.id,
            operation: item.operation,
            mayHaveArrived: mayHaveArrived !== undefined,
            ...review,
          });
    const id = this.#writer.insert(
      {
        ...item,
        target,
        entity: this.#writer.entity(item.entity),
        ownTime: item.ownLane && item.askedAt !== undefined,
        notBefore: state === 'pending' ? stillAhead(item.notBefore, this.#options.now) : undefined,
        payloadSha256: item.payloadSha256 === undefined ? undefined : Buffer.from(item.payloadSha256, 'hex'),
      },
      {
        id: this.#keepsIds && item.id > 0 ? item.id : undefined,
        state,
        stateAt: item.stateAt,
        retryCount: item.retryCount,
        attempts: item.attemptCount,
        reviewGroup,
        revision: item.revision,
        payloadBytes: item.payloadBytes,
        mayHaveArrived,
        touched: mayHaveArrived !== undefined || item.attemptCount > 0,
      },
    );
    this.#firstNew = Math.min(this.#firstNew, id);
    if (state === 'completed') this.#writer.tally.completed(target.id, item.stateAt);
    this.#addPast(id, item);
    return id;
  }

  #addPast(id: number, item: ArchivedItem): void {
    for (const attempt of item.attempts) this.#connection.run(INSERT_ATTEMPT, id, ...attemptColumns(attempt));
    for (const revision of item.revisions) {
      const owner = findByKey(this.#connection, revision.idempotencyKey);
      if (owner !== undefined) throw this.#conflict(item, revision.idempotencyKey, owner.id);
      this.#connection.run(INSERT_REVISION, id, ...revisionColumns(revision));
    }
    for (const event of item.history) appendHistory(this.#connection, { ...event, item: id, target: item.target });
  }

  #target(name: string): TargetRef {
    const known = this.#writer.targets.get(name);
    if (known !== undefined) return known;
    const facts = this.#options.targets.find((candidate) => candidate.name === name);
    const target = this.#writer.target(name, facts?.implicitBaseUrl, facts?.order ?? 'entity');
    // Items that were sent to one server must not go to another just because they moved to this queue.
    this.#connection.run(
      'UPDATE target SET bound_to = ? WHERE id = ? AND bound_to IS NULL',
      orNull(facts?.boundTo),
      target.id,
    );
    return target;
  }
}

function attemptColumns(attempt: Attempt): unknown[] {
  const { response } = attempt;
  const ended = attempt.outcome !== undefined;
  return [
    attempt.number,
    attempt.startedAt,
    attempt.durationMs ?? 0,
    attempt.outcome ?? 'unknown',
    attempt.counted ? 1 : 0,
    orNull(attempt.status),
    ended ? orNull(attempt.message) : CUT_OFF,
    attempt.runner,
    orNull(attempt.url),
    response === undefined ? null : JSON.stringify(response.headers),
    response === undefined ? null : Number(response.complete),
    response === undefined || response.body.length === 0 ? null : response.body,
  ];
}

function revisionColumns(revision: ArchivedRevision): unknown[] {
  return [
    revision.number,
    revision.at,
    revision.who,
    orNull(revision.reason),
    revision.attempts,
    revision.idempotencyKey,
    revision.path,
    contentTypeOrNull(revision.payload !== undefined, revision.contentType),
    headersOrNull(revision.headers),
    revision.payloadSha256 === undefined ? null : Buffer.from(revision.payloadSha256, 'hex'),
    orNull(revision.payload),
  ];
}
