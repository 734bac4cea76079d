/** Parses durations as people write them (DUR in the contract). */
import { QueueError } from '../nouns/errors.js';
import { quoted } from './text.js';

const MS_PER_UNIT: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Ten years. Anything longer is a typing mistake; a sum with it still fits a Date. */
export const LONGEST_DURATION_MS = 3650 * 86_400_000;

const DURATION = /^(\d{1,15})(ms|s|m|h|d)$/;

/** Milliseconds of a text in the form of a duration, which may still be too long; undefined for any other text. */
export function durationMs(text: string): number | undefined {
  const [, count, unit = ''] = DURATION.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (MS_PER_UNIT[unit] ?? 0);
}

/**
 * Parses a duration into milliseconds: one integer and one unit, `500ms 30s 5m 2h 7d`. Zero is allowed.
 *
 * @throws {QueueError} code 'usage' for any other spelling (no fractions, signs, spaces or sums) and above ten years
 */
export function parseDuration(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) {
    const hint = 'a duration is one whole number and one unit: 500ms, 30s, 5m, 2h or 7d';
    throw new QueueError('usage', `${quoted(text)} is not a duration`, { hint });
  }
  if (ms <= LONGEST_DURATION_MS) return ms;
  throw new QueueError('usage', `${quoted(text)} is longer than ten years`, { hint: 'the longest duration is 3650d' });
}
