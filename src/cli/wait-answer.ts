/** Which items `wait` waits for, and what it says in the end. */
import type { Queue } from '../core/index.js';
import { why } from '../core/policy/why.js';
import type { JsonObject } from '../render/json.js';
import { oneLine } from '../render/printable.js';
import { itemWords, refuseNotFound } from './usage.js';

/** @throws {QueueError} code 'not-found' when one of them does not exist: nobody can wait for that */
export async function waitIds(
  queue: Queue,
  ids: readonly number[],
  key: string | undefined,
): Promise<readonly number[]> {
  if (key !== undefined) {
    const id = await queue.findKey(key);
    return id === undefined
      ? refuseNotFound('no item has this key', 'See what there is: syncq inspect --state all')
      : [id];
  }
  const { missing } = await queue.inspect(ids);
  if (missing.length > 0)
    refuseNotFound(`there is no ${itemWords(missing)}`, 'See what there is: syncq inspect --state all');
  return ids;
}

export function waitAnswer(
  { done, failed, items }: Awaited<ReturnType<Queue['wait']>>,
  now: number,
): { document: JsonObject; lines: string[] } {
  return {
    document: {
      done,
      failed,
      items: items.map((item) => ({ id: item.id, state: item.state, why: why(item, now) })),
    },
    lines: items.map((item) => oneLine(`item ${item.id}: ${why(item, now)}`)),
  };
}
