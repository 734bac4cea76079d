/**
 * The values that were found in sensitive fields, and their traces elsewhere: in paths, entity ids, free text and the
 * server's messages, also when they are spelled with other separators or letters of another case.
 */
import type { Edit } from '../../privacy/layers.js';
import { readingsOf } from '../../privacy/layers.js';
import { normalised } from './alphabet.js';
import type { StandIns } from './stand-in.js';

/** Runs of letters and digits that may form one value: `ola.nordmann@example.no`, `Storgata 12 B`, `+47 912 34 567`. */
const MOST_RUNS = 8;
/** Letters and digits that a value needs to be looked for inside a text: shorter ones are parts of everything. */
const SHORTEST_IN_TEXT = 3;
/** Characters between two runs of one value at most. */
const LONGEST_GAP = 3;
const RUN = /[\p{L}\p{N}\p{M}]+/gu;

export class KnownValues {
  readonly #standIns: StandIns;
  readonly #known = new Set<string>();

  constructor(standIns: StandIns) {
    this.#standIns = standIns;
  }

  /** Values known so far: what the memory of a redaction grows with. */
  get size(): number {
    return this.#known.size;
  }

  /** A value that holds escapes itself (a path, say) is found as it stands or read. */
  add(value: string): void {
    for (const reading of readingsOf(value)) {
      const name = normalised(reading);
      if (name !== '') this.#known.add(name);
    }
  }

  has(text: string): boolean {
    return this.#known.has(normalised(text));
  }

  /** Every known value in a text, the longest first; the whole text, when it is one. */
  find(text: string): Edit[] {
    if (this.#known.size === 0 || text === '') return [];
    if (this.has(text)) return [this.#edit(text, 0, text.length)];
    const runs = [...text.matchAll(RUN)].map((match) => ({ start: match.index, end: match.index + match[0].length }));
    const found: Edit[] = [];
    for (let at = 0; at < runs.length;) {
      const length = this.#longest(text, runs, at);
      if (length > 0) found.push(this.#edit(text, runs[at]?.start ?? 0, runs[at + length - 1]?.end ?? 0));
      at += Math.max(1, length);
    }
    return found;
  }

  #edit(text: string, start: number, end: number): Edit {
    return { start, end, text: this.#standIns.of(text.slice(start, end)) };
  }

  /** How many runs from this one on form a known value; 0 = none. */
  #longest(text: string, runs: readonly { start: number; end: number }[], at: number): number {
    const { start = 0 } = runs[at] ?? {};
    let most = 1;
    while (most < MOST_RUNS && (runs[at + most]?.start ?? Infinity) - (runs[at + most - 1]?.end ?? 0) <= LONGEST_GAP)
      most += 1;
    for (let length = most; length > 0; length--) {
      const name = normalised(text.slice(start, runs[at + length - 1]?.end));
      if (name.length >= SHORTEST_IN_TEXT && this.#known.has(name)) return length;
    }
    return 0;
  }
}
