/** What the retention rules of the config remove, and when the next look is due. Pure. */
import type { PruneRules } from '../nouns/people.js';

const HOUR_MS = 3_600_000;

/** `run` and `watch` apply the rules at most this often. */
export const PRUNE_EVERY_MS = HOUR_MS;

/** How long a pruned item's key still answers a repeated enqueue. */
export const KEY_KEPT_MS = 365 * 24 * HOUR_MS;

/** Items per commit: few enough that no other writer waits noticeably. */
export const PRUNE_BATCH = 200;

/** Turns the config's spans into points in time. An undefined span keeps for ever. */
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

/** True also when the last time is in the future: then the clock ran back. */
export function isPruneDue(last: number | undefined, now: number): boolean {
  return last === undefined || now - last >= PRUNE_EVERY_MS || last > now;
}
