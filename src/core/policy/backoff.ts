/** How long to wait before trying again: an item's own backoff, and the holds of a target. Pure. */
import type { RetryPolicy } from '../nouns/target.js';

/**
 * Delay before retry `n` in ms, without jitter: min(cap, base * factor^(n-1)). Defaults give 5 s, 15 s, 45 s, ... 6 h.
 *
 * @param n counted from 1
 */
export function backoffCeilingMs(n: number, policy: RetryPolicy): number {
  // The growth can overflow to Infinity, and 0 times Infinity is NaN.
  const growth = Math.min(policy.factor ** (Math.max(n, 1) - 1), Number.MAX_VALUE);
  return Math.min(policy.capMs, policy.baseMs * growth);
}

/**
 * Delay before retry `n` in ms with equal jitter: half fixed, half random, so that many clients spread out and none
 * retries at once (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015). A server's hint (Retry-After, RFC
 * 9110 section 10.2.3) is a floor and gets no jitter.
 *
 * @param random a number in [0, 1)
 */
export function backoffMs(n: number, policy: RetryPolicy, random: number, hintMs: number | undefined): number {
  const ceiling = backoffCeilingMs(n, policy);
  return Math.max(Math.round(ceiling / 2 + (ceiling / 2) * random), hintMs ?? 0);
}

const HOLDS = {
  /** `suspect`: 5 s doubling to 5 min, then one tester at a time. */
  unavailable: { baseMs: 5_000, capMs: 5 * 60_000 },
  /** A 429 without Retry-After. */
  throttled: { baseMs: 5_000, capMs: 5 * 60_000 },
  /** 1 min doubling to 1 h. */
  auth: { baseMs: 60_000, capMs: 60 * 60_000 },
  /** Unreadable answers: the server may act on each tester, so each may repeat a write. 1 min doubling to 1 h. */
  unreadable: { baseMs: 60_000, capMs: 60 * 60_000 },
  /** Something the target needs is missing, such as a vault or a file: 1 s doubling to 1 h. */
  preparation: { baseMs: 1_000, capMs: 60 * 60_000 },
} as const;

/** Length of a target's hold in ms. @param step how often in a row its tester or its preparation has failed, from 0 */
export function holdMs(kind: keyof typeof HOLDS, step: number): number {
  const { baseMs, capMs } = HOLDS[kind];
  return Math.min(capMs, baseMs * 2 ** Math.min(step, 30));
}

/** Longest Retry-After that is honoured, ms; a hint of a year must not bury an item (contract, section 5). */
export const RETRY_AFTER_CAP_MS = 24 * 60 * 60_000;

/** Shortest hold of a throttled target, ms. */
export const SHORTEST_THROTTLE_MS = 1_000;

/** A wait ends when the wall clock is this far behind the moment at which the wait was set (decision 0006). */
export const CLOCK_SLACK_MS = 60_000;

/** True when a wait until `until`, set at `setAt`, is over. */
export function isOver(until: number, setAt: number, now: number): boolean {
  return now >= until || now < setAt - CLOCK_SLACK_MS;
}
