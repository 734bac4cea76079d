/** Which environment variables hold a secret of a config: programs that syncq starts get none of them. */
import type { SecretRef } from '../nouns/target.js';
import type { Config } from '../nouns/config.js';

export type Variables = Readonly<Record<string, string | undefined>>;

function secretRefs({ targets }: Pick<Config, 'targets'>): SecretRef[] {
  return [...targets.values()].flatMap(({ auth }) => {
    if (auth === undefined) return [];
    return auth.kind === 'bearer' ? [auth.token] : auth.kind === 'basic' ? [auth.password] : [auth.value];
  });
}

/** Names of the variables: a credential command of one target must not see another's secret. */
export function secretNames(config: Pick<Config, 'targets'>): string[] {
  return secretRefs(config).flatMap((ref) => ('env' in ref ? [ref.env] : []));
}

/** The environment for a program that sends nothing: a hook, an editor. */
export function withoutSecrets(env: Variables, config: Pick<Config, 'targets'>): Variables {
  const hidden = new Set(secretNames(config));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.has(name)));
}
