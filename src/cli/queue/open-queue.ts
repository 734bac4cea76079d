/** From flags, environment and config to an open queue: the one way in for commands. */
import { lstatSync } from 'node:fs';
import type { Config } from '../../core/nouns/config.js';
import type { Queue } from '../../core/index.js';
import { openWithConfig } from '../../core/index.js';
import { absentQueue } from './absent-queue.js';
import { loadConfig, loadConfigLeniently, resolveQueueLeniently } from './config-file.js';
import type { ConfigLookup, LenientConfig, QueuePlace } from './config-file.js';
import { environment } from '../program/environment.js';
import { workingDirectory } from '../program/given-bytes.js';

/** `create` makes a missing queue; `write` and `read` need one where it was named, and take none for an empty one elsewhere. */
export type QueueMode = 'read' | 'write' | 'create';

/**
 * Asked before a missing queue is made: false = there is nothing to make it for, and what is not there counts as empty.
 * What it throws is refused before anything is created.
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
  queue: Queue;
  config: Config;
  place: QueuePlace;
  /** What is wrong with the config, for one line on stderr; undefined = nothing that matters to every command. */
  warning: string | undefined;
  /** True when no config says what is sensitive. */
  maskAll: boolean;
}

/** Which config file the flags, the environment and the working directory mean. */
export function configLookup(flags: CommonFlags, { configDir }: Directories): ConfigLookup {
  return { flag: flags.config, env: environment(), cwd: workingDirectory(), configDir };
}

/**
 * @throws {QueueError} `bad-config` (in mode `read` only when the queue cannot be told without it), and whatever opening refuses
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
  // That nobody wrote a config yet is worth a line only where it changes what is shown.
  return { queue, config, place, warning: problem === 'none' ? undefined : warning, maskAll };
}

/** What goes on without a config asks leniently. @throws {QueueError} `bad-config` unless mode is `read` */
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

/** Nothing is at the default place, and nobody named it. */
function isAbsent(place: QueuePlace, mode: QueueMode): boolean {
  return mode !== 'create' && !place.named && isMissing(place);
}

function isMissing({ kind, location }: QueuePlace): boolean {
  return kind === 'file' && lstatSync(location, { throwIfNoEntry: false }) === undefined;
}
