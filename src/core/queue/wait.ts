/** Waits for items to end. Every commit to the queue, by any process, wakes it. */
import type { Clock } from '../nouns/clock.js';
import { QueueError } from '../nouns/errors.js';
import type { WaitReport } from '../nouns/report.js';
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
): Promise<WaitReport> {
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
      const { items, pruned } = await find(store, ids, clock.now());
      const states = [...items, ...pruned].map(({ state }) => state);
      const failed = states.some((state) => state === 'review' || state === 'discarded');
      const done = states.every((state) => state === 'completed');
      if (done || failed) return { done, failed, items, pruned };
      if ((await change).done === true) return { done, failed, items, pruned };
    }
  } finally {
    stop?.removeEventListener('abort', end);
    end();
  }
}

/** Retention may remove an item that ended, also while somebody waits for it. */
async function find(store: Store, ids: readonly number[], now: number): Promise<Pick<WaitReport, 'items' | 'pruned'>> {
  const items = await store.get(ids, now);
  const found = new Set(items.map((item) => item.id));
  const gone = ids.filter((id) => !found.has(id));
  if (gone.length === 0) return { items, pruned: [] };
  const pruned = await store.pruned(gone);
  const missing = gone.filter((id) => !pruned.some((left) => left.id === id));
  if (missing.length === 0) return { items, pruned };
  throw new QueueError('not-found', `there is no ${itemWords(missing)}`, {
    hint: 'See what there is: syncq inspect --state all',
  });
}
