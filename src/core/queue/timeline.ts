/** The timeline of one item or of the whole queue. Pure. */
import type { Attempt, ItemDetail, PrunedItem } from '../nouns/item.js';
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

/** @param item undefined = the whole queue; of an item that retention removed, the record of its removal is shown */
export function timeline(
  item: ItemDetail | PrunedItem | undefined,
  history: readonly HistoryEntry[],
  since = 0,
): TimelineEntry[] {
  const events = history.map((entry): TimelineEntry => ({ kind: 'event', at: entry.at, entry }));
  if (item === undefined) return events;
  if ('removedAt' in item) return [...events, removal(item)].filter(({ at }) => at >= since);
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

/** The history has one entry for all that a run of retention removed. */
function removal({ id, idempotencyKey, state, removedAt: at }: PrunedItem): TimelineEntry {
  const by = { who: 'syncq', command: 'retention', reason: undefined };
  const detail = { state, idempotencyKey };
  return { kind: 'event', at, entry: { id: 0, at, item: id, target: undefined, ...by, event: 'removed', detail } };
}
