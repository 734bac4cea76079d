/**
 * The caller's own functions, called in the middle of sending. What one of them throws must not disturb a delivery: the
 * first such error stops the run as `stop` does, and is thrown when the run is over and everything is recorded.
 */
export class CallerCallbacks {
  readonly #stop: () => void;
  #failure: { error: unknown } | undefined;

  constructor(stop: () => void) {
    this.#stop = stop;
  }

  /** The function made safe to call anywhere. It is called on after it threw: what is under way is still told. */
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
