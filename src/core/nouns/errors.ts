/**
 * Every failure that a caller can meet, with a code from a closed list. `cli/program/exit-codes.ts` gives each code its
 * exit number.
 */

/** Codes are only ever added, never renamed: scripts branch on them (contract, section 6). */
export const ERROR_CODES = [
  // bad input
  'usage',
  'unknown-command',
  'unknown-target',
  'no-target',
  'bad-config',
  'bad-item',
  'key-conflict',
  'too-large',
  'confirm-needed',
  // try later
  'other-runner',
  'busy',
  // nothing matched
  'not-found',
  // the queue cannot be used
  'queue-not-found',
  'queue-owner',
  'not-a-queue',
  'corrupt',
  'newer-schema',
  'unwritable',
  'disk-full',
  'queue-is-copy',
  'store-unknown',
  'driver-missing',
  'out-of-handles',
  // a defect in syncq
  'defect',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface QueueErrorOptions {
  /** What to do next: one sentence, with the command to type where there is one. */
  hint?: string | undefined;
  /** The error behind this one; kept for `DEBUG`, never printed by itself. */
  cause?: unknown;
}

/**
 * An error that callers are meant to handle. `message` says what happened and what is safe, `hint` what to do next.
 * Neither ever contains payload bytes or secrets.
 */
export class QueueError extends Error {
  override readonly name = 'QueueError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: QueueErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The error of every call on a closed queue. */
export function closedQueue(location: string): QueueError {
  return new QueueError('usage', `the queue ${location} was closed by this program; nothing more was done with it`, {
    hint: 'open it again with openQueue, and close it when everything is done',
  });
}

/** True for a QueueError, also one that crossed a realm (a test runner's sandbox, a second copy of the package). */
export function isQueueError(error: unknown): error is QueueError {
  return (
    error instanceof QueueError ||
    (typeof error === 'object' && error !== null && (error as { name?: unknown }).name === 'QueueError')
  );
}
