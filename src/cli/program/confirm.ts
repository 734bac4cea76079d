/** Asks before something that cannot be undone; without a terminal, --yes is required. */
import { createInterface } from 'node:readline';
import { isQueueError, QueueError } from '../../core/nouns/errors.js';
import { printable } from '../../render/printable.js';

export interface Question {
  /** What would happen, then the question itself, without its question mark. */
  lines: readonly string[];
  /** For the error when nobody can be asked: `3 items would be discarded`. */
  would: string;
  yes: boolean;
  json: boolean;
}

/**
 * True when the answer is yes.
 *
 * @throws {QueueError} `confirm-needed`: nobody can be asked
 */
export async function confirmed({ lines, would, yes, json }: Question): Promise<boolean> {
  if (yes) return true;
  if (json || !process.stdin.isTTY || !process.stderr.isTTY) {
    throw new QueueError('confirm-needed', `${would}; nobody can be asked here, so nothing was changed`, {
      hint: 'Add --yes to say so beforehand.',
    });
  }
  return await askYesNo(`${lines.map(printable).join('\n')}? [y/N] `, false);
}

/**
 * Runs an action, and asks only when it is refused with `confirm-needed`. Undefined = the answer was no.
 *
 * @throws {QueueError} `confirm-needed`: nobody can be asked; and what `act` throws
 */
export async function askedFirst<T>(
  act: (yes: boolean) => Promise<T>,
  { yes, json }: Pick<Question, 'yes' | 'json'>,
): Promise<T | undefined> {
  try {
    return await act(yes);
  } catch (error) {
    if (!isQueueError(error) || error.code !== 'confirm-needed') throw error;
    const would = error.message.replace('; nothing was changed', '');
    return (await confirmed({ lines: [would, 'Go on'], would, yes: false, json })) ? await act(true) : undefined;
  }
}

/** Enter alone means `otherwise`; the end of the input and Ctrl-C mean no. Call only where somebody can be asked. */
export async function askYesNo(question: string, otherwise: boolean): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await new Promise<string>((resolve) => {
      // Without this, Ctrl-D would never end the question.
      terminal.once('close', () => resolve('no'));
      terminal.question(question, resolve);
    });
    return answer.trim() === '' ? otherwise : /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
