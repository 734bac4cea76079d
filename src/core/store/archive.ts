/**
 * Items whole, as they are taken out of a queue and put into another one: with their ledger, what edits replaced, and
 * what people did. `transfer/` gives this a file format, `replay/` sends copies of it.
 */
import type { Attempt, Entity, Method, State } from '../nouns/item.js';
import type { LaneOrder } from '../nouns/target.js';
import type { Actor, Filter } from '../nouns/people.js';
import type { Review } from '../policy/imported-item.js';

export interface QueueIdentity {
  /** Made with the queue; a copy keeps it. */
  uuid: string;
  /** Set when this file is a stamped copy (a backup). */
  copyOf: string | undefined;
}

/** What the queue knows of a target that items went to. */
export interface ArchivedTarget {
  name: string;
  order: LaneOrder;
  implicitBaseUrl: string | undefined;
  /** Base URL its attempts went to. */
  boundTo: string | undefined;
  /** True when something was delivered there; undefined = it is not known. */
  delivered: boolean | undefined;
}

/** Whoever has, or may have, writes of a queue: copies of them do not go there unasked. */
export interface Recipient {
  /** Undefined = where the config has the target. */
  baseUrl: string | undefined;
  /** The name under which the queue knew it. */
  target: string;
  /**
   * `delivered`: items of the queue went there. `production`: the config of the queue that items were imported from says
   * so. `untold`: they were imported, and nothing says whether some had been delivered there.
   */
  why: 'delivered' | 'production' | 'untold';
}

/** What an edit replaced. */
export interface ArchivedRevision {
  /** 0 = as enqueued. */
  number: number;
  at: number;
  who: string;
  reason: string | undefined;
  /** Attempts made with this revision and earlier ones. */
  attempts: number;
  idempotencyKey: string;
  path: string;
  contentType: string | undefined;
  headers: Record<string, string>;
  payloadSha256: string | undefined;
  payload: Uint8Array | undefined;
}

/** What a person did, or a change that no attempt explains. */
export interface ArchivedEvent {
  at: number;
  who: string;
  command: string;
  event: string;
  reason: string | undefined;
  detail: Record<string, unknown> | undefined;
}

export interface ArchivedItem {
  /** Where it came from (0 = no queue of ours); kept by an import into a queue that never held an item. */
  id: number;
  createdAt: number;
  target: string;
  entity: Entity | undefined;
  operation: string;
  method: Method;
  path: string;
  headers: Record<string, string>;
  contentType: string | undefined;
  payload: Uint8Array | undefined;
  /** Undefined = no body; known also when the payload is gone. */
  payloadBytes: number | undefined;
  /** Lower-case hex. */
  payloadSha256: string | undefined;
  idempotencyKey: string;
  state: State;
  /** True for an item without entity that was asked for a later time: it waits in a lane of its own. */
  ownLane: boolean;
  notBefore: number | undefined;
  /** The due time the user asked for. */
  askedAt: number | undefined;
  expiresAt: number | undefined;
  retryCount: number;
  maxRetries: number | undefined;
  attemptCount: number;
  /** Epoch ms of the last change of state. */
  stateAt: number;
  /** Set exactly when it is in review. */
  review: Review | undefined;
  tags: readonly string[];
  revision: number;
  /** As in `ItemSummary`. */
  mayHaveArrived: number | undefined;
  /** Oldest first; an attempt without outcome was under way. */
  attempts: readonly Attempt[];
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
  /** Pauses the targets of the items in the same commit, with this reason. */
  pause: string | undefined;
  /** Of a queue that may have sent them since: unfinished ones may have arrived (0, or what they remember). Default: no. */
  areCopies?: boolean;
  by: Actor;
  now: number;
  /** Who had items before they came here; kept for good. Left out = not known: then every bound target is in doubt. */
  recipients?: readonly Recipient[];
  /** Written to the history. */
  detail: Record<string, unknown>;
  /** Called after the last batch, before the commit: what it throws undoes everything. */
  beforeCommit?: () => void;
}

export interface StoreReport {
  /** Ids here of the first and last item of the input, whether stored now or before. */
  firstId: number | undefined;
  lastId: number | undefined;
  /** Items in the input. */
  count: number;
  /** Of these, items whose key was here already: nothing was changed. */
  duplicates: number;
  /** Targets that are paused now. */
  paused: readonly string[];
}

/** Reading and storing items whole. */
export interface Archive {
  identity(): Promise<QueueIdentity>;
  targets(): Promise<ArchivedTarget[]>;
  /** Every server to which items were delivered, or may have been; also where targets led before they moved. */
  recipients(): Promise<Recipient[]>;
  /** How many items match, and the highest id among them (0 = none): what a scan will find, and where it ends. */
  extent(filter: Filter): Promise<{ count: number; lastId: number }>;
  /** Matching items in the order of the log, in any state unless the filter names some. Empty = no more. */
  scan(filter: Filter, page: ScanPage): Promise<ArchivedItem[]>;
  /**
   * Stores items with their keys, order, ledger and history, all or nothing. A key that is here already, with the same
   * content, is left alone.
   *
   * @throws {QueueError} key-conflict when a key is here with other content
   */
  store(batches: AsyncIterable<readonly ArchivedItem[]>, options: StoreOptions): Promise<StoreReport>;
}
