/** A checking context with two targets, as the tests of the input rules need it. */
import { DEFAULT_LIMITS } from '../../../src/core/nouns/config.js';
import { isQueueError, type QueueError } from '../../../src/core/nouns/errors.js';
import type { DraftContext } from '../../../src/core/input/draft.js';
import type { Line } from '../../../src/core/input/line-splitter.js';
import type { TargetConfig } from '../../../src/core/nouns/target.js';

export function target(name: string, baseUrl: string): TargetConfig {
  return {
    name,
    baseUrl,
    auth: undefined,
    headers: {},
    retry: { max: 10, baseMs: 5000, factor: 3, capMs: 21_600_000 },
    patienceMs: 259_200_000,
    probe: undefined,
    timeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    minRate: 4096,
    concurrency: 4,
    ratePerSecond: undefined,
    order: 'entity',
    outcomes: [],
    expect: undefined,
    onUnknown: 'retry',
    idempotencyHeader: 'Idempotency-Key',
    breaker: 20,
    insecureHttp: false,
    encodedSlash: false,
    denyPrivate: false,
    proxy: undefined,
    tls: undefined,
    production: false,
    implicit: false,
  };
}

export const NOW = Date.UTC(2026, 2, 5, 12, 0, 0);

export function context(changes: Partial<DraftContext> = {}): DraftContext {
  return {
    targets: new Map([
      ['production', target('production', 'https://api.example.org/v1')],
      ['staging', { ...target('staging', 'https://staging.example.org/v1'), idempotencyHeader: 'X-Request-Id' }],
    ]),
    defaultTarget: 'production',
    limits: DEFAULT_LIMITS,
    now: NOW,
    ...changes,
  };
}

export function lineOf(text: string | Uint8Array, number = 1): Line {
  return { number, bytes: typeof text === 'string' ? Buffer.from(text) : text, tooLong: false };
}

/** The refusal of `work`. @throws when it was not refused */
export function refusal(work: () => unknown): QueueError {
  try {
    work();
  } catch (error) {
    if (isQueueError(error)) return error;
    throw error;
  }
  throw new Error('was not refused');
}

/** Where linear work ends and other work begins, between 4 and 16. */
const LOOKS_LINEAR = 8;

/**
 * How much longer `work` takes for four times the size: about 4 when linear, 16 when quadratic. Work of less than half a
 * millisecond counts as that much: below it lies noise. Other processes make times longer, never shorter, so the least
 * of each size counts, the two are taken in turn, and what does not look linear is looked at longer.
 */
export function growth(work: (size: number) => unknown, size: number): number {
  const [least, leastOfFour] = [leastTime(() => work(size)), leastTime(() => work(size * 4))];
  let ratio = Infinity;
  for (let round = 0; round < 150 && (round < 15 || ratio > LOOKS_LINEAR); round++) {
    ratio = leastOfFour() / Math.max(least(), 0.5);
  }
  return ratio;
}

/** Each call does the work once more, and answers the least that it has taken so far, ms. */
function leastTime(work: () => unknown): () => number {
  let least = Infinity;
  return () => {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
    return least;
  };
}
