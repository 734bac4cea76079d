/**
 * Writes to stdout and stderr without losing anything silently: a full disk behind `> file` is an error with its exit
 * code, and a closed pipe (`| head -1`) ends the command quietly.
 */
import { QueueError } from '../../core/nouns/errors.js';
import { EXIT } from './exit-codes.js';

/** The reader of stdout has closed it. This is not a failure. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';

  constructor() {
    super('the reader of the output has gone away');
  }
}

/** Set when a write has reported its own error, so that the stream's event for it is ignored. */
let isSeen = false;

let isTold = false;

/** A failed write without a handler (help, which oclif prints by itself) sets the exit code. */
function onUnseenError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || isSeen) return;
  process.exitCode = EXIT.noQueue;
  if (!isTold) void writeErr(`error: ${asOutputError(error).message}\n`);
  isTold = true;
}

/**
 * Takes over the errors of stdout and stderr. Node reports them as events, and oclif's listener, added when its
 * `Command` is loaded, throws them where nothing can catch them. Here each write gets its own error (`writeOut`).
 * Called by the first hook, and again when a command starts, because oclif's listener exists by then.
 */
export function guardStreams(): void {
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', onUnseenError);
  process.stderr.removeAllListeners('error');
  // A failure to write to stderr cannot be reported anywhere.
  process.stderr.on('error', () => undefined);
}

/**
 * Writes to stdout and waits until the system has accepted it.
 *
 * @throws {OutputClosed} the reader has closed it
 * @throws {QueueError} `disk-full` or `unwritable`: the write failed
 */
export function writeOut(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error === null || error === undefined) resolve();
      else {
        isSeen = true;
        reject(asOutputError(error));
      }
    });
  });
}

export function asOutputError(error: NodeJS.ErrnoException): OutputClosed | QueueError {
  if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return new OutputClosed();
  const full = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  return new QueueError(
    full ? 'disk-full' : 'unwritable',
    `the output could not be written (${error.code ?? 'unknown error'}); what the command did to the queue is done and safe`,
    { hint: 'Give it another place to write to, and look at the queue with: syncq status', cause: error },
  );
}

/** Writes to stderr; ignores failures. */
export function writeErr(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stderr.write(text, () => {
      resolve();
    });
  });
}
