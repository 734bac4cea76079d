/** Throws the errors of commands that refuse their input. */
import { QueueError } from '../../core/nouns/errors.js';
import type { Failure } from './failure.js';

export { itemWords } from '../../core/policy/item-words.js';

/** @throws {QueueError} always; code 'usage' */
export function refuseUsage(message: string, hint?: string): never {
  throw new QueueError('usage', message, hint === undefined ? {} : { hint });
}

/** @throws {QueueError} always; code 'not-found', exit 5 */
export function refuseNotFound(message: string, hint?: string): never {
  throw new QueueError('not-found', message, hint === undefined ? {} : { hint });
}

/** `1 item`, `2 items`. */
export function countWords(count: number, noun = 'item'): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** @throws {QueueError} always, with exactly these words */
export function refuseUnknown({ code, message, hint }: Failure): never {
  throw new QueueError(code, message, hint === undefined ? {} : { hint });
}
