/** The writes of a chaos run: the n-th of an enqueuer is always the same, so that a killed one can be repeated. */
import { pick, seeded, seedOf } from './random.mjs';

export const TARGETS = ['north', 'south'];

/** @returns what `queue.enqueue` takes; `who` and `n` name it for good */
export function write(seed, who, n) {
  const random = seeded(seedOf(seed, who, n));
  const kind = random();
  const entity =
    kind < 0.05 ? undefined : kind < 0.1 ? `junk/${Math.floor(random() * 3)}` : `e/${Math.floor(random() * 25)}`;
  const pad = 'x'.repeat(Math.floor(random() ** 6 * 20_000));
  return {
    method: pick(random, ['POST', 'PUT', 'PATCH']),
    path: `/w/${who}/${n}`,
    target: pick(random, TARGETS),
    ...(entity === undefined ? {} : { entity }),
    idempotencyKey: `${who}-${n}`,
    // Spelled so that any parse and print on the way would change it.
    body: `{ "who" : "${who}", "n" : ${n}.0, "n":${n}, "pad":"${pad}" }`,
  };
}

export const config = (url) => ({
  defaultTarget: 'north',
  targets: Object.fromEntries(
    TARGETS.map((name) => [
      name,
      {
        baseUrl: `${url}/${name}`,
        timeout: '2s',
        retry: { max: 1000, base: '50ms', factor: 2, cap: '500ms' },
        breaker: 0,
        patience: '7d',
      },
    ]),
  ),
});
