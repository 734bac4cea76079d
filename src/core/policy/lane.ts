/** The lane of an item and what the head of a lane waits for: the order that every store keeps. Pure. */
import type { LaneOrder } from '../nouns/target.js';

/** What a pending lane head is: free to go, before its time, or of a paused entity. A pause hides the time. */
export type Eligibility = 'ready' | 'waiting' | 'paused';

/**
 * `entity` and `shared` are the lanes of the item's entity and of its target, in the caller's own words; undefined = a
 * lane of its own. `ownTime`: the item was enqueued for a time that is still ahead.
 */
export function laneOf<Lane>(
  order: LaneOrder,
  entity: Lane | undefined,
  shared: Lane,
  ownTime: boolean,
): Lane | undefined {
  if (order === 'none') return undefined;
  if (order === 'strict') return shared;
  // One `--at monday` must not stop every write that names no entity.
  return entity ?? (ownTime ? undefined : shared);
}

export function headEligibility(entityPaused: boolean, waitsForTime: boolean): Eligibility {
  if (entityPaused) return 'paused';
  return waitsForTime ? 'waiting' : 'ready';
}

/** The time, if there is something left to wait for. Epoch ms. */
export function stillAhead(time: number | null | undefined, now: number): number | undefined {
  return time != null && time > now ? time : undefined;
}
