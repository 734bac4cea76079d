/** What a replay remembers of what it sent, in a file of its own: the queue is never written. */
import type { ResponseExcerpt } from '../item.js';

/** How the last try of one item went. */
export interface ReplayEntry {
  /** Epoch ms of its start. */
  at: number;
  durationMs: number;
  /** Undefined = no answer: the item counts as not replayed. */
  response: ResponseExcerpt | undefined;
  /** Why there is no answer. */
  message: string | undefined;
}

export interface ReplayLedger {
  /** Path of its file. */
  readonly location: string;
  /** Random; all idempotency keys of a replay are derived from it, so that a resumed one sends the same keys. */
  readonly family: string;
  get(itemKey: string): ReplayEntry | undefined;
  put(itemKey: string, entry: ReplayEntry): void;
  /** Forgets everything and begins a new family. */
  startAnew(): void;
  close(): void;
}
