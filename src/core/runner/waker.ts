/** A latch that a loop sleeps on: anything may ring it, also before the loop lies down. */
import type { Clock } from '../clock.js';

/** Given to `abort`, which would else make an error with a stack each time: 5 % of a run. */
const RUNG = Symbol('rung');

export class Waker {
  readonly #clock: Clock;
  #bell = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#bell.abort(RUNG);
  }

  /** Until rung, or for `ms` at most. Takes the ringing with it. */
  async sleep(ms: number): Promise<void> {
    if (!this.#bell.signal.aborted) await this.#clock.sleep(ms, this.#bell.signal);
    if (this.#bell.signal.aborted) this.#bell = new AbortController();
  }
}
