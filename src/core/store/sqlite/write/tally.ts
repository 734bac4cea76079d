/**
 * Maintains the counts in `tally`. Changes are collected during a commit and written once at its end, with one UPDATE
 * per target. So counting costs almost nothing and `status` never counts rows.
 */
import { STATES, type State } from '../../../nouns/item.js';
import type { Connection } from '../file/connection.js';
import { ELIG } from '../sql/codes.js';

type Column = State | 'ready' | 'waiting' | 'paused';
const COLUMNS: readonly Column[] = [...STATES, 'ready', 'waiting', 'paused'];
/** Position of a column in the parameters of the UPDATE. */
const AT = Object.fromEntries(COLUMNS.map((name, index) => [name, index])) as Record<Column, number>;
const COLUMN_OF_ELIG: Record<number, Column> = {
  [ELIG.ready]: 'ready',
  [ELIG.waiting]: 'waiting',
  [ELIG.paused]: 'paused',
};

const FLUSH = `UPDATE tally SET ${COLUMNS.map((name) => `${name} = ${name} + ?`).join(', ')},
  sound_attempt = max(sound_attempt, ?), last_completed_at = nullif(max(ifnull(last_completed_at, 0), ?), 0) WHERE target_id = ?`;
const FLUSH_COUNTS = `UPDATE tally SET ${COLUMNS.map((name) => `${name} = ${name} + ?`).join(', ')} WHERE target_id = ?`;

interface Delta {
  /** In the order of COLUMNS. */
  counts: number[];
  soundAttempt: number;
  completedAt: number;
}

/** Lane heads of a target that may be sent (`ready`), and those that wait for their time. */
export interface Heads {
  ready: number;
  waiting: number;
}

/** An item's state, and its eligibility when it is a pending lane head. */
export interface Standing {
  state: State;
  elig: number | null;
}

export class Tally {
  readonly #deltas = new Map<number, Delta>();
  /**
   * Changes of the lane head counts since the beginning, written or not; has an entry for each target with a change.
   */
  readonly heads = new Map<number, Heads>();
  /** A lane head started or stopped waiting. */
  waitsChanged = false;

  /** An item moved; `undefined` on a side = it was created or removed. */
  move(target: number, from: Standing | undefined, to: Standing | undefined): void {
    if (from !== undefined) this.#add(target, from, -1);
    if (to !== undefined) this.#add(target, to, 1);
  }

  /** Adds `n` items of one kind at once, for bulk input. */
  add(target: number, column: Column, n: number): void {
    addTo(this.#of(target), column, n);
    this.#countHeads(target, column, n);
  }

  sound(target: number, attempt: number): void {
    const delta = this.#of(target);
    delta.soundAttempt = Math.max(delta.soundAttempt, attempt);
  }

  completed(target: number, at: number): void {
    const delta = this.#of(target);
    delta.completedAt = Math.max(delta.completedAt, at);
  }

  /** Writes the collected changes inside the transaction that moved the items, then starts from zero. */
  flush(connection: Connection): void {
    for (const [target, { counts, soundAttempt, completedAt }] of this.#deltas) {
      if (soundAttempt > 0 || completedAt > 0) {
        connection.run(FLUSH, ...counts, soundAttempt, completedAt, target);
      } else if (counts.some((count) => count !== 0)) {
        connection.run(FLUSH_COUNTS, ...counts, target);
      }
    }
    this.#deltas.clear();
  }

  #add(target: number, { state, elig }: Standing, n: number): void {
    const delta = this.#of(target);
    addTo(delta, state, n);
    const column = elig === null ? undefined : COLUMN_OF_ELIG[elig];
    if (column === undefined) return;
    addTo(delta, column, n);
    this.#countHeads(target, column, n);
  }

  #countHeads(target: number, column: Column, n: number): void {
    if (column !== 'ready' && column !== 'waiting') return;
    this.waitsChanged ||= column === 'waiting' && n !== 0;
    let heads = this.heads.get(target);
    if (heads === undefined) {
      heads = { ready: 0, waiting: 0 };
      this.heads.set(target, heads);
    }
    heads[column] += n;
  }

  #of(target: number): Delta {
    let delta = this.#deltas.get(target);
    if (delta === undefined) {
      delta = { counts: [0, 0, 0, 0, 0, 0, 0, 0], soundAttempt: 0, completedAt: 0 };
      this.#deltas.set(target, delta);
    }
    return delta;
  }
}

function addTo({ counts }: Delta, column: Column, n: number): void {
  const at = AT[column];
  counts[at] = (counts[at] ?? 0) + n;
}
