/**
 * The one state machine of items: what the end of an attempt does to its item and its target. Pure;
 * `policy/target-state.ts` holds the target's half.
 */
import type { Outcome, ReviewReason } from '../nouns/item.js';
import type { AttemptEnd, Decision, ItemMove } from './settlement.js';
import { backoffMs } from './backoff.js';
import { countsAgainstItem, isServerFailure, isUnreadableAlone } from './outage.js';
import type { SettleContext } from './settle-context.js';
import { onlineTime, targetAfter } from './target-state.js';

/** After this many crashes in a row while sending one item, the item goes to review. */
export const CRASH_LIMIT = 5;

/** The end of an attempt whose runner died before it recorded one. */
export function crashedAttempt(): AttemptEnd {
  const message = 'the runner stopped before it recorded the answer; the server may have this write already';
  return {
    outcome: 'unknown',
    status: undefined,
    message,
    cause: message,
    retryAfterMs: undefined,
    durationMs: 0,
    redirectedTo: undefined,
    response: undefined,
    crashed: true,
    mayHaveArrived: true,
    isUnreadable: false,
  };
}

/** Where an item goes whose deadline passed while it was pending. It keeps its place and blocks its lane. */
export const EXPIRED = { reason: 'expired', message: 'its deadline passed before it could be delivered' } as const;

/** Outcomes that go to review at once, with the reason. */
const REFUSED: Partial<Record<Outcome, ReviewReason>> = {
  rejected: 'rejected',
  conflict: 'conflict',
  redirect: 'redirect',
};

/** What becomes of the item and of its target. */
export function decide(context: SettleContext): Decision {
  const counted = countsAgainstItem(context);
  return { move: moveItem(context, counted), counted, target: targetAfter(context) };
}

function moveItem(context: SettleContext, counted: boolean): ItemMove {
  const { end, facts } = context;
  if (end.outcome === 'delivered') return { to: 'completed' };
  const reason = REFUSED[end.outcome];
  if (reason !== undefined) return review(context, reason, end.message, facts.retryCount);
  if (!isServerFailure(end.outcome)) return backToLine(context);
  return afterServerFailure(context, counted);
}

/** Offline, throttled, auth, misconfigured: the target waits, and the item keeps its retries. */
function backToLine(context: SettleContext): ItemMove {
  const { retryCount, failures, failMark, failingSince } = context.facts;
  const unreadable = unreadableInARow(context);
  return { to: 'pending', notBefore: undefined, retryCount, failures, crashes: 0, failMark, failingSince, unreadable };
}

/** A missing answer between two unreadable ones does not break the row. */
function unreadableInARow({ facts, end }: SettleContext): number {
  if (end.isUnreadable) return facts.unreadable + 1;
  return end.status === undefined ? facts.unreadable : 0;
}

function afterServerFailure(context: SettleContext, counted: boolean): ItemMove {
  const { end, facts, config, target, now, random } = context;
  const retryCount = facts.retryCount + (counted ? 1 : 0);
  const failures = facts.failures + 1;
  const crashes = end.crashed ? facts.crashes + 1 : 0;
  const onlineNow = onlineTime(target, now);
  // A clock that was fast when the first failure was recorded must not lengthen patience.
  const failingSince = Math.min(facts.failingSince ?? onlineNow, onlineNow);
  if (crashes >= CRASH_LIMIT) {
    return review(context, 'unknown', `syncq died ${crashes} times in a row while sending this item`, retryCount);
  }
  if (end.outcome === 'unknown' && config.onUnknown === 'review') {
    return review(context, 'unknown', end.message, retryCount);
  }
  if (isUnreadableAlone(context)) return review(context, 'unknown', end.message, retryCount);
  if (counted && retryCount >= (facts.maxRetries ?? config.retry.max)) {
    return review(context, 'exhausted', end.message, retryCount);
  }
  if (onlineNow - failingSince > config.patienceMs) {
    return review(context, 'exhausted', end.message, retryCount);
  }
  // An `unknown` or `unavailable` that is not counted makes the target wait; the item is due as soon as that wait ends.
  const ownWait = counted || end.outcome === 'transient';
  return {
    to: 'pending',
    notBefore: ownWait ? now + backoffMs(failures, config.retry, random, end.retryAfterMs) : undefined,
    retryCount,
    failures,
    crashes,
    failMark: context.lastAttempt,
    failingSince,
    unreadable: unreadableInARow(context),
  };
}

function review({ end }: SettleContext, reason: ReviewReason, message: string, retryCount: number): ItemMove {
  const cause = message === end.message ? end.cause : message;
  return { to: 'review', reason, message, cause, retryCount };
}
