/** Refusals of a write: the field is named first, and the message never repeats what the field held. */
import { isQueueError, QueueError } from '../nouns/errors.js';

/** @throws {QueueError} always; code 'bad-item' */
export function refuse(field: string, reason: string, hint?: string, cause?: unknown): never {
  throw new QueueError('bad-item', `${field} ${reason}`, { hint, cause });
}

/** @throws {QueueError} always; code 'too-large' */
export function refuseSize(field: string, limitBytes: number, hint?: string): never {
  throw new QueueError('too-large', `${field} is larger than ${limitBytes} bytes`, { hint });
}

/** Runs `work`; turns a 'usage' refusal in it into 'bad-item' with the field's name before it. */
export function inField<T>(field: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isQueueError(error) || error.code !== 'usage') throw error;
    throw new QueueError('bad-item', `${field}: ${error.message}`, { hint: error.hint });
  }
}

/** The refusal of one write among many: its place stands before it, and what is safe behind it. */
export function inPlace(place: string, error: QueueError, safe: string): QueueError {
  return new QueueError(error.code, `${place}: ${error.message}; ${safe}`, { hint: error.hint, cause: error });
}
