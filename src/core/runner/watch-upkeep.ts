/** Upkeep of a long-lived watch between two turns: new targets, and time during which the process did not run. */
import type { Clock } from '../nouns/clock.js';
import { isQueueError } from '../nouns/errors.js';
import type { Session, StepResult, Store } from '../store/store.js';
import { configOf } from './channels.js';
import type { Channels } from './channels.js';
import type { Runner } from './runner.js';

/**
 * A sleep that lasted this much too long means: the machine slept, the process was stopped, or the clock was set; ms.
 */
const LOST_MS = 5_000;

/** Shortest time between two early tries of held targets after network changes, ms: links may flap. */
const EARLY_TRY_MS = 30_000;

export interface WatchUpkeepDeps {
  clock: Clock;
  store: Store;
  session: Session;
  channels: Channels;
  /** Called once for each target that items go to and the config does not name. */
  onUnknownTarget: (name: string) => void;
}

export class WatchUpkeep {
  readonly #runner: Runner;
  readonly #deps: WatchUpkeepDeps;
  /** Wall-clock time that passed while this process did not run, not recorded yet, ms. */
  #lostMs = 0;
  #earlyTryAt = -Infinity;

  constructor(runner: Runner, deps: WatchUpkeepDeps) {
    this.#runner = runner;
    this.#deps = deps;
  }

  /** Compares targets that came, or were accepted, since the last time with the config. True when there were some. */
  async meetTargets({ targets }: Pick<StepResult, 'targets'>): Promise<boolean> {
    const unmet = targets.filter(({ boundTo, state }) => boundTo === undefined && state !== 'misconfigured');
    if (unmet.length === 0) return false;
    const { channels, onUnknownTarget } = this.#deps;
    await this.#runner.reload();
    for (const row of unmet) if (configOf(row, channels.config) === undefined) onUnknownTarget(row.name);
    return true;
  }

  /**
   * Sleeps until something may have changed. Time overslept does not count towards the patience with a target:
   * otherwise a lid closed over a weekend would flag every item that had just failed.
   */
  async sleep(ms: number): Promise<void> {
    const { clock, session } = this.#deps;
    const before = clock.now();
    await this.#runner.waker.sleep(ms);
    const late = clock.now() - before - ms;
    if (late >= LOST_MS) this.#lostMs += late;
    if (this.#lostMs === 0) return;
    try {
      await session.leaveOut(this.#lostMs, clock.now());
      this.#lostMs = 0;
    } catch (error) {
      // The queue is busy: try again after the next sleep.
      if (!isQueueError(error) || error.code !== 'busy') throw error;
    }
  }

  /** On another network, holds from the old one need not be waited for. Each target gets one tester. */
  async tryHeldTargets(): Promise<void> {
    const { clock, store } = this.#deps;
    if (clock.monotonic() - this.#earlyTryAt < EARLY_TRY_MS) return;
    this.#earlyTryAt = clock.monotonic();
    const now = clock.now();
    for (const { id, state, until = 0 } of await store.targets()) {
      if (state !== 'unavailable' || until <= now) continue;
      this.#runner.update({ target: id, from: state, change: { until: now, setAt: now }, note: undefined });
    }
  }
}
