/** Start-up of the program, against an empty Node. */
import { join } from 'node:path';
import { ENV, interleave, program, ratioOf, timed } from './measure.mjs';
import { fill, openFilled, place, PROGRAM, startServer } from './world.mjs';

export async function start({ rounds, items }) {
  const directory = place();
  const { queue, file, config } = await openFilled(directory, items);
  await queue.close();
  ENV.SYNCQ_CACHE_DIR = place();
  const sending = await openFilled(place(), 0, { baseUrl: await startServer() });
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
    run: async () => {
      await fill(sending.queue, 1);
      const argv = [PROGRAM, 'run', '--queue', sending.file, '--config', sending.config];
      return timed(async () => {
        await program([process.execPath, ...argv]);
        return 1;
      });
    },
    plain: async () => {
      ENV.SYNCQ_NO_BUNDLE = '1';
      await program([process.execPath, PROGRAM, 'status', '--json', ...where]);
      delete ENV.SYNCQ_NO_BUNDLE;
    },
  });
  await sending.queue.close();
  const against = (name) => ({
    ...ratioOf(samples[name].wall, samples.node.wall),
    cpu: ratioOf(samples[name].cpu, samples.node.cpu).median,
  });
  return [
    {
      id: 'status',
      what: `\`status --json\` with ${items} items / \`node -e 0\``,
      goal: ['<=', 2.4],
      ...against('status'),
    },
    { id: 'cli-enqueue', what: 'CLI `enqueue` of one item / `node -e 0`', goal: ['<=', 2.9], ...against('enqueue') },
    {
      id: 'cli-run',
      what: 'CLI `run` that delivers one item / `node -e 0`',
      ...ratioOf(samples.run.wall, samples.node.wall),
    },
    {
      id: 'plain-status',
      what: 'the same `status` without bundle (SYNCQ_NO_BUNDLE=1) / `node -e 0`',
      ...against('plain'),
    },
  ];
}
