/** Ends attempts that take too long, with one timer for all of them: a timer each costs more than it brings. */
import type { Clock } from '../clock.js';

/** An attempt that can be ended from outside. */
export interface Expirable {
  /** Monotonic ms. */
  readonly deadline: number;
  expire(): void;
}

export interface DeadlineWatch {
  /** Deadlines may be given in any order; `expire` is called at most once for each. */
  add(entry: Expirable): void;
  remove(entry: Expirable): void;
  /** Stops the timer, so that it does not keep the process alive. Nothing expires after it. */
  stop(): void;
}

export function watchDeadlines(clock: Clock): DeadlineWatch {
  const open = new Set<Expirable>();
  let nap: { until: number; controller: AbortController } | undefined;
  let isStopped = false;

  const expireDue = (): number => {
    const now = clock.monotonic();
    let next = Infinity;
    for (const entry of open) {
      if (entry.deadline > now) {
        next = Math.min(next, entry.deadline);
      } else {
        open.delete(entry);
        entry.expire();
      }
    }
    return next;
  };

  /** Sleeps until the next deadline known. Attempts that end early leave the timer as it is; it then finds nothing due. */
  const sleepUntil = (until: number): void => {
    nap?.controller.abort();
    const current = { until, controller: new AbortController() };
    nap = current;
    void clock.sleep(until - clock.monotonic(), current.controller.signal).then(() => {
      if (nap !== current) return;
      nap = undefined;
      const next = expireDue();
      if (next < Infinity && !isStopped) sleepUntil(next);
    });
  };

  return {
    add(entry) {
      open.add(entry);
      if (!isStopped && (nap === undefined || entry.deadline < nap.until)) sleepUntil(entry.deadline);
    },
    remove(entry) {
      open.delete(entry);
    },
    stop() {
      isStopped = true;
      const last = nap;
      nap = undefined;
      last?.controller.abort();
    },
  };
}
