/** The only reader of the process environment; all other code gets what it needs from here. */
import { withoutSecrets } from '../../core/config/secret-names.js';
import type { Config } from '../../core/nouns/config.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables as they are now. */
export function environment(): Environment {
  return process.env;
}

/** The environment for hooks and editors: everything except the secrets of the config. */
export function childEnvironment(config: Pick<Config, 'targets'>): Environment {
  return withoutSecrets(process.env, config);
}

/** True with DEBUG, as oclif reads it: unexpected errors then show their stack. */
export function isDebugging(env: Environment = environment()): boolean {
  return (env['DEBUG'] ?? '') !== '';
}
