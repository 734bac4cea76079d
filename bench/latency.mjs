/** Draining over a link with a round trip, against a bare loop that has as many connections. */
import { interleave, median, ratioOf, timed } from './measure.mjs';
import { BODY, fill, openFilled, place, startServer, write } from './world.mjs';

const { default: undici } = await import('undici');
const HEADERS = { 'content-type': 'application/json' };
/** Round trips (ms) and connections; the claim of decision 0011 is about 20 ms. */
const DELAYS = [2, 20];
const CONNECTIONS = [1, 16, 64];

/** `connections` workers, each with one request under way, nothing kept. */
function bareLoop(baseUrl, connections) {
  const dispatcher = new undici.Agent({ connections, pipelining: 1 });
  const loop = async (count) => {
    let next = 0;
    const work = async () => {
      while (next < count) {
        const { path } = write(next++);
        const response = await undici.request(baseUrl + path, {
          method: 'POST',
          body: BODY,
          headers: HEADERS,
          dispatcher,
        });
        await response.body.dump();
      }
    };
    await Promise.all(Array.from({ length: connections }, work));
    return count;
  };
  return { loop, close: () => dispatcher.close() };
}

async function compare(delay, connections, rounds) {
  const baseUrl = await startServer(delay);
  const count = Math.max(100, Math.min(1500, Math.round((connections * 700) / delay)));
  const bare = bareLoop(baseUrl, connections);
  const { queue } = await openFilled(place(), 0, { baseUrl, concurrency: connections });
  const samples = await interleave(rounds, {
    bare: () => timed(() => bare.loop(count)),
    ours: async () => {
      await fill(queue, count);
      return timed(async () => {
        const { delivered } = await queue.drain({ concurrency: connections });
        if (delivered !== count) throw new Error(`${delivered} of ${count} delivered`);
        return count;
      });
    },
  });
  await bare.close();
  await queue.close();
  const lanes = connections === 1 ? 'one connection' : `${connections} connections`;
  return {
    id: `latency-${delay}-${connections}`,
    what: `\`run\` at ${delay} ms a round trip, ${lanes} / bare loop with as many (rate)`,
    ...ratioOf(samples.bare.wall, samples.ours.wall),
    cpuUs: median(samples.ours.cpu),
  };
}

export async function latency({ rounds }) {
  const rows = [];
  for (const delay of DELAYS)
    for (const connections of CONNECTIONS) rows.push(await compare(delay, connections, Math.max(5, rounds >> 1)));
  return rows;
}
