/** Reads the facts for `status` from counters and indexes: the cost grows with the targets, not with the items. */
import type { LastRun, Leftovers, PausedEntity, ReviewGroup, RunnerInfo, Summary, TargetSummary } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { nextDueOf } from './next-due.js';
import { orUndefined, toRunner, toTarget, type RunnerColumns, type TargetColumns } from '../sql/rows.js';
import { ELIG, PENDING, REVIEW } from '../sql/codes.js';
import type { Reading } from './items.js';

/** At most this many due heads per target are counted while no runner has promoted them yet. */
const DUE_COUNT_CAP = 10_000;
/** Bounds for counting items blocked behind review, per target: items counted, and items in review. */
const BLOCKED_COUNT_CAP = 10_000;
const REVIEW_COUNT_CAP = 1000;

interface CountedTarget extends TargetColumns {
  pending: number;
  sending: number;
  review: number;
  completed: number;
  discarded: number;
  ready: number;
  waiting: number;
  paused: number;
}

export function readSummary(connection: Connection, { now, hasRunner }: Reading): Summary {
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
    runner: readRunner(connection, hasRunner),
    lastRun: readLastRun(connection),
  };
}

function readTargetSummaries(connection: Connection, now: number): TargetSummary[] {
  return connection
    .all<CountedTarget>(
      'SELECT target.*, tally.* FROM target JOIN tally ON tally.target_id = target.id ORDER BY target.id',
    )
    .map((row) => ({
      row: toTarget(row),
      pending: row.pending,
      sending: row.sending,
      review: row.review,
      completed: row.completed,
      discarded: row.discarded,
      ready: row.ready,
      waiting: row.waiting,
      dueWaiting: row.waiting > 0 ? dueWaiting(connection, row.id, now) : 0,
      pausedHeads: row.paused,
      behindReview: behindReview(connection, row),
      nextDueAt: row.waiting > 0 ? nextDueOf(connection, row.id) : undefined,
      lastCompletedAt: orUndefined(row.last_completed_at),
    }));
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

/** Beyond the bounds, every blocked item is counted. */
function behindReview(connection: Connection, target: CountedTarget): number {
  const { pending, sending, review, ready, waiting, paused } = target;
  const heads = ready + waiting + paused;
  const blocked = pending - heads;
  if (review === 0 || blocked === 0) return 0;
  // Without another head, only review can block.
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
      target.id,
      BLOCKED_COUNT_CAP,
    ) ?? {};
  return n < BLOCKED_COUNT_CAP ? n : blocked;
}

interface GroupColumns {
  id: number;
  items: number;
  may_have_arrived: number | null;
}

/** Largest group first. */
function readGroups(connection: Connection): ReviewGroup[] {
  return connection
    .all<Omit<ReviewGroup, 'count' | 'firstId' | 'mayHaveArrived'> & GroupColumns>(
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

/** Who is sending now; `hasRunner` says whether anybody is, the stored row who it is. */
export function readRunner(connection: Connection, hasRunner: () => boolean): RunnerInfo | undefined {
  if (!hasRunner()) return undefined;
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
