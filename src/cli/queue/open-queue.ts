/** Opens the queue that flags, environment and config name. All commands use it. */
import { lstatSync } from 'node:fs';
import type { Config } from '../../core/nouns/config.js';
import type { CommandQueue } from '../../core/queue/queue.js';
import { QueueError } from '../../core/index.js';
import { openWithConfig } from '../../core/queue/open-queue.js';
import { assertDriver } from '../../core/store/doors/open-store.js';
import { codeWords } from '../../core/files/file-failure.js';
import { absentQueue } from './absent-queue.js';
import { loadConfig, loadConfigLeniently, resolveQueueLeniently } from './config-file.js';
import type { ConfigLookup, LenientConfig, QueuePlace } from './config-file.js';
import { environment } from '../program/environment.js';
import { workingDirectory } from '../program/given-bytes.js';

/**
 * `create` creates a missing queue. `write` and `read` need one where it was named; elsewhere a missing queue counts as
 * empty.
 */
export type QueueMode = 'read' | 'write' | 'create';

/**
 * Called before a missing queue is created: false = do not create it, and treat it as empty. If it throws, nothing is
 * created.
 */
export type BeforeMaking = (config: Config) => Promise<boolean>;

export interface CommonFlags {
  queue: string | undefined;
  config: string | undefined;
}

/** oclif's directories for this program. */
export interface Directories {
  configDir: string;
  dataDir: string;
}

export interface CliQueue {
  queue: CommandQueue;
  config: Config;
  place: QueuePlace;
  /** A warning about the config for stderr; undefined = none. */
  warning: string | undefined;
  /** True when no config says what is sensitive. */
  maskAll: boolean;
}

/** The config file that flags, environment and working directory name. */
export function configLookup(flags: CommonFlags, { configDir }: Directories): ConfigLookup {
  return { flag: flags.config, env: environment(), cwd: workingDirectory(), configDir };
}

/**
 * @throws {QueueError} `bad-config` (in mode `read` only when the queue is unknown without it), and the errors of
 * opening
 */
export async function openCliQueue(
  mode: QueueMode,
  flags: CommonFlags,
  directories: Directories,
  beforeMaking?: BeforeMaking,
): Promise<CliQueue> {
  const lookup = configLookup(flags, directories);
  const lenient = readConfig(mode, lookup);
  const { config, warning, maskAll, problem } = lenient;
  const { env, cwd } = lookup;
  // Also for a queue that is not there yet: that all is well would be a guess.
  assertDriver();
  const place = resolveQueueLeniently(lenient, { flag: flags.queue, env, cwd, dataDir: directories.dataDir });
  const isLeftOut =
    mode === 'create' && beforeMaking !== undefined && isMissing(place) && !(await beforeMaking(config));
  const queue =
    isLeftOut || isAbsent(place, mode)
      ? absentQueue(place.location, config)
      : await openWithConfig({
          queue: place.location,
          mode,
          config,
          configIsKnown: problem === undefined || problem === 'none',
          env,
        });
  // A missing config is worth a warning only where it changes the output.
  return { queue, config, place, warning: problem === 'none' ? undefined : warning, maskAll };
}

/** Reads leniently in mode `read`. @throws {QueueError} `bad-config` in other modes */
export function readConfig(mode: QueueMode, lookup: ConfigLookup): LenientConfig {
  if (mode === 'read') return loadConfigLeniently(lookup);
  const config = loadConfig(lookup);
  return {
    config,
    warning: undefined,
    maskAll: config.source === undefined,
    problem: config.source === undefined ? 'none' : undefined,
    queueUnknown: undefined,
  };
}

/** There is no queue at the default place, and nobody named one. */
function isAbsent(place: QueuePlace, mode: QueueMode): boolean {
  return mode !== 'create' && !place.named && isMissing(place);
}

/** @throws {QueueError} `unwritable`: nobody can tell, because a directory on the way is a file or may not be entered */
export function isMissing({ kind, location }: QueuePlace): boolean {
  try {
    return kind === 'file' && lstatSync(location, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new QueueError('unwritable', `${location} cannot be used (${codeWords(code)}); nothing was changed`, {
      cause: error,
      hint: 'name the queue with --queue, or check HOME and XDG_DATA_HOME',
    });
  }
}
