/**
 * Calls the caller's functions in the middle of sending. An error of theirs must not disturb a delivery: the first one
 * stops the run as `stop` does, and is thrown when the run is over and everything is recorded.
 */
export class CallerCallbacks {
  readonly #stop: () => void;
  #failure: { error: unknown } | undefined;

  constructor(stop: () => void) {
    this.#stop = stop;
  }

  /** Wraps a function so that it never throws. It is still called after an error, for events of requests in flight. */
  guard<A extends unknown[]>(call: ((...values: A) => void) | undefined): (...values: A) => void {
    return (...values) => {
      try {
        call?.(...values);
      } catch (error) {
        this.#failure ??= { error };
        this.#stop();
      }
    };
  }

  /** At the end of the run. @throws the first error of a guarded function */
  assertNoneThrew(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
