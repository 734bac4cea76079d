/** The timeline of one item or of the whole queue. Pure. */
import type { Attempt, ItemDetail } from '../nouns/item.js';
import type { HistoryEntry } from '../nouns/people.js';

export type TimelineEntry =
  /** The item was acknowledged. */
  | { kind: 'stored'; at: number; item: ItemDetail }
  /** A request on the wire: `at` is its start. */
  | { kind: 'attempt'; at: number; item: number; target: string; attempt: Attempt }
  /** A command of a person, or another change that is not an attempt. */
  | { kind: 'event'; at: number; entry: HistoryEntry };

/** Order at the same moment: stored, events by their number, attempts. */
const ORDER: Record<TimelineEntry['kind'], number> = { stored: 0, event: 1, attempt: 2 };

/** @param item undefined = the whole queue, or an item that no longer exists */
export function timeline(item: ItemDetail | undefined, history: readonly HistoryEntry[], since = 0): TimelineEntry[] {
  const events = history.map((entry): TimelineEntry => ({ kind: 'event', at: entry.at, entry }));
  if (item === undefined) return events;
  const stored: TimelineEntry = { kind: 'stored', at: item.createdAt, item };
  const attempts = item.attempts.map((attempt): TimelineEntry => ({
    kind: 'attempt',
    at: attempt.startedAt,
    item: item.id,
    target: item.target,
    attempt,
  }));
  return [stored, ...events, ...attempts]
    .filter(({ at }) => at >= since)
    .sort((a, b) => a.at - b.at || ORDER[a.kind] - ORDER[b.kind]);
}
