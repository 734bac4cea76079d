/**
 * What a replay stores about the requests it sent, in its own file: a replay never writes to the queue. An answer belongs
 * to a request, not to an item: with another path or header, the item is another request.
 */
import type { ResponseExcerpt } from '../nouns/item.js';

/** How the last try of one request went. */
export interface ReplayEntry {
  /** Epoch ms of its start. */
  at: number;
  durationMs: number;
  /** Undefined = no answer: the request will be sent again. */
  response: ResponseExcerpt | undefined;
  /** Why there is no answer. */
  message: string | undefined;
}

export interface ReplayLedger {
  /** Path of its file. */
  readonly location: string;
  /** Random; all idempotency keys of a replay are derived from it, so that a resumed replay sends the same keys. */
  readonly family: string;
  /** @param key idempotency key of the request; it identifies what was sent */
  get(key: string): ReplayEntry | undefined;
  put(key: string, entry: ReplayEntry): void;
  /** Removes all entries and starts a new family. */
  startAnew(): void;
  close(): void;
}
