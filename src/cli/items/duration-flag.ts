/** Reads flags that hold a duration; a refusal names the flag. */
import { parseDuration } from '../../core/check/duration.js';
import { inFlag } from './filters.js';

/** Milliseconds, or undefined when the flag was not given. @throws {QueueError} code 'usage' */
export function durationFlag(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : inFlag(flag, () => parseDuration(text));
}
