/** Reports of the queue. Times are epoch ms; `render/` turns them into text or the public JSON. */
import type { ItemDetail, PrunedItem, State, TargetStateName } from './item.js';
import type { ReviewGroup } from './people.js';
import type { LastRun, PausedEntity, RunnerInfo } from './reading.js';

export interface TargetStatus {
  name: string;
  /** The visible state: `paused` hides the one below. A target that the config lacks is `misconfigured`. */
  state: TargetStateName;
  since: number;
  until: number | undefined;
  reason: string | undefined;
  /** Requests since the last sound answer. */
  tries: number;
  pending: number;
  sending: number;
  review: number;
  due: number;
  waiting: number;
  held: number;
  blocked: number;
  /** How many of the blocked items have a lane head in review. */
  behindReview: number;
}

export interface StatusReport {
  /** Path or URL of the queue. */
  queue: string;
  config: string | undefined;
  exists: boolean;
  counts: Record<State, number>;
  due: number;
  waiting: number;
  blocked: number;
  held: number;
  oldestPendingAt: number | undefined;
  lastCompletedAt: number | undefined;
  nextDueAt: number | undefined;
  targets: TargetStatus[];
  pausedEntities: PausedEntity[];
  runner: RunnerInfo | undefined;
  lastRun: LastRun | undefined;
  reviewGroups: ReviewGroup[];
  copyOf: string | undefined;
}

export interface DrainReport {
  /** Attempts started. */
  attempts: number;
  delivered: number;
  /** Attempts that ended otherwise. */
  failed: number;
  /** Items that went to review in this run. */
  review: number;
  remaining: { due: number; waiting: number; blocked: number; held: number };
  held: { target: string; state: TargetStateName; reason: string | undefined; until: number | undefined }[];
  durationMs: number;
  stopped: 'drained' | 'limit' | 'time' | 'held' | 'signal' | 'other-runner';
  /** Who is sending, when `stopped` is `other-runner`. */
  runner: RunnerInfo | undefined;
  /** Facts behind the exit code, for `cli/program/exit-codes.ts`. */
  needsPerson: boolean;
  /** Items remain that go on by themselves or wait for a pause to end. */
  tryLater: boolean;
}

export interface InspectReport {
  items: ItemDetail[];
  missing: number[];
  /** What is left of missing ones that retention removed. */
  pruned: PrunedItem[];
}

export interface WaitReport {
  /** All are completed. */
  done: boolean;
  /** One is in review or discarded. */
  failed: boolean;
  items: ItemDetail[];
  /** What is left of those that retention removed. */
  pruned: PrunedItem[];
}

/** Who will send the changed items. */
export type Next =
  | { kind: 'sending'; runner: RunnerInfo }
  | { kind: 'no-runner' }
  | { kind: 'held'; target: string; state: TargetStateName; since: number; reason: string | undefined };
