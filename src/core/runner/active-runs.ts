/** The runs in progress of one queue handle, each with its own stop. Closing the handle ends them first. */
import { closedQueue } from '../nouns/errors.js';

export class ActiveRuns {
  readonly #location: string;
  readonly #runs = new Map<AbortController, Promise<unknown>>();
  #isOver = false;

  constructor(location: string) {
    this.#location = location;
  }

  /**
   * Runs `body` with a stop that aborts with the caller's, with `end`, and by whatever `body` does with it.
   *
   * @throws {QueueError} usage, when the handle was closed: before anything has begun
   */
  async run<T>(
    { stop }: { stop?: AbortSignal | undefined },
    body: (control: AbortController) => Promise<T>,
  ): Promise<T> {
    if (this.#isOver) throw closedQueue(this.#location);
    const control = new AbortController();
    // Not AbortSignal.any: the caller's signal may outlive many runs and would collect listeners.
    const end = (): void => control.abort();
    stop?.addEventListener('abort', end, { once: true });
    if (stop?.aborted === true) end();
    try {
      const run = body(control);
      this.#runs.set(control, run);
      return await run;
    } finally {
      this.#runs.delete(control);
      stop?.removeEventListener('abort', end);
    }
  }

  /** Stops everything and resolves when all runs have ended; errors go to whoever started them. */
  async end(): Promise<void> {
    this.#isOver = true;
    for (const control of this.#runs.keys()) control.abort();
    await Promise.allSettled(this.#runs.values());
  }
}
