/**
 * What a server that honours idempotency keys remembers (draft-ietf-httpapi-idempotency-key-header-07, section 2): the
 * request that first came with a key, and what it was answered once there was an effect.
 */

interface Entry {
  /** Of method, path and body of the request that first came with the key. */
  fingerprint: string;
  /** Status of the answer that told of the effect. */
  effect: number | undefined;
  /** Its request is still being answered. */
  busy: boolean;
}

export type KeyVerdict =
  /** Had no effect yet: the script decides. */
  | { kind: 'new' }
  /** Had its effect, which was answered with this status. */
  | { kind: 'stored'; status: number }
  /** The first request with this key is still being worked on. */
  | { kind: 'busy' }
  /** The key came before with another request. */
  | { kind: 'other-request' };

export class KeyBook {
  readonly #entries = new Map<string, Entry>();

  /** Looks a request up; when it is `new` the key counts as busy until `end`. */
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

  /** The request was answered; with a status given, it had its effect and gets the same answer from now on. */
  end(key: string, effect: number | undefined): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.busy = false;
    entry.effect = effect;
  }
}
