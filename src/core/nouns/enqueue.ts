/** Options and answers of an enqueue. */
import type { NewItem, State } from './item.js';

export type IfQueued = 'append' | 'keep' | 'replace';

export interface EnqueueResult {
  id: number;
  idempotencyKey: string;
  state: State;
  /** True when the key (or, with `keep`, the entity) was already queued: nothing new was stored. */
  duplicate: boolean;
  /** With `replace`: the item that was discarded in favour of this one. */
  replaced: number | undefined;
}

/**
 * Called when an item's key already belongs to different content (`owner`, the id of that item). Return to skip the item;
 * throw to abort the batch. Without it, that is a key-conflict.
 */
export type OnConflict = (item: NewItem, owner: number) => void;
