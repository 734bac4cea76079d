/** A target's credential as a ready-made header: fetched when first needed, kept in memory only, fetched again on demand. */
import type { AuthConfig, TargetConfig } from '../nouns/target.js';
import { fetchSecret } from './secret.js';
import type { Secret, SecretDeps } from './secret.js';
import type { SendOptions } from './result.js';

export type CredentialResult =
  /** `header` is undefined when the target needs none. */
  | { ok: true; header: SendOptions['credential'] }
  /** Outcome `misconfigured`. The message says what to fix and contains no byte of the secret. */
  | { ok: false; code: 'no-credential'; message: string };

export interface Credentials {
  /** The cached credential while it is valid; undefined when it has to be fetched. */
  fresh(): (CredentialResult & { ok: true }) | undefined;
  /** Never rejects. Concurrent calls share one fetch. A failure is not remembered: the next call tries again. */
  get(): Promise<CredentialResult>;
  /** Fetches again, ignoring the cache. True when the credential differs from the one before. */
  refresh(): Promise<boolean>;
}

/** A credential is refreshed this long before it expires, ms, so that it does not expire in flight. */
const EXPIRY_MARGIN_MS = 30_000;

const NONE: CredentialResult & { ok: true } = { ok: true, header: undefined };

export function createCredentials(
  target: Pick<TargetConfig, 'name' | 'auth' | 'implicit'>,
  deps: SecretDeps,
): Credentials {
  const { auth } = target;
  if (auth === undefined || target.implicit) {
    return { fresh: () => NONE, get: () => Promise.resolve(NONE), refresh: () => Promise.resolve(false) };
  }
  let kept: { result: CredentialResult & { ok: true }; freshUntil: number } | undefined;
  let running: Promise<CredentialResult> | undefined;

  const load = async (): Promise<CredentialResult> => {
    const fetched = await fetchSecret(refOf(auth), deps);
    const result = fetched.ok ? headerOf(auth, fetched.secret) : refused(fetched.message);
    const end = fetched.ok ? fetched.secret.expiresAt : undefined;
    kept = result.ok ? { result, freshUntil: (end ?? Infinity) - EXPIRY_MARGIN_MS } : undefined;
    return result;
  };
  const fetchOnce = (): Promise<CredentialResult> => {
    running ??= load().finally(() => {
      running = undefined;
    });
    return running;
  };

  const fresh = (): (CredentialResult & { ok: true }) | undefined =>
    running === undefined && kept !== undefined && deps.clock.now() < kept.freshUntil ? kept.result : undefined;

  return {
    fresh,
    get() {
      const known = fresh();
      return known === undefined ? fetchOnce() : Promise.resolve(known);
    },
    async refresh() {
      const before = kept?.result.header?.[1];
      const after = await fetchOnce();
      return after.ok && after.header?.[1] !== before;
    },
  };
}

function refOf(auth: AuthConfig): Parameters<typeof fetchSecret>[0] {
  switch (auth.kind) {
    case 'bearer':
      return auth.token;
    case 'basic':
      return auth.password;
    case 'header':
      return auth.value;
  }
}

function headerOf(auth: AuthConfig, secret: Secret): CredentialResult {
  switch (auth.kind) {
    case 'bearer':
      if (/\s/.test(secret.value)) return refused('the token holds white space');
      return checked('authorization', `Bearer ${secret.value}`);
    case 'basic':
      // RFC 7617, section 2: the first colon ends the user.
      if (auth.user.includes(':')) return refused('the user of "basic" holds a colon, which HTTP does not allow');
      return checked(
        'authorization',
        `Basic ${Buffer.from(`${auth.user}:${secret.value}`, 'utf8').toString('base64')}`,
      );
    case 'header':
      return checked(auth.name.toLowerCase(), secret.value);
  }
}

/** Grammar of RFC 9110, sections 5.1 and 5.5: above all, no line break. */
function checked(name: string, value: string): CredentialResult {
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name))
    return refused('the name of the credential header is not allowed in HTTP');
  if (!/^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/.test(value)) {
    return refused('the secret holds a line break or another character that HTTP does not allow in a header');
  }
  return { ok: true, header: [name, value] };
}

function refused(message: string): CredentialResult {
  return { ok: false, code: 'no-credential', message };
}
