/**
 * Complete items for export, import and replay: with all attempts, revisions and history. `transfer/` writes and reads them
 * as files, `replay/` sends copies of them.
 */
import type { ItemDetail } from '../nouns/item.js';
import type { LaneOrder } from '../nouns/target.js';
import type { Actor, Filter, HistoryEntry, Revision } from '../nouns/people.js';
import type { Review } from '../policy/imported-item.js';

export interface QueueIdentity {
  /** Created with the queue; a copy keeps it. */
  uuid: string;
  /** Set when this file is a stamped copy (a backup). */
  copyOf: string | undefined;
}

/** What the queue stores about a target. */
export interface ArchivedTarget {
  name: string;
  order: LaneOrder;
  implicitBaseUrl: string | undefined;
  /** Base URL of its attempts. */
  boundTo: string | undefined;
  /** True when something was delivered there; undefined = not known. */
  delivered: boolean | undefined;
}

/** A server that has, or may have, writes of a queue: copies of them are not sent there without asking a person. */
export interface Recipient {
  /** Undefined = the base URL in the config. */
  baseUrl: string | undefined;
  /** Its name in the queue. */
  target: string;
  /**
   * `delivered`: items of the queue were delivered there. `production`: named in the config of the queue from which items
   * were imported. `untold`: items were imported, and it is not known whether some had been delivered there.
   */
  why: 'delivered' | 'production' | 'untold';
}

/** What an edit replaced. */
export interface ArchivedRevision extends Omit<Revision, 'payloadBytes'> {
  contentType: string | undefined;
  headers: Record<string, string>;
  payload: Uint8Array | undefined;
}

/** A command of a person, or another change that is not an attempt. */
export type ArchivedEvent = Omit<HistoryEntry, 'id' | 'item' | 'target'>;

/** Computed when an item is read, from its row, its target and its last attempt. */
type Derived =
  | 'payloadGone'
  | 'lastError'
  | 'reviewReason'
  | 'completedAt'
  | 'response'
  | 'deliveredAs'
  | 'waiting'
  | 'waitingOn'
  | 'isOrphaned';

/** An `id` of 0 = the item comes from no queue of ours. An import into a queue that never held an item keeps ids. */
export interface ArchivedItem extends Omit<ItemDetail, Derived> {
  /** True for an item without entity that was asked for a later time: it waits in a lane of its own. */
  ownLane: boolean;
  /** The due time the user asked for. */
  askedAt: number | undefined;
  /** Set exactly when it is in review. */
  review: Review | undefined;
  revisions: readonly ArchivedRevision[];
  history: readonly ArchivedEvent[];
}

export interface ScanPage {
  /** Only ids above this. */
  after: number;
  /** Only ids up to this. */
  upTo: number;
  /** Items at most; fewer come when their payloads are large. */
  limit: number;
}

export interface StoreOptions {
  targets: readonly ArchivedTarget[];
  /** Reason to pause the items' targets with, in the same commit; undefined = no pause. */
  pause: string | undefined;
  /** The original queue may have sent them since: unfinished items are marked as may have arrived. Default: false. */
  areCopies?: boolean;
  by: Actor;
  now: number;
  /** Servers that had the items before; never removed. Left out = not known: then every bound target may have them. */
  recipients?: readonly Recipient[];
  /** Written to the history. */
  detail: Record<string, unknown>;
  /** Called after the last batch, before the commit: an error from it undoes everything. */
  beforeCommit?: () => void;
}

export interface StoreReport {
  /** Ids of the first and last item of the input in this queue, whether stored now or before. */
  firstId: number | undefined;
  lastId: number | undefined;
  /** Items in the input. */
  count: number;
  /** Of these, items whose key was here already: nothing was changed. */
  duplicates: number;
  /** Targets that are paused now. */
  paused: readonly string[];
}

/** Reads and stores complete items. */
export interface Archive {
  identity(): Promise<QueueIdentity>;
  targets(): Promise<ArchivedTarget[]>;
  /** Every server to which items were or may have been delivered, also former servers of targets. */
  recipients(): Promise<Recipient[]>;
  /** How many items match, and the highest id among them (0 = none). */
  extent(filter: Filter): Promise<{ count: number; lastId: number }>;
  /** Matching items in the order of the log, in any state unless the filter names some. Empty = no more. */
  scan(filter: Filter, page: ScanPage): Promise<ArchivedItem[]>;
  /**
   * Stores items with their keys, order, attempts and history, all or nothing. Skips an item whose key is here already with
   * the same content.
   *
   * @throws {QueueError} key-conflict when a key is here with other content
   */
  store(batches: AsyncIterable<readonly ArchivedItem[]>, options: StoreOptions): Promise<StoreReport>;
}
