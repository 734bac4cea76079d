/** Time as the simulation wants it: a wall clock that jumps, a monotonic one that does not, timers that fire when told. */
import type { Clock } from '../../src/core/nouns/clock.js';

const START = Date.UTC(2026, 2, 5, 12);

/** Timers that lie closer together than this part of an advance fire together, as after a suspended machine wakes. */
const STEPS = 40;

interface Timer {
  at: number;
  fire: () => void;
}

export class VirtualClock implements Clock {
  #mono = 0;
  #offset = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return START + Math.round(this.#mono) + this.#offset;
  }

  monotonic(): number {
    return this.#mono;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#timers.delete(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = { at: this.#mono + Math.max(0, ms), fire: done };
      this.#timers.add(timer);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Sets the wall clock forward or back; timers do not notice. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  /** Ms until the next timer; undefined = there is none. */
  nextTimerIn(): number | undefined {
    const times = [...this.#timers].map(({ at }) => at);
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - this.#mono);
  }

  /** Lets time pass, firing timers in order, `between` after each batch. */
  async advance(ms: number, between: () => Promise<void>): Promise<void> {
    const end = this.#mono + ms;
    const least = ms / STEPS;
    while (this.#mono < end) {
      const next = this.nextTimerIn() ?? Infinity;
      this.#mono = Math.min(end, this.#mono + Math.max(next, least));
      const due = [...this.#timers].filter(({ at }) => at <= this.#mono).sort((a, b) => a.at - b.at);
      for (const { fire } of due) fire();
      await between();
    }
  }
}
