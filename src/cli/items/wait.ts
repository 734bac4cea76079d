/** The items of `wait`, and its answer. */
import type { Queue } from '../../core/index.js';
import { prunedWords } from '../../core/policy/item-words.js';
import type { TimeView } from '../../core/policy/time-words.js';
import { why } from '../../core/policy/why.js';
import type { JsonObject } from '../../render/json.js';
import { oneLine } from '../../render/printable.js';
import { refuseNotFound } from '../program/usage.js';

/** @throws {QueueError} code 'not-found' when no item has this key; ids are checked by the queue */
export async function waitIds(
  queue: Queue,
  ids: readonly number[],
  key: string | undefined,
): Promise<readonly number[]> {
  if (key === undefined) return ids;
  const id = await queue.findKey(key);
  return id === undefined
    ? refuseNotFound('no item has this key', 'See what there is: syncq inspect --state all')
    : [id];
}

export function waitAnswer(
  { done, failed, items, pruned }: Awaited<ReturnType<Queue['wait']>>,
  view: TimeView,
): { document: JsonObject; lines: string[] } {
  const told = (at: TimeView): { id: number; state: string; why: string }[] =>
    [
      ...items.map((item) => ({ id: item.id, state: item.state, why: why(item, at) })),
      ...pruned.map((item) => ({ id: item.id, state: item.state, why: prunedWords(item, at) })),
    ].sort((a, b) => a.id - b.id);
  return {
    document: { done, failed, items: told({ ...view, terminal: false }) },
    lines: told(view).map(({ id, why: words }) => oneLine(`item ${id}: ${words}`)),
  };
}
