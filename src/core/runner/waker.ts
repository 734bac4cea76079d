/** A latch that a loop sleeps on: anything may ring it, also before the loop lies down. */
import { Alarm } from '../nouns/alarm.js';
import type { Clock } from '../nouns/clock.js';

export class Waker {
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  #isRung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.ring());
  }

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Until rung, or for `ms` at most; it may wake earlier for nothing. Takes the ringing with it. */
  async sleep(ms: number): Promise<void> {
    if (!this.#isRung) {
      this.#alarm.at(this.#clock.monotonic() + ms);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    this.#isRung = false;
  }

  /** Nobody sleeps here any more: no timer keeps the process alive. */
  dispose(): void {
    this.#alarm.stop();
  }
}
