/** Writes an item as a line of a bundle, and reads it back. A bundle is foreign: what `enqueue` refuses is refused here too. */
import { QueueError, isQueueError } from '../nouns/errors.js';
import { sha256Hex } from '../input/content-digest.js';
import { checkContentType } from '../input/content-type.js';
import { checkDraft, type Draft, type DraftContext } from '../input/draft.js';
import { LONGEST_DURATION_MS } from '../check/duration.js';
import { entity, tags } from '../input/fields.js';
import { JsonFault, readValue, scanObject, type JsonRange } from '../json/json-scan.js';
import { checkKey } from '../input/key.js';
import {
  OUTCOMES,
  RESPONSE_EXCERPT_BYTES,
  REVIEW_REASONS,
  STATES,
  type Attempt,
  type NewItem,
  type ResponseExcerpt,
} from '../nouns/item.js';
import type { ArchivedEvent, ArchivedItem, ArchivedRevision } from '../store/archive.js';
import type { Review } from '../policy/imported-item.js';
import { Fields, damaged } from './fields.js';
import { bytesDocument, isoTime, payloadMembers, readPayload } from './payload-text.js';
import { safeJson } from '../json/safe-json.js';

const MOST_DEPTH = 1100;
/** Leaves room for the ids after it: above 2^53 doubles skip integers. */
const MOST_ID = 2 ** 52 - 1;
const DAY_MS = 86_400_000;
const LONGEST_NAME = 256;
const LONGEST_MESSAGE = 10_000;
const LONGEST_URL = 64 * 1024;
const LONGEST_DETAIL = 64 * 1024;
/** The name of an event, and not a member that every object has. */
const EVENT = /^(?!constructor$)[a-z][a-z-]{0,63}$/;

export function bundleLine(item: ArchivedItem): string {
  const { payload, attempts, revisions, history, review, ...facts } = item;
  const document = {
    ...facts,
    createdAt: isoTime(item.createdAt),
    stateAt: isoTime(item.stateAt),
    notBefore: isoTime(item.notBefore),
    askedAt: isoTime(item.askedAt),
    expiresAt: isoTime(item.expiresAt),
    review: review ?? null,
    attempts: attempts.map(attemptDocument),
    revisions: revisions.map(revisionDocument),
    history: history.map((event) => ({ ...event, at: isoTime(event.at) })),
  };
  return `${safeJson(document).slice(0, -1)}${payloadMembers(payload, item.contentType)}}\n`;
}

function attemptDocument({ response, ...attempt }: Attempt): object {
  return {
    ...attempt,
    startedAt: isoTime(attempt.startedAt),
    response: response === undefined ? null : { ...response, body: bytesDocument(response.body) },
  };
}

function revisionDocument({ payload, ...revision }: ArchivedRevision): object {
  return { ...revision, at: isoTime(revision.at), payload: payload === undefined ? null : bytesDocument(payload) };
}

/**
 * Reads a line that `bundleLine` wrote.
 *
 * @param context what `enqueue` checks a write against, with the targets of the bundle instead of the queue's
 * @throws {QueueError} code 'bad-item'; the message never shows content
 */
export function readBundleLine(bytes: Uint8Array, context: BundleContext): ArchivedItem {
  try {
    const members = scanObject(bytes, 0, bytes.length, MOST_DEPTH);
    return readItem(bytes, members, context);
  } catch (error) {
    if (error instanceof JsonFault) return damaged('the line', `is not JSON: ${error.reason}`);
    if (!isQueueError(error)) throw error;
    const { message, hint } = error;
    throw new QueueError('bad-item', message, { ...(hint === undefined ? {} : { hint }), cause: error });
  }
}

export interface BundleContext extends DraftContext {
  bundleTargets: ReadonlySet<string>;
}

function readItem(bytes: Uint8Array, members: ReadonlyMap<string, JsonRange>, context: BundleContext): ArchivedItem {
  const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, range] of members) if (name !== 'payload') values[name] = readValue(bytes, range);
  const fields = new Fields(values, 'the item');
  const target = fields.text('target');
  if (!context.bundleTargets.has(target)) damaged('target', 'is none of those that the bundle tells of');
  const method = fields.text('method');
  const payload = readPayload(
    bytes,
    members.get('payload'),
    values['payloadEncoding'],
    fields.optionalText('contentType'),
  );
  const given = fields.optional('entity');
  const written = readRequest(fields, payload, context, {
    method,
    target,
    entity:
      given === undefined
        ? undefined
        : entity(given, (id) => (typeof id === 'string' ? id : damaged('entity id', 'is not text'))),
    operation: fields.text('operation'),
    maxRetries: fields.optionalCount('maxRetries'),
    tags: fields.optional('tags') === undefined ? [] : tags(fields.optional('tags')),
  });
  const attempts = readAttempts(fields);
  const arrived = fields.optionalCount('mayHaveArrived');
  const item: ArchivedItem = {
    ...written,
    contentType: payload === undefined ? optionalType(fields) : written.contentType,
    id: fields.count('id', 1, MOST_ID),
    createdAt: fields.time('createdAt'),
    payloadBytes: fields.optionalCount('payloadBytes', 0, context.limits.payloadBytes),
    payloadSha256: fields.optionalMatching('payloadSha256', SHA256),
    state: fields.oneOf('state', STATES),
    ownLane: fields.flag('ownLane'),
    notBefore: fields.optionalTime('notBefore'),
    askedAt: fields.optionalTime('askedAt'),
    expiresAt: fields.optionalTime('expiresAt'),
    retryCount: fields.count('retryCount', 0),
    // Retry counts imported from another program may be higher than the attempts that are known.
    attemptCount: Math.min(attempts.length, fields.count('attemptCount', attempts.at(-1)?.number ?? 0)),
    stateAt: fields.time('stateAt'),
    review: readReview(fields),
    revision: fields.count('revision', 0),
    mayHaveArrived: arrived === undefined ? undefined : countUpTo(attempts, arrived),
    attempts: attempts.map((attempt, index) => ({ ...attempt, number: index + 1 })),
    revisions: fields.list('revisions', (value) =>
      readRevision(new Fields(value, 'a revision'), { method, target }, attempts, context),
    ),
    history: fields.list('history', (value) => readEvent(new Fields(value, 'a history entry'))),
  };
  checkWhole(item);
  checkPast(item, context.now);
  return item;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** Reads what of an item or a revision is sent, and checks it like any new write. */
function readRequest(
  fields: Fields,
  payload: Uint8Array | undefined,
  context: DraftContext,
  more: Draft,
): NewItem & { idempotencyKey: string } {
  const path = fields.text('path');
  const idempotencyKey = checkKey(fields.text('idempotencyKey'));
  const digest = fields.optionalMatching('payloadSha256', SHA256);
  if (payload !== undefined && digest !== undefined && sha256Hex(payload) !== digest)
    damaged('payload', 'does not fit its checksum');
  const written = checkDraft(
    {
      ...more,
      path,
      headers: Object.entries(fields.texts('headers')),
      payload: payload === undefined ? undefined : { kind: 'bytes', bytes: payload },
      contentType: payload === undefined ? undefined : fields.optionalText('contentType'),
    },
    context,
  );
  if (written.path !== path) damaged('path', 'is not relative to the base URL of its target');
  return { ...written, idempotencyKey };
}

/** The content type of a payload that was removed. */
function optionalType(fields: Fields): string | undefined {
  const type = fields.optionalText('contentType');
  return type === undefined ? undefined : checkContentType(type);
}

/** Checks that the fields fit together. */
function checkWhole({
  state,
  contentType,
  payload,
  payloadBytes,
  payloadSha256,
  review,
  attempts,
  revision,
  revisions,
}: ArchivedItem): void {
  if ((state === 'review') !== (review !== undefined)) damaged('review', 'does not fit the state');
  if (
    attempts.some(
      ({ outcome }, index) => (outcome === undefined) !== (state === 'sending' && index === attempts.length - 1),
    ) ||
    (state === 'sending' && attempts.length === 0)
  )
    damaged('attempts', 'do not fit the state');
  if ((payloadBytes === undefined) !== (contentType === undefined)) damaged('contentType', 'does not fit payloadBytes');
  if ((payloadBytes === undefined) !== (payloadSha256 === undefined))
    damaged('payloadSha256', 'does not fit payloadBytes');
  if (payload !== undefined && payload.length !== payloadBytes)
    damaged('payloadBytes', 'is not the length of the payload');
  if (payload === undefined && payloadBytes !== undefined && state !== 'completed' && state !== 'discarded')
    damaged('payload', 'is gone, so the item cannot be sent');
  if (revisions.length !== revision || revisions.some(({ number }, index) => number !== index))
    damaged('revisions', 'are not all there');
}

/** Checks that no time lies more than a day ahead of this clock. */
function checkPast({ createdAt, stateAt, attempts, revisions, history }: ArchivedItem, now: number): void {
  const told = [...attempts.map(({ startedAt }) => startedAt), ...[...revisions, ...history].map(({ at }) => at)];
  if ([createdAt, stateAt, ...told].some((at) => at > now + DAY_MS))
    damaged('a time', 'lies ahead: is the clock right, here and where the bundle was made?');
}

function readReview(fields: Fields): Review | undefined {
  const value = fields.optional('review');
  if (value === undefined) return undefined;
  const review = new Fields(value, 'review');
  return {
    reason: review.oneOf('reason', REVIEW_REASONS),
    status: review.optional('status') === 0 ? 0 : review.count('status', 100, 599),
    message: review.line('message', LONGEST_MESSAGE),
    cause: review.line('cause', LONGEST_MESSAGE),
  };
}

function readAttempts(fields: Fields): Attempt[] {
  const attempts = fields.list('attempts', (value) => readAttempt(new Fields(value, 'an attempt')));
  if (attempts.some(({ number }, index) => number <= (attempts[index - 1]?.number ?? 0)))
    damaged('attempts', 'are not in their order');
  return attempts;
}

/** The number that attempt `last` gets here, where numbers begin at 1 and have no gaps; 0 = before the first. */
function countUpTo(attempts: readonly Attempt[], last: number): number {
  return attempts.filter(({ number }) => number <= last).length;
}

function readAttempt(fields: Fields): Attempt {
  const response = fields.optional('response');
  return {
    number: fields.count('number', 1),
    startedAt: fields.time('startedAt'),
    durationMs: fields.optionalCount('durationMs', 0, LONGEST_DURATION_MS),
    outcome: fields.optional('outcome') === undefined ? undefined : fields.oneOf('outcome', OUTCOMES),
    status: fields.optionalCount('status', 100, 599),
    message: fields.optionalLine('message', LONGEST_MESSAGE),
    counted: fields.flag('counted'),
    runner: fields.line('runner', LONGEST_NAME),
    url: fields.optionalLine('url', LONGEST_URL),
    idempotencyKey:
      fields.optional('idempotencyKey') === undefined ? undefined : checkKey(fields.text('idempotencyKey')),
    response: response === undefined ? undefined : readResponse(new Fields(response, 'an answer')),
  };
}

function readResponse(fields: Fields): ResponseExcerpt {
  const body = fields.bytes('body');
  if (body.length > RESPONSE_EXCERPT_BYTES) damaged('an answer', `holds more than ${RESPONSE_EXCERPT_BYTES} bytes`);
  return {
    status: fields.count('status', 100, 599),
    headers: fields.texts('headers'),
    body,
    complete: fields.flag('complete'),
  };
}

function readRevision(
  fields: Fields,
  of: Pick<Draft, 'method' | 'target'> & { method: string },
  attempts: readonly Attempt[],
  context: DraftContext,
): ArchivedRevision {
  const payload = fields.optional('payload') === undefined ? undefined : fields.bytes('payload');
  const { idempotencyKey, path, contentType, headers } = readRequest(fields, payload, context, of);
  const before = fields.count('attempts', 0);
  return {
    number: fields.count('number', 0),
    at: fields.time('at'),
    who: fields.line('who', LONGEST_NAME),
    reason: fields.optionalText('reason'),
    attempts: countUpTo(attempts, before),
    idempotencyKey,
    path,
    contentType: payload === undefined ? optionalType(fields) : contentType,
    headers,
    payloadSha256: fields.optionalMatching('payloadSha256', SHA256),
    payload,
  };
}

function readEvent(fields: Fields): ArchivedEvent {
  const detail = fields.optional('detail') === undefined ? undefined : fields.record('detail');
  if (JSON.stringify(detail ?? {}).length > LONGEST_DETAIL) damaged('a history entry', 'holds too much detail');
  return {
    at: fields.time('at'),
    who: fields.line('who', LONGEST_NAME),
    command: fields.line('command', LONGEST_NAME),
    event: fields.matching('event', EVENT),
    reason: fields.optionalText('reason'),
    detail,
  };
}
