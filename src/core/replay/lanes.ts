/** Runs a stream of jobs, one at a time per lane, lowest id first, with bounded memory. */

export interface Job<T> {
  value: T;
  lane: string;
  /** Its size in memory, bytes. */
  bytes: number;
}

export interface LaneOptions {
  /** Jobs running at once. */
  concurrency: number;
  /** Limits for jobs and bytes that wait for their lane; beyond them nothing more is read. */
  windowJobs: number;
  windowBytes: number;
  /** After it aborts no job is started; running jobs end. */
  stop: AbortSignal;
}

interface Waiting<T> extends Job<T> {
  order: number;
}

/** @throws what reading or a job threw, after the running jobs have ended */
export async function workInLanes<T>(
  jobs: AsyncIterable<Job<T>>,
  work: (value: T) => Promise<void>,
  options: LaneOptions,
): Promise<void> {
  const run = new LaneRun(work, options);
  const iterator = jobs[Symbol.asyncIterator]();
  try {
    while (!run.isStopped) {
      if (run.startNext()) continue;
      if (run.hasRoom) {
        const next = await iterator.next();
        if (next.done === true) run.allRead();
        else run.add(next.value);
      } else if (run.isWorking) await run.change();
      else break;
    }
  } catch (error) {
    run.fail(error);
  } finally {
    await run.settled();
    await iterator.return?.();
  }
  run.rethrow();
}

class LaneRun<T> {
  readonly #work: (value: T) => Promise<void>;
  readonly #options: LaneOptions;
  /** Jobs behind the running or ready one, by lane. */
  readonly #lanes = new Map<string, Waiting<T>[]>();
  /** Heads of lanes, lowest first. */
  readonly #ready: Waiting<T>[] = [];
  readonly #working = new Set<Promise<void>>();
  #held = 0;
  #heldBytes = 0;
  #order = 0;
  #isRead = false;
  #failure: { error: unknown } | undefined;

  constructor(work: (value: T) => Promise<void>, options: LaneOptions) {
    this.#work = work;
    this.#options = options;
  }

  get isStopped(): boolean {
    return this.#options.stop.aborted || this.#failure !== undefined;
  }

  get isWorking(): boolean {
    return this.#working.size > 0;
  }

  get hasRoom(): boolean {
    const { windowJobs, windowBytes } = this.#options;
    return !this.#isRead && this.#held < windowJobs && this.#heldBytes < windowBytes;
  }

  allRead(): void {
    this.#isRead = true;
  }

  add(job: Job<T>): void {
    const waiting = { ...job, order: this.#order++ };
    this.#held += 1;
    this.#heldBytes += job.bytes;
    const lane = this.#lanes.get(job.lane);
    if (lane !== undefined) {
      lane.push(waiting);
      return;
    }
    this.#lanes.set(job.lane, []);
    this.#makeReady(waiting);
  }

  /** True when a job was started. */
  startNext(): boolean {
    if (this.#working.size >= this.#options.concurrency) return false;
    const job = this.#ready.shift();
    if (job === undefined) return false;
    const running = this.#work(job.value)
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.#working.delete(running);
        this.#ended(job);
      });
    this.#working.add(running);
    return true;
  }

  #ended(job: Waiting<T>): void {
    this.#held -= 1;
    this.#heldBytes -= job.bytes;
    const next = this.#lanes.get(job.lane)?.shift();
    if (next === undefined) this.#lanes.delete(job.lane);
    else this.#makeReady(next);
  }

  #makeReady(job: Waiting<T>): void {
    // Searches from the end, where a job that was just read belongs.
    const before = this.#ready.findLastIndex(({ order }) => order < job.order);
    this.#ready.splice(before + 1, 0, job);
  }

  /** Resolves when one of the running jobs has ended. */
  async change(): Promise<void> {
    await Promise.race(this.#working);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#working);
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
