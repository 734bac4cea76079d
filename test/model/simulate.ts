/** Plays one list of actions in a world of its own and answers what it broke. */
import type { Action } from './actions.js';
import { actionsOf } from './actions.js';
import { isFailedDisk } from './failing-disk.js';
import { isTakenOver } from './process.js';
import { World } from './world.js';

export interface Outcome {
  /** Empty = every invariant held. */
  problems: string[];
  /** How far it got: the index of the action that broke something. */
  failedAt: number | undefined;
  requests: number;
  commits: number;
  claims: number;
  items: number;
  effects: number;
}

export async function simulate(seed: number, actions: readonly Action[]): Promise<Outcome> {
  const world = new World(seed);
  const { books } = world;
  let failedAt: number | undefined;
  try {
    for (const [index, action] of actions.entries()) {
      failedAt = index;
      await world.play(action);
      if (books.problems.length > 0) break;
    }
    if (books.problems.length === 0) {
      failedAt = actions.length;
      await world.heal();
      books.audit();
    }
  } catch (error) {
    books.problem(`the simulation broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  for (const error of world.errors()) {
    if (!isTakenOver(error) && !isFailedDisk(error))
      books.problem(`a runner broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  const { requests, commits, claims } = books.counts;
  const outcome = {
    problems: [...books.problems],
    failedAt: books.problems.length === 0 ? undefined : failedAt,
    requests,
    commits,
    claims,
    items: books.items().length,
    effects: world.server.effects.length,
  };
  await world.close();
  return outcome;
}

export async function simulateSeed(seed: number, count: number): Promise<Outcome> {
  return simulate(seed, actionsOf(seed, count));
}
