/** What size costs: the same calls on a small and on a large queue, interleaved. */
import { interleave, median, program, ratioOf } from './measure.mjs';
import { openFilled, openQueue, place, PROGRAM, startServer, write } from './world.mjs';

const SMALL = 1000;
const CALLS = 30;

export async function scale({ rounds, items }) {
  const [small, large] = [
    await openFilled(place(), SMALL),
    await openFilled(place(), items, { lanes: Math.max(1000, items / 5) }),
  ];
  const calls = {
    status: ({ queue }) => queue.status(),
    'inspect ID': ({ queue }) => queue.inspect([500]),
    'first page of inspect': ({ queue }) => queue.attention(50),
    'retry ID': ({ queue }) => queue.retry({ ids: [500] }, { who: 'bench', command: 'retry', reason: undefined }),
  };
  const rows = [];
  for (const [name, call] of Object.entries(calls)) {
    const repeat = (on) => async () => {
      for (let index = 0; index < CALLS; index += 1) await call(on);
      return CALLS;
    };
    const samples = await interleave(rounds, { small: repeat(small), large: repeat(large) });
    rows.push({
      id: `scale-${name.split(' ')[0]}`,
      what: `\`${name}\` with ${items} items / with ${SMALL}`,
      goal: ['<=', 1.5],
      ...ratioOf(samples.large.wall, samples.small.wall),
      cpuUs: median(samples.large.cpu),
    });
  }
  await small.queue.close();
  await large.queue.close();
  return [...rows, await sending(rounds, items), await manyTargets(rounds), await memory(Math.min(items, 1_000_000))];
}

/** What a `run` over so many items takes at most: its own garbage would pile up if it lived on. */
async function memory(items) {
  const directory = place();
  const baseUrl = await startServer();
  const { queue, file, config } = await openFilled(directory, items, { baseUrl, lanes: Math.max(1000, items / 5) });
  await queue.close();
  const argv = [
    process.execPath,
    PROGRAM,
    'run',
    '--concurrency',
    '16',
    '--quiet',
    '--queue',
    file,
    '--config',
    config,
  ];
  const { peak } = await program(argv);
  return { id: 'run-memory', what: `memory of \`run\` over ${items} items, MB`, goal: ['<=', 120], median: peak };
}

/** Sends a few items from a small and from a large backlog: the claim is all that could differ. */
async function sending(rounds, items) {
  const baseUrl = await startServer();
  const [small, large] = [
    await openFilled(place(), SMALL, { baseUrl }),
    await openFilled(place(), items, { baseUrl, lanes: items }),
  ];
  const take =
    ({ queue }) =>
    async () => {
      await queue.enqueueMany(Array.from({ length: 100 }, (_, index) => write(index)));
      const { attempts } = await queue.drain({ limit: 100 });
      return attempts;
    };
  const samples = await interleave(rounds, { small: take(small), large: take(large) });
  await small.queue.close();
  await large.queue.close();
  return {
    id: 'claim-backlog',
    what: `claim, send and record with a backlog of ${items} / of ${SMALL}`,
    goal: ['<=', 2],
    ...ratioOf(samples.large.cpu, samples.small.cpu),
    cpuUs: median(samples.large.cpu),
  };
}

/** The same with a thousand targets instead of one: mostly the cost of a thousand connections. */
async function manyTargets(rounds) {
  const baseUrl = await startServer();
  const filled = async (targets) => {
    const names = Array.from({ length: targets }, (_, index) => `t${index}`);
    const config = { targets: Object.fromEntries(names.map((name) => [name, { baseUrl }])) };
    const queue = await openQueue({ queue: `${place()}/queue.db`, config });
    await queue.enqueueMany(
      Array.from({ length: 16_000 }, (_, index) => ({ ...write(index), target: names[index % targets] })),
    );
    return async () => (await queue.drain({ limit: 1500 })).attempts;
  };
  const samples = await interleave(Math.min(rounds, 7), { one: await filled(1), thousand: await filled(1000) });
  return {
    id: 'claim-targets',
    what: 'claim, send and record with 1000 targets, each with a connection of its own / with one',
    ...ratioOf(samples.thousand.cpu, samples.one.cpu),
    cpuUs: median(samples.thousand.cpu),
  };
}
