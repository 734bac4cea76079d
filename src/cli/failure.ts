/** What any thrown thing means to the outside: a code from the closed list, a message, a hint. Nothing else of it gets out. */
import { stripVTControlCharacters } from 'node:util';
import type { ErrorCode } from '../core/errors.js';
import { ERROR_CODES, isQueueError } from '../core/errors.js';
import { cut, oneLine } from '../render/printable.js';

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
  return isUsageError(error) ? usageFailure(error, help) : defect(error);
}

interface UsageError {
  message: string;
}

/** oclif's parser marks its errors with `parse`; its other complaints about the command line carry exit code 2. */
function isUsageError(error: unknown): error is UsageError {
  if (typeof error !== 'object' || error === null || !('oclif' in error) || !('message' in error)) return false;
  return 'parse' in error || (error.oclif as { exit?: unknown }).exit === 2;
}

function usageFailure({ message }: UsageError, help: string): Failure {
  const plain = stripVTControlCharacters(message).replace(/\n?See more help with --help\s*$/, '');
  return { code: 'usage', message: lowerFirst(plain.trim()), hint: help };
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

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
