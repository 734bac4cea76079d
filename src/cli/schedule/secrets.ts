/** Secrets from the environment in a schedule: service managers do not have the caller's variables. */
import { join } from 'node:path';
import { secretNames } from '../../core/config/secret-names.js';
import type { Config } from '../../core/nouns/config.js';
import { environment } from '../program/environment.js';
import { ownDirectory } from '../program/home.js';
import { unitName, type ScheduleFacts } from './unit-texts.js';

/** @throws {QueueError} `usage`: there are secrets, and no home directory for the file */
export function scheduledSecrets(
  config: Config,
  configDir: string,
  queue: string,
): Pick<ScheduleFacts, 'secrets' | 'secretsFile'> {
  const secrets = [...new Set(secretNames(config))];
  if (secrets.length === 0) return { secrets, secretsFile: '' };
  return { secrets, secretsFile: join(ownDirectory(configDir, 'CONFIG', environment()), `${unitName(queue)}.env`) };
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
