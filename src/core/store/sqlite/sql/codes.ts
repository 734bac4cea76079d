/** The numbers in the columns `item.state` and `item.elig`. */
import { STATES, type State } from '../../../nouns/item.js';
import type { Eligibility } from '../../../policy/lane.js';

/** Number of each state in the column `item.state`. The first three are unfinished. */
export const STATE_CODE = Object.fromEntries(STATES.map((name, code) => [name, code])) as Record<State, number>;
export const {
  pending: PENDING,
  sending: SENDING,
  review: REVIEW,
  completed: COMPLETED,
  discarded: DISCARDED,
} = STATE_CODE;

/** Values of `item.elig`: NULL unless the item is a pending lane head. */
export const ELIG = { ready: 1, waiting: 2, paused: 3 } as const;
/** What each value of `item.elig` says. */
export const ELIGIBILITY: Readonly<Record<number, Eligibility>> = { 1: 'ready', 2: 'waiting', 3: 'paused' };
