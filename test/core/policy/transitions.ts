/** Every transition of items and targets, found by asking the rules: what docs/state-machine.md is held against. */
import { OUTCOMES, TARGET_STATES, type Outcome } from '../../../src/core/nouns/item.js';
import type { Situation } from './settle-context.js';
import { context, decided, HOLD_MARK, NOW, row, rowIn, targetAfterwards, TESTER_ATTEMPT } from './settle-context.js';
import { targetAfter } from '../../../src/core/policy/target-state.js';
import type { TargetRow } from '../../../src/core/nouns/target.js';

export const TARGET_ROW_STATES = TARGET_STATES.filter((state) => state !== 'paused');

/** What an attempt's end may be, as far as targets tell ends apart. */
export const ENDS: readonly { name: string; outcome: Outcome; crashed: boolean; isUnreadable: boolean }[] = [
  ...OUTCOMES.map((outcome) => ({ name: outcome, outcome, crashed: false, isUnreadable: false })),
  { name: 'unreadable', outcome: 'unknown', crashed: false, isUnreadable: true },
  { name: 'runner died', outcome: 'unknown', crashed: true, isUnreadable: false },
];

/** The state of a target in `state` after this end of an attempt; above `HOLD_MARK`, it began after the hold did. */
export function settledAs(
  state: TargetRow['state'],
  outcome: Outcome,
  attempt: number,
  crashed = false,
): TargetRow['state'] {
  return targetAfterwards(outcome, { target: rowIn(state), attempt, end: { crashed } }).state;
}

/** As `settledAs`, with `again` where the state stays but its hold begins anew or grows. */
export function transition(
  state: TargetRow['state'],
  { outcome, crashed, isUnreadable }: (typeof ENDS)[number],
  attempt: number,
  before: Partial<TargetRow> = {},
): string {
  const situation: Situation = { target: rowIn(state, before), attempt, end: { crashed, isUnreadable } };
  const next = targetAfterwards(outcome, situation);
  if (next.state !== state) return next.state;
  const change = targetAfter(context(outcome, situation));
  return change.until !== undefined ? `${state}, longer` : '-';
}

export const AFTER_THE_HOLD = TESTER_ATTEMPT;
export const BEFORE_THE_HOLD = HOLD_MARK;

/** What becomes of an item: the first time, and when it counts, and at its threshold. */
export function itemTransitions({ outcome, crashed, isUnreadable }: (typeof ENDS)[number]): {
  first: string;
  again: string;
  last: string;
} {
  const show = (situation: Situation): string => {
    const { move, counted } = decided(outcome, { ...situation, end: { crashed, isUnreadable } });
    const count = counted ? ', counted' : '';
    if (move.to === 'completed') return 'completed';
    if (move.to === 'review') return `review (${move.reason})${count}`;
    return `pending${move.notBefore === undefined ? '' : ', own wait'}${count}`;
  };
  const evidence = row({ soundAttempt: 60 });
  const failing = { failMark: 50, failingSince: NOW - 1, unreadable: isUnreadable ? 1 : 0 };
  return {
    first: show({}),
    again: show({ facts: { ...failing, failures: 1 }, target: evidence }),
    last: show({ facts: { ...failing, failures: 10, retryCount: 9, crashes: 4 }, target: evidence }),
  };
}
