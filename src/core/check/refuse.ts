/** Refusals of a write: the field is named first, and the message never repeats what the field held. */
import type { Limits } from '../nouns/config.js';
import { isQueueError, QueueError } from '../nouns/errors.js';

/** @throws {QueueError} always; code 'bad-item' */
export function refuse(field: string, reason: string, hint?: string, cause?: unknown): never {
  throw new QueueError('bad-item', `${field} ${reason}`, { hint, cause });
}

/** @throws {QueueError} always; code 'too-large'. @param setting of `limits` in the config, which raises the bound */
export function refuseSize(field: string, limitBytes: number, setting: keyof Limits): never {
  const elsewhere = setting === 'payloadBytes' ? ', or send large files another way and queue a reference to them' : '';
  throw new QueueError('too-large', `${field} is larger than ${limitBytes} bytes`, {
    hint: `raise limits.${setting} in the config${elsewhere}`,
  });
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
