/** A latch that wakes a sleeping loop; it may be rung before the loop sleeps. */
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

  /** Sleeps until rung, at most `ms`; may wake early. Resets the latch. */
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

  /** Cancels the timer, so that it does not keep the process alive. */
  dispose(): void {
    this.#alarm.stop();
  }
}
