import { describe, expect, test } from '@jest/globals';

import { actionsOf, shrink } from './actions.js';
import { simulate, simulateSeed } from './simulate.js';

/** `SEEDS=5000 npm run jest -- test/model` for a long run, `SEED=17` for one, `FROM=1000` to go on elsewhere, `SHRINK=0` to be quick. */
const SEEDS = Number(process.env['SEEDS'] ?? 120);
const FROM = Number(process.env['FROM'] ?? 1);
const ACTIONS = Number(process.env['ACTIONS'] ?? 120);

/** Seeds that once broke something. */
const REGRESSIONS: readonly number[] = [52];

async function report(seed: number, problems: readonly string[]): Promise<string> {
  if (process.env['SHRINK'] === '0') return problems.join('\n');
  const fails = async (actions: Parameters<typeof simulate>[1]): Promise<boolean> =>
    (await simulate(seed, actions)).problems.length > 0;
  const shortest = await shrink(actionsOf(seed, ACTIONS), fails);
  const { problems: left } = await simulate(seed, shortest);
  const list = shortest.map((action) => JSON.stringify(action)).join('\n');
  return `seed ${seed} (SEED=${seed} ACTIONS=${ACTIONS}):\n${problems.slice(0, 3).join('\n')}\nshortened to ${shortest.length} actions:\n${list}\n${left.join('\n')}`;
}

describe('the queue keeps its promises in a simulated world', () => {
  const only = process.env['SEED'];
  const seeds =
    only === undefined
      ? [...REGRESSIONS, ...Array.from({ length: SEEDS }, (_, index) => FROM + index)]
      : [Number(only)];

  test('in every seeded run', async () => {
    const sum = { requests: 0, commits: 0, claims: 0, items: 0, effects: 0 };
    const reports: string[] = [];
    for (const seed of seeds) {
      const outcome = await simulateSeed(seed, ACTIONS);
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += outcome[name];
      if (outcome.problems.length > 0) reports.push(await report(seed, outcome.problems));
      if (reports.length >= (process.env['SHRINK'] === '0' ? 1 : 3)) break;
    }
    if (process.env['SEEDS'] !== undefined)
      console.log(`seeds ${seeds.length}, actions ${seeds.length * ACTIONS}`, sum);
    expect(reports.join('\n\n')).toBe('');
    // A simulation that sends nothing would prove nothing.
    expect(sum.effects).toBeGreaterThan(seeds.length * 5);
  }, 3_600_000);
});
