/** The facts behind `status`, from counters and first entries of indexes: the cost grows with targets, not with items. */
import type { LastRun, Leftovers, PausedEntity, ReviewGroup, RunnerInfo, Summary, TargetSummary } from '../store.js';
import type { Connection } from './connection.js';
import { nextDueOf } from './due.js';
import { isLocked } from './lock.js';
import { orUndefined, SELECT_TARGETS, toRunner, toTarget, type RunnerColumns, type TargetColumns } from './rows.js';
import { ELIG, PENDING, REVIEW } from './schema.js';

/** Heads whose wait is over but which nobody promoted yet are counted one by one, up to this many per target. */
const DUE_COUNT_CAP = 10_000;
/** What is blocked behind review is counted one by one up to this many, among this many review items per target. */
const BLOCKED_COUNT_CAP = 10_000;
const REVIEW_COUNT_CAP = 1000;

interface TallyColumns {
  target_id: number;
  pending: number;
  sending: number;
  review: number;
  completed: number;
  discarded: number;
  ready: number;
  waiting: number;
  paused: number;
  last_completed_at: number | null;
}

export function readSummary(connection: Connection, queuePath: string, now: number): Summary {
  const meta = connection.get<{ default_name: string | null; copy_of: string | null }>(
    'SELECT target.name AS default_name, queue.copy_of FROM queue LEFT JOIN target ON target.id = queue.default_target',
  );
  return {
    targets: readTargetSummaries(connection, now),
    defaultTarget: orUndefined(meta?.default_name ?? null),
    copyOf: orUndefined(meta?.copy_of ?? null),
    oldestPendingAt: connection.get<{ at: number }>(
      `SELECT max(created_at, ifnull(asked_at, 0)) AS at FROM item INDEXED BY item_open WHERE state < ${REVIEW}
       ORDER BY max(created_at, ifnull(asked_at, 0)) LIMIT 1`,
    )?.at,
    reviewGroups: readGroups(connection),
    pausedEntities: readPausedEntities(connection),
    runner: readRunner(connection, queuePath),
    lastRun: readLastRun(connection),
  };
}

function readTargetSummaries(connection: Connection, now: number): TargetSummary[] {
  const tallies = new Map(connection.all<TallyColumns>('SELECT * FROM tally').map((row) => [row.target_id, row]));
  return connection.all<TargetColumns>(SELECT_TARGETS).flatMap((columns) => {
    const tally = tallies.get(columns.id);
    if (tally === undefined) return [];
    const waits = tally.waiting > 0;
    return [
      {
        row: toTarget(columns),
        pending: tally.pending,
        sending: tally.sending,
        review: tally.review,
        completed: tally.completed,
        discarded: tally.discarded,
        ready: tally.ready,
        waiting: tally.waiting,
        dueWaiting: waits ? dueWaiting(connection, columns.id, now) : 0,
        pausedHeads: tally.paused,
        behindReview: behindReview(connection, tally),
        nextDueAt: waits ? nextDueOf(connection, columns.id) : undefined,
        lastCompletedAt: orUndefined(tally.last_completed_at),
      },
    ];
  });
}

function dueWaiting(connection: Connection, target: number, now: number): number {
  const row = connection.get<{ n: number }>(
    `SELECT count(*) AS n FROM (SELECT 1 FROM item INDEXED BY item_wait WHERE target_id = ? AND elig = ${ELIG.waiting}
     AND not_before <= ? LIMIT ${DUE_COUNT_CAP})`,
    target,
    now,
  );
  return row?.n ?? 0;
}

/** Past the caps, whatever is blocked counts. */
function behindReview(connection: Connection, tally: TallyColumns): number {
  const { target_id: target, pending, sending, review, ready, waiting, paused } = tally;
  const heads = ready + waiting + paused;
  const blocked = pending - heads;
  if (review === 0 || blocked === 0) return 0;
  // Without another head there is nothing else to be blocked by.
  if (heads + sending === 0 || review > REVIEW_COUNT_CAP) return blocked;
  const { n = 0 } =
    connection.get<{ n: number }>(
      `SELECT count(*) AS n FROM (SELECT 1 FROM review_group JOIN item AS head INDEXED BY item_review
       ON head.state = ${REVIEW} AND head.review_group = review_group.id
       JOIN item AS later INDEXED BY item_lane ON later.target_id = head.target_id AND later.lane = head.lane
       AND later.lane IS NOT NULL AND later.state < 3 AND later.state = ${PENDING} AND later.id > head.id
       WHERE review_group.target_id = ? AND NOT EXISTS (SELECT 1 FROM item AS earlier INDEXED BY item_lane
       WHERE earlier.target_id = head.target_id AND earlier.lane = head.lane AND earlier.lane IS NOT NULL
       AND earlier.state < 3 AND earlier.id < head.id) LIMIT ?)`,
      target,
      BLOCKED_COUNT_CAP,
    ) ?? {};
  return n < BLOCKED_COUNT_CAP ? n : blocked;
}

/** @param condition on review_group, for a selection of groups */
export function readGroups(connection: Connection): ReviewGroup[] {
  return connection
    .all<{
      id: number;
      target: string;
      reason: ReviewGroup['reason'];
      status: number;
      operation: string;
      items: number;
      message: string;
      may_have_arrived: number | null;
    }>(
      `SELECT review_group.id, target.name AS target, review_group.reason, status, operation, items, message,
         review_group.may_have_arrived AS may_have_arrived FROM review_group JOIN target ON target.id = review_group.target_id WHERE items > 0 ORDER BY items DESC, review_group.id`,
    )
    .map((row) => ({
      target: row.target,
      reason: row.reason,
      status: row.status,
      operation: row.operation,
      count: row.items,
      firstId: firstOfGroup(connection, row.id),
      message: row.message,
      mayHaveArrived: row.may_have_arrived === 1,
    }));
}

function firstOfGroup(connection: Connection, group: number): number {
  return (
    connection.get<{ id: number }>(
      `SELECT id FROM item INDEXED BY item_review WHERE state = ${REVIEW} AND review_group = ? ORDER BY id LIMIT 1`,
      group,
    )?.id ?? 0
  );
}

function readPausedEntities(connection: Connection): PausedEntity[] {
  return connection
    .all<{
      type: string;
      key: string;
      paused_at: number;
      paused_until: number | null;
      paused_reason: string | null;
      paused_by: string | null;
    }>(
      'SELECT type, key, paused_at, paused_until, paused_reason, paused_by FROM entity INDEXED BY entity_paused WHERE paused_at IS NOT NULL ORDER BY paused_at',
    )
    .map((row) => ({
      entity: { type: row.type, id: row.key },
      since: row.paused_at,
      until: orUndefined(row.paused_until),
      reason: orUndefined(row.paused_reason),
      by: row.paused_by ?? '',
    }));
}

/** Whoever is sending now: the kernel says whether, the row says who. */
export function readRunner(connection: Connection, queuePath: string): RunnerInfo | undefined {
  if (!isLocked(queuePath)) return undefined;
  const row = connection.get<RunnerColumns>('SELECT * FROM runner');
  return row === undefined ? undefined : toRunner(row);
}

function readLastRun(connection: Connection): LastRun | undefined {
  const row = connection.get<{
    kind: LastRun['kind'];
    started_at: number;
    ended_at: number | null;
    exit_code: number | null;
    delivered: number;
    remaining: number;
  }>('SELECT * FROM last_run');
  if (row === undefined) return undefined;
  return {
    kind: row.kind,
    startedAt: row.started_at,
    endedAt: orUndefined(row.ended_at),
    exitCode: orUndefined(row.exit_code),
    delivered: row.delivered,
    remaining: row.remaining,
  };
}

export function readLeftovers(connection: Connection, only: readonly string[] | undefined): Leftovers {
  const scope =
    only === undefined
      ? '1'
      : `item.target_id IN (SELECT id FROM target WHERE name IN (${only.map(() => '?').join(', ')}))`;
  const names = only ?? [];
  const behindReview = connection.get(
    `SELECT 1 FROM item INDEXED BY item_flagged JOIN item AS later INDEXED BY item_lane ON later.target_id = item.target_id
     AND later.lane = item.lane AND later.lane IS NOT NULL AND later.state < 3 AND later.state = ${PENDING} AND later.id > item.id
     WHERE item.state = ${REVIEW} AND ${scope} LIMIT 1`,
    ...names,
  );
  const backingOff = connection.get(
    `SELECT 1 FROM item INDEXED BY item_retrying WHERE state = ${PENDING} AND attempts > 0 AND elig = ${ELIG.waiting} AND ${scope} LIMIT 1`,
    ...names,
  );
  return { behindReview: behindReview !== undefined, backingOff: backingOff !== undefined };
}
