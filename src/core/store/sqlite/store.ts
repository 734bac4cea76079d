/** The SQLite store: opens the file and binds each method of the interface to the module that knows its statements. */
import type { Clock } from '../../nouns/clock.js';
import { QueueError } from '../../nouns/errors.js';
import type { Entity, ItemDetail, NewItem } from '../../nouns/item.js';
import type { AgeCount } from '../../policy/ages.js';
import type { TargetRow } from '../../nouns/target.js';
import type {
  Actor,
  ChangeReport,
  EnqueueResult,
  EraseReport,
  Filter,
  HistoryEntry,
  IfQueued,
  Leftovers,
  OnConflict,
  Page,
  PersonCommand,
  PruneReport,
  PruneRules,
  Revision,
  RunnerIdentity,
  RunnerInfo,
  Session,
  SettlePolicy,
  Store,
  Summary,
  Upcoming,
} from '../store.js';
import { readAges } from './ages.js';
import { SqliteArchive } from './archive.js';
import { watchChanges } from './changes.js';
import type { Connection } from './connection.js';
import { endWaitsFromTheFuture } from './due.js';
import { readRevisions } from './edit.js';
import { Enqueuer, findByKey } from './enqueue.js';
import { eraseEntity } from './erase.js';
import { emptyLog } from './forget.js';
import { appendHistory, readHistory } from './history.js';
import { acquireLock, type RunnerLock } from './lock.js';
import { removeFiles, upgradeCopies } from './migrate.js';
import type { OpenOptions } from './open-options.js';
import { openFile } from './open.js';
import { carryOut } from './person-commands.js';
import { countPrunable, pruneBatch } from './prune.js';
import { SELECT_TARGETS, toTarget, type TargetColumns } from './rows.js';
import { Reserve } from './reserve.js';
import { PENDING, REVIEW, SENDING } from './schema.js';
import { attentionPage, selectPage } from './select.js';
import { SqliteSession } from './session.js';
import { readDetails } from './summaries.js';
import { readLeftovers, readRunner, readSummary } from './summary.js';
import { CLOCK_SLACK_MS } from '../../policy/backoff.js';
import { Tally } from './tally.js';
import { readUpcoming } from './upcoming.js';
import { SENT_NOTHING } from '../../policy/outage.js';

/** Opens (and with mode `create` makes) the queue file. Errors as `openFile`. */
export function openSqliteStore(options: OpenOptions): Store {
  const { connection, dispose } = openFile(options);
  const reserve = new Reserve(options.path, options.freeSpace);
  if (options.mode !== 'read') reserve.ensure();
  return new SqliteStore(connection, options, reserve, dispose);
}

const WAS_SENT = `EXISTS (SELECT 1 FROM attempt WHERE attempt.item_id = item.id AND outcome NOT IN (${SENT_NOTHING.map((outcome) => `'${outcome}'`).join(', ')}))`;

/** Items of a target that were on the wire and are not at their end: being tried again, being sent, in review. */
const OPEN_ATTEMPTS = [
  `SELECT 1 FROM item INDEXED BY item_retrying WHERE state = ${PENDING} AND attempts > 0 AND target_id = ? AND ${WAS_SENT} LIMIT 1`,
  `SELECT 1 FROM item INDEXED BY item_sending WHERE state = ${SENDING} AND target_id = ? LIMIT 1`,
  `SELECT 1 FROM item INDEXED BY item_flagged WHERE state = ${REVIEW} AND attempts > 0 AND target_id = ? AND ${WAS_SENT} LIMIT 1`,
];

const NOTHING_STORED = 'nothing was stored';

/** What a batch takes on the disk, roughly: twice its payloads (log and file) and a page for each item. */
function bytesOf(items: readonly NewItem[]): number {
  return items.reduce((sum, { payload }) => sum + 2 * (payload?.length ?? 0) + 1024, 0);
}

class SqliteStore implements Store {
  readonly location: string;
  readonly archive: SqliteArchive;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #reserve: Reserve;
  readonly #dispose: () => void;
  #closed = false;
  /** Of the last session; given back when the store is closed without its end. */
  #lock: RunnerLock | undefined;

  constructor(connection: Connection, options: OpenOptions, reserve: Reserve, dispose: () => void) {
    this.#connection = connection;
    this.location = options.path;
    this.#clock = options.clock;
    this.#reserve = reserve;
    this.#dispose = dispose;
    this.archive = new SqliteArchive(connection, (bytes) => reserve.assertRoom(bytes, NOTHING_STORED));
  }

  async enqueue(
    items: readonly NewItem[],
    { now, ifQueued, onConflict }: { now: number; ifQueued: IfQueued; onConflict?: OnConflict | undefined },
  ): Promise<EnqueueResult[]> {
    this.#reserve.assertRoom(bytesOf(items), NOTHING_STORED);
    const results = await this.#connection.write(() => {
      const enqueuer = new Enqueuer(this.#connection, now, onConflict);
      const stored: EnqueueResult[] = [];
      for (const item of items) {
        const result = enqueuer.add(item, ifQueued);
        if (result !== undefined) stored.push(result);
      }
      enqueuer.finish();
      return stored;
    });
    this.#connection.assertSameFile();
    return results;
  }

  async bulk(
    batches: AsyncIterable<readonly NewItem[]>,
    { now, onConflict }: { now: () => number; onConflict?: OnConflict | undefined },
  ): Promise<{ firstId: number | undefined; lastId: number | undefined; count: number; duplicates: number }> {
    const result = await this.#bulkTransaction(batches, now, onConflict);
    this.#connection.assertSameFile();
    return result;
  }

  /** One transaction over all batches. Awaiting the input inside it is safe: nobody else uses this store meanwhile. */
  async #bulkTransaction(
    batches: AsyncIterable<readonly NewItem[]>,
    now: () => number,
    onConflict: OnConflict | undefined,
  ): ReturnType<SqliteStore['bulk']> {
    const transaction = await this.#connection.begin();
    let [firstId, lastId]: (number | undefined)[] = [];
    let [count, duplicates] = [0, 0];
    try {
      for await (const batch of batches) {
        this.#reserve.assertRoom(bytesOf(batch), NOTHING_STORED);
        const enqueuer = new Enqueuer(this.#connection, now(), onConflict);
        for (const item of batch) {
          const result = enqueuer.add(item, 'append');
          if (result === undefined) continue;
          firstId ??= result.id;
          lastId = result.id;
          count += 1;
          if (result.duplicate) duplicates += 1;
        }
        enqueuer.finish();
      }
      transaction.commit();
    } catch (error) {
      throw transaction.rollback(error);
    }
    return { firstId, lastId, count, duplicates };
  }

  readonly #makeRoom = (): boolean => this.#reserve.release();

  async targets(): Promise<readonly TargetRow[]> {
    return this.#connection.read(() => this.#connection.all<TargetColumns>(SELECT_TARGETS).map(toTarget));
  }

  async runner(): Promise<RunnerInfo | undefined> {
    return this.#connection.read(() => readRunner(this.#connection, this.location));
  }

  async acquire(
    who: RunnerIdentity,
    policy: SettlePolicy,
    now: number,
  ): Promise<Session | { heldBy: RunnerInfo | undefined }> {
    await this.#refuseCopy();
    const lock = acquireLock(this.location);
    if (lock === undefined) return { heldBy: await this.runner() };
    try {
      const epoch = await this.#connection.write(
        () => {
          const work = { connection: this.#connection, tally: new Tally(), now, runner: '' };
          endWaitsFromTheFuture(work, CLOCK_SLACK_MS);
          work.tally.flush(this.#connection);
          return this.#takeEpoch(who, now);
        },
        { onFull: this.#makeRoom },
      );
      this.#lock = lock;
      return new SqliteSession(this.#connection, { lock, reserve: this.#reserve }, epoch, who, policy);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  async #refuseCopy(): Promise<void> {
    const row = await this.#connection.read(() =>
      this.#connection.get<{ copy_of: string | null }>('SELECT copy_of FROM queue'),
    );
    if (row?.copy_of == null) return;
    throw new QueueError(
      'queue-is-copy',
      `${this.location} is a copy of ${row.copy_of}; nothing was sent, because the original may have sent these writes already`,
      {
        hint: 'if the original is gone for good: syncq doctor --adopt',
      },
    );
  }

  #takeEpoch(who: RunnerIdentity, now: number): number {
    const row = this.#connection.get<{ epoch: number }>(
      `INSERT INTO runner (one, epoch, kind, runner_id, pid, host, boot_id, since, seen_at) VALUES (1, 1, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (one) DO UPDATE SET epoch = epoch + 1, kind = excluded.kind, runner_id = excluded.runner_id,
       pid = excluded.pid, host = excluded.host, boot_id = excluded.boot_id, since = excluded.since,
       seen_at = excluded.seen_at RETURNING epoch`,
      who.kind,
      who.id,
      who.pid,
      who.host,
      who.bootId,
      now,
      now,
    );
    return row?.epoch ?? 1;
  }

  async leftovers(only: readonly string[] | undefined): Promise<Leftovers> {
    return this.#connection.read(() => readLeftovers(this.#connection, only));
  }

  async hasOpenAttempts(target: number): Promise<boolean> {
    return this.#connection.read(() => OPEN_ATTEMPTS.some((sql) => this.#connection.get(sql, target) !== undefined));
  }

  async change(command: PersonCommand, by: Actor, now: number): Promise<ChangeReport> {
    const report = await this.#connection.write(() => carryOut(this.#connection, command, by, now), {
      onFull: this.#makeRoom,
    });
    this.#connection.assertSameFile();
    return report;
  }

  async select(filter: Filter, page: { after: number | undefined; limit: number; now: number }): Promise<Page> {
    return this.#connection.read(() => selectPage(this.#connection, filter, page));
  }

  async attention({ limit, now }: { limit: number; now: number }): Promise<Page> {
    return this.#connection.read(() => attentionPage(this.#connection, limit, now));
  }

  async upcoming(targets: readonly number[], options: { limit: number; now: number }): Promise<Upcoming[]> {
    return this.#connection.read(() => readUpcoming(this.#connection, targets, options));
  }

  async get(ids: readonly number[], now: number): Promise<ItemDetail[]> {
    return this.#connection.read(() => readDetails(this.#connection, ids, now));
  }

  async findKey(key: string): Promise<number | undefined> {
    return this.#connection.read(() => findByKey(this.#connection, key)?.id);
  }

  async summary(now: number): Promise<Summary> {
    return this.#connection.read(() => readSummary(this.#connection, this.location, now));
  }

  async history(filter: {
    item: number | undefined;
    since: number | undefined;
    limit: number;
  }): Promise<HistoryEntry[]> {
    return this.#connection.read(() => readHistory(this.#connection, filter));
  }

  async revisions(id: number): Promise<Revision[]> {
    return this.#connection.read(() => readRevisions(this.#connection, id));
  }

  async ages(now: number): Promise<AgeCount[]> {
    return this.#connection.read(() => readAges(this.#connection, now));
  }

  async prune(
    rules: PruneRules,
    { limit, dryRun, now }: { limit: number; dryRun: boolean; now: number },
  ): Promise<PruneReport> {
    if (dryRun) return this.#connection.read(() => countPrunable(this.#connection, rules, limit));
    const report = await this.#connection.write(() => pruneBatch({ connection: this.#connection, rules, limit, now }), {
      onFull: this.#makeRoom,
    });
    if (!report.more) await emptyLog(this.#connection, this.#clock, 0);
    return report;
  }

  async lastPrune(): Promise<number | undefined> {
    const row = await this.#connection.read(() =>
      this.#connection.get<{ at: number | null }>('SELECT pruned_at AS at FROM queue'),
    );
    return row?.at ?? undefined;
  }

  async erase(entity: Entity, options: { dryRun: boolean; by: Actor; now: number }): Promise<EraseReport> {
    const copies = upgradeCopies(this.location);
    if (options.dryRun) {
      const report = await this.#connection.read(() => eraseEntity(this.#connection, entity, options));
      return { ...report, copies, cleared: true };
    }
    const report = await this.#connection.write(() => eraseEntity(this.#connection, entity, options), {
      onFull: this.#makeRoom,
    });
    removeFiles(copies);
    return { ...report, copies, cleared: await emptyLog(this.#connection, this.#clock) };
  }

  async record(entry: Omit<HistoryEntry, 'id'>): Promise<void> {
    await this.#connection.write(() => {
      appendHistory(this.#connection, entry);
    });
  }

  changes(signal: AbortSignal): AsyncIterable<void> {
    return watchChanges(this.#connection, this.#clock, signal);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#lock?.release();
    this.#connection.close();
    this.#dispose();
  }
}
