/** The interfaces of a queue: `Queue` for programs, `CommandQueue` for the commands. */
import type { QueueEvent } from '../nouns/events.js';
import type { BulkSource } from '../input/bulk-source.js';
import type { DraftContext } from '../input/draft.js';
import type { Write } from '../input/write.js';
import type { ItemDetail, ItemSummary } from '../nouns/item.js';
import type { DrainReport, InspectReport, Next, StatusReport, WaitReport } from '../nouns/report.js';
import type { Archive } from '../store/archive.js';
import type { DrainOptions, DryRunRow, WatchOptions } from '../runner/options.js';
import type { Desk } from './desk.js';
import type { EnqueueFromOptions, EnqueueFromReport } from './enqueue-from.js';
import type {
  Actor,
  ChangeReport,
  EnqueueResult,
  Filter,
  HistoryEntry,
  IfQueued,
  Page,
  RunnerInfo,
  TargetSummary,
} from '../store/store.js';

/** An item with the sentence that says why it is where it is; times in it are ISO 8601. */
export type WithWhy<Item> = Item & { readonly why: string };

/**
 * Every argument is checked before anything is done. A `QueueError` ('bad-item' for a write, else 'usage') names the
 * wrong one.
 */
export interface Queue {
  readonly location: string;
  enqueue(write: Write, options?: { ifQueued?: IfQueued }): Promise<EnqueueResult>;
  /** All or nothing, one transaction. */
  enqueueMany(writes: readonly Write[]): Promise<EnqueueResult[]>;
  /**
   * Stores bulk input: one JSON object per line (NDJSON), all or nothing unless `options` say otherwise. `source` is
   * the name of a file, or an iterable or stream of bytes or of whole lines.
   *
   * @throws {QueueError} 'usage' for a file that cannot be read; for a line what `enqueue` throws, with the line number
   */
  enqueueFrom(source: BulkSource, options?: EnqueueFromOptions): Promise<EnqueueFromReport>;
  /** `headline`: the first lines of `syncq status`. */
  status(): Promise<StatusReport & { headline: string[] }>;
  inspect(ids: readonly number[]): Promise<InspectReport & { items: WithWhy<ItemDetail>[] }>;
  list(filter?: Filter, page?: { after?: number; limit?: number }): Promise<Page & { items: WithWhy<ItemSummary>[] }>;
  /** Items that need attention come first. */
  attention(limit?: number): Promise<Page & { items: WithWhy<ItemSummary>[] }>;
  findKey(key: string): Promise<number | undefined>;
  retry(
    filter: Filter,
    by?: Partial<Actor>,
    options?: { expires?: { at: number } | { delayMs: number }; dryRun?: boolean },
  ): Promise<ChangeReport>;
  /** Who will send the pending items of these targets. */
  next(targets: readonly string[]): Promise<Next>;
  runner(): Promise<RunnerInfo | undefined>;
  /**
   * Sends what is due, then returns a report.
   *
   * @throws {QueueError} usage, unknown-target, and what the queue file refuses
   */
  drain(options?: DrainOptions): Promise<DrainReport>;
  /**
   * What a drain would send now, in order, if the server accepted everything. Takes no lock and writes nothing.
   *
   * @throws {QueueError} unknown-target
   */
  dryRun(options?: { target?: string; limit?: number }): Promise<DryRunRow[]>;
  /**
   * The background loop, started at once. Ends when `stop` aborts or the iteration is left (`break`, `return`,
   * `throw`); requests in flight end and are recorded first. The iteration throws the errors of `drain`, and in the end
   * what `onEvent`, `onTurn` or `onUnknownTarget` threw.
   */
  watch(options?: WatchOptions): AsyncIterable<QueueEvent>;
  /**
   * Resolves when all items are completed or one of them needs a person, after `timeoutMs`, or when the queue is
   * closed.
   *
   * An item that retention removed has ended.
   *
   * @throws {QueueError} not-found when one of them does not exist
   */
  wait(
    ids: readonly number[],
    options?: { timeoutMs?: number; stop?: AbortSignal },
  ): Promise<WaitReport & { items: WithWhy<ItemDetail>[] }>;
  /** Commands of people and other changes that are not attempts, oldest first. */
  history(filter?: { item?: number; since?: number; limit?: number }): Promise<HistoryEntry[]>;
  /** What people do to items and targets. */
  readonly desk: Desk;
  /**
   * Stops what this handle runs, as `stop` does (requests in flight end, 10 s at most, and are recorded), then closes
   * the file. May be called again. Every other call is refused from then on with `usage`.
   */
  close(): Promise<void>;
}

/** What the commands need beyond `Queue`. */
export interface CommandQueue extends Queue {
  /** Whole items, for export, import and replay. */
  readonly archive: Archive;
  /** The context that drafts are checked against; used by imports. */
  draftContext(): Promise<DraftContext>;
  targetSummaries(): Promise<TargetSummary[]>;
  /** Adds a line to the history. */
  record(entry: Omit<HistoryEntry, 'id' | 'at'>): Promise<void>;
}
