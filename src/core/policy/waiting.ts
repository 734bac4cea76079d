/** What a pending item waits for, and which error of an item people see. Pure; every store uses it. */
import type { ItemSummary, LastError, Outcome, ReviewReason, WaitingOn } from '../nouns/item.js';
import type { TargetRow } from '../nouns/target.js';
import { stillAhead, type Eligibility } from './lane.js';
import { isPaused, isSendable, shownState } from './target-state.js';

/** Times in epoch ms. */
export interface PendingPlace {
  /** Undefined = not the head of its lane. */
  eligibility: Eligibility | undefined;
  notBefore: number | undefined;
  entityPause: { since: number; until: number | undefined; reason: string | undefined } | undefined;
}

/** The first that fits: blocked, held, waiting, due. */
export function waitingKind(place: PendingPlace, target: TargetRow, now: number): ItemSummary['waiting'] {
  const { eligibility } = place;
  if (eligibility === undefined) return 'blocked';
  if (eligibility === 'paused' || !isSendable(target, now)) return 'held';
  return headWaitsFor(place, target, now)?.kind === 'time' ? 'waiting' : 'due';
}

/** What a lane head waits for; undefined = nothing, or it is not a head. */
export function headWaitsFor(
  { eligibility, notBefore, entityPause }: PendingPlace,
  target: TargetRow,
  now: number,
): WaitingOn | undefined {
  if (eligibility === undefined) return undefined;
  if (eligibility === 'paused' && entityPause !== undefined) return { kind: 'entity-paused', ...entityPause };
  if (!isSendable(target, now)) return onTarget(target, now);
  const until = eligibility === 'waiting' ? stillAhead(notBefore, now) : undefined;
  if (until !== undefined) return { kind: 'time', until };
  // Due to test a credential that was refused, which is why it has not been sent yet.
  return target.state === 'auth' ? onTarget(target, now) : undefined;
}

function onTarget(target: TargetRow, now: number): WaitingOn {
  const { since, until, reason } = isPaused(target, now) && target.paused !== undefined ? target.paused : target;
  return { kind: 'target', name: target.name, state: shownState(target, now), since, until, reason };
}

/** Why an item is in review, as stored. A review group keeps the message of its first item. */
export interface StoredReview {
  reason: ReviewReason;
  status: number | undefined;
  message: string;
  /** When it went there, epoch ms. */
  at: number;
}

export interface LastAttempt {
  outcome: Outcome;
  status: number | undefined;
  message: string | undefined;
  /** Epoch ms. */
  endedAt: number;
}

/** The message of the rule that flagged the item, else how its last attempt failed; undefined = neither. */
export function lastErrorOf(review: StoredReview | undefined, last: LastAttempt | undefined): LastError | undefined {
  if (review?.reason === 'expired' || review?.reason === 'exhausted') {
    const { reason: outcome, status, at } = review;
    // The item's own words are in its last attempt.
    const message = outcome === 'exhausted' ? (last?.message ?? review.message) : review.message;
    return { outcome, status, message, at };
  }
  if (last === undefined || last.outcome === 'delivered') return undefined;
  return { outcome: last.outcome, status: last.status, message: last.message ?? '', at: last.endedAt };
}
