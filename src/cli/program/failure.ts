/** Turns anything thrown into a code from the closed list, a message and a hint. Nothing else is shown. */
import { stripVTControlCharacters } from 'node:util';
import { nearestWord } from '../../core/check/nearest.js';
import type { ErrorCode } from '../../core/nouns/errors.js';
import { ERROR_CODES, isQueueError, QueueError } from '../../core/nouns/errors.js';
import { shortage } from '../../core/files/file-failure.js';
import { cut, oneLine } from '../../render/printable.js';

export interface Failure {
  code: ErrorCode;
  message: string;
  hint: string | undefined;
}

const LONGEST_DEFECT = 300;

/**
 * @param help the command to type for help, e.g. `syncq enqueue --help`
 */
export function describeFailure(error: unknown, help: string): Failure {
  if (isQueueError(error)) {
    // A second copy of the package may know codes that this one does not.
    const code = ERROR_CODES.includes(error.code) ? error.code : 'defect';
    return { code, message: error.message, hint: error.hint };
  }
  if (isUsageError(error)) return usageFailure(error, help);
  if ((error as { syscall?: unknown } | null | undefined)?.syscall === 'uv_cwd')
    return describeFailure(lostDirectory(), help);
  return diskFailure(error) ?? defect(error);
}

/** A relative name where the working directory is gone, or its own name is no UTF-8. */
export function lostDirectory(name = 'a relative name'): QueueError {
  const message = `${name} is relative to the working directory, which is gone or has no UTF-8 name; what was acknowledged before is safe`;
  return new QueueError('usage', message, { hint: 'Give absolute paths, or cd to another directory first.' });
}

interface UsageError {
  message: string;
}

/**
 * oclif's parser marks most of its errors with `parse` or with exit code 2. A flag without its value it reports as a bare
 * error with the default exit code, which is that of a defect here, so that one is known by its words.
 */
function isUsageError(error: unknown): error is UsageError {
  if (typeof error !== 'object' || error === null || !('oclif' in error) || !('message' in error)) return false;
  if ('parse' in error || (error.oclif as { exit?: unknown }).exit === 2) return true;
  return typeof error.message === 'string' && /^(?:Flag --|Unexpected flag )/.test(error.message);
}

function usageFailure(error: UsageError, help: string): Failure {
  const meant = nearestFlag(error);
  const isReason = /--reason\b/.test(error.message);
  const advice = isReason
    ? 'To say why, write --because TEXT. '
    : meant === undefined
      ? ''
      : `Did you mean --${meant}? `;
  const plain = stripVTControlCharacters(error.message)
    .replace(/\n?See more help with --help\s*$/, '')
    .replace(/^The following errors? occurred:/, '')
    .trim()
    .replace(/^All of the following must be provided when using (\S+): (.+)$/, '$1 needs $2')
    .replace(/^Flag (--\S+) expects one of these values: /, '$1 needs a value, one of: ')
    .replace(/^Flag (--\S+) expects a value$/, '$1 needs a value')
    .replace(/(--\S+)=true /g, '$1 ')
    .replace(
      /^Missing required flags? (.+)$/,
      (_all, names: string) => `--${names.replaceAll(', ', ', --')} is missing`,
    )
    .replace(/^Missing \d+ required args?:\s+/, 'missing: ')
    .replace(/^Parsing (--\S+)\s+Expected/, '$1: expected');
  // One line, as every message: what stands on lines of its own (a flag, an allowed value) is told apart by semicolons.
  const lines = plain.split('\n').map((line) => line.trim());
  return {
    code: 'usage',
    message: lowerFirst(lines.filter((line) => line !== '').join('; ')),
    hint: `${advice}${help}`,
  };
}

/** What a flag that does not exist was probably meant to be. */
function nearestFlag(error: UsageError): string | undefined {
  const { flags, parse } = error as { flags?: unknown; parse?: { input?: { flags?: object } } };
  const typed: unknown = Array.isArray(flags) && flags.length === 1 ? flags[0] : undefined;
  const known = Object.keys(parse?.input?.flags ?? {});
  return typeof typed === 'string' && typed.startsWith('--') ? nearestWord(typed.slice(2), known) : undefined;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** What the system or SQLite says of a file or a disk that fails, wherever that was noticed, is no fault of the program. */
function diskFailure(error: unknown): Failure | undefined {
  const { code, path } = (error ?? {}) as { code?: unknown; path?: unknown };
  const place = typeof path === 'string' ? oneLine(path) : 'the queue';
  const scarce = shortage(error, place, 'free some space and run the same command again');
  if (scarce !== undefined) return describeFailure(scarce, '');
  if (typeof code !== 'string' || !/^SQLITE_(?:IOERR|CORRUPT|FULL|CANTOPEN|READONLY|NOTADB)/.test(code))
    return undefined;
  return {
    code: code.startsWith('SQLITE_CORRUPT') ? 'corrupt' : 'unwritable',
    message: `the queue cannot be used (${oneLine(code)}); what was acknowledged before is safe in it`,
    hint: 'check the disk and its free space, then: syncq doctor',
  };
}

function defect(error: unknown): Failure {
  return {
    code: 'defect',
    message: `this is a defect in syncq (${defectWords(error)}); what was acknowledged before is safe in the queue`,
    hint: 'Run it again with DEBUG=* to see where, and report it.',
  };
}

function defectWords(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'something that is no error was thrown';
  const { name, message, code } = error as { name?: unknown; message?: unknown; code?: unknown };
  const kind = typeof code === 'string' ? code : typeof name === 'string' ? name : 'Error';
  // A SyntaxError of JSON.parse quotes what it could not read: that may be a payload.
  if (name === 'SyntaxError' || typeof message !== 'string') return oneLine(kind);
  return cut(oneLine(`${kind}: ${message}`), LONGEST_DEFECT);
}
