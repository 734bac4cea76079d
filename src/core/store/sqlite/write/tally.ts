/**
 * Keeps the counts of `tally` in step: deltas are gathered while a commit is being made and flushed once at its end,
 * one UPDATE per target, so that counting costs nearly nothing and `status` never counts rows.
 */
import { STATES, type State } from '../../../nouns/item.js';
import type { Connection } from '../file/connection.js';
import { ELIG } from '../sql/codes.js';

type Column = State | 'ready' | 'waiting' | 'paused';
const COLUMNS: readonly Column[] = [...STATES, 'ready', 'waiting', 'paused'];
/** Where a column stands in the parameters of the flush. */
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

/** How many lane heads of a target may go (`ready`), and how many wait for their time. */
export interface Heads {
  ready: number;
  waiting: number;
}

/** Where an item stands: its state, and its eligibility when it is a pending lane head. */
export interface Standing {
  state: State;
  elig: number | null;
}

export class Tally {
  readonly #deltas = new Map<number, Delta>();
  /** What became of the counts of lane heads since the beginning, flushed or not; a target is in it once one moved. */
  readonly heads = new Map<number, Heads>();
  /** A lane head began or ceased to wait. */
  waitsChanged = false;

  /** An item moved; `undefined` on a side = it was made or removed. */
  move(target: number, from: Standing | undefined, to: Standing | undefined): void {
    if (from !== undefined) this.#add(target, from, -1);
    if (to !== undefined) this.#add(target, to, 1);
  }

  /** `n` pending items that are no lane heads, and so on, in one go: what a bulk import adds. */
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

  /** Writes what was gathered, inside the transaction that moved the items, and starts anew. */
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
