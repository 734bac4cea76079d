/** The document of `status --json`. */
import type { CheckResult } from '../core/policy/status-check.js';
import type { StatusReport } from '../core/nouns/report.js';
import type { JsonObject } from './json.js';
import { isoTime } from './json.js';

export function statusDocument(report: StatusReport, check?: CheckResult): JsonObject {
  const { pending, sending, completed, review, discarded } = report.counts;
  return {
    queue: report.queue,
    config: report.config ?? null,
    exists: report.exists,
    counts: { pending, sending, completed, review, discarded },
    due: report.due,
    waiting: report.waiting,
    blocked: report.blocked,
    held: report.held,
    oldestPendingAt: isoTime(report.oldestPendingAt),
    lastCompletedAt: isoTime(report.lastCompletedAt),
    nextDueAt: isoTime(report.nextDueAt),
    targets: report.targets.map((target) => ({
      name: target.name,
      state: target.state,
      since: isoTime(target.since),
      until: isoTime(target.until),
      reason: target.reason ?? null,
      pending: target.pending,
      review: target.review,
    })),
    pausedEntities: report.pausedEntities.map(({ entity, since, until, reason, by }) => ({
      entity: { type: entity.type, id: entity.id },
      since: isoTime(since),
      until: isoTime(until),
      reason: reason ?? null,
      by,
    })),
    runner: runnerDocument(report),
    lastRun: lastRunDocument(report),
    reviewGroups: reviewGroupsDocument(report.reviewGroups),
    copyOf: report.copyOf ?? null,
    ...(check === undefined ? {} : { check: { ok: check.ok, failed: check.failed.map((limit) => ({ ...limit })) } }),
  };
}

/** The `runner` member of `status --json` and `run --json`. */
export function runnerDocument({ runner }: Pick<StatusReport, 'runner'>): JsonObject | null {
  if (runner === undefined) return null;
  const { kind, pid, host, since, lastActiveAt } = runner;
  return { kind, pid, host, since: isoTime(since), lastActiveAt: isoTime(lastActiveAt) };
}

function lastRunDocument({ lastRun }: StatusReport): JsonObject | null {
  if (lastRun === undefined) return null;
  const { kind, startedAt, endedAt, exitCode, delivered, remaining } = lastRun;
  return {
    kind,
    startedAt: isoTime(startedAt),
    endedAt: isoTime(endedAt),
    exitCode: exitCode ?? null,
    delivered,
    remaining,
  };
}

/** Review items by cause; a status of 0 means none. */
export function reviewGroupsDocument(groups: StatusReport['reviewGroups']): JsonObject[] {
  return groups.map(({ target, reason, status, operation, count, firstId, message, mayHaveArrived }): JsonObject => ({
    target,
    reason,
    status: status === 0 ? null : status,
    operation,
    count,
    firstId,
    message,
    mayHaveArrived,
  }));
}
