/** What an enqueue may be told, and what it answers. */
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
 * Told of an item whose key an item with other content has (`owner`, its id). It is left out when this returns; what it
 * throws ends the whole. Without it, that is a key-conflict.
 */
export type OnConflict = (item: NewItem, owner: number) => void;
