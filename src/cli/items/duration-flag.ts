/** Flags that hold a duration or a number, read with the flag's name in the refusal. */
import { parseDuration } from '../../core/check/duration.js';
import { inFlag } from './filters.js';

/** Milliseconds, or undefined when the flag was not given. @throws {QueueError} code 'usage' */
export function durationFlag(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : inFlag(flag, () => parseDuration(text));
}
