/** The report of a person's command that has not changed anything yet. */
import type { ChangeReport } from './people.js';

export function emptyReport(): ChangeReport {
  return {
    changed: [],
    skipped: [],
    missing: [],
    groups: [],
    targets: [],
    names: [],
    stillHeld: [],
    from: {},
    unknown: [],
    underNewKey: [],
  };
}
