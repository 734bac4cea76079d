/**
 * Gets targets ready to be sent to: credentials and connections before the first claim, a new credential after a 401,
 * probes of targets that are offline. Everything a claim needs from outside is at hand before it is made.
 */
import type { Clock } from '../clock.js';
import { enterState, isSendable } from '../policy/target-state.js';
import type { ProbeResult } from '../send/result.js';
import type { StepResult, TargetUpdate } from '../store/store.js';
import type { TargetRow } from '../target.js';
import type { Channel } from './channel.js';
import type { Channels } from './channels.js';

/** Whoever wants to hear of it: the runner's loop. */
export interface Listener {
  update(update: TargetUpdate): void;
  waker: { ring(): void };
}

export interface ReadyingOptions {
  /** `once`: one probe per target and process; `always`: again and again while something waits. */
  probing: 'once' | 'always';
  signal: AbortSignal;
}

/** Probes of an offline target: 1 s after the first failure, doubling to 10 s. */
const PROBE_FIRST_MS = 1_000;
const PROBE_CAP_MS = 10_000;

interface ProbeState {
  running: boolean;
  done: number;
  nextAt: number;
}

export class Readying {
  readonly #channels: Channels;
  readonly #clock: Clock;
  readonly #options: ReadyingOptions;
  readonly #probes = new Map<number, ProbeState>();

  constructor(channels: Channels, clock: Clock, options: ReadyingOptions) {
    this.#channels = channels;
    this.#clock = clock;
    this.#options = options;
  }

  /**
   * Starts what the ready items of this step need. True while something is under way that may let them go.
   * @param listener undefined = only look, start nothing
   */
  wanted(step: StepResult, only: ReadonlySet<number> | undefined, listener: Listener | undefined): boolean {
    const now = this.#clock.now();
    let busy = false;
    for (const row of step.targets) {
      if (!step.ready.has(row.id) || (only !== undefined && !only.has(row.id))) continue;
      const channel = this.#channels.of(row);
      if (channel === undefined) continue;
      if (isSendable(row, now)) busy = this.#prepare(row, channel, listener) || busy;
      else if (row.paused === undefined && wantsProbe(row)) busy = this.#probe(row, channel, listener) || busy;
      else busy = channel.isPreparing || busy;
    }
    return busy;
  }

  /** Ms until the next probe is due; undefined = none is. */
  nextProbeIn(rows: readonly TargetRow[], ready: ReadonlySet<number>): number | undefined {
    if (this.#options.probing === 'once') return undefined;
    const due = rows
      .filter((row) => ready.has(row.id) && row.paused === undefined && wantsProbe(row))
      .map((row) => this.#probes.get(row.id))
      .filter((state) => state !== undefined && !state.running)
      .map((state) => Math.max(0, (state?.nextAt ?? 0) - this.#clock.monotonic()));
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** The network changed or the machine woke: look at once, whatever the waits have grown to. */
  probeNow(): void {
    for (const state of this.#probes.values()) {
      state.nextAt = 0;
      state.done = 0;
    }
  }

  /**
   * The API itself answered: the next outage is a new one. A probe alone does not say so, or a portal that takes every
   * connection and answers no request would be asked without a pause.
   */
  answered(target: number): void {
    const state = this.#probes.get(target);
    if (state !== undefined && !state.running) this.#probes.delete(target);
  }

  /**
   * A 401: the credential is fetched again. When it is another one now, its test need not wait; once per refusal of the
   * target, not once per item that was under way.
   */
  credentialRefused(row: TargetRow, before: TargetRow, channel: Channel, listener: Listener): void {
    if (channel.isRefused) return;
    channel.markRefused();
    const firstOfEpisode = before.state !== 'auth';
    if (!firstOfEpisode) return;
    void channel.renewCredential().then((changed) => {
      if (changed) listener.update({ target: row.id, change: { until: this.#clock.now(), setAt: this.#clock.now() }, note: undefined });
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
    if (!readiness.ok) {
      const { kind, message } = readiness;
      listener.update({ target: row.id, change: enterState(row, this.#clock.now(), 'misconfigured', message, undefined, kind), note: message });
    }
    listener.waker.ring();
  }

  #probe(row: TargetRow, channel: Channel, listener: Listener | undefined): boolean {
    const state = this.#probes.get(row.id) ?? { running: false, done: 0, nextAt: 0 };
    this.#probes.set(row.id, state);
    if (state.running) return true;
    if (listener === undefined || (this.#options.probing === 'once' && state.done > 0)) return false;
    if (this.#clock.monotonic() < state.nextAt) return false;
    state.running = true;
    void channel.probe(row.state === 'misconfigured' ? 'tls' : 'auto', this.#options.signal).then((result) => {
      state.running = false;
      state.nextAt = this.#clock.monotonic() + Math.min(PROBE_FIRST_MS * 2 ** state.done, PROBE_CAP_MS);
      state.done += 1;
      const change = afterProbe(row, result, this.#clock.now());
      if (change !== undefined) listener.update({ target: row.id, change, note: undefined });
      listener.waker.ring();
    });
    return true;
  }
}

/** States that a probe can end; every other hold ends by its time and a tester, or by a person. */
function wantsProbe(row: TargetRow): boolean {
  return row.state === 'offline' || (row.state === 'misconfigured' && row.holdKind === 'tls');
}

/** What a probe changes: it ends `offline`, and is evidence for nothing else. */
function afterProbe(row: TargetRow, result: ProbeResult, now: number): Partial<TargetRow> | undefined {
  if (result.kind === 'reachable') return enterState(row, now, 'online', undefined);
  if (result.kind === 'misconfigured') return enterState(row, now, 'misconfigured', result.message, undefined, 'tls');
  // A TLS failure that became a network failure is offline now; an offline target keeps its first reason.
  return row.state === 'offline' ? undefined : enterState(row, now, 'offline', result.message);
}
