/**
 * What a person's command does to an item or a target, and when it is refused. Pure: a store reads the facts, asks
 * these functions and writes their answer in the same commit. So every store gives the same answer in the same words.
 */
import type { Outcome, ReviewReason, State } from '../nouns/item.js';
import type { TargetRow } from '../nouns/target.js';
import { arrivalWords } from './item-words.js';
import { stillAhead } from './lane.js';
import type { ItemMove } from './settlement.js';
import { enterState } from './target-state.js';

/** The facts about an item that a person's command depends on. Times in epoch ms. */
export interface FoundItem {
  id: number;
  state: State;
  /** Pending behind another item of its lane. */
  isBehind: boolean;
  notBefore: number | undefined;
  expiresAt: number | undefined;
  /** The counters that its retry policy reads. */
  budget: RetryBudget;
  /** How its last attempt ended; undefined = it has none. */
  lastOutcome: Outcome | undefined;
  reviewReason: ReviewReason | undefined;
  revision: number;
  /** Number of the first attempt that may have arrived. */
  mayHaveArrived: number | undefined;
}

type Pending = Extract<ItemMove, { to: 'pending' }>;

/** What an item records about its failures. */
export type RetryBudget = Pick<Pending, 'retryCount' | 'failures' | 'crashes' | 'failingSince' | 'unreadable'>;

/** Facts that the store looks up only when the answer depends on them. */
export interface Lookups {
  now: number;
  /** Somebody holds the right to send. */
  runnerIsAlive(): boolean;
  /** The first unfinished item of this item's lane. */
  headOf(item: FoundItem): { id: number; state: State } | undefined;
  /** Who opened it in an editor last. */
  editorOf(item: FoundItem): string | undefined;
}

/** Why a command is refused. `confirm-needed`: it is carried out once a person says yes. */
export interface Refusal {
  refused: string;
  code?: 'confirm-needed';
}

export const isRefusal = (answer: object): answer is Refusal => 'refused' in answer;

/** A deadline that a person sets: a time, or a span from now. */
export type NewDeadline = { at: number } | { delayMs: number };

/** Where a retry puts an item: due now, in its place, under the same key. */
export interface RetryMove extends RetryBudget {
  to: 'pending';
  expiresAt: number | undefined;
}

const FRESH_BUDGET: RetryBudget = { retryCount: 0, failures: 0, crashes: 0, failingSince: undefined, unreadable: 0 };

/**
 * Review becomes pending with a fresh retry budget; pending in backoff becomes due now and keeps its count. A deadline
 * that has passed is cleared.
 */
export function decideRetry(item: FoundItem, deadline: NewDeadline | undefined, lookups: Lookups): RetryMove | Refusal {
  const refused = refusedBy('retry', item, lookups) ?? (deadline === undefined ? whyBehind(item, lookups) : undefined);
  if (refused !== undefined) return { refused };
  const { now } = lookups;
  const asked = deadline && ('at' in deadline ? deadline.at : now + deadline.delayMs);
  return {
    to: 'pending',
    ...(item.state === 'review' ? FRESH_BUDGET : item.budget),
    expiresAt: asked ?? stillAhead(item.expiresAt, now),
  };
}

/** Whether a person may discard or complete an item; undefined = yes. */
export function refuseEnd(kind: 'discard' | 'complete', item: FoundItem, lookups: Lookups): Refusal | undefined {
  const refused = refusedBy(kind, item, lookups);
  return refused === undefined ? undefined : { refused };
}

/** Why a command is refused in the item's state. */
function refusedBy(kind: 'retry' | 'discard' | 'complete', item: FoundItem, lookups: Lookups): string | undefined {
  const { state } = item;
  if (state === 'review' || state === 'pending') return undefined;
  if (state === 'sending') {
    return lookups.runnerIsAlive()
      ? BEING_SENT
      : 'its runner died while it was being sent; syncq run settles that first';
  }
  return kind === 'retry' && state === 'completed' ? whyCompleted(item) : isFinal(state);
}

const BEING_SENT = 'it is being sent right now; try again in a moment';
const isFinal = (state: State): string => `it is ${state}, which is final`;

/** The server accepted it, or a person completed it. */
function whyCompleted({ lastOutcome: last }: FoundItem): string {
  return last === undefined || last === 'delivered' ? 'it was delivered already' : 'it was marked as completed';
}

/** A retry cannot help an item that only waits behind another; the answer names that other item. */
function whyBehind(item: FoundItem, lookups: Lookups): string | undefined {
  const onlyWaits = item.state === 'pending' && item.isBehind && item.notBefore === undefined;
  const deadlineOver = item.expiresAt !== undefined && stillAhead(item.expiresAt, lookups.now) === undefined;
  if (!onlyWaits || deadlineOver) return undefined;
  const head = lookups.headOf(item);
  if (head === undefined || head.id === item.id) return undefined;
  return `it waits behind item ${head.id}${head.state === 'review' ? ', which is in review' : ''}`;
}

/**
 * Why an edit is refused; undefined = it is not. An edit gets a new key, so the server may end up with both versions.
 */
export function refuseEdit(
  item: FoundItem,
  { revision, yes = false }: { revision?: number; yes?: boolean | undefined },
  { editorOf }: Pick<Lookups, 'editorOf'>,
): Refusal | undefined {
  const { state, mayHaveArrived } = item;
  if (state === 'sending') return { refused: BEING_SENT };
  if (state === 'completed' || state === 'discarded') return { refused: isFinal(state) };
  if (item.reviewReason === 'editing') {
    const who = editorOf(item) ?? 'somebody';
    return { refused: `${who} has it open in an editor; if that editor is gone: syncq retry ${item.id} frees it` };
  }
  const outrun = revision === undefined ? undefined : refuseOutrun(item, revision);
  if (outrun !== undefined) return outrun;
  if (mayHaveArrived !== undefined && !yes) return { refused: arrivalWords(mayHaveArrived), code: 'confirm-needed' };
  return undefined;
}

/** Why an editor can no longer save its edit; undefined = it can. */
export function refuseEndOfEdit(item: FoundItem, isSameEditor: boolean): Refusal | undefined {
  if (item.state === 'review' && item.reviewReason === 'editing' && isSameEditor) return undefined;
  return { refused: `it is ${item.state} now: somebody freed it while it was open in the editor` };
}

/** Refuses an edit of a revision that is no longer the current one. */
export function refuseOutrun(item: FoundItem, revision: number): Refusal | undefined {
  return item.revision === revision
    ? undefined
    : { refused: 'somebody else edited it in the meantime; look at it again' };
}

/** The hold of a changed base URL: only `target accept` ends it. */
export function isMoved({ state, holdKind }: TargetRow): boolean {
  return state === 'misconfigured' && holdKind === 'binding';
}

/** Ends an automatic hold, so that the next send is the test. Undefined = no such hold, or only `target accept` ends it. */
export function resumeTarget(target: TargetRow, now: number): Partial<TargetRow> | undefined {
  if (target.state === 'untried' || target.state === 'online' || isMoved(target)) return undefined;
  return { ...enterUntried(target, now), holdStep: 0, tries: 0, refusals: undefined };
}

/** Ends the hold of a target whose new base URL a person accepts. */
export function acceptTarget(target: TargetRow, now: number): Partial<TargetRow> {
  return isMoved(target) ? enterUntried(target, now) : {};
}

function enterUntried(target: TargetRow, now: number): Partial<TargetRow> {
  return { ...enterState(target, now, 'untried', undefined), holdKind: undefined };
}
