/** Probes offline targets, each on its own schedule, and says what the result changes. */
import type { Clock } from '../nouns/clock.js';
import { enterState, isPaused } from '../policy/target-state.js';
import type { ProbeResult } from '../send/result.js';
import type { StepResult } from '../store/store.js';
import type { TargetRow } from '../nouns/target.js';
import { ProbeSchedule } from './probe-schedule.js';

export interface ProberOptions {
  /** `once`: one probe per target and process; `always`: again and again, rarely when nothing waits. */
  probing: 'once' | 'always';
  clock: Clock;
  /** Numbers in [0, 1). */
  random: () => number;
}

/** Makes one probe; never rejects. `tls`: the whole handshake, nothing sent on it. `timeoutMs` undefined = the usual. */
export type Ask = (mode: 'auto' | 'tls', timeoutMs: number | undefined) => Promise<ProbeResult>;

interface Probing {
  schedule: ProbeSchedule;
  isRunning: boolean;
  done: number;
}

export class Prober {
  readonly #options: ProberOptions;
  readonly #targets = new Map<number, Probing>();
  #isWaiting = false;
  /** When a target was last probed that nothing waited for, monotonic ms; and how many of them the last look found. */
  readonly #idle = { at: -Infinity, count: 1 };
  #idleSeen = 0;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Something waits for a target that is offline: changes of the network matter now. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Starts a new round: `wants` then says which targets are waited for. */
  begin(): void {
    this.#isWaiting = false;
    this.#idle.count = Math.max(1, this.#idleSeen);
    this.#idleSeen = 0;
  }

  isProbing(target: number): boolean {
    return this.#targets.get(target)?.isRunning === true;
  }

  /**
   * Starts the probe of a target that one can end, when it is due. True while one is under way.
   *
   * @param isWaiting an item could go if the target answered
   * @param tell what the probe changes in the target's row; undefined = nothing
   */
  wants(
    target: TargetRow,
    isWaiting: boolean,
    ask: Ask,
    tell: (change: Partial<TargetRow> | undefined) => void,
  ): boolean {
    const { probing, clock } = this.#options;
    const entry = this.#of(target.id);
    this.#isWaiting ||= isWaiting;
    if (!isWaiting) this.#idleSeen += 1;
    if (entry.isRunning) return true;
    const now = clock.monotonic();
    const isDue =
      probing === 'once' ? entry.done === 0 && isWaiting : now >= entry.schedule.nextAt(isWaiting, now, this.#idle);
    if (!isDue) return false;
    if (!isWaiting) this.#idle.at = now;
    entry.isRunning = true;
    const { timeoutMs } = entry.schedule;
    entry.schedule.connecting(now);
    void ask(target.state === 'misconfigured' ? 'tls' : 'auto', timeoutMs).then((result) => {
      entry.isRunning = false;
      entry.done += 1;
      // Counted after a success too: only an answer of the API itself resets the pauses.
      entry.schedule.failed();
      tell(afterProbe(target, result, clock.now()));
    });
    return true;
  }

  /** Ms until the next probe of these targets is due; undefined = none is. */
  nextIn({ targets, ready }: Pick<StepResult, 'targets' | 'ready'>): number | undefined {
    const { probing, clock } = this.#options;
    if (probing === 'once') return undefined;
    const now = clock.monotonic();
    const times = targets
      .filter((target) => canEndByProbe(target, clock.now()) && !this.#of(target.id).isRunning)
      .map((target) => this.#of(target.id).schedule.nextAt(ready.has(target.id), now, this.#idle));
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - now);
  }

  /** The network changed, or the machine woke: look at once, whatever the pauses have grown to. */
  news(): void {
    for (const { schedule } of this.#targets.values()) schedule.news(this.#options.clock.monotonic());
  }

  /** The API of this target gave a sound answer. */
  answered(target: number): void {
    const entry = this.#targets.get(target);
    if (entry === undefined || entry.isRunning) return;
    entry.done = 0;
    entry.schedule.answered();
  }

  /** A request found the target unreachable, which counts as the first probe. */
  unreachable(target: number): void {
    const { schedule } = this.#of(target);
    const now = this.#options.clock.monotonic();
    const isFirst = schedule.nextAt(true, now) <= now;
    schedule.connecting(now);
    if (isFirst) schedule.failed();
  }

  #of(target: number): Probing {
    let entry = this.#targets.get(target);
    if (entry === undefined) {
      entry = { schedule: new ProbeSchedule(this.#options.random), isRunning: false, done: 0 };
      this.#targets.set(target, entry);
    }
    return entry;
  }
}

/** Every other hold ends by its time and a tester, or by a person. */
export function canEndByProbe(target: TargetRow, now: number): boolean {
  if (isPaused(target, now)) return false;
  return target.state === 'offline' || (target.state === 'misconfigured' && target.holdKind === 'tls');
}

/** What a probe changes: it ends `offline`, and is evidence for nothing else. */
function afterProbe(target: TargetRow, result: ProbeResult, now: number): Partial<TargetRow> | undefined {
  if (result.kind === 'reachable') return enterState(target, now, 'online', undefined);
  if (result.kind === 'misconfigured')
    return enterState(target, now, 'misconfigured', result.message, undefined, 'tls');
  // A TLS failure that became a network failure is offline now; an offline target keeps its first reason.
  return target.state === 'offline' ? undefined : enterState(target, now, 'offline', result.message);
}
