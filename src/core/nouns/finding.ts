/** What `doctor` can find: one closed shape for everything that is worth saying about a queue, and how grave it is. */

/**
 * `note`: good to know, nothing to do. `problem`: a person should act, sending goes on or is held in good order.
 * `unusable`: syncq will not send from, or not even read, this file until somebody has acted.
 */
export type Severity = 'note' | 'problem' | 'unusable';

export interface Finding {
  /** Stable and only ever added to: scripts may branch on it. An error's code, where opening the queue fails. */
  code: string;
  severity: Severity;
  /** What is the case. */
  message: string;
  /** What is safe in spite of it; undefined where that goes without saying. */
  safe: string | undefined;
  /** What to do next, with the command where there is one. */
  next: string | undefined;
}

export function finding(
  severity: Severity,
  code: string,
  message: string,
  more: { safe?: string; next?: string } = {},
): Finding {
  return { code, severity, message, safe: more.safe, next: more.next };
}

/** The gravest of them; undefined = none, or only notes. */
export function gravest(findings: readonly Finding[]): 'problem' | 'unusable' | undefined {
  if (findings.some(({ severity }) => severity === 'unusable')) return 'unusable';
  return findings.some(({ severity }) => severity === 'problem') ? 'problem' : undefined;
}

/** `3 items: 4, 9, 17`, `201 items: 1, 2, 3, ...`. */
export function someItems(ids: readonly number[], most = 5): string {
  const shown = ids.slice(0, most).join(', ');
  const more = ids.length > most ? ', ...' : '';
  return ids.length === 1 ? `item ${shown}` : `${ids.length} items (${shown}${more})`;
}
