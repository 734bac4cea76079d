/** Types of a settlement: a claim, how its attempt ended, and what that means for the item and its target. */
import type { Outcome, ResponseExcerpt, ReviewReason, StoredRequest } from '../nouns/item.js';
import type { TargetRow } from '../nouns/target.js';

/** Points at one claim; `attempt` is unique over all runners of the queue and fences every write-back. */
export interface ClaimRef {
  item: number;
  attempt: number;
}

/** What the rules need to know of an item whose attempt ended. */
export interface ItemFacts {
  id: number;
  /** Equal for items of one lane; own lanes differ from all others. */
  laneKey: number;
  operation: string;
  attemptNumber: number;
  retryCount: number;
  maxRetries: number | undefined;
  /** Failures in a row, counted or not: the backoff grows with it. */
  failures: number;
  /** Attempts in a row whose runner died. */
  crashes: number;
  /** Highest attempt id given out when its last failure was recorded. */
  failMark: number | undefined;
  /** First of the failures in a row, in ms of the target's online time (wall clock minus `offlineMs`). */
  failingSince: number | undefined;
  expiresAt: number | undefined;
  /** Number of the first attempt that may have taken effect; 0 = the original of this copy may have sent it. */
  mayHaveArrived: number | undefined;
  /** Number of the attempt that this one repeats: same key and bytes, effect unknown. */
  repeatOf: number | undefined;
  /** An attempt under an earlier key may have arrived, so an answer may be about the version before an edit. */
  hasEarlierKey: boolean;
  /** Unreadable answers in a row. */
  unreadable: number;
}

export interface Claim extends ClaimRef {
  target: TargetRow;
  request: StoredRequest;
  facts: ItemFacts;
  /** `type/id`; undefined = none. */
  entity: string | undefined;
  startedAt: number;
  /** Monotonic ms after which the claim must no longer be sent; undefined = no bound. */
  sendBefore: number | undefined;
}

/** How an attempt ended. */
export interface AttemptEnd {
  outcome: Outcome;
  status: number | undefined;
  /** One sentence for a person. */
  message: string;
  /** The message without numbers and ids; review items are grouped by it. */
  cause: string;
  retryAfterMs: number | undefined;
  durationMs: number;
  redirectedTo: string | undefined;
  response: ResponseExcerpt | undefined;
  /** True when the runner died before it recorded the end. */
  crashed: boolean;
  /** The request was written to a connected socket and no answer says that it had no effect, or its runner died. */
  mayHaveArrived: boolean;
  /** An answer came and could not be parsed. */
  isUnreadable: boolean;
}

export interface Settlement {
  claim: Claim;
  end: AttemptEnd;
}

/** Where the item goes. */
export type ItemMove =
  | { to: 'completed' }
  | {
      to: 'pending';
      /** Undefined = due at once. */
      notBefore: number | undefined;
      retryCount: number;
      failures: number;
      crashes: number;
      failMark: number | undefined;
      failingSince: number | undefined;
      unreadable: number;
    }
  | { to: 'review'; reason: ReviewReason; message: string; cause: string; retryCount: number };

export interface Decision {
  move: ItemMove;
  counted: boolean;
  /** Columns of the target row that change; `{}` = none. */
  target: Partial<TargetRow>;
}

/** Whether and how the target may be sent to now. */
export interface Gate {
  /** Claims that may be given out now. */
  slots: number;
  /** One tester at a time, taken in rotation after the target's `tester`. */
  rotate: boolean;
  /** Only an item other than the last tester. */
  exceptTester?: boolean;
}

export interface SettlePolicy {
  /** @param lastAttempt highest attempt id given out so far */
  decide(
    facts: ItemFacts,
    end: AttemptEnd,
    claim: ClaimRef,
    target: TargetRow,
    lastAttempt: number,
    now: number,
  ): Decision;
  gate(target: TargetRow, now: number): Gate;
}
