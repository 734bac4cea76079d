/** Sends until nothing more can be sent now, or with `wait` until all that is left needs a person. */
import type { StepResult } from '../store/store.js';
import type { TargetRow } from '../nouns/target.js';
import type { DrainReport } from '../nouns/report.js';
import type { Clock } from '../nouns/clock.js';
import { isPaused } from '../policy/target-state.js';
import type { Runner } from './runner.js';

export interface DrainLoopOptions {
  clock: Clock;
  stop: AbortSignal;
  wait: boolean;
  /** Monotonic ms at which to stop claiming; undefined = never. */
  deadline: number | undefined;
}

/** Why the loop ended. All requests have ended and are recorded by then. */
export async function drainLoop(runner: Runner, options: DrainLoopOptions): Promise<DrainReport['stopped']> {
  const stopped = await loop(runner, options);
  await runner.finish();
  return stopped;
}

async function loop(
  runner: Runner,
  { clock, stop, wait, deadline }: DrainLoopOptions,
): Promise<DrainReport['stopped']> {
  for (;;) {
    const turn = await runner.turn();
    if (stop.aborted) return 'signal';
    if (runner.limitReached) return 'limit';
    const left = deadline === undefined ? Infinity : deadline - clock.monotonic();
    if (left <= 0) return 'time';
    if (turn === undefined) continue;
    const { step, isIdle } = turn;
    if (isIdle && !(wait && movesByItself(runner, step, clock.now())))
      return somethingIsHeld(runner, step, clock.now()) ? 'held' : 'drained';
    if (step.more) continue;
    await runner.waker.sleep(Math.min(runner.quietMs(step), left));
  }
}

/** Something in scope goes on without a person: a wait of an item, a hold with an end, an outage. */
function movesByItself(runner: Runner, step: StepResult, now: number): boolean {
  return step.targets.some((row) => {
    if (!runner.isInScope(row) || needsPerson(row, now)) return false;
    return step.ready.has(row.id) || step.waiting.has(row.id);
  });
}

function needsPerson(row: TargetRow, now: number): boolean {
  return isPaused(row, now) || row.state === 'auth' || row.state === 'misconfigured';
}

/** At the end of a drain a ready lane head means that its target may not be sent to. */
function somethingIsHeld(runner: Runner, step: StepResult, now: number): boolean {
  return step.targets.some(
    (row) => runner.isInScope(row) && (step.ready.has(row.id) || (step.waiting.has(row.id) && isPaused(row, now))),
  );
}
