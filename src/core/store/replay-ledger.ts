/**
 * What a replay remembers of what it sent, in a file of its own: the queue is never written. An answer belongs to a request
 * and not to an item: the item with another path or header is another request, which nobody has answered yet.
 */
import type { ResponseExcerpt } from '../nouns/item.js';

/** How the last try of one request went. */
export interface ReplayEntry {
  /** Epoch ms of its start. */
  at: number;
  durationMs: number;
  /** Undefined = no answer: the request counts as not sent. */
  response: ResponseExcerpt | undefined;
  /** Why there is no answer. */
  message: string | undefined;
}

export interface ReplayLedger {
  /** Path of its file. */
  readonly location: string;
  /** Random; all idempotency keys of a replay are derived from it, so that a resumed one sends the same keys. */
  readonly family: string;
  /** @param key the idempotency key that the request was sent under, which says what was sent */
  get(key: string): ReplayEntry | undefined;
  put(key: string, entry: ReplayEntry): void;
  /** Forgets everything and begins a new family. */
  startAnew(): void;
  close(): void;
}
