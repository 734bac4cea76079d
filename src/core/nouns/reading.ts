/** What a store tells of the queue as a whole: who is sending, what is left, what each target holds. */
import type { Entity } from './item.js';
import type { TargetRow } from './target.js';
import type { ReviewGroup } from './people.js';

export interface RunnerIdentity {
  kind: 'run' | 'watch' | 'drain';
  /** Random per process start: pid and host alone are reused. */
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
  /** Lane heads: ready to send, waiting for their time (of which `dueWaiting` are over it), paused with their entity. */
  ready: number;
  waiting: number;
  dueWaiting: number;
  pausedHeads: number;
  /** Pending items whose lane head is in review. */
  behindReview: number;
  nextDueAt: number | undefined;
  lastCompletedAt: number | undefined;
}

/** A request that a run would make, as far as it is shown. */
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
  /** Lane heads that wait for a retry of their own, not for a time the user asked for. */
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
  /** Oldest unfinished item not in review: the later of createdAt and its asked-for time, epoch ms. */
  oldestPendingAt: number | undefined;
  reviewGroups: ReviewGroup[];
  pausedEntities: PausedEntity[];
  /** Alive right now, by the kernel's word, not by a time stamp. */
  runner: RunnerInfo | undefined;
  lastRun: LastRun | undefined;
  /** Set when this file is a stamped copy (a backup): it is read, never sent from. */
  copyOf: string | undefined;
}
