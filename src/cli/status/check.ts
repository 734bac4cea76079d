/** The limits of `status --check` from its flags. */
import type { CheckLimits, CheckResult } from '../../core/policy/status-check.js';
import { checkStatus, DEFAULT_CHECK } from '../../core/policy/status-check.js';
import type { StatusReport } from '../../core/nouns/report.js';

export interface LimitFlags {
  maxAgeMs: number | undefined;
  maxReview: number | undefined;
  maxIdleMs: number | undefined;
}

/** The given limits; the default ones when none was given. */
export function checkLimits({ maxAgeMs, maxReview, maxIdleMs }: LimitFlags): CheckLimits {
  const limits: CheckLimits = {};
  if (maxAgeMs !== undefined) limits.maxAgeMs = maxAgeMs;
  if (maxReview !== undefined) limits.maxReview = maxReview;
  if (maxIdleMs !== undefined) limits.maxIdleMs = maxIdleMs;
  return Object.keys(limits).length === 0 ? DEFAULT_CHECK : limits;
}

export function checkReport(report: StatusReport, limits: CheckLimits, now: number): CheckResult {
  return checkStatus(report, limits, now);
}
