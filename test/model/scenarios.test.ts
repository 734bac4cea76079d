/** Long stories of one kind, where chance would seldom lead. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { Action } from './actions.js';
import type { Flight } from './books.js';
import type { Fate } from './server.js';
import { World } from './world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let world: World;

beforeEach(() => {
  world = new World(1);
});

afterEach(async () => {
  await world.close();
  if (world.books.problems.length > 0) throw new Error(world.books.problems.join('\n'));
});

async function enqueue(count: number, target: 'lanes' | 'strict' | 'loose' = 'loose'): Promise<void> {
  const write: Action = {
    do: 'enqueue',
    target,
    entity: 0,
    ifQueued: 'append',
    delayMs: undefined,
    expiresMs: undefined,
    bad: false,
  };
  for (let i = 0; i < count; i += 1) await world.play(write);
}

/** Plays for `ms`; every request gets the fate that `fateOf` gives it. */
async function live(ms: number, fateOf: (flight: Flight) => Fate, tickMs = MINUTE): Promise<void> {
  const end = world.clock.monotonic() + ms;
  while (world.clock.monotonic() < end) await world.advance(tickMs, fateOf);
  world.books.look();
}

const states = (): Record<string, number> => {
  const rows = world.eye.all<{ state: string; n: number }>('SELECT state, count(*) AS n FROM items GROUP BY state');
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
};

describe('a target with items that break it', () => {
  test('delivers the others, because testers rotate', async () => {
    await enqueue(6);
    await world.play({ do: 'start', kind: 'watch', concurrency: 1, wait: true });
    await live(HOUR, ({ item }) => (item.number <= 2 ? '503-before' : 'ok'));
    expect(world.server.effects.map(({ item }) => item).sort()).toEqual([3, 4, 5, 6]);
    expect(states()).toEqual({ completed: 4, pending: 2 });
  });

  test('delivers at once what comes while one item alone holds it', async () => {
    await enqueue(1);
    await world.play({ do: 'start', kind: 'watch', concurrency: 1, wait: true });
    const fateOf = ({ item }: Flight): Fate => (item.number === 1 ? '503-before' : 'ok');
    await live(HOUR, fateOf);
    await enqueue(1);
    await live(2_000, fateOf, 500);
    expect(states()).toEqual({ completed: 1, pending: 1 });
  });

  test('delivers the others too when two are throttled for ever', async () => {
    await enqueue(6);
    await world.play({ do: 'start', kind: 'watch', concurrency: 1, wait: true });
    await live(HOUR, ({ item }) => (item.number <= 2 ? '429' : 'ok'));
    expect(states()).toEqual({ completed: 4, pending: 2 });
  });
});

describe('a target that is reachable and does not work', () => {
  test('costs its items nothing, however often a probe gets through', async () => {
    await enqueue(3);
    await world.play({ do: 'start', kind: 'watch', concurrency: 1, wait: true });
    let requests = 0;
    await live(6 * HOUR, () => ((requests += 1) % 2 === 0 ? 'refused-connection' : '503-before'));
    expect(requests).toBeGreaterThan(50);
    expect(states()).not.toHaveProperty('review');
    expect(world.eye.all('SELECT DISTINCT retry_count FROM item')).toEqual([{ retry_count: 0 }]);
  });

  test('has nothing flagged over a weekend of 500 for everything', async () => {
    await enqueue(12);
    await world.play({ do: 'start', kind: 'watch', concurrency: 4, wait: true });
    await live(60 * HOUR, () => '500-before', 10 * MINUTE);
    expect(states()).toEqual({ pending: 12 });
    await live(8 * HOUR, () => 'ok', 10 * MINUTE);
    expect(states()).toEqual({ completed: 12 });
  });
});

test('an item that kills its runner each time is flagged at the fifth death, and the next of its lane waits', async () => {
  await enqueue(2, 'strict');
  for (let death = 0; death < 6; death += 1) {
    await world.play({ do: 'start', kind: 'run', concurrency: 1, wait: true });
    await world.play({ do: 'kill', pick: 0, after: 0 });
  }
  expect(states()).toEqual({ review: 1, pending: 1 });
  expect(world.eye.all('SELECT review_reason FROM items WHERE id = 1')).toEqual([{ review_reason: 'unknown' }]);
});

test('a probe that gets through while another answer throttles the target does not let its items go', async () => {
  await enqueue(6);
  await world.play({ do: 'start', kind: 'watch', concurrency: 4, wait: true });
  const [first, second] = world.books.underWay();
  if (first === undefined || second === undefined)
    throw new Error(`${world.books.underWay().length} requests are under way`);
  world.answer(first, 'refused-connection');
  await world.advance(10);
  world.answer(second, '429-later');
  await world.advance(30_000);
  world.books.look();
  expect(world.eye.all("SELECT state FROM target WHERE name = 'loose'")).toEqual([{ state: 'throttled' }]);
});
