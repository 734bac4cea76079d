/**
 * One simulated runner process: the real runner over the real session, with a gate at every await between it and the
 * world, where it can be killed, or stopped and woken again.
 */
import type { Clock } from '../../src/core/nouns/clock.js';
import { Channel } from '../../src/core/runner/channel.js';
import { Channels } from '../../src/core/runner/channels.js';
import { drainLoop } from '../../src/core/runner/drain.js';
import { TargetPreparation } from '../../src/core/runner/target-preparation.js';
import { Runner } from '../../src/core/runner/runner.js';
import { CLOCK_SLACK_MS } from '../../src/core/policy/backoff.js';
import { isQueueError } from '../../src/core/nouns/errors.js';
import type { ProbeResult, SendResult } from '../../src/core/send/result.js';
import type { Sender } from '../../src/core/send/send.js';
import type { Session, StepInput, StepResult, Store } from '../../src/core/store/store.js';
import type { Config } from '../../src/core/nouns/config.js';
import type { StoredRequest } from '../../src/core/nouns/item.js';
import type { TargetConfig, TargetRow } from '../../src/core/nouns/target.js';

export interface ProcessOptions {
  kind: 'run' | 'watch';
  concurrency: number;
  /** Of a `run`: go on while anything moves by itself. */
  wait: boolean;
}

/** What a process needs of the world around it. */
export interface Surroundings {
  clock: Clock;
  config: Config;
  random: () => number;
  openStore: () => Store;
  beforeStep: (process: SimProcess, input: StepInput) => void;
  afterStep: (process: SimProcess, input: StepInput, result: StepResult) => void;
  send: (process: SimProcess, target: string, request: StoredRequest, signal: AbortSignal) => Promise<SendResult>;
  probe: (target: string) => ProbeResult;
}

/** How long a probe takes, ms. */
const PROBE_MS = 500;

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export class SimProcess {
  readonly number: number;
  readonly options: ProcessOptions;
  state: 'running' | 'stopped' | 'dead' | 'ended' = 'running';
  /** Its kernel lock was lost while it was stopped: another may have the queue by now. */
  dispossessed = false;
  /** Dies when it passes this many more gates. */
  killIn: number | undefined;
  /** What it ended with, unless it simply ended. */
  error: unknown;
  heldBy = false;
  readonly #world: Surroundings;
  readonly #store: Store;
  readonly #stop = new AbortController();
  #session: Session | undefined;
  #resume: (() => void)[] = [];
  #runner: Runner | undefined;

  constructor(number: number, world: Surroundings, options: ProcessOptions) {
    this.number = number;
    this.#world = world;
    this.options = options;
    this.#store = world.openStore();
  }

  get isLive(): boolean {
    return this.state === 'running' || this.state === 'stopped';
  }

  get epoch(): number | undefined {
    return this.#session?.epoch;
  }

  get hasSession(): boolean {
    return this.#session !== undefined && this.isLive;
  }

  /** Runs to its end; never rejects. A dead process never settles. */
  start(): void {
    void this.#run().then(
      () => this.#end(),
      (error: unknown) => {
        this.error = error;
        this.#end();
      },
    );
  }

  #end(): void {
    if (this.state === 'dead') return;
    this.state = 'ended';
    void this.#store.close();
  }

  /** One await: here it may die, or wait until it is woken. */
  async pass(): Promise<void> {
    if (this.killIn !== undefined && (this.killIn -= 1) <= 0 && this.isLive) this.kill();
    while (this.state === 'stopped') await new Promise<void>((resolve) => this.#resume.push(resolve));
    if (this.state === 'dead') await never();
  }

  /** kill -9: nothing of it runs on, the kernel frees its lock. */
  kill(): void {
    if (!this.isLive) return;
    this.state = 'dead';
    this.#releaseLock();
    void this.#store.close();
  }

  pause(): void {
    if (this.state === 'running') this.state = 'stopped';
  }

  wake(): void {
    if (this.state !== 'stopped') return;
    this.state = 'running';
    for (const resume of this.#resume.splice(0)) resume();
  }

  /** SIGTERM. */
  terminate(): void {
    this.#stop.abort();
  }

  /** What a watch notices: another process has committed. */
  ring(): void {
    if (this.state === 'running' && this.options.kind === 'watch') this.#runner?.waker.ring();
  }

  /** A lock file deleted by hand, a second copy of SQLite: it sleeps, and has lost its lock when it wakes. */
  dispossess(): void {
    if (!this.hasSession || this.dispossessed) return;
    this.pause();
    this.dispossessed = true;
    this.#releaseLock();
  }

  #releaseLock(): void {
    // Without a summary, `end` frees the lock and writes nothing.
    void this.#session?.end(undefined);
  }

  async #run(): Promise<void> {
    const { config, random } = this.#world;
    const clock = this.#clock();
    const channels = new SimChannels(this, config, clock, random, this.#world);
    const who = { kind: this.options.kind, id: `p${this.number}`, pid: this.number, host: 'sim', bootId: 'boot' };
    const real = await this.#store.acquire(who, channels.policy(), clock.now());
    if ('heldBy' in real) {
      this.heldBy = true;
      return;
    }
    this.#session = real;
    const session = new SimSession(this, real, this.#world);
    const store = this.#store;
    const ended = new AbortController();
    const preparation = new TargetPreparation(channels, clock, {
      probing: this.options.wait ? 'always' : 'once',
      random,
      signal: ended.signal,
    });
    const runner = new Runner(
      { store, session, channels, clock, preparation },
      {
        concurrency: this.options.concurrency,
        limit: undefined,
        target: undefined,
        stop: this.#stop.signal,
        abort: ended.signal,
        onEvent: () => undefined,
      },
    );
    this.#runner = runner;
    try {
      await runner.start();
      if (this.options.kind === 'watch') await this.#watch(runner, session, clock);
      else await drainLoop(runner, { clock, stop: this.#stop.signal, wait: this.options.wait, deadline: undefined });
    } finally {
      ended.abort();
      runner.dispose();
      await session.end({ kind: this.options.kind, startedAt: 0, endedAt: 0, exitCode: 0, delivered: 0, remaining: 0 });
    }
  }

  /** The loop of a watch without its eyes on the machine: the world rings, and tells when the clock ran back. */
  async #watch(runner: Runner, session: Session, clock: Clock): Promise<void> {
    let offset = clock.now() - clock.monotonic();
    while (!this.#stop.signal.aborted) {
      const gap = clock.now() - clock.monotonic() - offset;
      offset += gap;
      if (gap < -CLOCK_SLACK_MS) await session.clockWentBack(clock.now());
      const turn = await runner.turn();
      if (turn === undefined || turn.step.more) continue;
      await runner.waker.sleep(runner.quietMs(turn.step));
    }
    await runner.finish();
  }

  /** Sleeping is an await as well. */
  #clock(): Clock {
    const { clock } = this.#world;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: async (ms, signal) => {
        await clock.sleep(ms, signal);
        await this.pass();
      },
    };
  }
}

/** True for the end that a runner which lost its queue is supposed to have. */
export function isTakenOver(error: unknown): boolean {
  return isQueueError(error) && error.code === 'other-runner';
}

class SimSession implements Session {
  readonly epoch: number;
  readonly lost: AbortSignal;
  readonly #process: SimProcess;
  readonly #real: Session;
  readonly #world: Surroundings;

  constructor(process: SimProcess, real: Session, world: Surroundings) {
    this.epoch = real.epoch;
    this.lost = real.lost;
    this.#process = process;
    this.#real = real;
    this.#world = world;
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    await this.#process.pass();
    try {
      return await work();
    } finally {
      await this.#process.pass();
    }
  }

  recover(limit: number, now: number): ReturnType<Session['recover']> {
    return this.#call(() => this.#real.recover(limit, now));
  }

  syncTargets(...parameters: Parameters<Session['syncTargets']>): ReturnType<Session['syncTargets']> {
    return this.#call(() => this.#real.syncTargets(...parameters));
  }

  step(input: StepInput): Promise<StepResult> {
    return this.#call(async () => {
      this.#world.beforeStep(this.#process, input);
      const result = await this.#real.step(input);
      this.#world.afterStep(this.#process, input, result);
      return result;
    });
  }

  clockWentBack(now: number): Promise<void> {
    return this.#call(() => this.#real.clockWentBack(now));
  }

  leaveOut(ms: number, now: number): Promise<void> {
    return this.#call(() => this.#real.leaveOut(ms, now));
  }

  end(summary: Parameters<Session['end']>[0]): Promise<void> {
    return this.#call(() => this.#real.end(summary));
  }
}

class SimChannels extends Channels {
  readonly #process: SimProcess;
  readonly #clock: Clock;
  readonly #world: Surroundings;
  readonly #made = new Map<string, SimChannel>();

  constructor(process: SimProcess, config: Config, clock: Clock, random: () => number, world: Surroundings) {
    super(config, { env: {}, clock, version: 'sim' }, random);
    this.#process = process;
    this.#clock = clock;
    this.#world = world;
  }

  override of(row: TargetRow): Channel | undefined {
    let channel = this.#made.get(row.name);
    const config = this.config.targets.get(row.name);
    if (channel === undefined && config !== undefined) {
      channel = new SimChannel(this.#process, config, this.#clock, this.#world);
      this.#made.set(row.name, channel);
    }
    return channel;
  }
}

/** The wire is the world's; everything else of a channel is real. */
class SimChannel extends Channel {
  readonly #process: SimProcess;
  readonly #clock: Clock;
  readonly #world: Surroundings;

  constructor(process: SimProcess, config: TargetConfig, clock: Clock, world: Surroundings) {
    super(config, { clock, env: {}, version: 'sim', secretEnv: [] });
    this.#process = process;
    this.#clock = clock;
    this.#world = world;
  }

  override async sender(): Promise<Sender> {
    const nothing = (): Promise<void> => Promise.resolve();
    return {
      problem: undefined,
      transport: {
        kind: 'broken',
        problem: { kind: 'misconfigured', code: 'sim', message: 'the simulation has no wire' },
      } as unknown as Sender['transport'],
      send: (request, { signal }) => this.#world.send(this.#process, this.config.name, request, signal),
      close: nothing,
      destroy: nothing,
    };
  }

  override async probe(): Promise<ProbeResult> {
    // Long enough for late answers to come in between.
    await this.#clock.sleep(PROBE_MS);
    return this.#world.probe(this.config.name);
  }
}
