/**
 * The one state machine of targets (contract, section 5): what an attempt, a probe or the clock does to a target, and
 * how many requests may go to it now. Pure; docs/state-machine.md lists every transition, and a test checks it.
 */
import type { TargetStateName } from '../nouns/item.js';
import type { Gate } from './settlement.js';
import type { HoldKind, TargetRow } from '../nouns/target.js';
import { holdMs, isOver, RETRY_AFTER_CAP_MS, SHORTEST_THROTTLE_MS } from './backoff.js';
import { isServerFailure, isSound, noteFailure } from './outage.js';
import type { SettleContext } from './settle-context.js';

type StoredState = TargetRow['state'];
type Change = Partial<TargetRow>;

/** States in which the target is sent to without waiting. */
export function isOpenState(state: StoredState): boolean {
  return state === 'untried' || state === 'online' || state === 'suspect';
}

/** The state that people see: a pause hides the state below it. */
export function shownState(target: TargetRow, now: number): TargetStateName {
  return isPaused(target, now) ? 'paused' : target.state;
}

export function isPaused({ paused }: TargetRow, now: number): boolean {
  return paused !== undefined && !(paused.until !== undefined && isOver(paused.until, paused.since, now));
}

/** True for a hold whose time is over: one tester may go. */
export function holdIsOver(target: TargetRow, now: number): boolean {
  return target.until !== undefined && isOver(target.until, target.setAt, now);
}

/** True when the target's own state allows sending now. `status` then counts its lane heads as due, else as held. */
export function isSendable(target: TargetRow, now: number): boolean {
  if (isPaused(target, now)) return false;
  if (isOpenState(target.state)) return true;
  return isTimedHold(target) && holdIsOver(target, now);
}

/** True for a hold that a check can find resolved: a credential, or a file that the config names. */
export function endsByMending({ state, holdKind }: TargetRow): boolean {
  return state === 'misconfigured' && (holdKind === 'credential' || holdKind === 'config');
}

/** Holds that end by their time and a tester. `offline` ends by a probe, `misconfigured` mostly by a fixed config. */
function isTimedHold(target: Pick<TargetRow, 'state' | 'holdKind'>): boolean {
  const { state } = target;
  return state === 'throttled' || state === 'unavailable' || state === 'auth' || isUnreadable(target);
}

/** Held because its answers cannot be read. */
function isUnreadable({ state, holdKind }: Pick<TargetRow, 'state' | 'holdKind'>): boolean {
  return state === 'misconfigured' && holdKind === 'unreadable';
}

/**
 * How many claims may be given out now.
 *
 * @param inFlight requests of this target in flight
 * @param limit requests in flight allowed in the state `online` (the smaller of its concurrency and the slow start)
 */
export function gateOf(target: TargetRow, now: number, inFlight: number, limit: number): Gate {
  if (!isSendable(target, now)) {
    const slots = inFlight === 0 && restsOnOneItem(target, now) ? 1 : 0;
    return slots === 0 ? { slots, rotate: false } : { slots, rotate: true, exceptTester: true };
  }
  const testing = target.state !== 'online' && target.state !== 'untried';
  if (testing) return { slots: Math.max(0, 1 - inFlight), rotate: true };
  return { slots: Math.max(0, limit - inFlight), rotate: false };
}

/**
 * A hold that only one item caused says little about the server, so an item of another lane that arrives meanwhile
 * tests it at once. If that item fails too, the hold rests on two items and everything waits for its end.
 */
function restsOnOneItem(target: TargetRow, now: number): boolean {
  const { state, tester, failItem, failOtherAttempt, soundAttempt } = target;
  if (state !== 'unavailable' || isPaused(target, now)) return false;
  return tester !== 0 && failItem === tester && failOtherAttempt <= soundAttempt;
}

/** What the end of an attempt changes in the target's row. */
export function targetAfter(context: SettleContext): Change {
  const { end, facts, target } = context;
  if (isSound(end)) return afterSoundAnswer(context);
  // It was refused before it was sent, so it says nothing about the server.
  if (end.outcome === 'rejected') return {};
  const counts = { tries: target.tries + 1, ...(isServerFailure(end.outcome) ? noteFailure(context) : {}) };
  if (end.crashed) return { ...counts, tester: facts.id, ...afterCrash(context) };
  if (isNoNews(context)) return { ...counts, ...extendThrottle(context) };
  return { ...counts, tester: facts.id, ...afterFailure(context) };
}

/**
 * True for the end of a request that was in flight when the present hold began: it neither ends, lengthens nor replaces
 * the hold. The next tester finds out what is still true.
 */
function isNoNews({ claim, end, target }: SettleContext): boolean {
  const isLate = claim.attempt <= target.holdMark;
  switch (target.state) {
    case 'misconfigured':
      return isLate || !isUnreadable(target); // The others end only when the cause is fixed.
    case 'offline':
      return end.status === undefined; // A status has just arrived over the network, so the target is back.
    case 'suspect':
      // Failures of requests that were in flight at the first one are not a second failure. Two unreadable answers are
      // enough, because each may repeat a write.
      return isLate && isServerFailure(end.outcome) && !isSecondUnreadable(end, target);
    default:
      return isLate && isTimedHold(target);
  }
}

/** Another failure without a sound answer in between, whichever item had the first. */
function isSecondUnreadable({ isUnreadable: isOne }: SettleContext['end'], { holdKind }: TargetRow): boolean {
  return isOne && holdKind === 'unreadable';
}

/** The next state after a failure that is not covered by the present hold. */
function afterFailure(context: SettleContext): Change {
  const { end, target } = context;
  const isSecond = isSecondUnreadable(end, target) && target.state !== 'auth';
  if (isSecond || (isUnreadable(target) && isServerFailure(end.outcome))) {
    return holdAgain(context, 'misconfigured', isUnreadable(target), end.isUnreadable, 'unreadable');
  }
  switch (end.outcome) {
    case 'offline':
      return enter(context, 'offline', end.message);
    case 'throttled':
      return throttle(context);
    case 'auth':
      return holdAgain(context, 'auth', target.state === 'auth', true);
    case 'misconfigured':
      return enter(context, 'misconfigured', end.message, undefined, 'tls');
    case 'transient':
      return afterTransient(context);
    default:
      return suspectThenHold(context);
  }
}

/**
 * A runner's own death is not a second failure of the server. But the requests in flight may have caused it, so start
 * slowly.
 */
function afterCrash(context: SettleContext): Change {
  const { end, target } = context;
  return target.state === 'online' || target.state === 'untried' ? enter(context, 'suspect', end.message) : {};
}

/**
 * The columns of a change of state. `since` stays when only the reason or the time bound changes. An unreadable last
 * answer stays recorded through all states until a sound answer arrives.
 */
export function enterState(
  target: TargetRow,
  now: number,
  state: StoredState,
  reason: string | undefined,
  until?: number,
  holdKind?: HoldKind,
): Change {
  const stays = target.state === state;
  const offlineMs = now - onlineTime(target, now);
  return {
    state,
    since: stays ? target.since : now,
    until,
    setAt: now,
    reason,
    holdKind: holdKind ?? (target.holdKind === 'unreadable' ? target.holdKind : undefined),
    ...(stays ? {} : { holdStep: 0 }),
    ...(stays || offlineMs === target.offlineMs ? {} : { offlineMs }),
  };
}

/** The wall clock minus the target's offline time, ms: patience does not run while it is offline. */
export function onlineTime({ state, since, offlineMs }: TargetRow, now: number): number {
  return now - offlineMs - (state === 'offline' ? Math.max(0, now - since) : 0);
}

/**
 * Excludes `ms` from the time that counts towards the patience with a target. Undefined for an offline target: its
 * whole offline time is excluded when it is back.
 */
export function leaveOut(target: TargetRow, ms: number): Change | undefined {
  return target.state === 'offline' ? undefined : { offlineMs: target.offlineMs + ms };
}

/** Attempts given out so far were in flight or over when this hold began. */
function enter(context: SettleContext, state: StoredState, reason: string, until?: number, kind?: HoldKind): Change {
  const { target, now, lastAttempt, end } = context;
  const holdKind = kind ?? (end.isUnreadable ? 'unreadable' : undefined);
  return { ...enterState(target, now, state, reason, until, holdKind), holdMark: lastAttempt };
}

function afterSoundAnswer(context: SettleContext): Change {
  const { claim, target, now } = context;
  const isOnline = target.state === 'online' && target.holdKind === undefined;
  return {
    soundAttempt: Math.max(target.soundAttempt, claim.attempt),
    ...(isOnline || outlivesAnswer(target, claim.attempt)
      ? {}
      : { ...enterState(target, now, 'online', undefined), holdKind: undefined }),
    ...(target.tries === 0 ? {} : { tries: 0 }),
    ...breaker(context),
  };
}

/** An answer to a request from before the hold does not end the hold, and no answer fixes settings. */
function outlivesAnswer(target: TargetRow, attempt: number): boolean {
  return isTimedHold(target) ? attempt <= target.holdMark : target.state === 'misconfigured';
}

/** After `breaker` refusals in a row with one 4xx from as many lanes, the base URL is the likelier culprit. */
function breaker(context: SettleContext): Change {
  const { end, facts, target, config } = context;
  const refused = end.outcome === 'rejected' || end.outcome === 'conflict';
  if (!refused || config.breaker === 0) return target.refusals === undefined ? {} : { refusals: undefined };
  if (target.state === 'misconfigured') return {};
  const status = end.status ?? 0;
  const before = target.refusals?.status === status ? target.refusals.lanes : [];
  const lanes = before.includes(facts.laneKey) ? before : [...before, facts.laneKey];
  if (lanes.length < config.breaker) return { refusals: { status, lanes } };
  const reason = `${lanes.length} items refused with ${status}, none delivered: is the base URL right?`;
  return { ...enter(context, 'misconfigured', reason, undefined, 'breaker'), refusals: undefined };
}

function throttle(context: SettleContext): Change {
  const { end, target, now } = context;
  const step = target.state === 'throttled' ? target.holdStep + 1 : 0;
  const wait = askedWaitMs(end) ?? holdMs('throttled', step);
  return { ...enter(context, 'throttled', end.message, now + wait), holdStep: step };
}

/** "Retry-After: 0" must not cause a loop without pause. */
function askedWaitMs({ retryAfterMs }: SettleContext['end']): number | undefined {
  if (retryAfterMs === undefined) return undefined;
  return Math.min(Math.max(retryAfterMs, SHORTEST_THROTTLE_MS), RETRY_AFTER_CAP_MS);
}

/** Answers to one burst arrive together; the latest time that the server asked for wins. */
function extendThrottle({ end, target, now }: SettleContext): Change {
  const wait = target.state === 'throttled' && end.outcome === 'throttled' ? askedWaitMs(end) : undefined;
  return wait === undefined || now + wait <= (target.until ?? 0) ? {} : { until: now + wait, setAt: now };
}

/**
 * Only a sound answer ends the hold, so a tester that fails in another way lengthens it too.
 *
 * @param isAgain the target is in this hold already
 * @param isSame this end is the kind that caused the hold
 */
function holdAgain(
  context: SettleContext,
  state: 'auth' | 'misconfigured',
  isAgain: boolean,
  isSame: boolean,
  kind?: HoldKind,
): Change {
  const { target, end, now } = context;
  const step = isAgain ? target.holdStep + 1 : 0;
  const reason = isAgain && !isSame ? (target.reason ?? end.message) : end.message;
  const until = now + holdMs(state === 'auth' ? 'auth' : 'unreadable', step);
  return { ...enter(context, state, reason, until, kind), holdStep: step };
}

/** A 500 concerns its item, not the target, unless the target was being tested: then the test failed. */
function afterTransient(context: SettleContext): Change {
  const { target, now } = context;
  const isTest = target.state === 'suspect' || target.state === 'unavailable' || target.state === 'auth';
  if (isTest) return suspectThenHold(context);
  return target.state === 'online' ? {} : enterState(target, now, 'online', undefined);
}

function suspectThenHold(context: SettleContext): Change {
  const { target, end, now } = context;
  if (target.state === 'auth') return holdAgain(context, 'auth', true, false);
  if (target.state !== 'suspect' && target.state !== 'unavailable') return enter(context, 'suspect', end.message);
  const step = target.state === 'unavailable' ? target.holdStep + 1 : 0;
  return { ...enter(context, 'unavailable', end.message, now + holdMs('unavailable', step)), holdStep: step };
}
