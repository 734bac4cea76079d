/** State of each open claim of a session. */
import type { ClaimedItem } from './settle.js';

export class OpenClaims {
  /**
   * An array, not a Map: there are only as many entries as requests in flight, and a Map that entries keep coming to
   * and going from leaves garbage that only a major collection frees (see `send/deadline.ts`).
   */
  readonly #open: { attempt: number; place: ClaimedItem }[] = [];

  get size(): number {
    return this.#open.length;
  }

  /** Found by attempt, because the same item may be claimed again in the commit that settles it. */
  get(attempt: number): ClaimedItem | undefined {
    return this.#open.find((claim) => claim.attempt === attempt)?.place;
  }

  add(attempt: number, place: ClaimedItem): void {
    this.#open.push({ attempt, place });
  }

  delete(attempt: number): void {
    const at = this.#open.findIndex((claim) => claim.attempt === attempt);
    if (at >= 0) this.#open.splice(at, 1);
  }
}
