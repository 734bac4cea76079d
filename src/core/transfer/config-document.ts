/** The config for a bundle, to explain what the queue did: without anything secret. */
import type { Config } from '../nouns/config.js';
import type { TargetConfig } from '../nouns/target.js';

/** Only the settings named here: a new one must be reviewed before it leaves the machine. */
export function publicConfig(config: Config): Record<string, unknown> {
  return {
    defaultTarget: config.defaultTarget ?? null,
    sensitive: config.sensitive,
    retention: config.retention,
    targets: Object.fromEntries([...config.targets].map(([name, target]) => [name, publicTarget(target)])),
  };
}

/** The kind of a credential and the names of headers; no proxy (its URL may hold a password), no file names. */
function publicTarget(target: TargetConfig): Record<string, unknown> {
  return {
    baseUrl: target.baseUrl,
    auth: target.auth?.kind ?? null,
    headers: Object.keys(target.headers),
    retry: target.retry,
    patienceMs: target.patienceMs,
    probe: target.probe ?? null,
    timeoutMs: target.timeoutMs,
    minRate: target.minRate,
    concurrency: target.concurrency,
    ratePerSecond: target.ratePerSecond ?? null,
    order: target.order,
    outcomes: target.outcomes,
    expect: target.expect ?? null,
    onUnknown: target.onUnknown,
    idempotencyHeader: target.idempotencyHeader,
    breaker: target.breaker,
    production: target.production,
  };
}
