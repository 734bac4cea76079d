/** Validates a config document and turns it into a `Config`, or says which path of it is wrong and what to write. */
import { Buffer } from 'node:buffer';
import path from 'node:path';
import type { TargetConfig } from '../nouns/target.js';
import type { Place, Reader } from '../check/readers.js';
import { walkJson } from '../json/json-walk.js';
import { below, command, duration, fail, integer, list, object, record, text } from '../check/readers.js';
import { checkPattern, compileSensitive } from '../privacy/sensitive.js';
import { checkTargetName, target } from './target-shape.js';
import type { ConfigDocument } from './document.js';
import type { Config, Limits } from '../nouns/config.js';
import { DEFAULT_LIMITS } from '../nouns/config.js';
import { nearestWord } from '../check/nearest.js';

interface ParseOptions {
  /** Path of the config file, for messages and `Config.source`; undefined = the config comes from a program. */
  source: string | undefined;
  /** Absolute directory that paths in the document are relative to. */
  baseDir: string;
}

const MEBI = 1024 * 1024;

const sensitive: Reader<string> = (value, at) => {
  const pattern = text(value, at);
  const problem = checkPattern(pattern);
  return problem === undefined ? pattern : fail(at, problem);
};

/** Every key of the document. Exported for a test that compares it with the published schema. */
export const documentShape = object({
  $schema: text,
  defaultTarget: text,
  queue: queueLocation,
  targets: record(checkTargetName, target),
  sensitive: list(sensitive, 0),
  replay: object({ ignore: list(sensitive, 0) }),
  retention: object({ completed: duration('0s', '3650d'), payloads: duration('0s', '3650d') }),
  hooks: object({ review: command, offline: command, idle: command }),
  limits: object({
    payloadBytes: integer(1, 256 * MEBI),
    lineBytes: integer(1, 600 * MEBI),
    batchLines: integer(1, 100_000_000),
    jsonDepth: integer(1, 1000),
    headerBytes: integer(1, MEBI),
    pathBytes: integer(1, MEBI),
  }),
} satisfies Record<keyof ConfigDocument, Reader<unknown>>);

/**
 * Validates a config document. Paths become absolute, durations become ms, and missing settings get their defaults.
 *
 * @throws {QueueError} `bad-config`; the message starts with the JSON path of the mistake and never holds a secret
 */
export function parseConfig(document: unknown, options: ParseOptions): Config {
  const at: Place = { path: '', key: '', ...options };
  const given = documentShape(document, at);
  const byName = withSensitive(given.targets ?? new Map<string, TargetConfig>(), given.sensitive ?? []);
  return {
    source: options.source,
    defaultTarget: defaultTarget(given.defaultTarget, [...byName.keys()], below(at, 'defaultTarget')),
    queue: given.queue,
    targets: byName,
    sensitive: given.sensitive ?? [],
    replay: { ignore: given.replay?.ignore ?? [] },
    retention: { completedMs: given.retention?.completed, payloadsMs: given.retention?.payloads },
    hooks: { review: given.hooks?.review, offline: given.hooks?.offline, idle: given.hooks?.idle },
    limits: withLimits(given.limits ?? {}),
  };
}

function withSensitive(targets: Map<string, TargetConfig>, names: readonly string[]): Map<string, TargetConfig> {
  if (names.length === 0) return targets;
  const patterns = compileSensitive(names);
  return new Map([...targets].map(([name, target]) => [name, { ...target, sensitive: patterns }]));
}

/** The config for somebody without a config file. */
export function emptyConfig(): Config {
  return parseConfig({}, { source: undefined, baseDir: path.sep });
}

/**
 * Finds the queue that a config text names, even when the rest is wrong or not JSON, so that a reading command with a broken
 * config still reads the right queue. Undefined = it names none; null = it may name one, but which is not clear.
 */
export function queueNamedIn(source: string, options: ParseOptions): string | null | undefined {
  let found: string | undefined;
  let mayFollow = false;
  try {
    const bytes = Buffer.from(source);
    walkJson(bytes, ({ steps, start, end }) => {
      if (steps.length === 1 && steps[0] === 'queue' && end >= 0) found = bytes.toString('utf8', start, end);
    });
  } catch {
    // A queue found before the mistake counts. After it nothing can be parsed; only the word can be searched.
    mayFollow = source.includes('"queue"');
  }
  if (found === undefined) return mayFollow ? null : undefined;
  try {
    return queueLocation(JSON.parse(found), { path: 'queue', key: 'queue', ...options });
  } catch {
    return null;
  }
}

/** The only configured target is the default (contract, section 9). */
function defaultTarget(given: string | undefined, names: readonly string[], at: Place): string | undefined {
  if (given === undefined) return names.length === 1 ? names[0] : undefined;
  if (names.includes(given)) return given;
  const near = nearestWord(given, names);
  if (names.length === 0) return fail(at, 'there is no target in "targets"');
  return fail(
    at,
    `there is no target of this name; ${near === undefined ? `known: ${names.join(', ')}` : `did you mean ${near}?`}`,
  );
}

/** The limit on a bulk line follows the limit on a payload unless it is given itself. */
function withLimits(given: Partial<Limits>): Limits {
  const payloadBytes = given.payloadBytes ?? DEFAULT_LIMITS.payloadBytes;
  return { ...DEFAULT_LIMITS, lineBytes: payloadBytes * 2 + 64 * 1024, ...given };
}

/** A file (relative to the config) or a postgres URL without a password. Messages never show it: it may hold one. */
function queueLocation(value: unknown, at: Place): string {
  const given = text(value, at);
  if (isPostgresUrl(given)) return checkPostgres(given, at);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(given)) return fail(at, 'is neither a file nor a postgres:// URL');
  if (given.startsWith(':memory:') || given.startsWith('file:')) return fail(at, 'is not a plain file name');
  if (given === '~' || given.startsWith('~/')) return fail(at, '~ is not expanded; write the whole path');
  return path.resolve(at.baseDir, given);
}

function checkPostgres(given: string, at: Place): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined) return fail(at, 'is not a valid postgres URL; write postgres://user@host:5432/database');
  if (url.password !== '' || url.searchParams.has('password')) {
    return fail(at, 'holds a password; a secret is never a value: use ~/.pgpass, a service file or PGPASSWORD');
  }
  return given;
}

/** True for a postgres URL, the alternative to a file in `queue`. */
export function isPostgresUrl(location: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(location);
}
