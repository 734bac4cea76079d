/** Finds and reads the config file, and decides which queue is meant. */
import path from 'node:path';
import { JsonFault } from '../../core/json/json-scan.js';
import { positionOf, walkJson } from '../../core/json/json-walk.js';
import type { Config } from '../../core/nouns/config.js';
import { emptyConfig, isPostgresUrl, parseConfig, queueNamedIn } from '../../core/config/validate.js';
import { isQueueError, QueueError } from '../../core/nouns/errors.js';
import { lostDirectory } from '../program/failure.js';
import { variable } from '../program/given-bytes.js';
import { isOwnDirectory, ownDirectory } from '../program/home.js';
import { isThere, readTrustedFile } from '../program/trusted-file.js';

/** Name of the project's config in the working directory. */
const PROJECT_FILE = 'syncq.json';
/** Name of the queue beside a project config that names none. */
const PROJECT_QUEUE = 'syncq.db';

export interface ConfigLookup {
  /** `--config`; undefined = not given. */
  flag: string | undefined;
  /** The environment; only SYNCQ_CONFIG is read. */
  env: Readonly<Record<string, string | undefined>>;
  /** Absolute working directory; undefined = it is gone. */
  cwd: string | undefined;
  /** oclif's config directory. */
  configDir: string;
}

/** The config file, and whether somebody named it (then it must exist). */
export interface ConfigPlace {
  path: string;
  namedBy: '--config' | 'SYNCQ_CONFIG' | undefined;
}

export interface LenientConfig {
  config: Config;
  /** A warning for stderr; undefined = none. */
  warning: string | undefined;
  /** True when no config says what is sensitive, so that every payload value must be masked. */
  maskAll: boolean;
  /** `broken`: the file cannot be used; `missing`: named but does not exist; `none`: there is no config yet. */
  problem: 'broken' | 'missing' | 'none' | undefined;
  /** The error to throw when only the unusable config could name the queue; undefined = the queue is known. */
  queueUnknown: QueueError | undefined;
}

/** The places in order; the first that exists is used, nothing is merged. */
export function configPlaces(lookup: ConfigLookup): ConfigPlace[] {
  const { flag, env, cwd, configDir } = lookup;
  if (flag === '') throw new QueueError('usage', '--config is empty', { hint: 'Name the config file.' });
  if (flag !== undefined) return [{ path: resolveIn(cwd, flag, '--config'), namedBy: '--config' }];
  // An empty variable counts as unset, as shells can set it so for one command.
  const named = variable('SYNCQ_CONFIG', env);
  if (named !== '') return [{ path: resolveIn(cwd, named, 'SYNCQ_CONFIG'), namedBy: 'SYNCQ_CONFIG' }];
  // There is none in a deleted directory, nor for a user without a home.
  const unnamed = cwd === undefined && !isThere(PROJECT_FILE) ? [] : [resolveIn(cwd, PROJECT_FILE)];
  const isNeeded = !configDir.includes('\ufffd') || !unnamed.some(isThere);
  if (isOwnDirectory(configDir) && isNeeded)
    unnamed.push(path.join(ownDirectory(configDir, 'CONFIG', env), 'config.json'));
  return unnamed.map((file) => ({ path: file, namedBy: undefined }));
}

function resolveIn(cwd: string | undefined, given: string, namedBy?: string): string {
  if (cwd !== undefined || path.isAbsolute(given)) return path.resolve(cwd ?? '/', given);
  throw lostDirectory(namedBy === undefined ? given : `${given} (named by ${namedBy})`);
}

/**
 * The config, or an empty one when there is none.
 *
 * @throws {QueueError} `bad-config`: named but missing, unreadable, writable by others, not JSON, or invalid
 */
export function loadConfig(lookup: ConfigLookup): Config {
  const found = findConfig(lookup);
  return found === undefined ? emptyConfig() : parseConfig(parseText(found), parseOptions(found.path));
}

/**
 * The same for reading commands, which work without a config: instead of a broken one they get an empty one, which
 * still names the right queue where possible, and mask everything. Never throws `bad-config`.
 */
export function loadConfigLeniently(lookup: ConfigLookup): LenientConfig {
  try {
    const config = loadConfig(lookup);
    if (config.source !== undefined)
      return { config, warning: undefined, maskAll: false, problem: undefined, queueUnknown: undefined };
    const warning = `no config found (${configPlaces(lookup)
      .map((place) => place.path)
      .join(', ')}): payload values are masked`;
    return { config, warning, maskAll: true, problem: 'none', queueUnknown: undefined };
  } catch (error) {
    if (!isQueueError(error) || error.code !== 'bad-config') throw error;
    const { config, isQueueKnown } = salvage(lookup);
    const warning = `${error.message} (going on without the config: payload values are masked)`;
    return {
      config,
      warning,
      maskAll: true,
      problem: config.source === undefined ? 'missing' : 'broken',
      queueUnknown: isQueueKnown
        ? undefined
        : new QueueError('bad-config', `${error.message}, so nobody can tell which queue is meant`, {
            hint: `${error.hint ?? 'Fix it.'} Or name the queue with --queue.`,
            cause: error,
          }),
    };
  }
}

/** An empty config with the file's path and, if the file is trusted, the queue it names. */
function salvage(lookup: ConfigLookup): { config: Config; isQueueKnown: boolean } {
  const place = configPlaces(lookup).find((candidate) => isThere(candidate.path));
  if (place === undefined) return { config: emptyConfig(), isQueueKnown: false };
  const config = { ...emptyConfig(), source: place.path };
  try {
    const queue = queueNamedIn(readTrustedFile(place.path) ?? '', parseOptions(place.path));
    return { config: { ...config, queue: queue ?? undefined }, isQueueKnown: queue !== null };
  } catch {
    return { config, isQueueKnown: false };
  }
}

interface FoundConfig {
  path: string;
  text: string;
}

function findConfig(lookup: ConfigLookup): FoundConfig | undefined {
  for (const place of configPlaces(lookup)) {
    // A working directory that may not be entered (sudo -u from root's home) must not make every command fail.
    if (place.namedBy === undefined && !isThere(place.path)) continue;
    const text = readTrustedFile(place.path);
    if (text !== undefined) return { path: place.path, text };
    if (place.namedBy !== undefined) {
      const problem = `the config file ${place.path} (named by ${place.namedBy}) does not exist`;
      throw new QueueError('bad-config', problem, { hint: 'Check the name. Nothing was changed.' });
    }
  }
  return undefined;
}

function parseOptions(file: string): { source: string; baseDir: string } {
  return { source: file, baseDir: path.dirname(file) };
}

/** Reads JSON with unique keys. Messages give line and column and quote nothing, because the text may hold a secret. */
export function parseText({ path: file, text }: FoundConfig): unknown {
  const bytes = Buffer.from(text);
  try {
    walkJson(bytes, () => undefined, { uniqueNames: true });
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    const { line, column } = positionOf(bytes, error.offset);
    const problem = `line ${line}, column ${column}: ${error.reason}`;
    const hint = `Fix it in ${file}. Nothing was changed.`;
    throw new QueueError('bad-config', `${file} is not valid JSON: ${problem}`, { hint, cause: error });
  }
  return JSON.parse(text);
}

export interface QueueLookup {
  /** `--queue`; undefined = not given. */
  flag: string | undefined;
  /** The environment; only SYNCQ_QUEUE is read. */
  env: Readonly<Record<string, string | undefined>>;
  config: Config;
  /** Absolute working directory; undefined = it is gone. */
  cwd: string | undefined;
  /** oclif's data directory. */
  dataDir: string;
}

export interface QueuePlace {
  kind: 'file' | 'postgres';
  /** Absolute path, or the postgres URL as given (it may hold a password, so never print it unmasked). */
  location: string;
  /** True when somebody named it; then it must exist, except for commands that create it. */
  named: boolean;
  namedBy: '--queue' | 'SYNCQ_QUEUE' | 'config' | undefined;
}

/**
 * Finds the queue: `--queue`, SYNCQ_QUEUE, the config's `queue`, else the default place. A config file `syncq.json`
 * without `queue` means the `syncq.db` beside it, however the config was found.
 */
export function resolveQueuePath({ flag, env, config, cwd, dataDir }: QueueLookup): QueuePlace {
  if (flag === '') throw new QueueError('usage', '--queue is empty', { hint: 'Name the queue file.' });
  if (flag !== undefined) return queuePlace(flag, cwd, '--queue');
  const fromEnv = variable('SYNCQ_QUEUE', env);
  if (fromEnv !== '') return queuePlace(fromEnv, cwd, 'SYNCQ_QUEUE');
  if (config.queue !== undefined) return queuePlace(config.queue, cwd, 'config');
  const beside = config.source !== undefined && path.basename(config.source) === PROJECT_FILE;
  const dir = beside ? path.dirname(config.source ?? '') : ownDirectory(dataDir, 'DATA', env);
  return { kind: 'file', location: path.join(dir, PROJECT_QUEUE), named: false, namedBy: undefined };
}

/**
 * The same with a config that could not be read.
 *
 * @throws {QueueError} `bad-config`: a look at the wrong queue would report that all is well
 */
export function resolveQueueLeniently(lenient: LenientConfig, lookup: Omit<QueueLookup, 'config'>): QueuePlace {
  const place = resolveQueuePath({ ...lookup, config: lenient.config });
  if (lenient.queueUnknown === undefined || place.named) return place;
  // A config that does not exist cannot have named another queue.
  if (lenient.problem === 'missing' && isThere(place.location)) return place;
  throw lenient.queueUnknown;
}

function queuePlace(given: string, cwd: string | undefined, namedBy: NonNullable<QueuePlace['namedBy']>): QueuePlace {
  if (isPostgresUrl(given)) return { kind: 'postgres', location: given, named: true, namedBy };
  return { kind: 'file', location: resolveIn(cwd, given, namedBy), named: true, namedBy };
}
