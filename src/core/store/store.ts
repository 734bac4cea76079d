/**
 * The interface between the queue and the store that keeps it. Code above it knows no SQL; every method is one whole
 * transaction, so no caller can leave one open across an `await` (decisions 0002 and 0013).
 *
 * Policy is passed in as pure synchronous functions (`SettlePolicy`): the store reads the facts inside its transaction,
 * asks, and writes the answer in the same commit. So the result of one item and the claim of the next are one commit on
 * every kind of store, and no store contains a rule.
 */
import type { EnqueueResult, IfQueued, OnConflict } from '../nouns/enqueue.js';
import type { Entity, ItemDetail, NewItem, PrunedItem } from '../nouns/item.js';
import type { LaneOrder, TargetRow } from '../nouns/target.js';
import type { Archive } from './archive.js';
import type {
  Actor,
  ChangeReport,
  EraseReport,
  Filter,
  HistoryEntry,
  Page,
  PersonCommand,
  PruneReport,
  PruneRules,
  Revision,
} from '../nouns/people.js';
import type { Leftovers, RunnerIdentity, RunnerInfo, Summary, Upcoming } from '../nouns/reading.js';
import type { AgeCount } from '../policy/ages.js';
import type { Claim, ClaimRef, Decision, SettlePolicy, Settlement } from '../policy/settlement.js';

export type * from '../nouns/enqueue.js';
export type * from '../nouns/people.js';
export type * from '../nouns/reading.js';
export type * from '../policy/settlement.js';

/** A change of a target's row that was not caused by an attempt, but by a probe, a credential or the config. */
export interface TargetUpdate {
  target: number;
  /** Applied only while the target is in this state; undefined = in any state. */
  from?: TargetRow['state'];
  change: Partial<TargetRow>;
  /** Written to the history when given. */
  note: string | undefined;
}

export interface Settled extends ClaimRef {
  /** `stale`: the claim no longer belonged to this session; nothing was written. */
  result: 'ok' | 'stale';
  decision: Decision | undefined;
}

export interface Expired {
  item: number;
  target: string;
  /** `type/id`; undefined = none. */
  entity: string | undefined;
  method: string;
  path: string;
}

/** A claim whose runner died, and its result. */
export interface Recovered extends Settled {
  claim: Claim;
}

export interface StepInput {
  now: number;
  settle: readonly Settlement[];
  /** Claims that were never sent: back to pending, as if they had not been made. */
  release: readonly ClaimRef[];
  targets: readonly TargetUpdate[];
  /** Claims wanted in this step, over all targets. */
  claim: number;
  /** Only these targets; undefined = all. */
  only: ReadonlySet<number> | undefined;
  /** Stops waiting for another process's transaction (error `busy`, nothing written). */
  signal: AbortSignal | undefined;
}

export interface StepResult {
  settled: Settled[];
  expired: Expired[];
  claims: Claim[];
  /** Every target, after this commit. */
  targets: readonly TargetRow[];
  /** Earliest end of an item's own wait, over the targets in scope; undefined = no item waits. */
  nextDueAt: number | undefined;
  /** Targets with a ready lane head. */
  ready: ReadonlySet<number>;
  /** Targets with a lane head that waits for its time. */
  waiting: ReadonlySet<number>;
  /** More items are due than one step promotes: call again at once. */
  more: boolean;
  /** Next deadline of a pending item, and next end of an entity's pause, epoch ms. */
  nextDeadlineAt: number | undefined;
  /** An item whose bytes do not match their checksum: nothing more may be sent from this queue. */
  damaged: number | undefined;
}

/** The part of a target's config that the queue stores. */
export interface TargetFacts {
  name: string;
  order: LaneOrder;
  implicitBaseUrl: string | undefined;
}

/** The right to send, and the calls of its holder. At most one exists per queue. */
export interface Session {
  readonly epoch: number;
  /** Aborts when another runner took over: stop sending at once, record nothing more. */
  readonly lost: AbortSignal;
  /** Settles claims that dead runners left open, by the usual rules. Call until `more` is false. */
  recover(limit: number, now: number): Promise<{ recovered: Recovered[]; more: boolean }>;
  /** Creates rows for configured targets; where the order changed, gives unfinished items new lanes. */
  syncTargets(
    targets: readonly TargetFacts[],
    defaultTarget: string | undefined,
    now: number,
  ): Promise<readonly TargetRow[]>;
  /** The only hot call: settle, update targets, release, expire, promote, then claim, in one commit. */
  step(input: StepInput): Promise<StepResult>;
  /** Call when the wall clock was set back: ends waits that were set at a time that is now in the future. */
  clockWentBack(now: number): Promise<void>;
  /** Leaves the last `ms` of wall-clock time out of the time that any target has been failing (after a suspend). */
  leaveOut(ms: number, now: number): Promise<void>;
  /** Gives the right back. @param summary recorded as the last run; undefined = records none */
  end(summary: RunSummary | undefined): Promise<void>;
}

export interface RunSummary {
  kind: RunnerIdentity['kind'];
  startedAt: number;
  endedAt: number;
  exitCode: number;
  delivered: number;
  remaining: number;
}

export interface Store {
  /** Its name for people: the path of the file. */
  readonly location: string;
  /** Complete items, for export, import and replay. */
  readonly archive: Archive;
  enqueue(
    items: readonly NewItem[],
    options: { now: number; ifQueued: IfQueued; onConflict?: OnConflict | undefined },
  ): Promise<EnqueueResult[]>;
  /**
   * Stores all batches in one transaction, all or nothing. Other writers wait meanwhile, so batches must come from a file
   * or a spool, never directly from a slow pipe.
   */
  bulk(
    batches: AsyncIterable<readonly NewItem[]>,
    options: { now: () => number; onConflict?: OnConflict | undefined },
  ): Promise<{ firstId: number | undefined; lastId: number | undefined; count: number; duplicates: number }>;
  /** Every target of the queue. */
  targets(): Promise<readonly TargetRow[]>;
  /** Who is sending now; undefined = nobody. */
  runner(): Promise<RunnerInfo | undefined>;
  /** Takes the right to send, or returns who has it. @throws {QueueError} queue-is-copy */
  acquire(
    who: RunnerIdentity,
    policy: SettlePolicy,
    now: number,
  ): Promise<Session | { heldBy: RunnerInfo | undefined }>;
  /** What is left to do at the end of a run. @param only target names; undefined = all */
  leftovers(only: readonly string[] | undefined): Promise<Leftovers>;
  /** True when an unfinished item of this target was sent at least once. */
  hasOpenAttempts(target: number): Promise<boolean>;
  change(command: PersonCommand, by: Actor, now: number): Promise<ChangeReport>;
  select(filter: Filter, page: { after: number | undefined; limit: number; now: number }): Promise<Page>;
  /** What needs attention first: review, blocked behind review, retrying; then the rest of the unfinished. */
  attention(page: { limit: number; now: number }): Promise<Page>;
  /**
   * Items that would be claimed now at these targets, one after another, if each were delivered, in the order of the log:
   * due lane heads, and the items behind them up to the first that is not due. The cost grows with `limit`.
   */
  upcoming(targets: readonly number[], options: { limit: number; now: number }): Promise<Upcoming[]>;
  get(ids: readonly number[], now: number): Promise<ItemDetail[]>;
  /** What is left of those of these items that `prune` removed, for a year. */
  pruned(ids: readonly number[]): Promise<PrunedItem[]>;
  /** Id of the item with this key. */
  findKey(key: string): Promise<number | undefined>;
  summary(now: number): Promise<Summary>;
  history(filter: { item: number | undefined; since: number | undefined; limit: number }): Promise<HistoryEntry[]>;
  record(entry: Omit<HistoryEntry, 'id'>): Promise<void>;
  /** Versions that edits replaced, oldest first, without payloads. */
  revisions(id: number): Promise<Revision[]>;
  /** Unfinished items by target and age; counted up to a bound per cell, so the cost does not grow with the queue. */
  ages(now: number): Promise<AgeCount[]>;
  /**
   * Removes finished items by the retention rules, at most `limit`; call until `more` is false. Never removes an unfinished
   * item. A dry run counts them, up to `limit`.
   */
  prune(rules: PruneRules, options: { limit: number; dryRun: boolean; now: number }): Promise<PruneReport>;
  /** When retention last ran; undefined = never. */
  lastPrune(): Promise<number | undefined>;
  /** Removes all data of one entity except a tombstone of each item. @throws {QueueError} busy while one is being sent */
  erase(entity: Entity, options: { dryRun: boolean; by: Actor; now: number }): Promise<EraseReport>;
  /** Yields when another process may have committed. A hint: it may be spurious, and callers must not rely on it alone. */
  changes(signal: AbortSignal): AsyncIterable<void>;
  close(): Promise<void>;
}
