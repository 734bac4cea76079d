/** An item as a line of a bundle, whole, and back. What is read is foreign: every field is checked as input is. */
import { createHash } from 'node:crypto';

import { QueueError, isQueueError } from '../errors.js';
import { checkEntity } from '../input/draft.js';
import { checkHeaders } from '../input/headers.js';
import { JsonFault, readValue, scanObject, type JsonRange } from '../input/json-scan.js';
import { checkKey } from '../input/key.js';
import { checkPath } from '../input/path.js';
import { METHODS, OUTCOMES, REVIEW_REASONS, STATES, type Attempt, type ResponseExcerpt } from '../item.js';
import type { ArchivedEvent, ArchivedItem, ArchivedReview, ArchivedRevision } from '../store/archive.js';
import { Fields, damaged } from './fields.js';
import { bytesDocument, isoTime, payloadMembers, readPayload } from './payload-text.js';
import { safeJson } from './safe-json.js';

const MOST_DEPTH = 1100;
const LONGEST_PATH = 1024 * 1024;
const LONGEST_HEADERS = 1024 * 1024;

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

/** @throws {QueueError} code 'bad-item', without a word of the content */
export function readBundleLine(bytes: Uint8Array): ArchivedItem {
  try {
    const members = scanObject(bytes, 0, bytes.length, { maxDepth: MOST_DEPTH });
    return readItem(bytes, members);
  } catch (error) {
    if (error instanceof JsonFault) return damaged('the line', `is not JSON: ${error.reason}`);
    if (isQueueError(error)) throw new QueueError('bad-item', error.message, { cause: error });
    throw error;
  }
}

function readItem(bytes: Uint8Array, members: ReadonlyMap<string, JsonRange>): ArchivedItem {
  const values: Record<string, unknown> = {};
  for (const [name, range] of members) if (name !== 'payload') values[name] = readValue(bytes, range);
  const fields = new Fields(values, 'the item');
  const contentType = fields.optionalText('contentType');
  const payload = readPayload(bytes, members.get('payload'), values['payloadEncoding'], contentType);
  const payloadSha256 = fields.optionalText('payloadSha256');
  if (payload !== undefined && createHash('sha256').update(payload).digest('hex') !== payloadSha256) {
    damaged('payload', 'does not fit its checksum');
  }
  const entity = fields.optional('entity');
  const { headers } = checkHeaders(Object.entries(fields.texts('headers')), {
    maxBytes: LONGEST_HEADERS,
    idempotencyHeader: 'Idempotency-Key',
  });
  return {
    id: fields.count('id', 1),
    createdAt: fields.time('createdAt'),
    target: fields.text('target'),
    entity: entity === undefined ? undefined : checkEntity(new Fields(entity, 'entity').entity()),
    operation: fields.matching('operation', /^[A-Za-z0-9._-]{1,64}$/),
    method: fields.oneOf('method', METHODS),
    path: checkPath(fields.text('path'), LONGEST_PATH),
    headers,
    contentType,
    payload,
    payloadBytes: fields.optionalCount('payloadBytes'),
    payloadSha256: fields.optionalMatching('payloadSha256', /^[0-9a-f]{64}$/),
    idempotencyKey: checkKey(fields.text('idempotencyKey')),
    state: fields.oneOf('state', STATES),
    ownLane: fields.flag('ownLane'),
    notBefore: fields.optionalTime('notBefore'),
    askedAt: fields.optionalTime('askedAt'),
    expiresAt: fields.optionalTime('expiresAt'),
    retryCount: fields.count('retryCount', 0),
    maxRetries: fields.optionalCount('maxRetries'),
    attemptCount: fields.count('attemptCount', 0),
    stateAt: fields.time('stateAt'),
    review: readReview(fields),
    tags: fields.list('tags', (value) =>
      typeof value === 'string' ? value : damaged('tags', 'hold something else than text'),
    ),
    revision: fields.count('revision', 0),
    attempts: fields.list('attempts', (value) => readAttempt(new Fields(value, 'an attempt'))),
    revisions: fields.list('revisions', (value) => readRevision(new Fields(value, 'a revision'))),
    history: fields.list('history', (value) => readEvent(new Fields(value, 'a history entry'))),
  };
}

function readReview(fields: Fields): ArchivedReview | undefined {
  const value = fields.optional('review');
  if (value === undefined) return undefined;
  const review = new Fields(value, 'review');
  return {
    reason: review.oneOf('reason', REVIEW_REASONS),
    status: review.count('status', 0),
    message: review.text('message'),
    cause: review.text('cause'),
  };
}

function readAttempt(fields: Fields): Attempt {
  const response = fields.optional('response');
  return {
    number: fields.count('number', 1),
    startedAt: fields.time('startedAt'),
    durationMs: fields.optionalCount('durationMs'),
    outcome: fields.optional('outcome') === undefined ? undefined : fields.oneOf('outcome', OUTCOMES),
    status: fields.optionalCount('status'),
    message: fields.optionalText('message'),
    counted: fields.flag('counted'),
    runner: fields.text('runner'),
    url: fields.optionalText('url'),
    idempotencyKey: fields.optionalText('idempotencyKey'),
    response: response === undefined ? undefined : readResponse(new Fields(response, 'an answer')),
  };
}

function readResponse(fields: Fields): ResponseExcerpt {
  return {
    status: fields.count('status', 0),
    headers: fields.texts('headers'),
    body: fields.bytes('body'),
    complete: fields.flag('complete'),
  };
}

function readRevision(fields: Fields): ArchivedRevision {
  return {
    number: fields.count('number', 0),
    at: fields.time('at'),
    who: fields.text('who'),
    reason: fields.optionalText('reason'),
    attempts: fields.count('attempts', 0),
    idempotencyKey: checkKey(fields.text('idempotencyKey')),
    path: fields.text('path'),
    contentType: fields.optionalText('contentType'),
    headers: fields.texts('headers'),
    payloadSha256: fields.optionalMatching('payloadSha256', /^[0-9a-f]{64}$/),
    payload: fields.optional('payload') === undefined ? undefined : fields.bytes('payload'),
  };
}

function readEvent(fields: Fields): ArchivedEvent {
  return {
    at: fields.time('at'),
    who: fields.text('who'),
    command: fields.text('command'),
    event: fields.text('event'),
    reason: fields.optionalText('reason'),
    detail: fields.optional('detail') === undefined ? undefined : fields.record('detail'),
  };
}
