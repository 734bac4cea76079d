/**
 * Sends copies to the replay's target: credential, rate, waits that the server asks for, and when to give up. Each copy
 * is sent once; any answer counts.
 */
import type { Clock } from '../nouns/clock.js';
import type { ResponseExcerpt, StoredRequest } from '../nouns/item.js';
import { intermediaryReason } from '../send/intermediary.js';
import { createCredentials, type Credentials } from '../send/credential.js';
import { BAD_REQUEST } from '../send/failure.js';
import type { SendOptions, SendResult } from '../send/result.js';
import { retryAfterMs } from '../send/retry-after.js';
import type { Sender } from '../send/send.js';
import type { TargetConfig } from '../nouns/target.js';

export interface CourierDeps {
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  /** Names of all environment variables that hold a secret; credential commands get none of them. */
  secretEnv: readonly string[];
  version: string;
}

/** Why the replay cannot go on now. */
export interface Halt {
  why: 'unreachable' | 'auth' | 'misconfigured' | 'throttled';
  message: string;
}

export type Delivery =
  | { kind: 'answer'; response: ResponseExcerpt; durationMs: number; at: number }
  | { kind: 'no-answer'; message: string; durationMs: number; at: number }
  | { kind: 'halt'; halt: Halt };

/** How often a request is repeated when the server asks to wait; then its answer counts. */
const MOST_WAITS = 10;
/** Longest wait that the replay waits for; a longer one ends it. It can be resumed later. */
const LONGEST_WAIT_MS = 5 * 60_000;
const FIRST_WAIT_MS = 1_000;
/** After this many items in a row without an answer the server counts as unreachable. */
const MOST_SILENT = 5;

export class Courier {
  readonly #sender: Sender;
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #perRequestMs: number;
  readonly #target: TargetConfig;
  #credential: SendOptions['credential'];
  /** Monotonic ms before which nothing is sent, because of the rate or a wait that the server asked for. */
  #nextAt = 0;
  #silent = 0;

  private constructor(
    target: TargetConfig,
    sender: Sender,
    credentials: Credentials,
    clock: Clock,
    ratePerSecond: number | undefined,
  ) {
    this.#target = target;
    this.#sender = sender;
    this.#credentials = credentials;
    this.#clock = clock;
    this.#perRequestMs = ratePerSecond === undefined ? 0 : 1000 / ratePerSecond;
  }

  /** Returns a halt when the target's settings or its credential cannot be used. */
  static async open(
    target: TargetConfig,
    ratePerSecond: number | undefined,
    deps: CourierDeps,
  ): Promise<Courier | Halt> {
    const { createSender } = await import('../send/send.js');
    const sender = await createSender(target, deps);
    if (sender.problem !== undefined) return { why: 'misconfigured', message: sender.problem.message };
    const credentials = createCredentials(target, deps);
    const courier = new Courier(target, sender, credentials, deps.clock, ratePerSecond);
    const credential = await credentials.get();
    if (!credential.ok) {
      await sender.close();
      return { why: 'misconfigured', message: credential.message };
    }
    courier.#credential = credential.header;
    return courier;
  }

  /**
   * @param expected status of the original's answer: if it was 401, a 401 here is an answer like any other
   * @param stop ends waiting; @param abort ends the request too
   */
  async deliver(
    request: StoredRequest,
    expected: number | undefined,
    stop: AbortSignal,
    abort: AbortSignal,
  ): Promise<Delivery> {
    let hasRenewed = false;
    let hasTriedAgain = false;
    for (let waits = 0; ;) {
      await this.#turn(stop);
      if (stop.aborted)
        return { kind: 'no-answer', message: 'stopped before it was sent', durationMs: 0, at: this.#clock.now() };
      const at = this.#clock.now();
      const result = await this.#sender.send(request, { signal: abort, credential: this.#credential });
      if (result.kind !== 'response') {
        const end = this.#failed(result, at);
        if (end.kind !== 'no-answer' || hasTriedAgain || abort.aborted) return end;
        hasTriedAgain = true;
        continue;
      }
      this.#silent = 0;
      const { response, durationMs } = result;
      const answer: Delivery = { kind: 'answer', response, durationMs, at };
      const stranger =
        response.status === 407
          ? (result.proxyLogin ?? intermediaryReason(response, request.method, this.#target))
          : undefined;
      if (stranger !== undefined) return { kind: 'halt', halt: { why: 'auth', message: stranger } };
      if (isRefusedCredential(response.status) && !isRefusedCredential(expected ?? 0)) {
        if (hasRenewed || !(await this.#renew()))
          return {
            kind: 'halt',
            halt: { why: 'auth', message: `${this.#target.name} does not accept the credential (${response.status})` },
          };
        hasRenewed = true;
        continue;
      }
      const waitMs = this.#waitFor(response, waits);
      if (waitMs === undefined || waits >= MOST_WAITS) return answer;
      if (waitMs > LONGEST_WAIT_MS)
        return {
          kind: 'halt',
          halt: {
            why: 'throttled',
            message: `${this.#target.name} asks to wait ${Math.ceil(waitMs / 60_000)} minutes (${response.status})`,
          },
        };
      waits += 1;
      this.#nextAt = Math.max(this.#nextAt, this.#clock.monotonic() + waitMs);
    }
  }

  async close(): Promise<void> {
    await this.#sender.close();
  }

  /** Waits for the rate's next slot and for the end of a wait that the server asked for. */
  async #turn(stop: AbortSignal): Promise<void> {
    for (;;) {
      const now = this.#clock.monotonic();
      if (now >= this.#nextAt || stop.aborted) {
        this.#nextAt = now + this.#perRequestMs;
        return;
      }
      await this.#clock.sleep(this.#nextAt - now, stop);
    }
  }

  #failed(result: Exclude<SendResult, { kind: 'response' }>, at: number): Delivery {
    const { kind, code, message, durationMs } = result;
    if (kind === 'unreachable') return { kind: 'halt', halt: { why: 'unreachable', message } };
    if (kind === 'misconfigured' && code !== BAD_REQUEST)
      return { kind: 'halt', halt: { why: 'misconfigured', message } };
    this.#silent += kind === 'no-answer' && code !== 'aborted' ? 1 : 0;
    if (this.#silent > 2 * MOST_SILENT) return { kind: 'halt', halt: { why: 'unreachable', message } };
    return { kind: 'no-answer', message, durationMs, at };
  }

  async #renew(): Promise<boolean> {
    if (!(await this.#credentials.refresh())) return false;
    const credential = await this.#credentials.get();
    if (!credential.ok) return false;
    this.#credential = credential.header;
    return true;
  }

  /** A 429, or a 503 with Retry-After, says nothing about the item. */
  #waitFor({ status, headers }: ResponseExcerpt, waits: number): number | undefined {
    const asked = retryAfterMs(headers['retry-after'], this.#clock.now(), headers['date']);
    if (status === 429) return asked ?? FIRST_WAIT_MS * 2 ** waits;
    return status === 503 && asked !== undefined && asked > 0 ? asked : undefined;
  }
}

function isRefusedCredential(status: number): boolean {
  return status === 401;
}
