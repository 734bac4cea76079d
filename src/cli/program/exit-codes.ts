/** The one table from results to exit codes. */
import type { ErrorCode } from '../../core/nouns/errors.js';
import type { DrainReport } from '../../core/nouns/report.js';

export const EXIT = {
  ok: 0,
  defect: 1,
  badInput: 2,
  needsPerson: 3,
  tryLater: 4,
  nothingMatched: 5,
  noQueue: 6,
  hangup: 129,
  interrupt: 130,
  terminate: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const OF_ERROR: Readonly<Record<ErrorCode, ExitCode>> = {
  usage: EXIT.badInput,
  'unknown-command': EXIT.badInput,
  'unknown-target': EXIT.badInput,
  'no-target': EXIT.badInput,
  'bad-config': EXIT.badInput,
  'bad-item': EXIT.badInput,
  'key-conflict': EXIT.badInput,
  'too-large': EXIT.badInput,
  'confirm-needed': EXIT.badInput,
  'other-runner': EXIT.tryLater,
  busy: EXIT.tryLater,
  'not-found': EXIT.nothingMatched,
  'queue-not-found': EXIT.noQueue,
  'queue-owner': EXIT.noQueue,
  'not-a-queue': EXIT.noQueue,
  corrupt: EXIT.noQueue,
  'newer-schema': EXIT.noQueue,
  unwritable: EXIT.noQueue,
  'disk-full': EXIT.noQueue,
  'queue-is-copy': EXIT.noQueue,
  'store-unknown': EXIT.noQueue,
  'driver-missing': EXIT.noQueue,
  'out-of-handles': EXIT.noQueue,
  defect: EXIT.defect,
};

export function exitCodeOfError(code: ErrorCode): ExitCode {
  return OF_ERROR[code];
}

const OF_SIGNAL = { SIGHUP: EXIT.hangup, SIGINT: EXIT.interrupt, SIGTERM: EXIT.terminate } as const;

export type StopSignal = keyof typeof OF_SIGNAL;

export function exitCodeOfSignal(signal: StopSignal): ExitCode {
  return OF_SIGNAL[signal];
}

/**
 * The exit code of a drain: 3 wins over 4, and a signal over both.
 *
 * @param required `--require`: another active runner gives 4
 * @param signal the signal that stopped it, if one did
 */
export function exitCodeOfDrain(report: DrainReport, required: boolean, signal?: StopSignal): ExitCode {
  if (report.stopped === 'signal') return exitCodeOfSignal(signal ?? 'SIGTERM');
  if (report.stopped === 'other-runner') return required ? EXIT.tryLater : EXIT.ok;
  if (report.needsPerson) return EXIT.needsPerson;
  const cutShort = report.stopped === 'time' && report.remaining.due > 0;
  return report.tryLater || cutShort ? EXIT.tryLater : EXIT.ok;
}

/** For `syncq help exit-codes` and the README: what each number means, in the order of the table. */
export const EXIT_CODE_TABLE: readonly { codes: readonly ExitCode[]; meaning: string }[] = [
  {
    codes: [EXIT.ok],
    meaning:
      'success: everything that could be sent was sent. What may remain: items with a later --delay or --at, review items flagged earlier that block nothing, what a --limit left',
  },
  { codes: [EXIT.defect], meaning: 'a defect in syncq' },
  { codes: [EXIT.badInput], meaning: 'bad input: flags, item, file, config' },
  {
    codes: [EXIT.needsPerson],
    meaning:
      'a person is needed. run: an item went to review, or items remain that only a person can free. status --check: a limit passed',
  },
  {
    codes: [EXIT.tryLater],
    meaning:
      'try later: items remain that go on by themselves or wait for a pause to end; or another runner is at work',
  },
  { codes: [EXIT.nothingMatched], meaning: 'nothing matched' },
  {
    codes: [EXIT.noQueue],
    meaning:
      'the queue cannot be used: missing though named, not a queue, another user’s, corrupt, newer schema, unwritable, disk full, a copy; or an enqueue whose fate is unknown',
  },
  {
    codes: [EXIT.hangup, EXIT.interrupt, EXIT.terminate],
    meaning: 'stopped by SIGHUP, SIGINT, SIGTERM after a clean stop',
  },
];

/** The error codes that end with this number, in the order of the closed list. */
export function errorCodesOf(exit: ExitCode): ErrorCode[] {
  return (Object.keys(OF_ERROR) as ErrorCode[]).filter((code) => OF_ERROR[code] === exit);
}
