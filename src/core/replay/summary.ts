/** Sums up comparisons in bounded memory. */
import type { Comparison } from './compare.js';
import { isExpected } from '../policy/verdict.js';

export interface ReplayGroup {
  operation: string;
  /** Undefined = the original has no answer yet. */
  original: number | undefined;
  /** Undefined = no answer. */
  replay: number | undefined;
  verdict: Comparison['verdict'];
  count: number;
  firstId: number;
}

/** One item in the plot. */
export interface LatencyPoint {
  item: number;
  originalMs: number | undefined;
  replayMs: number;
  verdict: Comparison['verdict'];
}

export interface Quantiles {
  count: number;
  p50: number;
  p95: number;
  max: number;
}

export interface ReplaySummary {
  /** Items compared, skipped ones included. */
  count: number;
  same: number;
  /** Answered with 2xx, and their originals have no answer yet. */
  new: number;
  differs: number;
  noAnswer: number;
  skipped: number;
  /** Same status class, but bodies that differ in members that matter. */
  bodyDiffers: number;
  groups: ReplayGroup[];
  latency: { original: Quantiles; replay: Quantiles };
  /** In the order of the log; an even sample when there are many. */
  points: LatencyPoint[];
  /** The first comparisons that are not `same`, then the first with different bodies. */
  differences: Comparison[];
  skips: { item: number; reason: string }[];
}

/** Details kept for each kind; the rest is only counted. */
export const MOST_DETAILS = 1_000;
/** Most points of the plot; more would be unreadable. */
const MOST_POINTS = 4_000;

export class SummaryMaker {
  readonly #groups = new Map<string, ReplayGroup>();
  /** Kept separately: a thousand different bodies must not crowd out the one different answer. */
  readonly #otherClass: Comparison[] = [];
  readonly #otherBody: Comparison[] = [];
  readonly #skips: { item: number; reason: string }[] = [];
  readonly #counts = { same: 0, new: 0, differs: 0, 'no-answer': 0, skipped: 0 };
  #bodyDiffers = 0;
  #max = { original: 0, replay: 0 };
  #points: LatencyPoint[] = [];
  /** Every n-th item has a point. */
  #stride = 1;
  #seen = 0;

  add(comparison: Comparison): void {
    const { verdict, original, replay, body } = comparison;
    this.#counts[verdict] += 1;
    if (verdict === 'skipped') {
      if (this.#skips.length < MOST_DETAILS)
        this.#skips.push({ item: comparison.item, reason: comparison.reason ?? '' });
      return;
    }
    this.#group(comparison);
    const bodyDiffers = verdict === 'same' && body !== undefined && body.length > 0;
    if (bodyDiffers) this.#bodyDiffers += 1;
    const kept = !isExpected(verdict) ? this.#otherClass : bodyDiffers ? this.#otherBody : undefined;
    if (kept !== undefined && kept.length < MOST_DETAILS) kept.push(comparison);
    if (replay !== undefined)
      this.#plot({ item: comparison.item, originalMs: original?.durationMs, replayMs: replay.durationMs, verdict });
  }

  finish(): ReplaySummary {
    const { same, new: fresh, differs, skipped, 'no-answer': noAnswer } = this.#counts;
    return {
      count: same + fresh + differs + noAnswer + skipped,
      same,
      new: fresh,
      differs,
      noAnswer,
      skipped,
      bodyDiffers: this.#bodyDiffers,
      groups: [...this.#groups.values()].sort((a, b) => b.count - a.count),
      latency: {
        original: quantiles(
          this.#points.flatMap(({ originalMs }) => (originalMs === undefined ? [] : [originalMs])),
          this.#max.original,
        ),
        replay: quantiles(
          this.#points.map(({ replayMs }) => replayMs),
          this.#max.replay,
        ),
      },
      points: this.#points,
      differences: [...this.#otherClass, ...this.#otherBody].slice(0, MOST_DETAILS),
      skips: this.#skips,
    };
  }

  #group({ operation, original, replay, verdict, item }: Comparison): void {
    const key = JSON.stringify([operation, original?.status ?? null, replay?.status ?? null]);
    const group = this.#groups.get(key);
    if (group !== undefined) group.count += 1;
    else
      this.#groups.set(key, {
        operation,
        original: original?.status,
        replay: replay?.status,
        verdict,
        count: 1,
        firstId: item,
      });
  }

  #plot(point: LatencyPoint): void {
    this.#max = {
      original: Math.max(this.#max.original, point.originalMs ?? 0),
      replay: Math.max(this.#max.replay, point.replayMs),
    };
    if (this.#seen++ % this.#stride !== 0) return;
    this.#points.push(point);
    if (this.#points.length < MOST_POINTS) return;
    this.#points = this.#points.filter((_point, at) => at % 2 === 0);
    this.#stride *= 2;
  }
}

/** From the kept points: exact up to a few thousand items, a sample beyond. */
function quantiles(values: readonly number[], max: number): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), max };
}
