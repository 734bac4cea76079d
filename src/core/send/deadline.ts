/** Ends attempts that take too long, or that their caller gives up, with one timer and one listener for all of them. */
import { setMaxListeners } from 'node:events';

import { Alarm } from '../nouns/alarm.js';
import type { Clock } from '../nouns/clock.js';

/** An attempt that can be ended from outside. */
export interface Expirable {
  /** Monotonic ms. */
  readonly deadline: number;
  /** Ends it when aborted. Many attempts share one. */
  readonly signal: AbortSignal;
  expire(): void;
  abort(): void;
}

export class DeadlineWatch {
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  /**
   * An array, not a Set: a Set that entries keep coming to and going from is rebuilt again and again, and old tables in
   * V8's old space keep the next ones alive (measured: most of what a runner left for major collections).
   */
  readonly #open: Expirable[] = [];
  readonly #signals = new WeakSet<AbortSignal>();
  readonly #stopped = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
    // One listener per signal is intended; it is not a leak.
    setMaxListeners(0, this.#stopped.signal);
    this.#alarm = new Alarm(clock, () => void this.#expireAfterSockets());
  }

  /** Deadlines may be given in any order; `expire` is called at most once for each. */
  add(entry: Expirable): void {
    this.#open.push(entry);
    this.#listen(entry.signal);
    if (!this.#stopped.signal.aborted) this.#alarm.at(entry.deadline);
  }

  /** An attempt that ends early does not move the alarm, which then finds nothing due. */
  remove(entry: Expirable): void {
    const at = this.#open.indexOf(entry);
    if (at < 0) return;
    const last = this.#open.pop();
    if (last !== undefined && last !== entry) this.#open[at] = last;
  }

  /** Nothing expires after it. */
  stop(): void {
    this.#stopped.abort();
    this.#alarm.stop();
  }

  #listen(signal: AbortSignal): void {
    if (this.#signals.has(signal)) return;
    this.#signals.add(signal);
    const abortAll = (): void => {
      for (const entry of [...this.#open]) if (entry.signal === signal) entry.abort();
    };
    signal.addEventListener('abort', abortAll, { once: true, signal: this.#stopped.signal });
  }

  /** After a process was stopped or asleep, timers fire before sockets are read: read a waiting answer first. */
  async #expireAfterSockets(): Promise<void> {
    await this.#clock.settleDown?.();
    if (!this.#stopped.signal.aborted) this.#expireDue();
  }

  #expireDue(): void {
    const now = this.#clock.monotonic();
    let next = Infinity;
    for (const entry of [...this.#open]) {
      if (entry.deadline > now) {
        next = Math.min(next, entry.deadline);
      } else {
        this.remove(entry);
        entry.expire();
      }
    }
    if (next < Infinity) this.#alarm.at(next);
  }
}
