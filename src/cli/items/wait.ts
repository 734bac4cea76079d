/** The items of `wait`, and its answer. */
import type { Queue } from '../../core/index.js';
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
  { done, failed, items }: Awaited<ReturnType<Queue['wait']>>,
  view: TimeView,
): { document: JsonObject; lines: string[] } {
  return {
    document: {
      done,
      failed,
      items: items.map((item) => ({ id: item.id, state: item.state, why: why(item, { ...view, terminal: false }) })),
    },
    lines: items.map((item) => oneLine(`item ${item.id}: ${why(item, view)}`)),
  };
}
