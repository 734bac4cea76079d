/**
 * Target rows that one commit changes. The rest of the commit sees them at once, the session after the commit
 * succeeded.
 */
import type { TargetRow } from '../../../nouns/target.js';
import type { Connection } from '../file/connection.js';
import { targetParameters, UPDATE_TARGET } from '../sql/rows.js';

export class TargetChanges {
  readonly #rows = new Map<number, TargetRow>();
  readonly #dirty = new Set<number>();

  get(id: number): TargetRow | undefined {
    return this.#rows.get(id);
  }

  /** @param write false when only columns of the tally row changed, which every commit writes anyway */
  set(row: TargetRow, write: boolean): void {
    this.#rows.set(row.id, row);
    if (write) this.#dirty.add(row.id);
  }

  write(connection: Connection): void {
    for (const id of this.#dirty) {
      const row = this.#rows.get(id);
      if (row !== undefined) connection.run(UPDATE_TARGET, ...targetParameters(row));
    }
  }

  rows(): Iterable<TargetRow> {
    return this.#rows.values();
  }

  clear(): void {
    this.#rows.clear();
    this.#dirty.clear();
  }
}
