/** Start-up of the program, against an empty Node. */
import { join } from 'node:path';
import { ENV, interleave, program, ratioOf } from './measure.mjs';
import { openFilled, place, PROGRAM } from './world.mjs';

export async function start({ rounds, items }) {
  const directory = place();
  const { queue, file, config } = await openFilled(directory, items);
  await queue.close();
  ENV.SYNCQ_CACHE_DIR = place();
  const where = ['--queue', file, '--config', config];
  const other = ['--queue', join(directory, 'other.db'), '--config', config];
  const node =
    (...argv) =>
    async () =>
      void (await program([process.execPath, ...argv]));
  const samples = await interleave(rounds, {
    node: node('-e', '0'),
    status: node(PROGRAM, 'status', '--json', ...where),
    enqueue: node(PROGRAM, 'enqueue', 'POST', '/notes', '-d', '{"a":1}', ...other),
    plain: async () => {
      ENV.SYNCQ_NO_BUNDLE = '1';
      await program([process.execPath, PROGRAM, 'status', '--json', ...where]);
      delete ENV.SYNCQ_NO_BUNDLE;
    },
  });
  const against = (name) => ({
    ...ratioOf(samples[name].wall, samples.node.wall),
    cpu: ratioOf(samples[name].cpu, samples.node.cpu).median,
  });
  return [
    {
      id: 'status',
      what: `\`status --json\` with ${items} items / \`node -e 0\``,
      goal: ['<=', 2.6],
      ...against('status'),
    },
    { id: 'cli-enqueue', what: 'CLI `enqueue` of one item / `node -e 0`', goal: ['<=', 2.9], ...against('enqueue') },
    {
      id: 'plain-status',
      what: 'the same `status` without bundle (SYNCQ_NO_BUNDLE=1) / `node -e 0`',
      ...against('plain'),
    },
  ];
}
