/**
 * Decides when an offline target may be probed again. Pauses grow with failures, network changes cut them short, and a
 * flapping link opens at most one connection a second after a small burst (decision 0007).
 */

/** Pause after the first failure, doubled by each further one up to the cap; ms. */
const FIRST_MS = 1_000;
const CAP_MS = 10_000;

/** Share of a pause that chance adds, or takes off where it would pass the cap: many clients do not come back in step. */
const JITTER = 0.2;

/** Pause while nothing waits: at most 12 connections in any hour, over all targets together; ms. */
export const IDLE_PAUSE_MS = 5 * 60_000 + 1_000;

/** Connections that news may open at once, refilled by one a second. */
const BURST = 3;
const REFILL_MS = 1_000;

/**
 * Time limit of the first probes after a network change, ms. A cable just plugged in loses the first packets, and TCP
 * repeats them only after a second, so another probe at once is faster. The last one of the burst has the full time.
 */
const QUICK_MS = 350;

/** Shortest time between two resets of the pauses by network changes, ms: links may flap. */
const CALM_MS = 30_000;

export class ProbeSchedule {
  readonly #random: () => number;
  #failures = 0;
  /** When the current pause ends if something waits, monotonic ms. */
  #pauseEnds = 0;
  #lastAt = -Infinity;
  /** Probes that the latest news may still start. */
  #looks = 0;
  /** Quick probes in a row. */
  #quick = 0;
  #freshAt = -Infinity;
  #tokens = BURST;
  #countedAt = 0;

  /** @param random numbers in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * Monotonic ms from which the next probe may start.
   *
   * @param isWaiting an item could go if the target answered
   * @param idle the targets that nothing waits for take turns: when one was last probed, and how many there are
   */
  nextAt(isWaiting: boolean, now: number, idle = { at: -Infinity, count: 1 }): number {
    // With nothing to send, a network change waits for the idle pause: a busy network must not cost connections.
    if (!isWaiting) return Math.max(this.#lastAt + IDLE_PAUSE_MS * idle.count, idle.at + IDLE_PAUSE_MS);
    return this.#looks > 0 ? Math.min(this.#pauseEnds, this.#tokenAt(now)) : this.#pauseEnds;
  }

  /**
   * Time limit of the probe that starts now, ms; undefined = the usual one. Every third probe has the full time,
   * because on a slow link no quick probe ever connects.
   */
  get timeoutMs(): number | undefined {
    return this.#looks > 1 && this.#quick < BURST - 1 ? QUICK_MS : undefined;
  }

  /** A probe or a request opens a connection. */
  connecting(now: number): void {
    this.#quick = this.timeoutMs === undefined ? 0 : this.#quick + 1;
    this.#tokens = Math.max(0, this.#refilled(now) - 1);
    this.#countedAt = now;
    this.#lastAt = now;
    this.#looks = Math.max(0, this.#looks - 1);
  }

  /** The probe failed. The pause counts from its start, so a hanging probe is part of the wait. */
  failed(): void {
    const pause = FIRST_MS * 2 ** Math.min(this.#failures, 10);
    const chance = JITTER * this.#random();
    this.#failures += 1;
    this.#pauseEnds = this.#lastAt + (pause < CAP_MS ? Math.min(CAP_MS, pause * (1 + chance)) : CAP_MS * (1 - chance));
  }

  /**
   * The API itself answered: the next outage is a new one. A probe alone does not prove that: a portal that accepts
   * every connection would be probed without a pause.
   */
  answered(): void {
    this.#failures = 0;
    this.#pauseEnds = 0;
    this.#looks = 0;
  }

  /** The network changed, or the machine woke: ask as soon as the rate allows. */
  news(now: number): void {
    this.#looks = BURST;
    if (now - this.#freshAt < CALM_MS) return;
    this.#freshAt = now;
    this.#failures = 0;
  }

  #refilled(now: number): number {
    return Math.min(BURST, this.#tokens + (now - this.#countedAt) / REFILL_MS);
  }

  #tokenAt(now: number): number {
    return Math.max(this.#lastAt + QUICK_MS, now + Math.max(0, 1 - this.#refilled(now)) * REFILL_MS);
  }
}
