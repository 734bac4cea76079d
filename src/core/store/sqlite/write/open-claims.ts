/** Where each claim of a session that is under way stands. */
import type { ClaimedItem } from './settle.js';

export class OpenClaims {
  /**
   * No Map, and found by looking through them: there are no more than requests under way, and what a table that is used
   * like this leaves behind only V8's slow collector takes away (see `send/deadline.ts`).
   */
  readonly #open: { attempt: number; place: ClaimedItem }[] = [];

  get size(): number {
    return this.#open.length;
  }

  /** By its attempt: the same item may be claimed again in the commit that settles it. */
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
