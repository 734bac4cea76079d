/** What a store reports about the queue as a whole: who sends, what is left, the state of each target. */
import type { Entity } from './item.js';
import type { TargetRow } from './target.js';
import type { ReviewGroup } from './people.js';

export interface RunnerIdentity {
  kind: 'run' | 'watch' | 'drain';
  /** Random for each process start, because pids are reused. */
  id: string;
  pid: number;
  host: string;
  bootId: string;
}

export interface RunnerInfo extends RunnerIdentity {
  since: number;
  lastActiveAt: number;
}

export interface TargetSummary {
  row: TargetRow;
  pending: number;
  sending: number;
  review: number;
  completed: number;
  discarded: number;
  /** Lane heads: ready to send, waiting for their time (`dueWaiting` of them are past it), paused with their entity. */
  ready: number;
  waiting: number;
  dueWaiting: number;
  pausedHeads: number;
  /** Pending items whose lane head is in review. */
  behindReview: number;
  nextDueAt: number | undefined;
  lastCompletedAt: number | undefined;
}

/** A request that a run would make, as `run --dry-run` shows it. */
export interface Upcoming {
  item: number;
  /** Id of its target's row. */
  target: number;
  method: string;
  path: string;
  payloadBytes: number | undefined;
}

/** Why a drain may not be over. */
export interface Leftovers {
  /** Pending items that stand behind one in review. */
  behindReview: boolean;
  /** Lane heads that wait for their own retry, not for a time that the user requested. */
  backingOff: boolean;
}

export interface LastRun {
  kind: RunnerIdentity['kind'];
  startedAt: number;
  endedAt: number | undefined;
  exitCode: number | undefined;
  delivered: number;
  remaining: number;
}

export interface PausedEntity {
  entity: Entity;
  since: number;
  until: number | undefined;
  reason: string | undefined;
  by: string;
}

export interface Summary {
  targets: TargetSummary[];
  defaultTarget: string | undefined;
  /** Oldest unfinished item that is not in review: the later of createdAt and its requested time, epoch ms. */
  oldestPendingAt: number | undefined;
  reviewGroups: ReviewGroup[];
  pausedEntities: PausedEntity[];
  /** Alive right now, as the kernel's file lock says, not a time stamp. */
  runner: RunnerInfo | undefined;
  lastRun: LastRun | undefined;
  /** Set when this file is a marked copy (a backup): it can be read but nothing is sent from it. */
  copyOf: string | undefined;
}
