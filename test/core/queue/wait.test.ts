import { expect, test } from '@jest/globals';

import { systemClock } from '../../../src/core/nouns/clock.js';
import type { ItemDetail, PrunedItem } from '../../../src/core/nouns/item.js';
import { waitForItems } from '../../../src/core/queue/wait.js';
import type { Store } from '../../../src/core/store/store.js';

test.each<[PrunedItem['state'], object]>([
  ['completed', { done: true, failed: false }],
  ['discarded', { done: false, failed: true }],
])('an item that ended and was removed while somebody waited for it is %s', async (state, expected) => {
  const left: PrunedItem = { id: 1, idempotencyKey: 'k', state, removedAt: 5 };
  let looks = 0;
  const store = {
    get: async () => (looks++ === 0 ? [{ id: 1, state: 'pending' } as ItemDetail] : []),
    pruned: async () => [left],
    changes: async function* () {
      yield;
    },
  } as unknown as Store;
  expect(await waitForItems(store, systemClock, [1], {})).toEqual({ ...expected, items: [], pruned: [left] });
});
