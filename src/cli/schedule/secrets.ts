/** Secrets from the environment in a schedule: service managers do not have the caller's variables. */
import { join } from 'node:path';
import { secretNames } from '../../core/config/secret-names.js';
import type { Config } from '../../core/nouns/config.js';
import { environment } from '../program/environment.js';
import { ownDirectory } from '../program/home.js';
import { chooseName } from './install.js';
import type { ScheduleFacts } from './unit-texts.js';

/** @throws {QueueError} `usage`: there are secrets, and no home directory for the file */
export function scheduledSecrets(
  config: Config,
  configDir: string,
  queue: string,
): Pick<ScheduleFacts, 'secrets' | 'secretsFile'> {
  const secrets = [...new Set(secretNames(config))];
  if (secrets.length === 0) return { secrets, secretsFile: '' };
  // Named as the unit, so that two queues never share one file.
  const directory = ownDirectory(configDir, 'CONFIG', environment());
  return { secrets, secretsFile: join(directory, `${chooseName(queue, environment())}.env`) };
}

/** What a person must do about them. */
export function secretLines({ secrets, secretsFile }: ScheduleFacts, isSystemd: boolean): string[] {
  if (secrets.length === 0) return [];
  const names = secrets.join(', ');
  return isSystemd
    ? [`${names}: write NAME=VALUE, one a line, to ${secretsFile} (mode 0600); the unit reads it from there`]
    : [
        `warning: ${names} will not be set there; in the config, use { "file": PATH } or { "command": [...] } instead of { "env": NAME }`,
      ];
}
