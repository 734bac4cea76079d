/** Converts SQLite rows (snake_case) to the types of the core (camelCase) and back. */
import {
  DEFAULT_CONTENT_TYPE,
  type Entity,
  type Method,
  type ResponseExcerpt,
  type StoredRequest,
} from '../../../nouns/item.js';
import type { LaneOrder, TargetRow } from '../../../nouns/target.js';
import type { ItemFacts, Revision, RunnerIdentity, RunnerInfo } from '../../store.js';

/** SQLite has NULL, the core has undefined. */
export function orUndefined<T>(value: T | null): T | undefined {
  return value ?? undefined;
}

export function orNull<T>(value: T | undefined): T | null {
  return value ?? null;
}

export interface TargetColumns {
  id: number;
  name: string;
  lane_order: LaneOrder;
  implicit_base_url: string | null;
  bound_to: string | null;
  state: TargetRow['state'];
  since: number;
  until: number | null;
  set_at: number;
  reason: string | null;
  hold_kind: TargetRow['holdKind'] | null;
  hold_step: number;
  hold_mark: number;
  tries: number;
  tester: number;
  fail_item: number;
  fail_attempt: number;
  fail_other_attempt: number;
  refusals: string | null;
  offline_ms: number;
  paused_at: number | null;
  paused_until: number | null;
  paused_reason: string | null;
  paused_by: string | null;
  sound_attempt: number;
  last_completed_at: number | null;
}

export const SELECT_TARGETS = `SELECT target.*, tally.sound_attempt, tally.last_completed_at
  FROM target JOIN tally ON tally.target_id = target.id ORDER BY target.id`;

export function toTarget(row: TargetColumns): TargetRow {
  return {
    id: row.id,
    name: row.name,
    order: row.lane_order,
    implicitBaseUrl: orUndefined(row.implicit_base_url),
    boundTo: orUndefined(row.bound_to),
    state: row.state,
    since: row.since,
    until: orUndefined(row.until),
    setAt: row.set_at,
    reason: orUndefined(row.reason),
    holdKind: orUndefined(row.hold_kind),
    holdStep: row.hold_step,
    holdMark: row.hold_mark,
    tries: row.tries,
    tester: row.tester,
    failItem: row.fail_item,
    failAttempt: row.fail_attempt,
    failOtherAttempt: row.fail_other_attempt,
    refusals: row.refusals === null ? undefined : (JSON.parse(row.refusals) as TargetRow['refusals']),
    offlineMs: row.offline_ms,
    paused:
      row.paused_at === null
        ? undefined
        : {
            since: row.paused_at,
            until: orUndefined(row.paused_until),
            reason: orUndefined(row.paused_reason),
            by: row.paused_by ?? '',
          },
    soundAttempt: row.sound_attempt,
    lastCompletedAt: orUndefined(row.last_completed_at),
  };
}

/** All columns of a target except its pause, which only people change; its counts are in `tally`. */
export const UPDATE_TARGET = `UPDATE target SET bound_to = ?, state = ?, since = ?, until = ?, set_at = ?, reason = ?,
  hold_kind = ?, hold_step = ?, hold_mark = ?, tries = ?, tester = ?, fail_item = ?, fail_attempt = ?,
  fail_other_attempt = ?, refusals = ?, offline_ms = ? WHERE id = ?`;

export function targetParameters(target: TargetRow): unknown[] {
  return [
    orNull(target.boundTo),
    target.state,
    target.since,
    orNull(target.until),
    target.setAt,
    orNull(target.reason),
    orNull(target.holdKind),
    target.holdStep,
    target.holdMark,
    target.tries,
    target.tester,
    target.failItem,
    target.failAttempt,
    target.failOtherAttempt,
    target.refusals === undefined ? null : JSON.stringify(target.refusals),
    target.offlineMs,
    target.id,
  ];
}

export interface FactColumns {
  id: number;
  target_id: number;
  lane: number | null;
  operation: string;
  attempts: number;
  retry_count: number;
  max_retries: number | null;
  failures: number;
  crashes: number;
  fail_mark: number | null;
  failing_since: number | null;
  expires_at: number | null;
  may_have_arrived: number | null;
  unreadable: number;
}

export const FACT_COLUMNS = `id, target_id, lane, operation, attempts, retry_count, max_retries, failures, crashes,
  fail_mark, failing_since, expires_at, may_have_arrived, unreadable`;

/** `type/id` of an item's entity. */
export const ENTITY_NAME = "(SELECT type || '/' || key FROM entity WHERE entity.id = entity_id) AS entity_name";

export function toFacts(row: FactColumns): ItemFacts {
  return {
    id: row.id,
    laneKey: row.lane ?? -row.id,
    operation: row.operation,
    attemptNumber: row.attempts,
    retryCount: row.retry_count,
    maxRetries: orUndefined(row.max_retries),
    failures: row.failures,
    crashes: row.crashes,
    failMark: orUndefined(row.fail_mark),
    failingSince: orUndefined(row.failing_since),
    expiresAt: orUndefined(row.expires_at),
    mayHaveArrived: orUndefined(row.may_have_arrived),
    repeatOf: undefined,
    hasEarlierKey: false,
    unreadable: row.unreadable,
  };
}

export interface RequestColumns {
  method: string;
  path: string;
  headers: string | null;
  content_type: string | null;
  payload: Buffer | null;
  payload_bytes: number | null;
  idempotency_key: string;
}

/** The columns that every reader of a revision needs. */
export interface RevisionColumns {
  number: number;
  at: number;
  who: string;
  reason: string | null;
  attempts: number;
  idempotency_key: string;
  path: string;
  payload_sha256: Buffer | null;
}

export function toRevision(row: RevisionColumns): Omit<Revision, 'payloadSha256' | 'payloadBytes'> {
  const { number, at, who, reason, attempts, idempotency_key: idempotencyKey, path } = row;
  return { number, at, who, reason: orUndefined(reason), attempts, idempotencyKey, path };
}

export interface EntityColumns {
  entity_type: string | null;
  entity_key: string | null;
}

export function toEntity({ entity_type: type, entity_key: id }: EntityColumns): Entity | undefined {
  return type === null || id === null ? undefined : { type, id };
}

/** A stored NULL means JSON if there is a payload, else no content type. */
export function contentTypeOf(
  row: Pick<RequestColumns, 'content_type' | 'payload_bytes'> & { payload?: unknown },
): string | undefined {
  if (row.content_type !== null) return row.content_type;
  const hasPayload = (row.payload ?? null) !== null || row.payload_bytes !== null;
  return hasPayload ? DEFAULT_CONTENT_TYPE : undefined;
}

/** The inverse of `contentTypeOf`. */
export function contentTypeOrNull(hasPayload: boolean, contentType: string | undefined): string | null {
  return !hasPayload || contentType === DEFAULT_CONTENT_TYPE ? null : orNull(contentType);
}

export function toRequest(row: RequestColumns): StoredRequest {
  const request: StoredRequest = {
    method: row.method as Method,
    path: row.path,
    headers: toHeaders(row.headers),
    contentType: contentTypeOf(row),
    payload: orUndefined(row.payload),
    idempotencyKey: row.idempotency_key,
  };
  // Without its headers it would be another request than the stored one.
  return areHeaders(row.headers) ? request : { ...request, fault: 'its headers are not a JSON object of texts' };
}

/** Another program may have stored any text here; values that are not strings are skipped. */
export function toHeaders(json: string | null): Record<string, string> {
  if (json === null) return {};
  const parsed: unknown = parseOr(json, {});
  const entries = Object.entries(parsed as Record<string, unknown>);
  return Object.fromEntries(
    entries
      .filter(([, value]) => typeof value === 'string')
      .map(([name, value]) => [name.toLowerCase(), value as string]),
  );
}

export function headersOrNull(headers: Record<string, string>): string | null {
  return Object.keys(headers).length === 0 ? null : JSON.stringify(headers);
}

function areHeaders(json: string | null): boolean {
  if (json === null) return true;
  const parsed = parseOr(json, []);
  return !Array.isArray(parsed) && Object.values(parsed).every((value: unknown) => typeof value === 'string');
}

export function toTags(json: string | null): string[] {
  if (json === null) return [];
  const parsed: unknown = parseOr(json, []);
  return Array.isArray(parsed) ? parsed.filter((tag) => typeof tag === 'string') : [];
}

function parseOr(json: string, fallback: object): object {
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === 'object' && parsed !== null ? parsed : fallback;
  } catch {
    return fallback;
  }
}

export interface ResponseColumns {
  status: number | null;
  response_headers: string | null;
  response_complete: number | null;
  response_body: Buffer | null;
}

export function toResponse(row: ResponseColumns): ResponseExcerpt | undefined {
  if (row.status === null || row.response_headers === null) return undefined;
  return {
    status: row.status,
    headers: toHeaders(row.response_headers),
    body: row.response_body ?? new Uint8Array(0),
    complete: row.response_complete === 1,
  };
}

export interface RunnerColumns {
  epoch: number;
  kind: RunnerIdentity['kind'];
  runner_id: string;
  pid: number;
  host: string;
  boot_id: string;
  since: number;
  seen_at: number;
}

export function toRunner(row: RunnerColumns): RunnerInfo {
  return {
    kind: row.kind,
    id: row.runner_id,
    pid: row.pid,
    host: row.host,
    bootId: row.boot_id,
    since: row.since,
    lastActiveAt: row.seen_at,
  };
}
