/**
 * The one state machine of targets (contract, section 5): what an attempt, a probe or the clock does to a target, and
 * how many requests may go to it now. Pure; docs/state-machine.md is checked against `TARGET_TRANSITIONS` by a test.
 */
import type { TargetStateName } from '../item.js';
import type { Gate } from '../store/store.js';
import type { HoldKind, TargetRow } from '../target.js';
import { holdMs, isOver, RETRY_AFTER_CAP_MS, SHORTEST_THROTTLE_MS } from './backoff.js';
import { isSound, noteFailure } from './outage.js';
import type { SettleContext } from './settle.js';

type StoredState = TargetRow['state'];
type Change = Partial<TargetRow>;

/** States that are sent to without waiting for anything. */
export function isOpenState(state: StoredState): boolean {
  return state === 'untried' || state === 'online' || state === 'suspect';
}

/** The state that people see: a pause is laid over whatever is below. */
export function shownState(target: TargetRow, now: number): TargetStateName {
  return isPaused(target, now) ? 'paused' : target.state;
}

export function isPaused({ paused }: TargetRow, now: number): boolean {
  return paused !== undefined && !(paused.until !== undefined && isOver(paused.until, paused.since, now));
}

/** A hold with a time bound that has passed: one tester may go. */
export function holdIsOver(target: TargetRow, now: number): boolean {
  return target.until !== undefined && isOver(target.until, target.setAt, now);
}

/** May be sent to now, as far as its own state goes (`status` counts its lane heads as due, else as held). */
export function isSendable(target: TargetRow, now: number): boolean {
  if (isPaused(target, now)) return false;
  if (isOpenState(target.state)) return true;
  return isTimedHold(target.state) && holdIsOver(target, now);
}

/** Holds that end by their time and a tester; `offline` ends by a probe, `misconfigured` by mending. */
function isTimedHold(state: StoredState): boolean {
  return state === 'throttled' || state === 'unavailable' || state === 'auth';
}

/**
 * How many claims may be given out now.
 *
 * @param inFlight requests of this target under way
 * @param limit requests in flight allowed when all is well (the smaller of its concurrency and the slow start)
 */
export function gateOf(target: TargetRow, now: number, inFlight: number, limit: number): Gate {
  if (!isSendable(target, now)) return { slots: 0, rotate: false };
  const testing = target.state !== 'online' && target.state !== 'untried';
  if (testing) return { slots: Math.max(0, 1 - inFlight), rotate: true };
  return { slots: Math.max(0, limit - inFlight), rotate: false };
}

/** What an attempt's end changes in the target's row. */
export function targetAfter(context: SettleContext): Change {
  const { end, claim, target } = context;
  const tries = { tries: target.tries + 1 };
  const outcome = end.outcome;
  if (isSound(end)) return afterSoundAnswer(context);
  switch (outcome) {
    case 'offline':
      return { ...tries, ...enter(context, 'offline', end.message) };
    case 'throttled':
      return { ...tries, ...throttle(context) };
    case 'auth':
      return { ...tries, ...deny(context) };
    case 'misconfigured':
      return { ...tries, ...enter(context, 'misconfigured', end.message, undefined, 'tls'), holdMark: context.lastAttempt };
    case 'transient':
      return { ...tries, ...noteFailure(context.facts.id, claim.attempt, target), ...afterTransient(context) };
    case 'unknown':
    case 'unavailable':
      return { ...tries, ...noteFailure(context.facts.id, claim.attempt, target), ...suspectThenHold(context) };
    default:
      return tries;
  }
}

/** The columns of a change of state. `since` stays when only the reason or the bound changes. */
export function enterState(
  target: TargetRow,
  now: number,
  state: StoredState,
  reason: string | undefined,
  until?: number,
  holdKind?: HoldKind,
): Change {
  const stays = target.state === state;
  const wasOffline = target.state === 'offline' && !stays;
  return {
    state,
    since: stays ? target.since : now,
    until,
    setAt: now,
    reason,
    holdKind,
    ...(stays ? {} : { holdStep: 0 }),
    // Patience does not run while a target is offline.
    ...(wasOffline ? { offlineMs: target.offlineMs + Math.max(0, now - target.since) } : {}),
  };
}

function enter({ target, now }: SettleContext, state: StoredState, reason: string, until?: number, kind?: HoldKind): Change {
  return enterState(target, now, state, reason, until, kind);
}

function afterSoundAnswer(context: SettleContext): Change {
  const { claim, target, now } = context;
  const change: Change = {
    soundAttempt: Math.max(target.soundAttempt, claim.attempt),
    ...(target.state === 'online' || outlivesAnswer(target, claim.attempt) ? {} : enterState(target, now, 'online', undefined)),
    ...(target.tries === 0 && target.holdStep === 0 ? {} : { tries: 0, holdStep: 0 }),
  };
  return { ...change, ...breaker(context) };
}

/** An answer to a request that was under way before the hold began does not end the hold. */
function outlivesAnswer(target: TargetRow, attempt: number): boolean {
  return (isTimedHold(target.state) || target.state === 'misconfigured') && attempt <= target.holdMark;
}

/** After `breaker` refusals in a row with one 4xx from as many lanes, the base URL is the likelier culprit. */
function breaker({ end, facts, target, config, now, lastAttempt }: SettleContext): Change {
  const refused = (end.outcome === 'rejected' || end.outcome === 'conflict') && end.status !== undefined;
  if (!refused) return target.refusals === undefined ? {} : { refusals: undefined };
  const status = end.status ?? 0;
  const before = target.refusals?.status === status ? target.refusals.lanes : [];
  const lanes = before.includes(facts.laneKey) ? before : [...before, facts.laneKey];
  if (config.breaker === 0 || lanes.length < config.breaker) return { refusals: { status, lanes } };
  const reason = `${lanes.length} items refused with ${status}, none delivered: is the base URL right?`;
  return {
    ...enterState(target, now, 'misconfigured', reason, undefined, 'breaker'),
    refusals: undefined,
    holdMark: lastAttempt,
  };
}

function throttle(context: SettleContext): Change {
  const { end, target, now } = context;
  const step = target.state === 'throttled' ? target.holdStep + 1 : 0;
  // "Retry-After: 0" must not make a loop that knows no pause.
  const wait = Math.min(Math.max(end.retryAfterMs ?? holdMs('throttled', step), SHORTEST_THROTTLE_MS), RETRY_AFTER_CAP_MS);
  // Answers of one burst arrive together: the latest bound wins, a shorter one does not end the hold early.
  const until = target.state === 'throttled' ? Math.max(now + wait, target.until ?? 0) : now + wait;
  return { ...enter(context, 'throttled', end.message, until), holdStep: step, holdMark: context.lastAttempt };
}

function deny(context: SettleContext): Change {
  const { claim, target, end, now, lastAttempt } = context;
  const again = target.state === 'auth';
  // Requests that were under way when the first 401 came say nothing new.
  if (again && claim.attempt <= target.holdMark) return {};
  const step = again ? target.holdStep + 1 : 0;
  return {
    ...enter(context, 'auth', end.message, now + holdMs('auth', step)),
    holdStep: step,
    holdMark: lastAttempt,
  };
}

/** A 500 answers for its item, not for the target, unless the target was being tested: then the test failed. */
function afterTransient(context: SettleContext): Change {
  const { target } = context;
  if (target.state === 'unavailable' || target.state === 'suspect') return suspectThenHold(context);
  if (target.state === 'auth') return deny(context);
  return target.state === 'online' ? {} : enterState(target, context.now, 'online', undefined);
}

function suspectThenHold(context: SettleContext): Change {
  const { claim, target, end, now, lastAttempt, facts } = context;
  const ofThisHold = claim.attempt > target.holdMark;
  const tester = { tester: facts.id };
  if (target.state === 'unavailable') {
    if (!ofThisHold) return {};
    const step = target.holdStep + 1;
    return { ...tester, ...enter(context, 'unavailable', end.message, now + holdMs('unavailable', step)), holdStep: step, holdMark: lastAttempt };
  }
  if (target.state === 'suspect') {
    // Others that were in flight at the first failure do not make it a second one.
    if (!ofThisHold) return {};
    return { ...tester, ...enter(context, 'unavailable', end.message, now + holdMs('unavailable', 0)), holdMark: lastAttempt };
  }
  if (target.state === 'misconfigured') return {};
  return { ...tester, ...enter(context, 'suspect', end.message), holdMark: lastAttempt };
}
