/** Finds the environment variables that hold a secret of a config, and removes them for programs that syncq starts. */
import type { SecretRef } from '../nouns/target.js';
import type { Config } from '../nouns/config.js';

type Variables = Readonly<Record<string, string | undefined>>;

function secretRefs({ targets }: Pick<Config, 'targets'>): SecretRef[] {
  return [...targets.values()].flatMap(({ auth }) => {
    if (auth === undefined) return [];
    return auth.kind === 'bearer' ? [auth.token] : auth.kind === 'basic' ? [auth.password] : [auth.value];
  });
}

/** The names of these variables. A credential command of one target must not see another's secret. */
export function secretNames(config: Pick<Config, 'targets'>): string[] {
  return secretRefs(config).flatMap((ref) => ('env' in ref ? [ref.env] : []));
}

/** The environment for a program that sends nothing: a hook, an editor. */
export function withoutSecrets(env: Variables, config: Pick<Config, 'targets'>): Variables {
  const hidden = new Set(secretNames(config));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.has(name)));
}
