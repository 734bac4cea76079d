/** `status --check`: which limits a queue is past. Pure; the exit code is the caller's. */
import type { StatusReport } from '../nouns/report.js';

export interface CheckLimits {
  /** Oldest unfinished item that is not in review, ms; counted from the later of its storing and its asked-for time. */
  maxAgeMs?: number;
  /** Items in review. */
  maxReview?: number;
  /** Time without a sign of life from any runner while something waits, ms. */
  maxIdleMs?: number;
}

/** What `--check` alone means. */
export const DEFAULT_CHECK: CheckLimits = { maxReview: 0, maxAgeMs: 3_600_000 };

export interface FailedLimit {
  /** The flag that set it, or `target` for a target that needs a person. */
  limit: 'max-age' | 'max-review' | 'max-idle' | 'target';
  /** Count, or ms for ages; for `target` the state `online`. */
  allowed: number | string;
  /** Likewise; for `target` its state. */
  actual: number | string;
  /** Name, with `target` only. */
  target?: string;
}

export interface CheckResult {
  ok: boolean;
  failed: FailedLimit[];
}

export function checkStatus(report: StatusReport, limits: CheckLimits, now: number): CheckResult {
  const failed: FailedLimit[] = [];
  const { maxAgeMs, maxReview, maxIdleMs } = limits;
  if (maxReview !== undefined && report.counts.review > maxReview) {
    failed.push({ limit: 'max-review', allowed: maxReview, actual: report.counts.review });
  }
  const age = report.oldestPendingAt === undefined ? 0 : now - report.oldestPendingAt;
  if (maxAgeMs !== undefined && age > maxAgeMs) failed.push({ limit: 'max-age', allowed: maxAgeMs, actual: age });
  const idle = idleMs(report, now);
  if (maxIdleMs !== undefined && idle > maxIdleMs) failed.push({ limit: 'max-idle', allowed: maxIdleMs, actual: idle });
  for (const target of report.targets) {
    const needsPerson = target.state === 'auth' || target.state === 'misconfigured';
    if (needsPerson && target.pending + target.sending > 0) {
      failed.push({ limit: 'target', allowed: 'online', actual: target.state, target: target.name });
    }
  }
  return { ok: failed.length === 0, failed };
}

/**
 * How long nobody has worked although something waits: since the last sign of life of a runner, but not from before
 * the oldest waiting item. A queue with nothing to do is never idle too long.
 */
function idleMs(report: StatusReport, now: number): number {
  if (report.oldestPendingAt === undefined) return 0;
  const signs = [report.runner?.lastActiveAt, report.lastRun?.endedAt, report.lastCompletedAt, report.oldestPendingAt];
  return Math.max(0, now - Math.max(...signs.filter((at) => at !== undefined)));
}
