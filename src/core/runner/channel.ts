/**
 * The connection to one target while a runner lives: its sender, its credential, and how many requests are, and may be,
 * in flight. Whatever outlives the process is in the target's row.
 */
import type { Clock } from '../nouns/clock.js';
import { holdMs } from '../policy/backoff.js';
import { createCredentials, type Credentials } from '../send/credential.js';
import type { Sender } from '../send/send.js';
import type { ProbeResult, SendOptions, SendResult } from '../send/result.js';
import type { StoredRequest } from '../nouns/item.js';
import type { TargetConfig } from '../nouns/target.js';

export interface ChannelDeps {
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  /** Names of the environment variables that hold secrets of any target. */
  secretEnv: readonly string[];
  /** Most requests in flight over all targets; undefined = as many as each target allows. */
  concurrency?: number;
}

/** Whether a target is ready for its first request, and if not, why. */
export type Readiness = { ok: true } | { ok: false; kind: 'credential' | 'tls' | 'config'; message: string };

export class Channel {
  readonly config: TargetConfig;
  readonly #deps: ChannelDeps;
  readonly #credentials: Credentials;
  #sender: Promise<Sender> | undefined;
  #ready = false;
  #preparing: Promise<Readiness> | undefined;
  /** Preparations that failed in a row, and the monotonic ms before which there is no other. */
  #failures = 0;
  #nextPrepareAt = 0;
  #renewing: Promise<boolean> | undefined;
  #inFlight = 0;
  /** Slow start: requests allowed at once, doubled by each delivery. */
  #ramp: number;
  /** Monotonic ms before which the rate limit allows no further request. */
  #nextStartAt = 0;
  /** The credential was refused; it is fetched again before the next test. */
  #refused = false;

  constructor(config: TargetConfig, deps: ChannelDeps) {
    this.config = config;
    this.#deps = deps;
    this.#ramp = config.concurrency;
    this.#credentials = createCredentials(config, deps);
  }

  /** True when sender and credential are ready: a claim would go out at once. */
  get isReady(): boolean {
    return this.#ready && !this.#refused;
  }

  /** True while something is fetched that requests wait for. */
  get isPreparing(): boolean {
    return this.#preparing !== undefined || this.#renewing !== undefined;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Requests that may be in flight: concurrency, slow start and rate limit combined. */
  get limit(): number {
    const { ratePerSecond, concurrency } = this.config;
    const most = Math.min(concurrency, this.#ramp);
    if (ratePerSecond === undefined) return most;
    return this.#deps.clock.monotonic() >= this.#nextStartAt ? Math.min(most, this.#inFlight + 1) : this.#inFlight;
  }

  /** Ms until the rate limit allows the next request; 0 = now. */
  get rateDelayMs(): number {
    return Math.max(0, this.#nextStartAt - this.#deps.clock.monotonic());
  }

  /** Ms until a preparation that failed may be tried again; 0 = now. */
  get prepareDelayMs(): number {
    return Math.max(0, this.#nextPrepareAt - this.#deps.clock.monotonic());
  }

  /** Fetches what a request needs. Several calls share one preparation. */
  prepare(): Promise<Readiness> {
    this.#preparing ??= this.#prepare()
      .then((readiness) => this.#learn(readiness))
      .finally(() => {
        this.#preparing = undefined;
      });
    return this.#preparing;
  }

  /** When it may be tried again, if it failed. */
  #learn(readiness: Readiness): Readiness {
    this.#nextPrepareAt = readiness.ok ? 0 : this.#deps.clock.monotonic() + holdMs('preparation', this.#failures);
    this.#failures = readiness.ok ? 0 : this.#failures + 1;
    return readiness;
  }

  async #prepare(): Promise<Readiness> {
    const sender = await this.sender();
    if (sender.problem !== undefined) {
      // Read again next time: a certificate file may have been fixed.
      this.renewConnections();
      return { ok: false, kind: 'config', message: sender.problem.message };
    }
    const credential = await this.#credentials.get();
    if (!credential.ok) return { ok: false, kind: 'credential', message: credential.message };
    this.#ready = true;
    return { ok: true };
  }

  /** Fetches the credential again after it was refused. True when it is a different one. */
  renewCredential(): Promise<boolean> {
    this.#renewing ??= this.#credentials.refresh().then((changed) => {
      this.#renewing = undefined;
      this.#refused = false;
      return changed;
    });
    return this.#renewing;
  }

  markRefused(): void {
    this.#refused = true;
  }

  get isRefused(): boolean {
    return this.#refused;
  }

  /** The HTTP stack is loaded with the first sender, so that a drain of nothing stays light. */
  sender(): Promise<Sender> {
    this.#sender ??= import('../send/send.js').then(({ createSender }) => createSender(this.config, this.#deps));
    return this.#sender;
  }

  /** The credential's header; undefined when it is unavailable (the caller releases its claim). */
  async credential(): Promise<{ header: SendOptions['credential'] } | undefined> {
    const result = this.#credentials.fresh() ?? (await this.#credentials.get());
    if (result.ok) return result;
    // Nothing more is claimed until it was fetched again; the target's reason says what is wrong.
    this.#ready = false;
    return undefined;
  }

  /** One attempt. Counts as under way from here to its end. */
  async send(request: StoredRequest, credential: SendOptions['credential'], signal: AbortSignal): Promise<SendResult> {
    const sender = await this.sender();
    return sender.send(request, { credential, signal });
  }

  /** Probes the target (`tls`: whether its certificate is valid again). Never an attempt, never rejects. */
  async probe(mode: 'auto' | 'tls', signal: AbortSignal, timeoutMs?: number): Promise<ProbeResult> {
    const [{ transport }, { probe }] = await Promise.all([this.sender(), import('../send/probe.js')]);
    const { clock, version } = this.#deps;
    return probe(
      this.config,
      transport,
      { clock, version, signal },
      { mode, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    );
  }

  started(): void {
    this.#inFlight += 1;
    const { ratePerSecond } = this.config;
    if (ratePerSecond === undefined) return;
    this.#nextStartAt = Math.max(this.#nextStartAt, this.#deps.clock.monotonic()) + 1000 / ratePerSecond;
  }

  ended(delivered: boolean): void {
    this.#inFlight -= 1;
    if (delivered) this.#ramp = Math.min(this.#ramp * 2, this.config.concurrency);
  }

  /** Slow start: after an outage the backlog must not hit the server all at once. */
  restartSlowly(): void {
    this.#ramp = 1;
  }

  /** The next request opens a connection of its own: those made before may lead nowhere. Requests under way go on. */
  renewConnections(): void {
    const old = this.#sender;
    this.#sender = undefined;
    this.#nextPrepareAt = 0;
    void old?.then((sender) => sender.close());
  }

  async destroy(): Promise<void> {
    await (await this.#sender)?.destroy();
  }
}
