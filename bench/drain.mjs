/** Sending: against the bare HTTP loop, and against what people use instead. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { interleave, median, program, ratioOf, timed } from './measure.mjs';
import { peers } from './peers.mjs';
import { BODY, fill, openFilled, place, startServer, write } from './world.mjs';
import { writeFileSync } from 'node:fs';

const { default: undici } = await import('undici');
const HEADERS = { 'content-type': 'application/json' };

/** One keep-alive connection, one request after another, nothing kept. */
function bareLoop(baseUrl) {
  const dispatcher = new undici.Agent({ connections: 1, pipelining: 1 });
  const send = async (path, body = BODY) => {
    const response = await undici.request(baseUrl + path, { method: 'POST', body, headers: HEADERS, dispatcher });
    await response.body.dump();
  };
  const loop = async (count) => {
    for (let index = 0; index < count; index += 1) await send(write(index).path);
    return count;
  };
  return { send, loop, close: () => dispatcher.close() };
}

/** Fills first, then measures the sending alone. */
function drainer({ queue }, count, concurrency) {
  return async () => {
    await fill(queue, count);
    return timed(async () => {
      const { delivered } = await queue.drain({ concurrency });
      if (delivered !== count) throw new Error(`${delivered} of ${count} delivered`);
      return count;
    });
  };
}

export async function drain({ rounds, sends }) {
  const baseUrl = await startServer();
  const bare = bareLoop(baseUrl);
  const [onDisk, inMemory] = [await openFilled(place(), 0, { baseUrl }), await openFilled(place(true), 0, { baseUrl })];
  const samples = await interleave(rounds, {
    bare: () => timed(() => bare.loop(sends)),
    disk: drainer(onDisk, sends, 1),
    memory: drainer(inMemory, sends, 1),
    lanes: drainer(onDisk, sends, 16),
    lanesInMemory: drainer(inMemory, sends, 16),
  });
  await bare.close();
  await onDisk.queue.close();
  await inMemory.queue.close();
  const against = (name) => ({ ...ratioOf(samples.bare.wall, samples[name].wall), cpuUs: median(samples[name].cpu) });
  return [
    {
      id: 'bare-loop',
      what: 'bare keep-alive undici loop, microseconds a request',
      median: median(samples.bare.wall),
      cpuUs: median(samples.bare.cpu),
    },
    {
      id: 'run-disk',
      what: 'sequential `run`, disk / bare undici loop (rate)',
      goal: ['>=', 0.42],
      ...against('disk'),
    },
    {
      id: 'run-memory',
      what: 'sequential `run`, tmpfs / bare undici loop (rate)',
      goal: ['>=', 0.6],
      ...against('memory'),
    },
    {
      id: 'run-16',
      what: '`run --concurrency 16`, disk / bare sequential undici loop (rate)',
      goal: ['>=', 1],
      ...against('lanes'),
    },
    {
      id: 'run-16-memory',
      what: '`run --concurrency 16`, tmpfs / bare sequential undici loop (rate)',
      ...against('lanesInMemory'),
    },
  ];
}

export async function others({ rounds, sends }) {
  const baseUrl = await startServer();
  const bare = bareLoop(baseUrl);
  const ours = await openFilled(place(), 0, { baseUrl });
  const count = Math.max(50, Math.round(sends / 2));
  const { adapters, notes, close } = await peers({ send: bare.send, write });
  const variants = { syncq: drainer(ours, count, 1) };
  for (const { name, drain: run } of adapters) variants[name] = () => run(count);
  if (existsSync('/usr/bin/curl')) variants['curl loop'] = curlLoop(baseUrl);
  const samples = await interleave(Math.max(3, rounds >> 1), variants);
  await close();
  await bare.close();
  await ours.queue.close();
  const goals = {
    'bullmq (fsync always)': 1.3,
    'pg-boss': 4,
    'graphile-worker': 3,
    'plainjob (FULL)': 1,
    'curl loop': 15,
  };
  const rows = Object.keys(variants).filter((name) => name !== 'syncq');
  return [
    ...rows.map((name) => ({
      id: `peer-${name.split(' ')[0]}`,
      what: `sequential \`run\` / ${name} (rate)`,
      ...(goals[name] === undefined ? {} : { goal: ['>=', goals[name]] }),
      ...ratioOf(samples[name].wall, samples.syncq.wall),
    })),
    ...notes.map((what, index) => ({ id: `note-${index}`, what })),
  ];
}

function curlLoop(baseUrl) {
  const body = join(place(), 'body.json');
  writeFileSync(body, BODY);
  const script = `for i in $(seq 20); do curl -s -o /dev/null -H 'content-type: application/json' --data-binary @${body} ${baseUrl}/activities/$i; done`;
  return async () => {
    await program(['bash', '-c', script]);
    return 20;
  };
}
