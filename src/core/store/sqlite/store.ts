/** The SQLite store: opens the file and binds each method of the interface to the module that knows its statements. */
import type { Clock } from '../../nouns/clock.js';
import { QueueError } from '../../nouns/errors.js';
import type { NewItem } from '../../nouns/item.js';
import { CLOCK_SLACK_MS } from '../../policy/backoff.js';
import type { RunnerIdentity, Store } from '../store.js';
import { readAges } from './read/ages.js';
import { sqliteArchive } from './archive.js';
import { watchChanges } from './read/changes.js';
import { PENDING, REVIEW, SENDING } from './sql/codes.js';
import type { Connection } from './file/connection.js';
import { endWaitsFromTheFuture } from './write/waits-and-deadlines.js';
import { readRevisions } from './write/edit.js';
import { readPruned } from './read/pruned.js';
import { findByKey } from './read/known-keys.js';
import { Enqueuer } from './write/enqueue.js';
import { eraseEntity } from './write/erase.js';
import { emptyLog } from './write/forget.js';
import { appendHistory, readHistory } from './read/history.js';
import { acquireLock, isLocked, type RunnerLock } from './file/lock.js';
import { removeFiles, upgradeCopies } from './file/migrate.js';
import type { OpenOptions } from './file/open-options.js';
import { openFile } from './file/open.js';
import { carryOut } from './write/person-commands.js';
import { SENT_NOTHING } from '../../policy/outage.js';
import { countPrunable, pruneBatch } from './write/prune.js';
import { Reserve } from './file/reserve.js';
import { SELECT_TARGETS, toTarget, type TargetColumns } from './sql/rows.js';
import { attentionPage, selectPage } from './read/select.js';
import { SqliteSession } from './write/session.js';
import { readDetails } from './read/items.js';
import { readLeftovers, readRunner, readSummary } from './read/status.js';
import { Tally } from './write/tally.js';
import { readUpcoming } from './read/upcoming.js';

/** Opens (and with mode `create` makes) the queue file. Errors as `openFile`. */
export function openSqliteStore(options: OpenOptions): Store {
  const connection = openFile(options);
  const reserve = new Reserve(options.path, options.freeSpace);
  if (options.mode !== 'read') reserve.ensure();
  const parts: Parts = { connection, reserve, location: options.path, lock: undefined };
  return {
    location: options.path,
    archive: sqliteArchive(connection, options.clock, (bytes) => reserve.assertRoom(bytes, NOTHING_STORED)),
    ...queueReader(connection, options.path),
    ...itemWriter(parts),
    ...itemRemover(parts, options.clock),
    acquire: (...asked) => acquire(parts, ...asked),
    changes: (signal) => watchChanges(connection, options.clock, signal),
    close: async () => {
      parts.lock?.release();
      connection.close();
    },
  };
}

interface Parts {
  connection: Connection;
  reserve: Reserve;
  location: string;
  /** Of the last session; given back when the store is closed before the session ends. */
  lock: RunnerLock | undefined;
}

/** True for an attempt that may have sent something: an attempt without a connection, or without one to trust, did not. */
const WAS_SENT = `EXISTS (SELECT 1 FROM attempt WHERE attempt.item_id = item.id AND outcome NOT IN (${SENT_NOTHING.map((outcome) => `'${outcome}'`).join(', ')}))`;

/** Items of a target that were on the wire and are not finished: retrying, being sent, in review. */
const OPEN_ATTEMPTS = [
  `SELECT 1 FROM item INDEXED BY item_retrying WHERE state = ${PENDING} AND attempts > 0 AND target_id = ? AND ${WAS_SENT} LIMIT 1`,
  `SELECT 1 FROM item INDEXED BY item_sending WHERE state = ${SENDING} AND target_id = ? LIMIT 1`,
  `SELECT 1 FROM item INDEXED BY item_flagged WHERE state = ${REVIEW} AND attempts > 0 AND target_id = ? AND ${WAS_SENT} LIMIT 1`,
];

const NOTHING_STORED = 'nothing was stored';

/** Estimate of what a batch takes on the disk: twice its payloads (log and file) and 1 KiB for each item. */
function bytesOf(items: readonly NewItem[]): number {
  return items.reduce((sum, { payload }) => sum + 2 * (payload?.length ?? 0) + 1024, 0);
}

type Reader = Pick<
  Store,
  | 'targets'
  | 'runner'
  | 'leftovers'
  | 'hasOpenAttempts'
  | 'select'
  | 'attention'
  | 'upcoming'
  | 'get'
  | 'pruned'
  | 'findKey'
  | 'summary'
  | 'history'
  | 'revisions'
  | 'ages'
  | 'lastPrune'
>;

function queueReader(connection: Connection, location: string): Reader {
  const read = <T>(body: () => T): Promise<T> => connection.read(body);
  const hasRunner = (): boolean => isLocked(location);
  return {
    targets: () => read(() => connection.all<TargetColumns>(SELECT_TARGETS).map(toTarget)),
    runner: () => read(() => readRunner(connection, hasRunner)),
    leftovers: (only) => read(() => readLeftovers(connection, only)),
    hasOpenAttempts: (target) => read(() => OPEN_ATTEMPTS.some((sql) => connection.get(sql, target) !== undefined)),
    select: (filter, page) => read(() => selectPage(connection, filter, page, { now: page.now, hasRunner })),
    attention: ({ limit, now }) => read(() => attentionPage(connection, limit, { now, hasRunner })),
    upcoming: (targets, options) => read(() => readUpcoming(connection, targets, options)),
    get: (ids, now) => read(() => readDetails(connection, ids, { now, hasRunner })),
    pruned: (ids) => read(() => readPruned(connection, ids)),
    findKey: (key) => read(() => findByKey(connection, key)?.id),
    summary: (now) => read(() => readSummary(connection, { now, hasRunner })),
    history: (filter) => read(() => readHistory(connection, filter)),
    revisions: (id) => read(() => readRevisions(connection, id)),
    ages: (now) => read(() => readAges(connection, now)),
    lastPrune: () =>
      read(() => connection.get<{ at: number | null }>('SELECT pruned_at AS at FROM queue')?.at ?? undefined),
  };
}

function itemWriter(parts: Parts): Pick<Store, 'enqueue' | 'bulk' | 'change' | 'record'> {
  const { connection, reserve } = parts;
  return {
    enqueue: async (items, { now, ifQueued, onConflict }) => {
      reserve.assertRoom(bytesOf(items), NOTHING_STORED);
      const results = await connection.write(() => {
        const enqueuer = new Enqueuer(connection, now, onConflict);
        const stored = items.flatMap((item) => enqueuer.add(item, ifQueued) ?? []);
        enqueuer.finish();
        return stored;
      });
      connection.assertSameFile();
      return results;
    },
    bulk: async (batches, options) => {
      const result = await bulk(parts, batches, options);
      connection.assertSameFile();
      return result;
    },
    change: async (command, by, now) => {
      const report = await connection.write(() => carryOut(connection, command, by, now), {
        onFull: () => reserve.release(),
      });
      connection.assertSameFile();
      return report;
    },
    record: (entry) => connection.write(() => appendHistory(connection, entry)),
  };
}

/** One transaction over all batches. Awaiting the input inside it is safe: nobody else uses this store meanwhile. */
async function bulk(
  { connection, reserve }: Parts,
  ...[batches, { now, onConflict }]: Parameters<Store['bulk']>
): ReturnType<Store['bulk']> {
  const transaction = await connection.begin();
  let [firstId, lastId]: (number | undefined)[] = [];
  let [count, duplicates] = [0, 0];
  try {
    for await (const batch of batches) {
      reserve.assertRoom(bytesOf(batch), NOTHING_STORED);
      const enqueuer = new Enqueuer(connection, now(), onConflict);
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

function itemRemover({ connection, reserve, location }: Parts, clock: Clock): Pick<Store, 'prune' | 'erase'> {
  const onFull = (): boolean => reserve.release();
  return {
    prune: async (rules, { limit, dryRun, now }) => {
      if (dryRun) return connection.read(() => countPrunable(connection, rules, limit));
      const report = await connection.write(() => pruneBatch({ connection, rules, limit, now }), { onFull });
      if (!report.more) await emptyLog(connection, clock, 0);
      return report;
    },
    erase: async (entity, options) => {
      const copies = upgradeCopies(location);
      if (options.dryRun) {
        const report = await connection.read(() => eraseEntity(connection, entity, options));
        return { ...report, copies, cleared: true };
      }
      const report = await connection.write(() => eraseEntity(connection, entity, options), { onFull });
      removeFiles(copies);
      return { ...report, copies, cleared: await emptyLog(connection, clock) };
    },
  };
}

async function acquire(
  parts: Parts,
  ...[who, policy, now]: Parameters<Store['acquire']>
): ReturnType<Store['acquire']> {
  const { connection, reserve, location } = parts;
  await refuseCopy(connection, location);
  const lock = acquireLock(location);
  if (lock === undefined)
    return { heldBy: await connection.read(() => readRunner(connection, () => isLocked(location))) };
  try {
    const epoch = await connection.write(
      () => {
        const work = { connection, tally: new Tally(), now, runner: '' };
        endWaitsFromTheFuture(work, CLOCK_SLACK_MS);
        work.tally.flush(connection);
        return takeEpoch(connection, who, now);
      },
      { onFull: () => reserve.release() },
    );
    parts.lock = lock;
    return new SqliteSession(connection, { lock, reserve }, epoch, who, policy);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function refuseCopy(connection: Connection, location: string): Promise<void> {
  const row = await connection.read(() => connection.get<{ copy_of: string | null }>('SELECT copy_of FROM queue'));
  if (row?.copy_of == null) return;
  throw new QueueError(
    'queue-is-copy',
    `${location} is a copy of ${row.copy_of}; nothing was sent, because the original may have sent these writes already`,
    { hint: 'if the original is gone for good: syncq doctor --adopt' },
  );
}

function takeEpoch(connection: Connection, who: RunnerIdentity, now: number): number {
  const row = connection.get<{ epoch: number }>(
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
