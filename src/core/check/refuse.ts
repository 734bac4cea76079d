/** How a draft is refused: the field is named first, the rest never repeats what the field held. */
import { isQueueError, QueueError } from '../nouns/errors.js';

/** @throws {QueueError} always; code 'bad-item' */
export function refuse(field: string, reason: string, hint?: string, cause?: unknown): never {
  throw new QueueError('bad-item', `${field} ${reason}`, { ...(hint === undefined ? {} : { hint }), cause });
}

/** @throws {QueueError} always; code 'too-large' */
export function refuseSize(field: string, limitBytes: number, hint?: string): never {
  throw new QueueError('too-large', `${field} is larger than ${limitBytes} bytes`, hint === undefined ? {} : { hint });
}

/** Runs `work`; a 'usage' refusal in it comes out as 'bad-item' with the field's name before it. */
export function inField<T>(field: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isQueueError(error) || error.code !== 'usage') throw error;
    throw new QueueError(
      'bad-item',
      `${field}: ${error.message}`,
      error.hint === undefined ? {} : { hint: error.hint },
    );
  }
}

/** The same refusal of one write among many, with its place before it and what is safe behind it. */
export function inPlace(place: string, error: QueueError, safe: string): QueueError {
  return new QueueError(error.code, `${place}: ${error.message}; ${safe}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}
