/**
 * The seam between the queue and what keeps it. Nothing above this interface knows SQL; every method is one whole
 * transaction, so no caller can leave one open across an `await` (decision 0002).
 *
 * Policy is handed in as pure synchronous functions (`SettlePolicy`): the store reads the facts inside its transaction,
 * asks, and writes the answer in the same commit. That keeps "result of one item and claim of the next" atomic on every
 * kind of store without the store knowing a single rule.
 */
import type { EnqueueResult, IfQueued, OnConflict } from '../nouns/enqueue.js';
import type { Entity, ItemDetail, NewItem } from '../nouns/item.js';
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

/** A change of a target's row that no attempt caused: a probe, a credential, the config. */
export interface TargetUpdate {
  target: number;
  /** What was found out says something only of a target that is still in this state; undefined = whatever it is in now. */
  from?: TargetRow['state'];
  change: Partial<TargetRow>;
  /** Written to the history when given. */
  note: string | undefined;
}

export interface Settled extends ClaimRef {
  /** `stale`: the claim was no longer ours; nothing was written. */
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

/** A claim whose runner died, and what became of it. */
export interface Recovered extends Settled {
  claim: Claim;
}

export interface StepInput {
  now: number;
  settle: readonly Settlement[];
  /** Claims that never reached the wire: back to pending, as if they had not been made. */
  release: readonly ClaimRef[];
  targets: readonly TargetUpdate[];
  /** Claims wanted in this step, over all targets. */
  claim: number;
  /** Only these targets; undefined = all. */
  only: ReadonlySet<number> | undefined;
  /** Gives up waiting for another process's transaction (error `busy`, nothing written). */
  signal: AbortSignal | undefined;
}

export interface StepResult {
  settled: Settled[];
  expired: Expired[];
  claims: Claim[];
  /** Every target as it is after this commit. */
  targets: readonly TargetRow[];
  /** Earliest end of an item's own wait, over the targets in scope; undefined = nobody waits. */
  nextDueAt: number | undefined;
  /** Targets that hold a ready lane head right now. */
  ready: ReadonlySet<number>;
  /** Targets that hold a lane head waiting for its time. */
  waiting: ReadonlySet<number>;
  /** More is due than one step promotes: call again at once. */
  more: boolean;
  /** Next deadline of a pending item, and next end of an entity's pause, epoch ms. */
  nextDeadlineAt: number | undefined;
  /** An item whose bytes no longer match their checksum: nothing more may be sent from this file. */
  damaged: number | undefined;
}

/** What a config says of a target, as far as the queue file keeps it. */
export interface TargetFacts {
  name: string;
  order: LaneOrder;
  implicitBaseUrl: string | undefined;
}

/** The right to send. At most one exists per queue. */
export interface Session {
  readonly epoch: number;
  /** Aborts when another runner took over: stop sending at once, record nothing more. */
  readonly lost: AbortSignal;
  /** Settles what dead runners left open, through the same rules as any other end. Call until `more` is false. */
  recover(limit: number, now: number): Promise<{ recovered: Recovered[]; more: boolean }>;
  /** Creates rows for configured targets and gives unfinished items their lanes anew where the order changed. */
  syncTargets(
    targets: readonly TargetFacts[],
    defaultTarget: string | undefined,
    now: number,
  ): Promise<readonly TargetRow[]>;
  /** The only hot call: settle, update targets, release, expire, promote, then claim, in one commit. */
  step(input: StepInput): Promise<StepResult>;
  /** The wall clock ran back: ends waits that were set in what is now the future. */
  clockWentBack(now: number): Promise<void>;
  /** The last `ms` of wall-clock time are nobody's failure: they do not count towards the patience with any target. */
  leaveOut(ms: number, now: number): Promise<void>;
  /** Records how the run went, if it was one, and gives the right back. */
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
  /** Where it is, for people. */
  readonly location: string;
  /** Items whole, for export, import and replay. */
  readonly archive: Archive;
  enqueue(
    items: readonly NewItem[],
    options: { now: number; ifQueued: IfQueued; onConflict?: OnConflict | undefined },
  ): Promise<EnqueueResult[]>;
  /**
   * All or nothing over all batches: one transaction, whatever their number. Other writers wait meanwhile, so the
   * batches come from a file or a spool, never straight from a slow pipe.
   */
  bulk(
    batches: AsyncIterable<readonly NewItem[]>,
    options: { now: () => number; onConflict?: OnConflict | undefined },
  ): Promise<{ firstId: number | undefined; lastId: number | undefined; count: number; duplicates: number }>;
  /** Every target that the queue knows. */
  targets(): Promise<readonly TargetRow[]>;
  /** Who is sending now; undefined = nobody. */
  runner(): Promise<RunnerInfo | undefined>;
  /** Takes the right to send, or says who has it. @throws {QueueError} queue-is-copy */
  acquire(
    who: RunnerIdentity,
    policy: SettlePolicy,
    now: number,
  ): Promise<Session | { heldBy: RunnerInfo | undefined }>;
  /** What is left to do, for the end of a drain. @param only target names; undefined = all */
  leftovers(only: readonly string[] | undefined): Promise<Leftovers>;
  /** True when unfinished items of this target were on the wire at least once. */
  hasOpenAttempts(target: number): Promise<boolean>;
  change(command: PersonCommand, by: Actor, now: number): Promise<ChangeReport>;
  select(filter: Filter, page: { after: number | undefined; limit: number; now: number }): Promise<Page>;
  /** What needs attention first: review, blocked behind review, retrying; then the rest of the unfinished. */
  attention(page: { limit: number; now: number }): Promise<Page>;
  /**
   * What would be claimed now at these targets, one after another, if each were delivered: lane heads that are due, and
   * what stands behind them up to the first of the lane that is not; in the order of the log. The cost grows with `limit`.
   */
  upcoming(targets: readonly number[], options: { limit: number; now: number }): Promise<Upcoming[]>;
  get(ids: readonly number[], now: number): Promise<ItemDetail[]>;
  /** Id of the item with this key. */
  findKey(key: string): Promise<number | undefined>;
  summary(now: number): Promise<Summary>;
  history(filter: { item: number | undefined; since: number | undefined; limit: number }): Promise<HistoryEntry[]>;
  record(entry: Omit<HistoryEntry, 'id'>): Promise<void>;
  /** What edits replaced, oldest first, without the payloads. */
  revisions(id: number): Promise<Revision[]>;
  /** Unfinished items by target and age; counted up to a bound per cell, so the cost does not grow with the queue. */
  ages(now: number): Promise<AgeCount[]>;
  /**
   * Removes what the rules let go, at most `limit` items; call until `more` is false. Never an unfinished item. A dry run
   * counts, up to `limit`.
   */
  prune(rules: PruneRules, options: { limit: number; dryRun: boolean; now: number }): Promise<PruneReport>;
  /** When the retention rules were last carried out; undefined = never. */
  lastPrune(): Promise<number | undefined>;
  /** Removes what is known about one entity, but for a tombstone of each item. @throws {QueueError} busy while one is being sent */
  erase(entity: Entity, options: { dryRun: boolean; by: Actor; now: number }): Promise<EraseReport>;
  /** Yields when another process may have committed. A hint: may be spurious, is never the only truth. */
  changes(signal: AbortSignal): AsyncIterable<void>;
  close(): Promise<void>;
}
