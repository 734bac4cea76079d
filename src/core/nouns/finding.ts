/** A finding of `doctor`: one shape for everything it reports about a queue, with its severity. */

/**
 * `note`: good to know, nothing to do. `problem`: a person should act, sending goes on or is held in good order.
 * `unusable`: syncq will not send from, or not even read, this file until somebody has acted.
 */
export type Severity = 'note' | 'problem' | 'unusable';

export interface Finding {
  /**
   * From a list that only grows, so that scripts can branch on it. When the queue cannot be opened: the error's code.
   */
  code: string;
  severity: Severity;
  /** What was found. */
  message: string;
  /** What is safe all the same; undefined where that is obvious. */
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
