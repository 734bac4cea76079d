/** What can happen in a simulation, as data: a run is a list of these, so it can be printed, replayed and shortened. */
import { FATES, type Fate } from './server.js';
import { Random } from './random.js';

export const TARGETS = ['lanes', 'strict', 'loose'] as const;
export type TargetName = (typeof TARGETS)[number];

/** Numbers called `pick` choose among what there is at that moment, modulo its length. */
export type Action =
  | {
      do: 'enqueue';
      target: TargetName;
      /** 0 = no entity. */
      entity: number;
      ifQueued: 'append' | 'keep' | 'replace';
      delayMs: number | undefined;
      expiresMs: number | undefined;
      /** Refused by the server for ever. */
      bad: boolean;
    }
  | { do: 'enqueue-again'; pick: number; changed: boolean }
  | { do: 'insert'; target: TargetName; entity: number; valid: boolean }
  | { do: 'start'; kind: 'run' | 'watch'; concurrency: number; wait: boolean }
  | { do: 'kill'; pick: number; after: number }
  | { do: 'stop' | 'wake' | 'dispossess' | 'terminate'; pick: number }
  | { do: 'answer'; pick: number; fate: Fate }
  | { do: 'answer-all'; fate: Fate }
  | { do: 'late'; pick: number }
  | { do: 'network'; target: TargetName; up: boolean }
  | { do: 'advance' | 'jump'; ms: number }
  | { do: 'retry' | 'discard' | 'complete'; pick: number }
  | { do: 'retry-all' }
  | { do: 'edit'; pick: number }
  /** Finished for longer than `ms`: whole items, or what they sent. */
  | { do: 'prune'; ms: number; whole: boolean }
  /** The disk fails under the next commit, whoever makes it: before it is stored, after, or for want of room. */
  | { do: 'fail-commit'; how: 'before' | 'after' | 'full' }
  | { do: 'pause' | 'resume'; target: TargetName | undefined; entity: number; forMs: number | undefined };

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const WEIGHTS: readonly [number, (random: Random) => Action][] = [
  [14, enqueue],
  [2, (r) => ({ do: 'enqueue-again', pick: r.below(100), changed: r.chance(0.3) })],
  [2, (r) => ({ do: 'insert', target: r.pick(TARGETS), entity: r.below(4), valid: r.chance(0.6) })],
  [
    8,
    (r) => ({
      do: 'start',
      kind: r.chance(0.5) ? 'watch' : 'run',
      concurrency: r.pick([1, 2, 4]),
      wait: r.chance(0.7),
    }),
  ],
  [5, (r) => ({ do: 'kill', pick: r.below(4), after: r.below(8) })],
  [2, (r) => ({ do: 'stop', pick: r.below(4) })],
  [2, (r) => ({ do: 'wake', pick: r.below(4) })],
  [1, (r) => ({ do: 'dispossess', pick: r.below(4) })],
  [1, (r) => ({ do: 'terminate', pick: r.below(4) })],
  [22, (r) => ({ do: 'answer', pick: r.below(100), fate: r.chance(0.55) ? 'ok' : r.pick(FATES) })],
  [6, (r) => ({ do: 'answer-all', fate: r.chance(0.6) ? 'ok' : r.pick(FATES) })],
  [3, (r) => ({ do: 'late', pick: r.below(100) })],
  [3, (r) => ({ do: 'network', target: r.pick(TARGETS), up: r.chance(0.65) })],
  [13, (r) => ({ do: 'advance', ms: r.pick([1, SECOND, 6 * SECOND, MINUTE, 6 * MINUTE, HOUR, 7 * HOUR, 26 * HOUR]) })],
  [2, (r) => ({ do: 'jump', ms: r.pick([-30 * 24 * HOUR, -2 * HOUR, -30 * SECOND, 2 * HOUR, 30 * 24 * HOUR]) })],
  [4, (r) => ({ do: 'retry', pick: r.below(100) })],
  [2, () => ({ do: 'retry-all' })],
  [2, (r) => ({ do: 'discard', pick: r.below(100) })],
  [1, (r) => ({ do: 'complete', pick: r.below(100) })],
  [3, (r) => ({ do: 'edit', pick: r.below(100) })],
  [1, (r) => ({ do: 'prune', ms: r.pick([0, MINUTE, HOUR]), whole: r.chance(0.5) })],
  [2, (r) => ({ do: 'fail-commit', how: r.pick(['before', 'after', 'full'] as const) })],
  [3, (r) => pauseOrResume(r, 'pause')],
  [4, (r) => pauseOrResume(r, 'resume')],
];
const ALL = WEIGHTS.reduce((sum, [weight]) => sum + weight, 0);

function enqueue(random: Random): Action {
  return {
    do: 'enqueue',
    target: random.chance(0.6) ? 'lanes' : random.pick(TARGETS),
    entity: random.below(4),
    ifQueued: random.chance(0.7) ? 'append' : random.pick(['keep', 'replace']),
    delayMs: random.chance(0.15) ? random.pick([SECOND, MINUTE, HOUR]) : undefined,
    expiresMs: random.chance(0.1) ? random.pick([SECOND, HOUR, 24 * HOUR]) : undefined,
    bad: random.chance(0.05),
  };
}

function pauseOrResume(random: Random, what: 'pause' | 'resume'): Action {
  const target = random.chance(0.5) ? random.pick(TARGETS) : undefined;
  return {
    do: what,
    target,
    entity: 1 + random.below(3),
    forMs: random.chance(0.5) ? random.pick([MINUTE, HOUR]) : undefined,
  };
}

export function actionsOf(seed: number, count: number): Action[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    let rest = random.below(ALL);
    for (const [weight, make] of WEIGHTS) {
      rest -= weight;
      if (rest < 0) return make(random);
    }
    throw new Error('the weights do not add up');
  });
}

/**
 * The shortest list that still fails that dropping parts of `actions` finds: halves first, then smaller and smaller
 * parts, down to single actions.
 */
export async function shrink(
  actions: readonly Action[],
  fails: (actions: readonly Action[]) => Promise<boolean>,
): Promise<Action[]> {
  let shortest = [...actions];
  let size = Math.ceil(shortest.length / 2);
  for (;;) {
    const before = shortest.length;
    for (let at = 0; at < shortest.length;) {
      const without = [...shortest.slice(0, at), ...shortest.slice(at + size)];
      if (await fails(without)) shortest = without;
      else at += size;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (shortest.length === before) return shortest;
  }
}
