/** Durations as people write them: the grammar DUR of the contract. */
import { QueueError } from '../nouns/errors.js';
import { quoted } from './text.js';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

const MS_PER_UNIT: ReadonlyMap<string, number> = new Map(UNITS);

/** Ten years: anything longer is a slip of the finger, and stays far from the end of what a Date can hold. */
export const LONGEST_DURATION_MS = 3650 * 86_400_000;

const DURATION = /^(\d{1,15})(ms|s|m|h|d)$/;

/** True when `text` has the form of a duration; it may still be too long. */
export function isDuration(text: string): boolean {
  return DURATION.test(text);
}

/**
 * Milliseconds of a duration: one integer and one unit, `500ms 30s 5m 2h 7d`. Zero is allowed.
 *
 * @throws {QueueError} code 'usage' for any other spelling (no fractions, signs, spaces or sums) and above ten years
 */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text);
  const perUnit = MS_PER_UNIT.get(match?.[2] ?? '');
  if (match === null || perUnit === undefined) {
    throw new QueueError('usage', `${quoted(text)} is not a duration`, {
      hint: 'a duration is one whole number and one unit: 500ms, 30s, 5m, 2h or 7d',
    });
  }
  const ms = Number(match[1]) * perUnit;
  if (ms > LONGEST_DURATION_MS) {
    throw new QueueError('usage', `${quoted(text)} is longer than ten years`, {
      hint: 'the longest duration is 3650d',
    });
  }
  return ms;
}
