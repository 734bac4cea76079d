/** Which state an imported item gets: nobody here is sending it, and nobody has it open in an editor. Pure. */
import { REVIEW_REASONS, type Attempt, type ReviewReason, type State } from '../nouns/item.js';

/** Why an item is in review. */
export interface Review {
  reason: ReviewReason;
  /** 0 = no answer. */
  status: number;
  message: string;
  /** The message with ids and numbers taken out. */
  cause: string;
}

/** The facts that decide the state. Attempts and history: oldest first. */
export interface ImportedItem {
  state: State;
  review: Review | undefined;
  attempts: readonly Pick<Attempt, 'message' | 'status'>[];
  history: readonly { event: string; detail: Record<string, unknown> | undefined }[];
}

export interface Standing {
  state: State;
  /** Set exactly when the state is review. */
  review: Review | undefined;
}

export function standingOf(item: ImportedItem): Standing {
  if (item.state === 'sending') return { state: 'pending', review: undefined };
  if (item.state !== 'review') return { state: item.state, review: undefined };
  const review = item.review ?? reviewFor('unknown', 0, 'it was in review');
  if (review.reason !== 'editing') return { state: 'review', review };
  // The editor belongs to the other queue: the item returns to its state from before it was opened.
  const opened = item.history.findLast(({ event }) => event === 'editing')?.detail?.['reason'];
  const reason = REVIEW_REASONS.find((known) => known === opened && known !== 'editing');
  if (reason === undefined) return { state: 'pending', review: undefined };
  const last = item.attempts.at(-1);
  return { state: 'review', review: reviewFor(reason, last?.status ?? 0, last?.message ?? review.message) };
}

function reviewFor(reason: ReviewReason, status: number, message: string): Review {
  return { reason, status, message, cause: message };
}

/** Message of an attempt that was under way when the item was exported. */
export const CUT_OFF = 'it was being sent when it was exported: what came of that is not known here';
