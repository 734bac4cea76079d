/**
 * Writes to stdout and stderr so that nothing is lost in silence: a full disk behind `> file` becomes an error with its
 * exit code, and a reader that went away (`| head -1`) ends the command quietly.
 */
import { QueueError } from '../../core/nouns/errors.js';
import { EXIT } from './exit-codes.js';

/** The reader of stdout has gone away: nobody wants the rest. No failure. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';

  constructor() {
    super('the reader of the output has gone away');
  }
}

/** Set when a write has seen its own error, so that the stream's event about the same error is not told again. */
let isSeen = false;

let isTold = false;

/** A write that nobody watches (help, which oclif prints by itself) sets the exit code. */
function onUnseenError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || isSeen) return;
  process.exitCode = EXIT.noQueue;
  if (!isTold) void writeErr(`error: ${asOutputError(error).message}\n`);
  isTold = true;
}

/**
 * Takes over the errors of stdout and stderr. Node reports them as events, and oclif's own listener, added whenever its
 * `Command` happens to be loaded, throws them out of any handler's reach; here each write sees its own (`writeOut`).
 * Called by the first hook, and again when a command starts: by then oclif's listener is there for certain.
 */
export function guardStreams(): void {
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', onUnseenError);
  process.stderr.removeAllListeners('error');
  // Where should a failure to write to stderr be told?
  process.stderr.on('error', () => undefined);
}

/**
 * Writes to stdout and waits until the system has taken it.
 *
 * @throws {OutputClosed} nobody reads any more
 * @throws {QueueError} `disk-full` or `unwritable`: stdout took nothing
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

/** Writes to stderr; a failure is nobody's business. */
export function writeErr(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stderr.write(text, () => {
      resolve();
    });
  });
}
