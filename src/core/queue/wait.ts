/** Waits for items to end. Every commit to the queue, by any process, wakes it. */
import type { Clock } from '../nouns/clock.js';
import { QueueError } from '../nouns/errors.js';
import type { ItemDetail } from '../nouns/item.js';
import { itemWords } from '../policy/item-words.js';
import type { Store } from '../store/store.js';

/**
 * `done`: all completed. `failed`: one is in review or discarded. Neither: the time was over, or `stop` aborted.
 *
 * @throws {QueueError} not-found when one of them does not exist
 */
export async function waitForItems(
  store: Store,
  clock: Clock,
  ids: readonly number[],
  { timeoutMs, stop }: { timeoutMs?: number; stop?: AbortSignal },
): Promise<{ done: boolean; failed: boolean; items: ItemDetail[] }> {
  await assertThere(store, ids, clock.now());
  const over = new AbortController();
  const end = (): void => over.abort();
  stop?.addEventListener('abort', end, { once: true });
  if (stop?.aborted === true) end();
  if (timeoutMs !== undefined) void clock.sleep(timeoutMs, over.signal).then(end);
  try {
    const changes = store.changes(over.signal)[Symbol.asyncIterator]();
    for (;;) {
      // Subscribe before looking, so that no commit in between is missed.
      const change = changes.next();
      const items = await store.get(ids, clock.now());
      const failed = items.some((item) => item.state === 'review' || item.state === 'discarded');
      const done = items.length === ids.length && items.every((item) => item.state === 'completed');
      if (done || failed) return { done, failed, items };
      if ((await change).done === true) return { done, failed, items };
    }
  } finally {
    stop?.removeEventListener('abort', end);
    end();
  }
}

async function assertThere(store: Store, ids: readonly number[], now: number): Promise<void> {
  const found = new Set((await store.get(ids, now)).map((item) => item.id));
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length === 0) return;
  throw new QueueError('not-found', `there is no ${itemWords(missing)}`, {
    hint: 'See what there is: syncq inspect --state all',
  });
}
