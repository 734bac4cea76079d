/** Reads items as people see them: why each one waits, and how its last attempt ended. */
import {
  STATES,
  type Attempt,
  type ItemDetail,
  type ItemSummary,
  type Outcome,
  type State,
  type WaitingOn,
} from '../../../nouns/item.js';
import {
  headWaitsFor,
  lastErrorOf,
  waitingKind,
  type LastAttempt,
  type PendingPlace,
  type StoredReview,
} from '../../../policy/waiting.js';
import type { TargetRow } from '../../../nouns/target.js';
import type { Connection } from '../file/connection.js';
import { sha256 } from '../sql/payload-checksum.js';
import { readItem, toItem, type ItemColumns } from './item-rows.js';
import {
  orUndefined,
  SELECT_TARGETS,
  toResponse,
  toTarget,
  type ResponseColumns,
  type TargetColumns,
} from '../sql/rows.js';
import { COMPLETED, ELIGIBILITY, SENDING } from '../sql/codes.js';

interface AttemptColumns extends ResponseColumns {
  number: number;
  started_at: number;
  duration_ms: number;
  outcome: Outcome;
  counted: number;
  message: string | null;
  runner: string;
  redirected_to: string | null;
}

const LAST_ATTEMPT = 'SELECT * FROM attempt WHERE item_id = ? ORDER BY number DESC LIMIT 1';

/** What readers of items need from outside the queue's rows. */
export interface Reading {
  now: number;
  /** True while a runner lives. Costs as much as opening a file, so it is called only for an item that is being sent. */
  hasRunner: () => boolean;
}

interface PageFacts extends Reading {
  targets: ReadonlyMap<number, TargetRow>;
}

/** Summaries in the order of the ids; ids that do not exist are left out. */
export function readSummaries(connection: Connection, ids: readonly number[], reading: Reading): ItemSummary[] {
  const targets = new Map(connection.all<TargetColumns>(SELECT_TARGETS).map((row) => [row.id, toTarget(row)]));
  let answer: boolean | undefined;
  const page = { now: reading.now, targets, hasRunner: () => (answer ??= reading.hasRunner()) };
  return ids.flatMap((id) => {
    const summary = readSummary(connection, id, page);
    return summary === undefined ? [] : [summary];
  });
}

export function readDetails(connection: Connection, ids: readonly number[], reading: Reading): ItemDetail[] {
  return readSummaries(connection, ids, reading).map((summary) => {
    const row = connection.get<{ payload: Buffer | null }>('SELECT payload FROM item WHERE id = ?', summary.id);
    const payload = orUndefined(row?.payload ?? null);
    // An item that another program stored has no checksum before its first claim.
    const payloadSha256 =
      summary.payloadSha256 ?? (payload === undefined ? undefined : sha256(payload).toString('hex'));
    return { ...summary, payload, payloadSha256, attempts: readAttempts(connection, summary.id) };
  });
}

function readSummary(connection: Connection, id: number, page: PageFacts): ItemSummary | undefined {
  const row = readItem(connection, id);
  if (row === undefined) return undefined;
  const { now } = page;
  const target = page.targets.get(row.target_id);
  if (target === undefined) return undefined;
  const state = STATES[row.state] ?? 'pending';
  const last = row.attempts === 0 ? undefined : connection.get<AttemptColumns>(LAST_ATTEMPT, id);
  const place = state === 'pending' ? placeOf(row) : undefined;
  return {
    ...toItem(row),
    payloadGone: row.payload_bytes !== null && row.payload_length === null,
    ...fateOf(row, page.hasRunner),
    lastError: lastErrorOf(reviewOf(row), lastAttemptOf(last)),
    reviewReason: orUndefined(row.review_reason),
    completedAt: row.state === COMPLETED ? orUndefined(row.state_at) : undefined,
    response: row.state === COMPLETED && last !== undefined ? toResponse(last) : undefined,
    deliveredAs: row.state === COMPLETED && last?.outcome === 'delivered' ? orUndefined(last.message) : undefined,
    waiting: place && waitingKind(place, target, now),
    waitingOn: place && (headWaitsFor(place, target, now) ?? blocker(connection, row, page.hasRunner)),
  };
}

/** An attempt that a dead runner left open may have arrived too; the next runner records that. */
function fateOf(row: ItemColumns, hasRunner: () => boolean): Pick<ItemSummary, 'mayHaveArrived' | 'isOrphaned'> {
  const isOrphaned = row.state === SENDING && !hasRunner();
  const first = row.may_have_arrived ?? (isOrphaned ? row.attempts : undefined);
  return { mayHaveArrived: row.state < COMPLETED ? first : undefined, isOrphaned };
}

function reviewOf(row: ItemColumns): StoredReview | undefined {
  const { review_reason: reason, review_message: message, review_status: status } = row;
  if (reason === null || message === null) return undefined;
  return {
    reason,
    message,
    status: status === 0 ? undefined : orUndefined(status),
    at: row.state_at ?? row.created_at,
  };
}

function lastAttemptOf(last: AttemptColumns | undefined): LastAttempt | undefined {
  if (last === undefined) return undefined;
  const { outcome, status, message, started_at: startedAt, duration_ms: durationMs } = last;
  return { outcome, status: orUndefined(status), message: orUndefined(message), endedAt: startedAt + durationMs };
}

function placeOf(row: ItemColumns): PendingPlace {
  const { entity_paused_at: since, entity_paused_until: until, entity_paused_reason: reason } = row;
  return {
    eligibility: row.elig === null ? undefined : ELIGIBILITY[row.elig],
    notBefore: orUndefined(row.not_before),
    entityPause: since === null ? undefined : { since, until: orUndefined(until), reason: orUndefined(reason) },
  };
}

/** The item that a lane waits for; undefined = `row` is the head itself. */
function blocker(connection: Connection, row: ItemColumns, hasRunner: () => boolean): WaitingOn | undefined {
  if (row.elig !== null) return undefined;
  const head = connection.get<{ id: number }>(
    `SELECT id FROM item INDEXED BY item_lane WHERE target_id = ? AND lane = ? AND lane IS NOT NULL AND state < ${COMPLETED}
     ORDER BY id LIMIT 1`,
    row.target_id,
    row.lane,
  );
  const ahead = head === undefined || head.id === row.id ? undefined : readItem(connection, head.id);
  if (ahead === undefined) return undefined;
  const last = ahead.attempts === 0 ? undefined : connection.get<AttemptColumns>(LAST_ATTEMPT, ahead.id);
  return {
    kind: 'item',
    id: ahead.id,
    state: STATES[ahead.state] ?? ('pending' satisfies State),
    reason: orUndefined(ahead.review_reason),
    since: ahead.state_at ?? ahead.created_at,
    lastError: lastErrorOf(reviewOf(ahead), lastAttemptOf(last)),
    notBefore: orUndefined(ahead.not_before),
    ...fateOf(ahead, hasRunner),
  };
}

/** All attempts of one item, oldest first; an open attempt comes last and has no outcome. */
export function readAttempts(connection: Connection, id: number): Attempt[] {
  const keys = connection.all<{ attempts: number; idempotency_key: string }>(
    'SELECT attempts, idempotency_key FROM revision WHERE item_id = ? ORDER BY number',
    id,
  );
  const item = connection.get<{ state: number; attempts: number; claim_at: number | null; idempotency_key: string }>(
    'SELECT state, attempts, claim_at, idempotency_key FROM item WHERE id = ?',
    id,
  );
  if (item === undefined) return [];
  const keyOf = (number: number): string =>
    keys.find((revision) => number <= revision.attempts)?.idempotency_key ?? item.idempotency_key;
  const ended = connection
    .all<AttemptColumns>('SELECT * FROM attempt WHERE item_id = ? ORDER BY number', id)
    .map((row): Attempt => ({
      number: row.number,
      startedAt: row.started_at,
      durationMs: row.duration_ms,
      outcome: row.outcome,
      status: orUndefined(row.status),
      message: orUndefined(row.message),
      counted: row.counted === 1,
      runner: row.runner,
      url: orUndefined(row.redirected_to),
      idempotencyKey: keyOf(row.number),
      response: toResponse(row),
    }));
  if (item.state !== SENDING || item.claim_at === null) return ended;
  const open = {
    durationMs: undefined,
    outcome: undefined,
    status: undefined,
    message: undefined,
    url: undefined,
    response: undefined,
  };
  return [
    ...ended,
    {
      ...open,
      number: item.attempts,
      startedAt: item.claim_at,
      counted: false,
      runner: '',
      idempotencyKey: item.idempotency_key,
    },
  ];
}
