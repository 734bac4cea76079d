/** The one clock. Code that needs the time or a pause is given a `Clock`; nothing else calls `Date.now`. */
export interface Clock {
  /** Wall clock, epoch milliseconds UTC. May jump either way: never used for order, only for due times and display. */
  now(): number;
  /** Monotonic milliseconds from an arbitrary start: for deadlines and durations inside one process. */
  monotonic(): number;
  /**
   * Resolves after `ms` milliseconds, or at once when `signal` aborts. Never rejects.
   * `ms` above 2^31-1 (24.8 days, the limit of timers) is cut to that.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Resolves after the event loop has handled the I/O that is ready. */
  settleDown?(): Promise<void>;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
      signal?.addEventListener('abort', done, { once: true });
    }),
  settleDown: () => new Promise((resolve) => setImmediate(resolve)),
};
