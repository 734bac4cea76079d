/**
 * The values that were found in sensitive fields, and their traces elsewhere: in paths, entity ids, free text and the
 * server's messages, also when they are spelled with other separators or letters of another case.
 */
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

  add(value: string): void {
    const name = normalised(value);
    if (name !== '') this.#known.add(name);
  }

  has(text: string): boolean {
    return this.#known.has(normalised(text));
  }

  /** The stand-in, when the whole text is a known value; else the text with every known value in it replaced. */
  replace(text: string): string {
    if (this.#known.size === 0 || text === '') return text;
    return this.has(text) ? this.#standIns.of(text) : this.scrub(text);
  }

  /** Replaces known values wherever they stand in a text, the longest first. */
  scrub(text: string): string {
    const runs = [...text.matchAll(RUN)].map((match) => ({ start: match.index, end: match.index + match[0].length }));
    let result = '';
    let copied = 0;
    for (let at = 0; at < runs.length;) {
      const length = this.#longest(text, runs, at);
      if (length === 0) {
        at += 1;
        continue;
      }
      const { start } = runs[at] ?? { start: 0 };
      const { end } = runs[at + length - 1] ?? { end: 0 };
      result += text.slice(copied, start) + this.#standIns.of(text.slice(start, end));
      copied = end;
      at += length;
    }
    return copied === 0 ? text : result + text.slice(copied);
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
