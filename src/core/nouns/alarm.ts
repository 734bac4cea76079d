/** One timer for many deadlines. A timer for each wait would cost more than waking up early now and then. */
import type { Clock } from './clock.js';

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #nap: { until: number; controller: AbortController } | undefined;

  /** @param ring called at the earliest requested time; no deadline is set any more by then */
  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `at` (monotonic ms) at the latest. An earlier request stays in force, so it may ring earlier. */
  at(at: number): void {
    if (this.#nap !== undefined && this.#nap.until <= at) return;
    this.#nap?.controller.abort();
    const nap = { until: at, controller: new AbortController() };
    this.#nap = nap;
    void this.#clock.sleep(at - this.#clock.monotonic(), nap.controller.signal).then(() => {
      if (this.#nap !== nap) return;
      this.#nap = undefined;
      this.#ring();
    });
  }

  /** Clears the timer, so that it does not keep the process alive. */
  stop(): void {
    const nap = this.#nap;
    this.#nap = undefined;
    nap?.controller.abort();
  }
}
