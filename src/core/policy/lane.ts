/** The lane of an item, and what the head of a lane waits for. Every store keeps this order. Pure. */
import type { LaneOrder } from '../nouns/target.js';

/** State of a pending lane head: ready, waiting for its time, or paused with its entity. A pause takes precedence. */
export type Eligibility = 'ready' | 'waiting' | 'paused';

/**
 * `entity` and `shared` name the lanes of the item's entity and of its target, in the caller's form; undefined = the
 * item has a lane of its own. `ownTime`: the item was enqueued for a time in the future.
 */
export function laneOf<Lane>(
  order: LaneOrder,
  entity: Lane | undefined,
  shared: Lane,
  ownTime: boolean,
): Lane | undefined {
  if (order === 'none') return undefined;
  if (order === 'strict') return shared;
  // Otherwise one `--at monday` would stop every write that names no entity.
  return entity ?? (ownTime ? undefined : shared);
}

export function headEligibility(entityPaused: boolean, waitsForTime: boolean): Eligibility {
  if (entityPaused) return 'paused';
  return waitsForTime ? 'waiting' : 'ready';
}

/** The later time that is still ahead, epoch ms; undefined = there is nothing to wait for. */
export function stillAhead(time: number | null | undefined, now: number): number | undefined {
  return time != null && time > now ? time : undefined;
}
