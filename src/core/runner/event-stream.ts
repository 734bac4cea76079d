/** Events as an async iterable: pushed by a loop, pulled by whoever shows them. */
import type { QueueEvent } from '../events.js';

/** Events that nobody pulls are dropped beyond this many, oldest first: a slow reader must not grow the memory. */
const BACKLOG = 10_000;

export class EventStream implements AsyncIterableIterator<QueueEvent> {
  readonly #events: QueueEvent[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #failure: { error: unknown } | undefined;

  push(event: QueueEvent): void {
    if (this.#events.length >= BACKLOG) this.#events.shift();
    this.#events.push(event);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.end();
  }

  async next(): Promise<IteratorResult<QueueEvent>> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return { done: false, value: event };
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
