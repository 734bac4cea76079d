/**
 * The way to one target while a runner lives: its sender, its credential, how many requests are under way and how many
 * may be. What outlives the process is in the target's row; this is the rest.
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
  /** Requests under way at once over all targets, at most; undefined = as many as each target allows. */
  concurrency?: number;
}

/** What stands between a target and its first request. */
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

  /** Sender and credential are at hand: a claim would go out at once. */
  get isReady(): boolean {
    return this.#ready && !this.#refused;
  }

  /** Something is being fetched that may let requests go. */
  get isPreparing(): boolean {
    return this.#preparing !== undefined || this.#renewing !== undefined;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Requests that may be under way at once: concurrency, slow start and rate together. */
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
      // Read anew the next time: a certificate file may have been put right.
      this.renewConnections();
      return { ok: false, kind: 'config', message: sender.problem.message };
    }
    const credential = await this.#credentials.get();
    if (!credential.ok) return { ok: false, kind: 'credential', message: credential.message };
    this.#ready = true;
    return { ok: true };
  }

  /** Fetches the credential anew after it was refused. True when it is another one now. */
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

  /** The credential's header; undefined when it cannot be had now (the caller gives its claim back). */
  async credential(): Promise<{ header: SendOptions['credential'] } | undefined> {
    const result = this.#credentials.fresh() ?? (await this.#credentials.get());
    if (result.ok) return result;
    // Nothing more is claimed before it has been asked for again, and the target says what is wrong.
    this.#ready = false;
    return undefined;
  }

  /** One attempt. Counts as under way from here to its end. */
  async send(request: StoredRequest, credential: SendOptions['credential'], signal: AbortSignal): Promise<SendResult> {
    const sender = await this.sender();
    return sender.send(request, { credential, signal });
  }

  /** A look whether the target answers (`tls`: whether its certificate is good again). Never an attempt, never rejects. */
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

  /** After an outage the backlog must not fall on the server all at once. */
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
