/**
 * The one place that says why an item is where it is: one sentence that can be read out on the phone. Pure. The
 * sentence may quote a server, so the caller escapes it before it prints it.
 */
import type { ItemSummary, LastError, ReviewReason, State, TargetStateName, WaitingOn } from '../nouns/item.js';
import { CLOCK_SLACK_MS } from './backoff.js';
import { arrivalWords } from './item-words.js';
import { isReason } from './reasons.js';
import { moment, type TimeView } from './time-words.js';

/** The longest quotation from a server within a sentence, in UTF-16 units. */
const LONGEST_QUOTE = 160;

/** The members of an item that the sentence needs; lists and details both have them. */
export type Explained = Pick<
  ItemSummary,
  | 'state'
  | 'stateAt'
  | 'attemptCount'
  | 'retryCount'
  | 'maxRetries'
  | 'lastError'
  | 'reviewReason'
  | 'expiresAt'
  | 'completedAt'
  | 'deliveredAs'
  | 'response'
  | 'notBefore'
  | 'waitingOn'
  | 'isOrphaned'
  | 'mayHaveArrived'
>;

/** Why the item is where it is: lower case, no final period. */
export function why(item: Explained, view: TimeView): string {
  return withArrival(whereItIs(item, view), item.mayHaveArrived);
}

/** What people must know before they act on the item, whatever it waits for. */
function withArrival(sentence: string, number: number | undefined): string {
  return number === undefined ? sentence : `${sentence}; ${arrivalWords(number)}`;
}

function whereItIs(item: Explained, view: TimeView): string {
  switch (item.state) {
    case 'completed':
      return delivered(item, view);
    case 'discarded':
      return `discarded at ${moment(item.stateAt, view)}: it will not be sent`;
    case 'sending':
      return sending(item, view);
    case 'review':
      return inReview(item, view);
    case 'pending':
      return pending(item, view);
  }
}

/** A short form for tables that have a column for the state: for an item in review only what was wrong. */
export function shortWhy(item: Explained, view: TimeView): string {
  if (item.state !== 'review' || item.reviewReason === 'editing') return why(item, view);
  return withArrival(shortCause(item, view), item.mayHaveArrived);
}

function shortCause(item: Explained, view: TimeView): string {
  if (item.reviewReason === 'rejected')
    return `${isUnsent(item.lastError) ? 'not sent' : 'refused'}${inBrackets(item.lastError)}`;
  if (item.reviewReason === 'conflict') return `conflict${inBrackets(item.lastError)}`;
  return reviewCause(item.reviewReason, item.lastError, item, view);
}

function delivered(item: Explained, view: TimeView): string {
  const at = moment(item.completedAt ?? item.stateAt, view);
  // The server's last answer was not an acceptance.
  if (item.lastError !== undefined) return `marked as completed at ${at}`;
  if (isRepeat(item.deliveredAs)) return `${quote(item.deliveredAs)}, at ${at}`;
  return item.response === undefined
    ? `completed at ${at}`
    : `delivered at ${at}: ${deliveredWords(item.response.status)} (${item.response.status})`;
}

const DELIVERED = 'delivered: ';

/** The ledger's message for an attempt that a rule calls delivered because an earlier one may have arrived. */
export function repeatWords(status: number, attempt: number): string {
  return `${DELIVERED}${status} to a repeat of attempt ${attempt}`;
}

function isRepeat(message: string | undefined): message is string {
  return message?.startsWith(DELIVERED) === true;
}

/**
 * A status of another class counts as done by a rule: a DELETE of something already gone, or a rule of the config.
 *
 * @param message of the ledger
 */
export function deliveredWords(status: number | undefined, message?: string): string {
  if (isRepeat(message)) return quote(message);
  return status === undefined || Math.trunc(status / 100) === 2
    ? 'the server accepted it'
    : "the server's answer counts as done";
}

function sending(item: Explained, view: TimeView): string {
  const at = `${moment(item.stateAt, view)} (attempt ${Math.max(1, item.attemptCount)})`;
  return item.isOrphaned
    ? `sent at ${at} by a runner that stopped before it noted an answer: the next run takes it up`
    : `being sent since ${at}`;
}

function inReview(item: Explained, view: TimeView): string {
  if (item.reviewReason === 'editing') return `being edited since ${moment(item.stateAt, view)}`;
  return `in review since ${moment(item.stateAt, view)}: ${reviewCause(item.reviewReason, item.lastError, item, view)}`;
}

/** Refused before a byte was sent: no server has answered. */
const isUnsent = (error: Pick<LastError, 'status'> | undefined): boolean =>
  error !== undefined && error.status === undefined;

export function refusedWords(error: Pick<LastError, 'status'> | undefined): string {
  return isUnsent(error) ? 'it was not sent' : 'the server refused it';
}

/**
 * Why an item needs a person. For a blocker only the reason and the last error are known, for the item itself also the
 * number of attempts.
 */
function reviewCause(
  reason: ReviewReason | undefined,
  error: LastError | undefined,
  item: Pick<Explained, 'attemptCount' | 'expiresAt'> | undefined,
  view: TimeView,
): string {
  switch (reason) {
    case 'rejected':
      return `${refusedWords(error)}${inBrackets(error)}`;
    case 'conflict':
      return `it conflicts with what the server has${inBrackets(error)}`;
    case 'exhausted': {
      const tries = item?.attemptCount ?? 0;
      const often = tries > 1 ? `${tries} attempts did not deliver it` : 'it could not be delivered';
      return `${often}${inBrackets(error, 'the last one: ')}`;
    }
    case 'expired': {
      const deadline = item?.expiresAt === undefined ? '' : `, ${moment(item.expiresAt, view)},`;
      return `its deadline${deadline} passed before it was delivered`;
    }
    case 'redirect':
      return `the server wants it sent elsewhere${inBrackets(error)}`;
    case 'unknown':
      return `nobody can tell whether the server has it${inBrackets(error)}`;
    case 'editing':
      return 'somebody is editing it';
    case undefined:
      return `a person is needed${inBrackets(error)}`;
  }
}

function pending(item: Explained, view: TimeView): string {
  const on = item.waitingOn;
  if (on === undefined)
    return item.lastError === undefined ? 'due now' : `due now, after a failure${inBrackets(item.lastError)}`;
  switch (on.kind) {
    case 'item':
      return `waiting behind item ${on.id}, which ${blocker(on, view)}`;
    case 'target':
      return `waiting: ${targetSentence(on, view)}`;
    case 'entity-paused':
      return `waiting: its entity is paused since ${moment(on.since, view)}${pauseEnd(on, view)}`;
    case 'time':
      return ownTime(item, on.until, view);
  }
}

function ownTime(item: Explained, until: number, view: TimeView): string {
  const at = moment(until, view);
  if (item.lastError === undefined || item.attemptCount === 0)
    return `not due before ${at}, as its --delay or --at asked`;
  if (isFromFuture(item.lastError, view.now))
    return `waiting until ${at}, which was set while this machine's clock was ahead: attempt ${item.attemptCount} failed${inBrackets(item.lastError)}`;
  const counted =
    item.retryCount === 0 || item.maxRetries === undefined ? '' : `, retry ${item.retryCount} of ${item.maxRetries}`;
  return `tried again at ${at}${counted}: attempt ${item.attemptCount} failed${inBrackets(item.lastError)}`;
}

/** Noted while the wall clock was ahead: a wait that was reckoned from it may have years to go. */
export const isFromFuture = (error: Pick<LastError, 'at'> | undefined, now: number): boolean =>
  error !== undefined && error.at > now + CLOCK_SLACK_MS;

type Blocker = Extract<WaitingOn, { kind: 'item' }>;

const BLOCKED_BY: Readonly<Record<State, (on: Blocker, view: TimeView) => string>> = {
  review: (on, view) =>
    on.reason === 'editing'
      ? `is being edited since ${moment(on.since, view)}`
      : `is in review since ${moment(on.since, view)}: ${reviewCause(on.reason, on.lastError, undefined, view)}`,
  sending: (on, view) =>
    on.isOrphaned
      ? `was sent at ${moment(on.since, view)} by a runner that stopped before it noted an answer`
      : `is being sent since ${moment(on.since, view)}`,
  pending: (on, view) => {
    const later = on.notBefore !== undefined && on.notBefore > view.now ? moment(on.notBefore, view) : undefined;
    if (on.lastError !== undefined) {
      if (later !== undefined && isFromFuture(on.lastError, view.now))
        return `waits until ${later}, which was set while this machine's clock was ahead: it failed${inBrackets(on.lastError)}`;
      const next = later === undefined ? 'is to be tried again' : `is tried again at ${later}`;
      return `${next}: it failed${inBrackets(on.lastError)}`;
    }
    return later === undefined ? 'is to be sent first' : `is not due before ${later}`;
  },
  completed: () => 'has just been completed',
  discarded: () => 'has just been discarded',
};

const blocker = (on: Blocker, view: TimeView): string => withArrival(BLOCKED_BY[on.state](on, view), on.mayHaveArrived);

/** The facts that a sentence about a target needs. */
export interface TargetFactsForWords {
  name: string;
  state: TargetStateName;
  since: number;
  until?: number | undefined;
  reason?: string | undefined;
  /** Requests since the last sound answer. */
  tries?: number | undefined;
}

/** Why a target is not sent to, e.g. `production is offline since 09:12`. `status` and `retry` use it too. */
export function targetSentence(target: TargetFactsForWords, view: TimeView): string {
  const { name, state, reason } = target;
  const since = moment(target.since, view);
  const because = reason === undefined || reason === '' ? '' : `: ${quote(reason)}`;
  const until = target.until !== undefined && target.until > view.now ? moment(target.until, view) : undefined;
  switch (state) {
    case 'offline':
      return `${name} is offline since ${since}`;
    case 'throttled':
      return `${name} asked at ${since} to be sent less${until === undefined ? '' : `, next at ${until}`}`;
    case 'unavailable':
      return `${name} is ${isReason('thinLink', reason) ? 'hard to reach' : 'unavailable'} since ${since}${tries(target)}${until === undefined ? '' : `, next try at ${until}`}${because}`;
    case 'suspect':
      return `${isReason('thinLink', reason) ? 'the link to ' : ''}${name} failed at ${since} and is tried with one request at a time${because}`;
    case 'auth':
      if (isReason('proxyLogin', reason)) return `${name} is out of reach since ${since}${because}`;
      return `${name} does not accept the credential since ${since}${because}`;
    case 'misconfigured':
      if (isReason('unreadable', reason))
        return `${name} is held since ${since}${until === undefined ? '' : `, next try at ${until}`}${because}`;
      return `the settings of ${name} need mending since ${since}${because}`;
    case 'paused':
      return `${name} is paused since ${since}${pauseEnd(target, view)}`;
    case 'untried':
      return `${name} was not tried yet`;
    case 'online':
      return `${name} is online since ${since}`;
  }
}

function tries({ tries: count = 0 }: TargetFactsForWords): string {
  return count > 1 ? `, ${count} tries` : '';
}

function pauseEnd(pause: { until?: number | undefined; reason?: string | undefined }, view: TimeView): string {
  const until = pause.until === undefined ? '' : ` until ${moment(pause.until, view)}`;
  return `${until}${pause.reason === undefined || pause.reason === '' ? '' : `: ${quote(pause.reason)}`}`;
}

/** ` (422, phone must be digits)`; leaves the status out when the message already has it. */
function inBrackets(error: LastError | undefined, lead = ''): string {
  if (error === undefined) return '';
  const message = quote(error.message);
  const { status } = error;
  if (status === undefined) return message === '' ? '' : ` (${lead}${message})`;
  if (message === '') return ` (${lead}${status})`;
  return new RegExp(`\\b${status}\\b`).test(message) ? ` (${lead}${message})` : ` (${lead}${status}, ${message})`;
}

/** Quotes foreign text within a sentence: on one line, without final period, shortened. */
export function quote(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim().replace(/\.+$/, '');
  if (flat.length <= LONGEST_QUOTE) return flat;
  // Do not cut a surrogate pair in half.
  const short = flat.slice(0, LONGEST_QUOTE - 1).replace(/[\ud800-\udbff]$/, '');
  return `${short}…`;
}
