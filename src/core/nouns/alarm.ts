/** One timer for many deadlines: setting and clearing a timer for each wait costs more than waking once too often. */
import type { Clock } from './clock.js';

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #nap: { until: number; controller: AbortController } | undefined;

  /** @param ring called when the earliest time asked for has come; nothing is set any more by then */
  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings no later than at `at` (monotonic ms). It may ring earlier: a time asked for before is kept. */
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

  /** Forgets what was set, so that no timer keeps the process alive. */
  stop(): void {
    const nap = this.#nap;
    this.#nap = undefined;
    nap?.controller.abort();
  }
}
