/** Events as an async iterable: a loop pushes, a reader pulls. Leaving the iteration stops the loop. */
import type { QueueEvent } from '../nouns/events.js';

/** Events that nobody pulls are dropped beyond this many, oldest first: a slow reader must not grow the memory. */
const BACKLOG = 10_000;

export class EventStream implements AsyncIterableIterator<QueueEvent, undefined> {
  readonly #leave: () => void;
  readonly #events: QueueEvent[] = [];
  /** Several may wait: a `next` that was not awaited, and a `return`. */
  #wakes: (() => void)[] = [];
  #left = false;
  #ended = false;
  #failure: { error: unknown } | undefined;

  /** @param leave called when the reader goes: the loop is to stop, and to say so by `end` or `fail` */
  constructor(leave: () => void) {
    this.#leave = leave;
  }

  push(event: QueueEvent): void {
    if (this.#left) return;
    if (this.#events.length >= BACKLOG) this.#events.shift();
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.end();
  }

  async next(): Promise<IteratorResult<QueueEvent, undefined>> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return { done: false, value: event };
      if (this.#ended) return this.#over();
      await this.#change();
    }
  }

  /** What `break`, `return` and `throw` in a `for await` call: resolves when the loop is over and has recorded everything. */
  async return(): Promise<IteratorResult<QueueEvent, undefined>> {
    this.#left = true;
    this.#events.length = 0;
    this.#leave();
    while (!this.#ended) await this.#change();
    return this.#over();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** A failure is reported once. */
  #over(): IteratorResult<QueueEvent, undefined> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    return { done: true, value: undefined };
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wakes.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}
