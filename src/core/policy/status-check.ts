/** `status --check`: which limits the queue exceeds. Pure; the caller sets the exit code. */
import type { StatusReport } from '../nouns/report.js';

export interface CheckLimits {
  /**
   * Age of the oldest unfinished item that is not in review, ms; counted from the later of its storing and its
   * requested time.
   */
  maxAgeMs?: number;
  /** Items in review. */
  maxReview?: number;
  /** Time without activity of any runner while something waits, ms. */
  maxIdleMs?: number;
}

/** The limits of `--check` alone. */
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
 * How long nobody has worked although something waits: since a runner's last activity, but at most since the oldest
 * waiting item was stored. An empty queue is never idle.
 */
function idleMs(report: StatusReport, now: number): number {
  if (report.oldestPendingAt === undefined) return 0;
  const signs = [report.runner?.lastActiveAt, report.lastRun?.endedAt, report.lastCompletedAt, report.oldestPendingAt];
  return Math.max(0, now - Math.max(...signs.filter((at) => at !== undefined)));
}
