/** Compares the SQL of `--state due|waiting|blocked|held` with `waitingKind` of policy/waiting.ts, over all combinations. */
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { TARGET_STATES, WAITING_KINDS } from '../../../../src/core/nouns/item.js';
import { tempDirectory } from '../../../support/temp.js';
import { newItem, openStore } from '../../../support/store.js';
import { raw } from './support.js';

const DAY = 86_400_000;
const STATES = TARGET_STATES.filter((state) => state !== 'paused');
const TIMES = [undefined, -1, 0, 1] as const;
const ELIGS = [null, 1, 2, 3] as const;

test('the filters find the items that the policy names', async () => {
  const directory = tempDirectory();
  const store = openStore(directory);
  const now = Date.now() + DAY;
  const targets = STATES.flatMap((state) =>
    [undefined, -1, 1].flatMap((until) => [false, true].map((paused) => ({ state, until, paused }))),
  );
  const cases = targets.flatMap((_, index) =>
    ELIGS.flatMap((elig) => TIMES.map((time) => ({ target: `t${index}`, elig, time }))),
  );
  await store.enqueue(
    cases.map(({ target }) => newItem({ target })),
    { now: Date.now(), ifQueued: 'append' },
  );
  raw(join(directory, 'q.db'), (db) => {
    const setItem = db.prepare('UPDATE item SET elig = ?, not_before = ? WHERE id = ?');
    for (const [index, { elig, time }] of cases.entries())
      setItem.run(elig, time === undefined ? null : now + time, index + 1);
    const setTarget = db.prepare(
      `UPDATE target SET state = ?, until = ?, set_at = ?, paused_at = ?, paused_by = 'kari' WHERE name = ?`,
    );
    for (const [index, { state, until, paused }] of targets.entries()) {
      setTarget.run(state, until === undefined ? null : now + until, now - 5, paused ? now - 5 : null, `t${index}`);
    }
  });
  const page = { limit: 10_000, after: undefined, now };
  const { items } = await store.select({ states: ['pending'] }, page);
  expect(items).toHaveLength(cases.length);
  for (const kind of WAITING_KINDS) {
    const wanted = items.filter(({ waiting }) => waiting === kind).map(({ id }) => id);
    expect(wanted.length).toBeGreaterThan(10);
    const found = await store.select({ states: [kind] }, page);
    expect([kind, found.items.map(({ id }) => id)]).toEqual([kind, wanted]);
    const both = await store.select({ states: [kind, 'review'] }, page);
    expect(both.items).toHaveLength(wanted.length);
  }
  await store.close();
});
