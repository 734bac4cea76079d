/**
 * The outage rule: whose fault is a failure, the item's or the server's? (contract, section 5; decision 0005). Pure.
 *
 * Attempt ids are the clock here, not times: they ascend over all runners, so a wall clock that jumps changes nothing.
 */
import type { Outcome } from '../nouns/item.js';
import type { TargetRow } from '../nouns/target.js';
import type { SettleContext } from './settle-context.js';

/** An attempt that found no connection, or none that could be trusted, sent nothing. */
export const SENT_NOTHING: readonly Outcome[] = ['offline', 'misconfigured'];

/** How an attempt ends whose effect nobody knows: with no status it got no answer at all. */
export const UNANSWERED: Outcome = 'unknown';

/** Failures that could be the server's own. */
export function isServerFailure(outcome: Outcome): boolean {
  return outcome === 'unknown' || outcome === 'unavailable' || outcome === 'transient';
}

/**
 * An answer that proves the API itself at work: it lifts holds and is evidence in the outage rule. A probe never is, nor
 * an end without a status: then the server did not speak.
 */
export function isSound({ outcome, status }: { outcome: Outcome; status?: number | undefined }): boolean {
  if (status === undefined) return false;
  return outcome === 'delivered' || outcome === 'rejected' || outcome === 'conflict' || outcome === 'redirect';
}

/**
 * A server's failure counts against the item only if another item's attempt that began after this item's previous
 * failure got a sound answer. So the first failure never counts, and a server that is down flags nothing.
 *
 * One exception: a `transient` (500 and the like) also counts when no other item failed since, because a lone item
 * answered 500 is its own fault until another shows otherwise.
 */
export function countsAgainstItem({ facts, end, target }: Pick<SettleContext, 'facts' | 'end' | 'target'>): boolean {
  if (!isServerFailure(end.outcome) || facts.failMark === undefined) return false;
  if (target.soundAttempt > facts.failMark) return true;
  return end.outcome === 'transient' && lastFailureOfOthers(facts.id, target) < facts.failMark;
}

/**
 * An answer that cannot be read is the item's own fault when it is its second in a row and no other item failed since
 * the first: what comes to all is the server's, or a balancer's.
 */
export function isUnreadableAlone({ facts, end, target }: Pick<SettleContext, 'facts' | 'end' | 'target'>): boolean {
  if (!end.isUnreadable || facts.unreadable === 0) return false;
  return lastFailureOfOthers(facts.id, target) < (facts.failMark ?? 0);
}

function lastFailureOfOthers(item: number, target: SettleContext['target']): number {
  return target.failItem === item ? target.failOtherAttempt : target.failAttempt;
}

/**
 * The record of failures that `lastFailureOfOthers` reads, after one more. A failure is dated by the highest attempt id
 * given out when it was recorded, as `failMark` is: of requests under way together, each sees the other's failure.
 */
export function noteFailure({
  facts,
  target,
  lastAttempt,
}: Pick<SettleContext, 'facts' | 'target' | 'lastAttempt'>): Pick<
  TargetRow,
  'failItem' | 'failAttempt' | 'failOtherAttempt'
> {
  const failOtherAttempt = target.failItem === facts.id ? target.failOtherAttempt : target.failAttempt;
  return { failItem: facts.id, failAttempt: lastAttempt, failOtherAttempt };
}
