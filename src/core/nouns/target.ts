/** A target: its settings from the config (durations in ms), and its state in the queue. */
import type { SensitivePatterns } from './sensitive.js';
import type { TargetStateName } from './item.js';

/** Where a secret comes from; never the secret itself (contract, section 9). */
export type SecretRef = { env: string } | { file: string } | { command: readonly string[] };

export type AuthConfig =
  | { kind: 'bearer'; token: SecretRef }
  | { kind: 'basic'; user: string; password: SecretRef }
  | { kind: 'header'; name: string; value: SecretRef };

export type LaneOrder = 'entity' | 'strict' | 'none';

/** Outcomes that a rule of `outcomes` in the config may assign to an answer. */
export const OVERRIDE_OUTCOMES = [
  'delivered',
  'transient',
  'rejected',
  'conflict',
  'auth',
  'unavailable',
  'throttled',
] as const;
export type OverrideOutcome = (typeof OVERRIDE_OUTCOMES)[number];

/** What an answer of 300 to 599 means on this server when every condition of the rule matches. */
export interface OutcomeRule {
  /** Statuses (`409`) and classes (`"4xx"`), any of them; undefined = every status from 300 to 599. */
  status: readonly (number | string)[] | undefined;
  /** JSON Pointers (RFC 6901) into the body and the expected values. */
  body: Readonly<Record<string, string | number | boolean | null>> | undefined;
  /** Lower-case names and the value, or `true` = the answer has this header. */
  header: Readonly<Record<string, string | true>> | undefined;
  means: OverrideOutcome;
  /** False: `delivered` may match the answer to a first attempt too. */
  onlyRepeat: boolean;
}

export interface RetryPolicy {
  /** Counted failures before review. Default 10, range 0 to 1,000. */
  max: number;
  /** Delay before the first retry. Default 5 s. */
  baseMs: number;
  /** Growth per retry. Default 3, range 1 to 100. */
  factor: number;
  /** Longest delay. Default 6 h. */
  capMs: number;
}

export interface TargetConfig {
  name: string;
  /** Absolute http(s) URL without user info, query or fragment; no trailing slash. */
  baseUrl: string;
  auth: AuthConfig | undefined;
  /** Sent with every request of the target; an item's own header wins. Lower-case names. */
  headers: Record<string, string>;
  retry: RetryPolicy;
  /** How long an item may keep failing before it goes to review. Default 3 d. */
  patienceMs: number;
  /** HTTP probe; undefined = a TCP connect to the origin (or the proxy) is the probe. */
  probe: { method: 'HEAD' | 'GET' | 'OPTIONS'; path: string } | undefined;
  /**
   * Bound on one whole attempt: connect, request, response headers and body. The time that `minRate` allows for the
   * body is added. Default 30 s.
   */
  timeoutMs: number;
  /** Bound on connecting, and again on a TLS handshake and a proxy's answer; never above `timeoutMs`. Default 10 s. */
  connectTimeoutMs: number;
  /**
   * The slowest link that a body should still pass, bytes per second; large bodies get time accordingly. Default 4096.
   */
  minRate: number;
  /**
   * Most requests in flight to this target, 1 to 64. Default 64, which leaves the runner's own bound (`run`: 1 over all
   * targets, or `--concurrency`; `watch`: 4).
   */
  concurrency: number;
  /** Most requests started per second; undefined = no limit. */
  ratePerSecond: number | undefined;
  order: LaneOrder;
  /** The first rule that matches an answer says what it means; if none does, the outcome table decides. */
  outcomes: readonly OutcomeRule[];
  /** Narrows what counts as delivered. */
  expect: { status: readonly number[] | undefined; contentType: string | undefined } | undefined;
  /** What must not be quoted from payloads; undefined = nothing. The same for all targets of a config. */
  sensitive?: SensitivePatterns | undefined;
  /** `review` for servers that do not honour the idempotency key. Default `retry`. */
  onUnknown: 'retry' | 'review';
  /** Default `Idempotency-Key`. */
  idempotencyHeader: string;
  /** This many refusals in a row with one status, from as many lanes, hold the target. Default 20, 0 = off. */
  breaker: number;
  /** Allows plain http to a host that is not loopback. */
  insecureHttp: boolean;
  /** Paths may hold `%2F`, which is sent as it is. Default false: servers disagree on what it means. */
  encodedSlash: boolean;
  /** Refuses addresses that are not globally reachable, and proxies that would resolve names themselves. */
  denyPrivate: boolean;
  /** Proxy URL; `false` = none, whatever the environment says; undefined = from the environment. */
  proxy: string | false | undefined;
  /** Paths of PEM files. */
  tls: { ca: string | undefined; cert: string | undefined; key: string | undefined } | undefined;
  /** `replay` refuses it without `--allow-production`. */
  production: boolean;
  /** Made from an absolute URL at enqueue, not from the config; it never gets a credential. */
  implicit: boolean;
}

/**
 * Why a target is `misconfigured`: `config` (not in the config, or unusable there), `credential`, `tls`, `binding` (the
 * base URL moved while attempts are open: ends by `target accept`), `breaker` (ends by `resume`), `unreadable` (its
 * answers cannot be parsed: ends by a tester). In any other state, `unreadable` says that its last answer was one.
 */
export type HoldKind = 'config' | 'credential' | 'tls' | 'binding' | 'breaker' | 'unreadable';

/**
 * The state of a target in the queue file. Runners change the states, people change pauses and the accepted base URL.
 */
export interface TargetRow {
  id: number;
  name: string;
  order: LaneOrder;
  /** Base URL of an implicit target. */
  implicitBaseUrl: string | undefined;
  /** Base URL that its attempts went to; undefined = none yet. */
  boundTo: string | undefined;
  state: Exclude<TargetStateName, 'paused'>;
  /** Epoch ms of the last change of state. */
  since: number;
  /** End of an automatic hold, epoch ms; undefined = no time bound. */
  until: number | undefined;
  /** When `until` was set. A clock that ran back behind this moment ends the hold (decision 0006). */
  setAt: number;
  reason: string | undefined;
  /** What made it `misconfigured`, which decides what ends that. */
  holdKind: HoldKind | undefined;
  /** Failures of testers in a row since the hold began: doubles the hold. */
  holdStep: number;
  /** Requests since the target last gave a sound answer. */
  tries: number;
  /** Item id of the last tester; testers rotate upwards from here. */
  tester: number;
  /** Attempt ids above this belong to the current hold; failures of older ones do not lengthen it. */
  holdMark: number;
  paused: { since: number; until: number | undefined; reason: string | undefined; by: string } | undefined;
  /** Highest attempt id that ended with a sound answer. */
  soundAttempt: number;
  /**
   * The item that failed last, when it failed, and when any other item last failed; used by the exception of the outage
   * rule. Dated by the highest attempt id given out at that moment.
   */
  failItem: number;
  failAttempt: number;
  failOtherAttempt: number;
  /** Breaker: refusals in a row with one status and no delivery in between, by lane. */
  refusals: { status: number; lanes: readonly number[] } | undefined;
  /** Total time spent offline, ms: patience does not run while offline. */
  offlineMs: number;
  lastCompletedAt: number | undefined;
}
