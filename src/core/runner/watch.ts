/** The background loop: sends whatever can be sent, and otherwise sleeps until something may have changed. */
import type { Clock } from '../clock.js';
import { CLOCK_SLACK_MS } from '../policy/backoff.js';
import type { Session, Store } from '../store/store.js';
import type { Readying } from './readying.js';
import type { Runner } from './runner.js';

export interface WatchLoopDeps {
  clock: Clock;
  store: Store;
  session: Session;
  readying: Readying;
  stop: AbortSignal;
}

/** How often the wall clock is held against the monotonic one, ms. */
const CLOCK_CHECK_MS = 1_000;

/** A gap between the two clocks that means: the machine slept, or somebody set the clock; ms. */
const CLOCK_GAP_MS = 5_000;

/** Until `stop`; requests in flight have ended and are recorded by then. */
export async function watchLoop(runner: Runner, deps: WatchLoopDeps): Promise<void> {
  const { stop } = deps;
  const helpers = new AbortController();
  const end = (): void => helpers.abort();
  stop.addEventListener('abort', end, { once: true });
  const failures: unknown[] = [];
  const guard = (task: Promise<void>): void => {
    void task.catch((error: unknown) => {
      failures.push(error);
      runner.waker.ring();
    });
  };
  guard(ringOnChanges(runner, deps, helpers.signal));
  guard(ringOnClockJumps(runner, deps, helpers.signal));
  try {
    while (!stop.aborted) {
      const turn = await runner.turn();
      if (failures.length > 0) throw failures[0];
      if (turn === undefined || turn.step.more) continue;
      if (turn.isIdle) await tellIdle(runner, deps);
      if (stop.aborted) break;
      await runner.waker.sleep(runner.quietMs(turn.step));
    }
    await runner.finish();
  } finally {
    stop.removeEventListener('abort', end);
    helpers.abort();
  }
}

async function tellIdle(runner: Runner, { store, clock }: WatchLoopDeps): Promise<void> {
  if (runner.reporter.isIdle) return;
  const { targets } = await store.summary(clock.now());
  const pending = targets.reduce((sum, target) => sum + target.pending, 0);
  const times = targets.map((target) => target.nextDueAt).filter((at) => at !== undefined);
  runner.reporter.idle(pending, times.length === 0 ? undefined : Math.min(...times));
}

async function ringOnChanges(runner: Runner, { store }: WatchLoopDeps, signal: AbortSignal): Promise<void> {
  for await (const _change of store.changes(signal)) runner.waker.ring();
}

/** Suspend and clock changes: timers are late then, and outages may be over. */
async function ringOnClockJumps(runner: Runner, { clock, session, readying }: WatchLoopDeps, signal: AbortSignal): Promise<void> {
  let offset = clock.now() - clock.monotonic();
  while (!signal.aborted) {
    const before = clock.monotonic();
    await clock.sleep(CLOCK_CHECK_MS, signal);
    if (signal.aborted) return;
    const gap = clock.now() - clock.monotonic() - offset;
    const late = clock.monotonic() - before - CLOCK_CHECK_MS;
    offset += gap;
    if (Math.abs(gap) < CLOCK_GAP_MS && late < CLOCK_GAP_MS) continue;
    if (gap < -CLOCK_SLACK_MS) await session.clockWentBack(clock.now());
    readying.probeNow();
    runner.waker.ring();
  }
}
