/**
 * The memory of a server that honours idempotency keys (draft-ietf-httpapi-idempotency-key-header-07, section 2): the
 * first request with each key, and its answer once it had an effect.
 */

interface Entry {
  /** Digest of method, path and body of the first request with the key. */
  fingerprint: string;
  /** Status of the answer once it had an effect. */
  effect: number | undefined;
  /** Its request is still being answered. */
  busy: boolean;
}

export type KeyVerdict =
  /** It had no effect yet; the script decides. */
  | { kind: 'new' }
  /** It had its effect and was answered with this status. */
  | { kind: 'stored'; status: number }
  /** The first request with this key is still being processed. */
  | { kind: 'busy' }
  /** The key was used before with another request. */
  | { kind: 'other-request' };

export class KeyBook {
  readonly #entries = new Map<string, Entry>();

  /** Looks up a request. A `new` key counts as busy until `end`. */
  begin(key: string, fingerprint: string): KeyVerdict {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#entries.set(key, { fingerprint, effect: undefined, busy: true });
      return { kind: 'new' };
    }
    if (entry.fingerprint !== fingerprint) return { kind: 'other-request' };
    if (entry.effect !== undefined) return { kind: 'stored', status: entry.effect };
    if (entry.busy) return { kind: 'busy' };
    entry.busy = true;
    return { kind: 'new' };
  }

  /** The request was answered. With a status, it had its effect, and repeats get the same answer. */
  end(key: string, effect: number | undefined): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.busy = false;
    entry.effect = effect;
  }
}
