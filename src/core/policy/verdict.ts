/** How the answer to a copy compares with that to its original. Pure. */

/**
 * `same`: the status class of the original. `new`: 2xx, and the original has no answer yet. `differs`: another class.
 * `no-answer`: the target's answer is unknown. `skipped`: it was not sent.
 */
export type Verdict = 'same' | 'new' | 'differs' | 'no-answer' | 'skipped';

/** True for an answer as it was expected. */
export const isExpected = (verdict: Verdict): boolean => verdict === 'same' || verdict === 'new';
