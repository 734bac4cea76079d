/** The one reader of the process environment in the seam; everything below is handed what it needs. */
import { withoutSecrets } from '../../core/config/secret-names.js';
import type { Config } from '../../core/nouns/config.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables as they are now. */
export function environment(): Environment {
  return process.env;
}

/** What a program of the user's is started with, a hook or an editor: everything but the secrets of the config. */
export function childEnvironment(config: Pick<Config, 'targets'>): Environment {
  return withoutSecrets(process.env, config);
}

/** DEBUG, as oclif understands it: with it, an unexpected error shows its stack. */
export function isDebugging(env: Environment = environment()): boolean {
  return (env['DEBUG'] ?? '') !== '';
}
