/** Turns the store's counters into the facts of `status`: due, held, waiting and blocked items of each target. Pure. */
import type { Config } from '../nouns/config.js';
import { STATES, type State } from '../nouns/item.js';
import { isPaused, isSendable, shownState } from './target-state.js';
import type { StatusReport, TargetStatus } from '../nouns/report.js';
import type { Summary, TargetSummary } from '../nouns/reading.js';

export interface StatusContext {
  queue: string;
  config: Pick<Config, 'source' | 'targets'>;
  /** False when the config could not be read; then targets that it lacks are not reported. */
  configIsKnown: boolean;
  now: number;
}

export function statusReport(summary: Summary, context: StatusContext): StatusReport {
  const targets = summary.targets.map((target) => targetStatus(target, context));
  const sum = (pick: (target: TargetStatus) => number): number =>
    targets.reduce((total, target) => total + pick(target), 0);
  const counts = Object.fromEntries(
    STATES.map((state) => [state, summary.targets.reduce((total, target) => total + target[state], 0)]),
  ) as Record<State, number>;
  return {
    queue: context.queue,
    config: context.config.source,
    exists: true,
    counts,
    due: sum((target) => target.due),
    waiting: sum((target) => target.waiting),
    blocked: sum((target) => target.blocked),
    held: sum((target) => target.held),
    oldestPendingAt: summary.oldestPendingAt,
    lastCompletedAt: latest(summary.targets.map((target) => target.lastCompletedAt)),
    nextDueAt: earliest(summary.targets.map((target) => target.nextDueAt)),
    targets,
    pausedEntities: summary.pausedEntities,
    runner: summary.runner,
    lastRun: summary.lastRun,
    reviewGroups: summary.reviewGroups,
    copyOf: summary.copyOf,
  };
}

/** The status where there is no queue yet. */
export function emptyStatus({ queue, config }: Pick<StatusContext, 'queue' | 'config'>): StatusReport {
  return {
    queue,
    config: config.source,
    exists: false,
    counts: { pending: 0, sending: 0, review: 0, completed: 0, discarded: 0 },
    due: 0,
    waiting: 0,
    blocked: 0,
    held: 0,
    oldestPendingAt: undefined,
    lastCompletedAt: undefined,
    nextDueAt: undefined,
    targets: [],
    pausedEntities: [],
    runner: undefined,
    lastRun: undefined,
    reviewGroups: [],
    copyOf: undefined,
  };
}

/** Each pending item is one of blocked, held, waiting, due: the first that fits (contract, section 3). */
function targetStatus(target: TargetSummary, { config, configIsKnown, now }: StatusContext): TargetStatus {
  const { row } = target;
  const heads = target.ready + target.waiting + target.pausedHeads;
  const lost = configIsKnown && row.implicitBaseUrl === undefined && !config.targets.has(row.name);
  const open = isSendable(row, now) && !lost;
  const paused = isPaused(row, now) ? row.paused : undefined;
  const missing = lost && paused === undefined;
  return {
    name: row.name,
    state: missing ? 'misconfigured' : shownState(row, now),
    since: paused?.since ?? row.since,
    until: paused === undefined ? row.until : paused.until,
    reason: missing ? `target ${row.name} is not in the config` : paused === undefined ? row.reason : paused.reason,
    tries: row.tries,
    pending: target.pending,
    sending: target.sending,
    review: target.review,
    due: open ? target.ready + target.dueWaiting : 0,
    waiting: open ? target.waiting - target.dueWaiting : 0,
    held: open ? target.pausedHeads : heads,
    blocked: target.pending - heads,
    behindReview: target.behindReview,
  };
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function latest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
