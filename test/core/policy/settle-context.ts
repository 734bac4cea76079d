/** One attempt's end with everything that the rules look at, at its plainest: an online target, an item never tried. */
import { withDefaults } from '../../../src/core/config/target-shape.js';
import type { Outcome } from '../../../src/core/nouns/item.js';
import type { SettleContext } from '../../../src/core/policy/settle-context.js';
import { decide } from '../../../src/core/policy/settle.js';
import type { AttemptEnd, Decision, ItemFacts } from '../../../src/core/store/store.js';
import type { TargetConfig, TargetRow } from '../../../src/core/nouns/target.js';

export const NOW = Date.UTC(2026, 2, 5, 12);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Attempts up to this id were given out before the present hold, the next one is its tester. */
export const HOLD_MARK = 100;
export const TESTER_ATTEMPT = HOLD_MARK + 1;

export const CONFIG: TargetConfig = withDefaults({ name: 'production', baseUrl: 'https://api.example.org/v1' });

export function row(changes: Partial<TargetRow> = {}): TargetRow {
  return {
    id: 1,
    name: 'production',
    order: 'entity',
    implicitBaseUrl: undefined,
    boundTo: 'https://api.example.org/v1',
    state: 'online',
    since: NOW - DAY,
    until: undefined,
    setAt: NOW - DAY,
    reason: undefined,
    holdKind: undefined,
    holdStep: 0,
    tries: 0,
    tester: 0,
    holdMark: HOLD_MARK,
    paused: undefined,
    soundAttempt: 0,
    failItem: 0,
    failAttempt: 0,
    failOtherAttempt: 0,
    refusals: undefined,
    offlineMs: 0,
    lastCompletedAt: undefined,
    ...changes,
  };
}

/** A target in this state as it gets there: timed holds have run out, so that an answer is its tester's. */
export function rowIn(state: TargetRow['state'], changes: Partial<TargetRow> = {}): TargetRow {
  const isUnreadable = state === 'misconfigured' && changes.holdKind === 'unreadable';
  const timed = state === 'throttled' || state === 'unavailable' || state === 'auth' || isUnreadable;
  const held = timed ? { until: NOW - 1, setAt: NOW - HOUR, since: NOW - HOUR } : {};
  const reason = state === 'online' || state === 'untried' ? undefined : `why it is ${state}`;
  return row({
    state,
    reason,
    ...held,
    ...(state === 'misconfigured' ? { holdKind: 'tls' as const } : {}),
    ...changes,
  });
}

export function facts(changes: Partial<ItemFacts> = {}): ItemFacts {
  return {
    id: 7,
    laneKey: 7,
    operation: 'create',
    attemptNumber: 1,
    retryCount: 0,
    maxRetries: undefined,
    failures: 0,
    crashes: 0,
    failMark: undefined,
    failingSince: undefined,
    expiresAt: undefined,
    mayHaveArrived: undefined,
    repeatOf: undefined,
    hasEarlierKey: false,
    unreadable: 0,
    ...changes,
  };
}

const STATUS: Record<Outcome, number | undefined> = {
  delivered: 200,
  offline: undefined,
  unknown: undefined,
  unavailable: 503,
  throttled: 429,
  transient: 500,
  auth: 401,
  conflict: 409,
  rejected: 422,
  redirect: 302,
  misconfigured: undefined,
};

export function end(outcome: Outcome, changes: Partial<AttemptEnd> = {}): AttemptEnd {
  return {
    outcome,
    status: STATUS[outcome],
    message: `because of ${outcome}`,
    cause: outcome,
    retryAfterMs: undefined,
    durationMs: 12,
    redirectedTo: undefined,
    response: undefined,
    crashed: false,
    mayHaveArrived: false,
    isUnreadable: false,
    ...changes,
  };
}

export interface Situation {
  facts?: Partial<ItemFacts>;
  end?: Partial<AttemptEnd>;
  target?: TargetRow;
  config?: Partial<TargetConfig>;
  /** Default: the first one after the hold began. */
  attempt?: number;
  lastAttempt?: number;
  now?: number;
  random?: number;
}

export function context(outcome: Outcome, situation: Situation = {}): SettleContext {
  const item = facts(situation.facts);
  const attempt = situation.attempt ?? TESTER_ATTEMPT;
  return {
    facts: item,
    end: end(outcome, situation.end),
    claim: { item: item.id, attempt },
    target: situation.target ?? row(),
    config: { ...CONFIG, ...situation.config },
    lastAttempt: situation.lastAttempt ?? attempt,
    now: situation.now ?? NOW,
    random: situation.random ?? 0.5,
  };
}

export function decided(outcome: Outcome, situation: Situation = {}): Decision {
  return decide(context(outcome, situation));
}

/** The target's row after the attempt's end. */
export function targetAfterwards(outcome: Outcome, situation: Situation = {}): TargetRow {
  return { ...(situation.target ?? row()), ...decided(outcome, situation).target };
}
