/** The background loop: sends whatever can be sent, and otherwise sleeps until something may have changed. */
import type { Clock } from '../nouns/clock.js';
import { watchRecheckTriggers, type News } from '../connectivity/recheck-triggers.js';
import { CLOCK_SLACK_MS } from '../policy/backoff.js';
import type { Session, Store } from '../store/store.js';
import { WatchUpkeep } from './watch-upkeep.js';
import type { Channels } from './channels.js';
import type { TargetPreparation } from './target-preparation.js';
import type { Runner } from './runner.js';

export interface WatchLoopDeps {
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  store: Store;
  session: Session;
  channels: Channels;
  preparation: TargetPreparation;
  stop: AbortSignal;
  /** Called once a turn, at least every 90 s while the loop is alive. */
  onTurn: () => void;
  onUnknownTarget: (name: string) => void;
}

/** Runs until `stop`. All requests have ended and are recorded by then. */
export async function watchLoop(runner: Runner, deps: WatchLoopDeps): Promise<void> {
  const { stop } = deps;
  const between = new WatchUpkeep(runner, deps);
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
  guard(ringOnNews(runner, between, deps, helpers.signal));
  const isOver = (): boolean => stop.aborted;
  try {
    while (!isOver()) {
      deps.onTurn();
      const turn = await runner.turn();
      if (failures.length > 0) throw failures[0];
      if (turn === undefined || turn.step.more) continue;
      if (await between.meetTargets(turn.step)) continue;
      if (turn.isIdle) await tellIdle(runner, deps);
      if (isOver()) break;
      await between.sleep(runner.quietMs(turn.step));
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

/** The network changed, the machine woke, the clock was set: outages may be over, and timers are late. */
async function ringOnNews(
  runner: Runner,
  between: WatchUpkeep,
  deps: WatchLoopDeps,
  signal: AbortSignal,
): Promise<void> {
  const { clock, env, session, channels, preparation } = deps;
  const onNews = async ({ isBreak, backMs }: News): Promise<void> => {
    if (backMs > CLOCK_SLACK_MS) await session.clockWentBack(clock.now());
    if (isBreak) {
      channels.renewConnections();
      await between.tryHeldTargets();
    }
    preparation.prober.news();
    runner.waker.ring();
  };
  await watchRecheckTriggers({ clock, env, signal, isWaiting: () => preparation.prober.isWaiting }, onNews);
}
