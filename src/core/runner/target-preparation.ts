/**
 * Prepares targets for sending: credentials and connections before the first claim, a new credential after a 401,
 * probes of offline targets. Everything a claim needs is ready before it is made.
 */
import type { Clock } from '../nouns/clock.js';
import { canEndByProbe, Prober, type Ask } from '../connectivity/prober.js';
import { endsByMending, enterState, isPaused, isSendable } from '../policy/target-state.js';
import type { StepResult, TargetUpdate } from '../store/store.js';
import type { TargetRow } from '../nouns/target.js';
import type { Channel } from './channel.js';
import type { Channels } from './channels.js';

/** Receives what the preparation found: the runner's loop. */
export interface Listener {
  update(update: TargetUpdate): void;
  waker: { ring(): void };
}

export interface TargetPreparationOptions {
  /** `once`: one probe per target and process; `always`: again and again, rarely when nothing waits. */
  probing: 'once' | 'always';
  random: () => number;
  signal: AbortSignal;
}

export class TargetPreparation {
  readonly prober: Prober;
  readonly #channels: Channels;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;

  constructor(channels: Channels, clock: Clock, { probing, random, signal }: TargetPreparationOptions) {
    this.prober = new Prober({ probing, clock, random });
    this.#channels = channels;
    this.#clock = clock;
    this.#signal = signal;
  }

  /**
   * Starts what the ready items of this step need. True while something is under way that may let them go.
   * @param listener undefined = only look, start nothing
   */
  wanted(step: StepResult, only: ReadonlySet<number> | undefined, listener: Listener | undefined): boolean {
    const now = this.#clock.now();
    let busy = false;
    this.prober.begin();
    for (const row of step.targets) {
      if (only !== undefined && !only.has(row.id)) continue;
      const channel = this.#channels.of(row);
      if (channel === undefined) continue;
      const waits = step.ready.has(row.id);
      if (canEndByProbe(row, now)) busy = (this.#probe(row, channel, waits, listener) && waits) || busy;
      else if (!waits || isPaused(row, now)) continue;
      else if (isSendable(row, now) || (endsByMending(row) && channel.prepareDelayMs === 0))
        busy = this.#prepare(row, channel, listener) || busy;
      else busy = channel.isPreparing || busy;
    }
    return busy;
  }

  /**
   * After a 401: fetches the credential again. If it changed, its test need not wait. Once per refusal of the target,
   * not once per item in flight.
   */
  credentialRefused(row: TargetRow, before: TargetRow, channel: Channel, listener: Listener): void {
    if (channel.isRefused) return;
    channel.markRefused();
    const firstOfEpisode = before.state !== 'auth';
    if (!firstOfEpisode) return;
    void channel.renewCredential().then((changed) => {
      if (changed)
        listener.update({
          target: row.id,
          from: 'auth',
          change: { until: this.#clock.now(), setAt: this.#clock.now() },
          note: undefined,
        });
      else channel.markRefused();
      listener.waker.ring();
    });
  }

  #prepare(row: TargetRow, channel: Channel, listener: Listener | undefined): boolean {
    if (channel.isReady) return false;
    if (channel.isPreparing || listener === undefined) return channel.isPreparing;
    void this.#readyChannel(row, channel, listener);
    return true;
  }

  async #readyChannel(row: TargetRow, channel: Channel, listener: Listener): Promise<void> {
    if (channel.isRefused) await channel.renewCredential();
    const readiness = await channel.prepare();
    const isHeld = endsByMending(row);
    if (readiness.ok) {
      if (isHeld) this.#enter(listener, row, enterState(row, this.#clock.now(), 'untried', undefined), undefined);
    } else {
      const { kind, message } = readiness;
      // Unchanged: no news, so that cron runs do not repeat it.
      if (!isHeld || row.reason !== message || row.holdKind !== kind) {
        const change = enterState(row, this.#clock.now(), 'misconfigured', message, undefined, kind);
        this.#enter(listener, row, change, isHeld ? undefined : message);
      }
    }
    listener.waker.ring();
  }

  #enter(listener: Listener, row: TargetRow, change: Partial<TargetRow>, note: string | undefined): void {
    listener.update({ target: row.id, from: row.state, change, note });
  }

  #probe(row: TargetRow, channel: Channel, isWaiting: boolean, listener: Listener | undefined): boolean {
    if (listener === undefined) return this.prober.isProbing(row.id);
    const ask: Ask = (mode, timeoutMs) => channel.probe(mode, this.#signal, timeoutMs);
    return this.prober.wants(row, isWaiting, ask, (change) => {
      if (change !== undefined) listener.update({ target: row.id, from: row.state, change, note: undefined });
      listener.waker.ring();
    });
  }
}
