/**
 * The seam between the queue and what keeps it. Nothing above this interface knows SQL; every method is one whole
 * transaction, so no caller can leave one open across an `await` (decision 0002).
 *
 * Policy is handed in as pure synchronous functions (`SettlePolicy`): the store reads the facts inside its transaction,
 * asks, and writes the answer in the same commit. That keeps "result of one item and claim of the next" atomic on every
 * kind of store without the store knowing a single rule.
 */
import type {
  Attempt,
  Entity,
  ItemDetail,
  NewItem,
  Outcome,
  ResponseExcerpt,
  ReviewReason,
  State,
  StoredRequest,
} from '../item.js';
import type { LaneOrder, TargetRow } from '../target.js';
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
} from './people.js';
import type { Leftovers, RunnerIdentity, RunnerInfo, Summary, Upcoming } from './reading.js';
import type { AgeCount } from '../support/ages.js';

export type * from './people.js';
export type * from './reading.js';

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

/** Points at one claim; `attempt` is unique over all runners of the queue and fences every write-back. */
export interface ClaimRef {
  item: number;
  attempt: number;
}

/** What the rules need to know of an item whose attempt ended. */
export interface ItemFacts {
  id: number;
  /** Equal for items of one lane; own lanes differ from all others. */
  laneKey: number;
  operation: string;
  attemptNumber: number;
  retryCount: number;
  maxRetries: number | undefined;
  /** Failures in a row, counted or not: the backoff grows with it. */
  failures: number;
  /** Attempts in a row whose runner died. */
  crashes: number;
  /** Highest attempt id given out when its last failure was recorded. */
  failMark: number | undefined;
  /** First of the failures in a row, in ms of the target's online time (wall clock minus `offlineMs`). */
  failingSince: number | undefined;
  expiresAt: number | undefined;
  /** Number of the first attempt that may have had its effect; 0 = the original of this copy may have sent it. */
  mayHaveArrived: number | undefined;
  /** Number of the attempt that this one would repeat: same key and bytes, and nobody knows what came of it. */
  repeatOf: number | undefined;
  /** An attempt under an earlier key may have arrived: an answer may be about the version before an edit. */
  hasEarlierKey: boolean;
  /** Unreadable answers in a row. */
  unreadable: number;
}

export interface Claim extends ClaimRef {
  target: TargetRow;
  request: StoredRequest;
  facts: ItemFacts;
  /** `type/id`; undefined = none. */
  entity: string | undefined;
  startedAt: number;
  /** ms that may pass on the monotonic clock before the claim must not be sent any more; undefined = no bound. */
  sendBefore: number | undefined;
}

/** How an attempt ended. */
export interface AttemptEnd {
  outcome: Outcome;
  status: number | undefined;
  /** One sentence for a person. */
  message: string;
  /** The message with its numbers and ids taken out: what review items are grouped by. */
  cause: string;
  retryAfterMs: number | undefined;
  durationMs: number;
  redirectedTo: string | undefined;
  response: ResponseExcerpt | undefined;
  /** True when nobody lived to record it: the runner died. */
  crashed: boolean;
  /** The request was handed to a connected socket and no answer says that it had no effect, or its runner died. */
  mayHaveArrived: boolean;
  /** An answer came and could not be parsed. */
  isUnreadable: boolean;
}

export interface Settlement {
  claim: Claim;
  end: AttemptEnd;
}

/** Where the item goes. */
export type ItemMove =
  | { to: 'completed' }
  | {
      to: 'pending';
      /** Undefined = due at once. */
      notBefore: number | undefined;
      retryCount: number;
      failures: number;
      crashes: number;
      failMark: number | undefined;
      failingSince: number | undefined;
      unreadable: number;
    }
  | { to: 'review'; reason: ReviewReason; message: string; cause: string; retryCount: number };

export interface Decision {
  move: ItemMove;
  counted: boolean;
  /** Columns of the target row that change; `{}` = none. */
  target: Partial<TargetRow>;
}

/** May this target be sent to now, and how. */
export interface Gate {
  /** Claims that may be given out now. */
  slots: number;
  /** One tester at a time, taken in rotation after the target's `tester`. */
  rotate: boolean;
  /** Only another than the last one. */
  exceptTester?: boolean;
}

export interface SettlePolicy {
  /** @param lastAttempt highest attempt id given out so far */
  decide(
    facts: ItemFacts,
    end: AttemptEnd,
    claim: ClaimRef,
    target: TargetRow,
    lastAttempt: number,
    now: number,
  ): Decision;
  gate(target: TargetRow, now: number): Gate;
}

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
  readonly kind: 'sqlite' | 'postgres';
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
  attempts(id: number): Promise<Attempt[]>;
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
