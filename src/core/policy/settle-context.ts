/**
 * What the rules know when an attempt ends: facts about the item and the target, settings, the time and a random
 * number.
 */
import type { AttemptEnd, ClaimRef, ItemFacts } from './settlement.js';
import type { TargetConfig, TargetRow } from '../nouns/target.js';

export interface SettleContext {
  facts: ItemFacts;
  end: AttemptEnd;
  claim: ClaimRef;
  target: TargetRow;
  config: Pick<TargetConfig, 'retry' | 'patienceMs' | 'onUnknown' | 'breaker'>;
  /** Highest attempt id given out so far. */
  lastAttempt: number;
  now: number;
  /** A number in [0, 1), for the jitter. */
  random: number;
}
