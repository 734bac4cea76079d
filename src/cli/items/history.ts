/** Reads the history of the queue, or of one item with its attempts. */
import type { Queue } from '../../core/index.js';
import { parseSince } from '../../core/input/time.js';
import { timeline } from '../../core/queue/timeline.js';
import { storyDocument, storyLines } from '../../render/history.js';
import type { JsonObject } from '../../render/json.js';
import type { Look } from '../../render/style.js';
import { inFlag } from './filters.js';
import { parseId } from './ids.js';
import { nearIdHint } from './near-ids.js';
import { refuseNotFound } from '../program/usage.js';

const DEFAULT_LIMIT = 200;

export interface HistoryQuestion {
  id: string | undefined;
  since: string | undefined;
  limit: number | undefined;
  look: Look;
}

/** @throws {QueueError} code 'not-found' for an id that never existed */
export async function tellHistory(
  queue: Queue,
  { id: word, since: sinceText, limit = DEFAULT_LIMIT, look }: HistoryQuestion,
): Promise<{ document: JsonObject; lines: string[]; talk: string[] }> {
  const since = sinceText === undefined ? undefined : inFlag('since', () => parseSince(sinceText, look.now));
  const id = word === undefined ? undefined : parseId(word);
  const history = await queue.history({
    limit: limit + 1,
    ...(id === undefined ? {} : { item: id }),
    ...(since === undefined ? {} : { since }),
  });
  const isCut = history.length > limit;
  const { items, pruned } = id === undefined ? { items: [], pruned: [] } : await queue.inspect([id]);
  const item = items[0] ?? pruned[0];
  if (id !== undefined && item === undefined && history.length === 0) {
    refuseNotFound(`there is no item ${id} in ${queue.location}`, await nearIdHint(queue, id));
  }
  const entries = timeline(item, isCut ? history.slice(1) : history, since);
  return {
    document: { history: storyDocument(entries), more: isCut },
    lines: storyLines(entries, look, id !== undefined),
    talk: [
      ...(entries.length === 0 ? ['nothing happened yet'] : []),
      ...(id !== undefined && items.length === 0 ? [`item ${id} was removed since; this is what is left of it`] : []),
      ...(isCut ? [`these are the latest ${limit}; more: --limit`] : []),
    ],
  };
}
