/** When the retention rules of the config let something go, and when it is time to look. Pure. */
import type { PruneRules } from '../nouns/people.js';

const HOUR_MS = 3_600_000;

/** The rules are carried out at most this often by `run` and `watch`. */
export const PRUNE_EVERY_MS = HOUR_MS;

/** How long a pruned item's key still answers a repeated enqueue. */
export const KEY_KEPT_MS = 365 * 24 * HOUR_MS;

/** Items of one commit: short enough that nobody waits for it. */
export const PRUNE_BATCH = 200;

/** From the config's spans to moments. A span of undefined keeps for ever. */
export function pruneRules(
  retention: { completedMs: number | undefined; payloadsMs: number | undefined },
  now: number,
): PruneRules {
  const before = (span: number | undefined): number | undefined => (span === undefined ? undefined : now - span);
  return { completedBefore: before(retention.completedMs), payloadsBefore: before(retention.payloadsMs) };
}

export function hasRules({ completedBefore, payloadsBefore }: PruneRules): boolean {
  return completedBefore !== undefined || payloadsBefore !== undefined;
}

/** Also when the last time lies in the future: then the clock ran back. */
export function isPruneDue(last: number | undefined, now: number): boolean {
  return last === undefined || now - last >= PRUNE_EVERY_MS || last > now;
}
