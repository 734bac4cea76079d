/** What a person's command did, before it did anything. */
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
