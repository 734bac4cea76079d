/**
 * The outage rule: is a failure the item's fault or the server's? (Decision 0005.) Pure.
 *
 * Attempt ids serve as the clock: they ascend over all runners, so a wall clock that jumps changes nothing.
 */
import type { Outcome } from '../nouns/item.js';
import type { TargetRow } from '../nouns/target.js';
import type { SettleContext } from './settle-context.js';

/** An attempt that found no connection, or none that could be trusted, sent nothing. */
export const SENT_NOTHING: readonly Outcome[] = ['offline', 'misconfigured'];

/** Outcomes whose effect is unknown. Without a status there was no answer at all. */
export const UNANSWERED: Outcome = 'unknown';

/** Failures that may be the server's fault. */
export function isServerFailure(outcome: Outcome): boolean {
  return outcome === 'unknown' || outcome === 'unavailable' || outcome === 'transient';
}

/**
 * True for an answer that proves that the API itself works: it ends holds and counts as evidence in the outage rule. A
 * probe never does, nor an end without a status, because the server did not answer.
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
 * An unreadable answer is the item's fault when it is the item's second in a row and no other item failed since the
 * first. Failures that hit every item are the server's, or a load balancer's.
 */
export function isUnreadableAlone({ facts, end, target }: Pick<SettleContext, 'facts' | 'end' | 'target'>): boolean {
  if (!end.isUnreadable || facts.unreadable === 0) return false;
  return lastFailureOfOthers(facts.id, target) < (facts.failMark ?? 0);
}

function lastFailureOfOthers(item: number, target: SettleContext['target']): number {
  return target.failItem === item ? target.failOtherAttempt : target.failAttempt;
}

/**
 * Adds one failure to the record that `lastFailureOfOthers` reads. A failure is dated by the highest attempt id given
 * out when it was recorded, as `failMark` is. So of two requests in flight together, each sees the other's failure.
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
