/** Reads items as people see them: with what they wait for and how their last attempt went. */
import {
  STATES,
  type Attempt,
  type ItemDetail,
  type ItemSummary,
  type Method,
  type Outcome,
  type State,
  type WaitingOn,
} from '../../nouns/item.js';
import {
  headWaitsFor,
  lastErrorOf,
  waitingKind,
  type LastAttempt,
  type PendingPlace,
  type StoredReview,
} from '../../policy/waiting.js';
import type { TargetRow } from '../../nouns/target.js';
import type { Connection } from './connection.js';
import { sha256 } from './enqueue.js';
import { isLocked } from './lock.js';
import {
  contentTypeOf,
  orUndefined,
  SELECT_TARGETS,
  toEntity,
  toHeaders,
  toResponse,
  toTags,
  toTarget,
  type ItemColumns,
  type ResponseColumns,
  type TargetColumns,
} from './rows.js';
import { COMPLETED, ELIGIBILITY, SENDING } from './codes.js';

interface ShownColumns extends Omit<ItemColumns, 'payload'> {
  entity_paused_at: number | null;
  entity_paused_until: number | null;
  entity_paused_reason: string | null;
  target_id: number;
  payload_length: number | null;
  elig: number | null;
  claim_at: number | null;
  may_have_arrived: number | null;
}

const SELECT_ITEM = `SELECT item.id, item.created_at, item.operation, entity.type AS entity_type, entity.key AS entity_key,
  entity.paused_at AS entity_paused_at, entity.paused_until AS entity_paused_until,
  entity.paused_reason AS entity_paused_reason, item.target_id, item.method, item.path, item.headers, item.content_type,
  item.payload_bytes, length(item.payload) AS payload_length, item.payload_sha256, item.idempotency_key, item.state,
  item.elig, item.lane, item.not_before, item.expires_at, item.retry_count, item.max_retries, item.attempts,
  item.state_at, item.claim_at, review_group.reason AS review_reason, review_group.status AS review_status,
  review_group.message AS review_message, item.tags, item.revision, item.may_have_arrived AS may_have_arrived
  FROM item LEFT JOIN entity ON entity.id = item.entity_id
  LEFT JOIN review_group ON review_group.id = item.review_group WHERE item.id = ?`;

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

/** What is the same for all items of a page. */
interface PageFacts {
  targets: ReadonlyMap<number, TargetRow>;
  now: number;
  /** By the kernel's word, as for `status`. Costs as much as opening a file, and only what is being sent needs to know. */
  hasRunner: () => boolean;
}

function askOnce(ask: () => boolean): () => boolean {
  let answer: boolean | undefined;
  return () => (answer ??= ask());
}

/** Summaries in the order of the ids; ids that do not exist are left out. */
export function readSummaries(connection: Connection, ids: readonly number[], now: number): ItemSummary[] {
  const page = { targets: targetsById(connection), now, hasRunner: askOnce(() => isLocked(connection.path)) };
  return ids.flatMap((id) => {
    const summary = readSummary(connection, id, page);
    return summary === undefined ? [] : [summary];
  });
}

export function readDetails(connection: Connection, ids: readonly number[], now: number): ItemDetail[] {
  return readSummaries(connection, ids, now).map((summary) => {
    const row = connection.get<{ payload: Buffer | null }>('SELECT payload FROM item WHERE id = ?', summary.id);
    const payload = orUndefined(row?.payload ?? null);
    // A foreign INSERT has no checksum before its first claim; people see it computed.
    const payloadSha256 =
      summary.payloadSha256 ?? (payload === undefined ? undefined : sha256(payload).toString('hex'));
    return { ...summary, payload, payloadSha256, attempts: readAttempts(connection, summary.id) };
  });
}

function targetsById(connection: Connection): Map<number, TargetRow> {
  return new Map(connection.all<TargetColumns>(SELECT_TARGETS).map((row) => [row.id, toTarget(row)]));
}

function readSummary(connection: Connection, id: number, page: PageFacts): ItemSummary | undefined {
  const row = connection.get<ShownColumns>(SELECT_ITEM, id);
  if (row === undefined) return undefined;
  const { now } = page;
  const target = page.targets.get(row.target_id);
  if (target === undefined) return undefined;
  const state = STATES[row.state] ?? 'pending';
  const last = row.attempts === 0 ? undefined : connection.get<AttemptColumns>(LAST_ATTEMPT, id);
  const place = state === 'pending' ? placeOf(row) : undefined;
  return {
    id,
    createdAt: row.created_at,
    operation: row.operation,
    entity: toEntity(row),
    target: target.name,
    method: row.method as Method,
    path: row.path,
    headers: toHeaders(row.headers),
    contentType: contentTypeOf({
      content_type: row.content_type,
      payload_bytes: row.payload_bytes,
      payload: row.payload_length,
    }),
    payloadBytes: orUndefined(row.payload_bytes ?? row.payload_length),
    payloadSha256: row.payload_sha256 === null ? undefined : row.payload_sha256.toString('hex'),
    payloadGone: row.payload_bytes !== null && row.payload_length === null,
    idempotencyKey: row.idempotency_key,
    state,
    notBefore: orUndefined(row.not_before),
    expiresAt: orUndefined(row.expires_at),
    retryCount: row.retry_count,
    maxRetries: orUndefined(row.max_retries),
    attemptCount: row.attempts,
    ...fateOf(row, page.hasRunner),
    lastError: lastErrorOf(reviewOf(row), lastAttemptOf(last)),
    reviewReason: orUndefined(row.review_reason),
    stateAt: row.state_at ?? row.created_at,
    completedAt: row.state === COMPLETED ? orUndefined(row.state_at) : undefined,
    response: row.state === COMPLETED && last !== undefined ? toResponse(last) : undefined,
    deliveredAs: row.state === COMPLETED && last?.outcome === 'delivered' ? orUndefined(last.message) : undefined,
    tags: toTags(row.tags),
    revision: row.revision,
    waiting: place && waitingKind(place, target, now),
    waitingOn: place && (headWaitsFor(place, target, now) ?? blocker(connection, row, page.hasRunner)),
  };
}

/** The attempt that a dead runner left open may have arrived as well: the next runner notes it. */
function fateOf(row: ShownColumns, hasRunner: () => boolean): Pick<ItemSummary, 'mayHaveArrived' | 'isOrphaned'> {
  const isOrphaned = row.state === SENDING && !hasRunner();
  const first = row.may_have_arrived ?? (isOrphaned ? row.attempts : undefined);
  return { mayHaveArrived: row.state < COMPLETED ? first : undefined, isOrphaned };
}

function reviewOf(row: ShownColumns): StoredReview | undefined {
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

function placeOf(row: ShownColumns): PendingPlace {
  const { entity_paused_at: since, entity_paused_until: until, entity_paused_reason: reason } = row;
  return {
    eligibility: row.elig === null ? undefined : ELIGIBILITY[row.elig],
    notBefore: orUndefined(row.not_before),
    entityPause: since === null ? undefined : { since, until: orUndefined(until), reason: orUndefined(reason) },
  };
}

function blocker(connection: Connection, row: ShownColumns, hasRunner: () => boolean): WaitingOn | undefined {
  if (row.elig !== null) return undefined;
  const head = connection.get<{ id: number }>(
    `SELECT id FROM item INDEXED BY item_lane WHERE target_id = ? AND lane = ? AND lane IS NOT NULL AND state < ${COMPLETED}
     ORDER BY id LIMIT 1`,
    row.target_id,
    row.lane,
  );
  const ahead =
    head === undefined || head.id === row.id ? undefined : connection.get<ShownColumns>(SELECT_ITEM, head.id);
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

/** The whole ledger of one item, oldest first; the open attempt, if any, comes last without an outcome. */
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
