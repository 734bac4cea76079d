/** Reads one target of the config into a `TargetConfig`: every key, its bounds and its default. */
import type { RetryPolicy, TargetConfig } from '../nouns/target.js';
import { baseUrl, isInsecure, proxyUrl } from './base-url.js';
import { headers, keyHeaderName } from './header.js';
import { outcomes } from './outcome-rules.js';
import type { Place, Reader } from '../check/readers.js';
import {
  below,
  duration,
  fail,
  filePath,
  flag,
  integer,
  list,
  number,
  object,
  oneOf,
  show,
  text,
  refine,
} from '../check/readers.js';
import type { TargetDocument } from './document.js';
import { auth } from './secret.js';

const DEFAULT_RETRY: RetryPolicy = { max: 10, baseMs: 5_000, factor: 3, capMs: 6 * 3_600_000 };

/** A target with defaults for the settings that are not given. */
export function withDefaults(given: Pick<TargetConfig, 'name' | 'baseUrl'> & Partial<TargetConfig>): TargetConfig {
  return {
    auth: undefined,
    headers: {},
    retry: DEFAULT_RETRY,
    patienceMs: 3 * 86_400_000,
    probe: undefined,
    timeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    minRate: 4096,
    // No bound of its own: the runner's bound on requests in flight applies.
    concurrency: 64,
    ratePerSecond: undefined,
    order: 'entity',
    outcomes: [],
    expect: undefined,
    onUnknown: 'retry',
    idempotencyHeader: 'Idempotency-Key',
    breaker: 20,
    insecureHttp: false,
    encodedSlash: false,
    denyPrivate: false,
    proxy: undefined,
    tls: undefined,
    production: false,
    implicit: false,
    ...given,
  };
}

/**
 * The target of an absolute URL that lies under no configured base URL: named by its origin, all defaults, never a
 * credential (contract, section 3). `insecureHttp: false` refuses plain http to another host.
 */
export function implicitTarget(origin: string): TargetConfig {
  return withDefaults({ name: origin, baseUrl: origin.replace(/\/+$/, ''), implicit: true });
}

const TARGET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** True for a valid name of a configured target. */
export function isTargetName(name: string): boolean {
  return TARGET_NAME.test(name);
}

export function checkTargetName(name: string, at: Place): void {
  if (isTargetName(name)) return;
  fail(at, 'is not a target name; write 1 to 64 letters, digits, dots, _ or -, starting with a letter or digit');
}

const rate: Reader<number> = (value, at) => {
  const found = typeof value === 'string' ? /^([1-9]\d{0,5})\/([smh])$/.exec(value) : null;
  if (found === null)
    return fail(at, `${show(value)} is not a rate; write 20/s, 100/m or 5000/h (count from 1 to 999999)`);
  const seconds = { s: 1, m: 60, h: 3600 }[found[2] as 's' | 'm' | 'h'];
  return Number(found[1]) / seconds;
};

const probePath: Reader<string> = (value, at) => {
  const given = text(value, at);
  const plain = /^\/(?!\/)[\x21-\x7e]*$/.test(given) && !/[\\#]|%2f|%5c/i.test(given);
  if (!plain) return fail(at, 'is not a path; write it from / on, relative to the base URL, such as /health');
  return /\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(given) ? fail(at, 'holds a dot segment; write the path plainly') : given;
};

const contentType: Reader<string> = (value, at) => {
  const given = text(value, at).toLowerCase();
  return /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(given)
    ? given
    : fail(at, `${show(value)} is not a media type; write type/subtype without parameters, such as application/json`);
};

const proxy: Reader<string | false> = (value, at) => (value === false ? false : proxyUrl(value, at));

const shape = object(
  {
    baseUrl,
    auth,
    headers,
    retry: object({
      max: integer(0, 1000),
      base: duration('1ms', '30d'),
      factor: number(1, 100),
      cap: duration('1ms', '30d'),
    }),
    patience: duration('1s', '365d'),
    probe: object({ method: oneOf('HEAD', 'GET', 'OPTIONS'), path: probePath }, ['path']),
    timeout: duration('1ms', '1h'),
    connectTimeout: duration('1ms', '1h'),
    minRate: integer(256, 1_000_000_000),
    concurrency: integer(1, 64),
    rate,
    order: oneOf('entity', 'strict', 'none'),
    outcomes,
    expect: object({ status: list(integer(200, 299), 1), contentType }),
    onUnknown: oneOf('retry', 'review'),
    idempotencyHeader: keyHeaderName,
    breaker: integer(0, 1000),
    insecureHttp: flag,
    encodedSlash: flag,
    denyPrivate: flag,
    proxy,
    tls: object({ ca: filePath, cert: filePath, key: filePath }),
    production: flag,
  } satisfies Record<keyof TargetDocument, Reader<unknown>>,
  ['baseUrl'],
);
type Given = ReturnType<typeof shape>;

/** One target; its key is its name. */
export const target: Reader<TargetConfig> = refine(shape, readTarget);

function readTarget(given: Given, at: Place): TargetConfig {
  if (given.insecureHttp !== true && isInsecure(given.baseUrl)) {
    return fail(below(at, 'baseUrl'), 'plain http sends everything readably; write https, or set "insecureHttp": true');
  }
  const { patience, timeout, connectTimeout, rate: ratePerSecond, probe, retry, expect, tls, ...asWritten } = given;
  return withDefaults({
    ...asWritten,
    name: at.key,
    ...(patience !== undefined && { patienceMs: patience }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(connectTimeout !== undefined && { connectTimeoutMs: connectTimeout }),
    ...(ratePerSecond !== undefined && { ratePerSecond }),
    ...(retry !== undefined && { retry: readRetry(retry, below(at, 'retry')) }),
    ...(probe !== undefined && { probe: { method: probe.method ?? 'HEAD', path: probe.path } }),
    ...(expect !== undefined && { expect: { status: expect.status, contentType: expect.contentType } }),
    ...(tls !== undefined && { tls: readTls(tls, below(at, 'tls')) }),
  });
}
function readRetry(given: NonNullable<Given['retry']>, at: Place): RetryPolicy {
  const baseMs = given.base ?? DEFAULT_RETRY.baseMs;
  if (given.cap !== undefined && given.cap < baseMs) return fail(below(at, 'cap'), 'is shorter than the base');
  return {
    max: given.max ?? DEFAULT_RETRY.max,
    baseMs,
    factor: given.factor ?? DEFAULT_RETRY.factor,
    // The default cap must not cut a longer base that somebody wrote.
    capMs: given.cap ?? Math.max(DEFAULT_RETRY.capMs, baseMs),
  };
}

function readTls(given: NonNullable<Given['tls']>, at: Place): NonNullable<TargetConfig['tls']> {
  if ((given.cert === undefined) !== (given.key === undefined)) {
    return fail(at, 'a client certificate needs both "cert" and "key"');
  }
  return { ca: given.ca, cert: given.cert, key: given.key };
}
