/** Starts the user's editor on a file and waits for it. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { environment, type Environment } from '../program/environment.js';
import { variable } from '../program/given-bytes.js';
import type { StopSignal } from '../program/exit-codes.js';
import { refuseUsage } from '../program/usage.js';

export type EditorEnd =
  | { kind: 'saved' }
  /** It ended with an error (in vi: `:cq`): nothing is saved. */
  | { kind: 'failed' }
  /** The program does not exist or may not be run. */
  | { kind: 'not-started' }
  | { kind: 'killed'; signal: string };

/** $VISUAL, else $EDITOR, else vi on a terminal. @throws {QueueError} code 'usage' */
export function theEditor(): string {
  const env = environment();
  const named = ['VISUAL', 'EDITOR'].map((name) => variable(name, env)).find((name) => name.trim() !== '');
  if (named !== undefined) return named;
  if (process.stdin.isTTY && process.platform !== 'win32') return 'vi';
  return refuseUsage(
    'no editor is named in VISUAL or EDITOR; nothing was changed',
    'Set one, or say what to change: syncq edit ID --set /pointer=VALUE',
  );
}

/** How long an editor may take to end after a signal, ms: it must not write after the file is gone. */
const EDITOR_END_MS = 1000;

/**
 * The command may hold arguments (`code --wait`), so a shell reads it; the file name is a separate argument.
 *
 * @param stop its reason is the signal that the editor gets when it aborts
 */
export async function openEditor(
  editor: string,
  file: string,
  { env, json, stop }: { env: Environment; json: boolean; stop: AbortSignal },
): Promise<EditorEnd> {
  // `exec` replaces the shell, so that a signal reaches the editor itself.
  const command = /^[\w./+ -]+$/.test(editor) ? `exec ${editor}` : editor;
  return await new Promise<EditorEnd>((resolve) => {
    const stdio = ['inherit', json ? 2 : 'inherit', 'inherit'] as const;
    const child =
      process.platform === 'win32'
        ? spawn(`${editor} "${file}"`, { stdio: [...stdio], env: { ...env }, shell: true })
        : spawn('/bin/sh', ['-c', `${command} "$1"`, 'syncq', file], { stdio: [...stdio], env: { ...env } });
    const end = (): void => {
      const signal = stop.reason as StopSignal;
      child.kill(signal);
      setTimeout(() => resolve({ kind: 'killed', signal }), EDITOR_END_MS).unref();
    };
    stop.addEventListener('abort', end, { once: true });
    child.once('error', () => resolve({ kind: 'not-started' }));
    child.once('exit', (code, signal) => {
      stop.removeEventListener('abort', end);
      resolve(endOf(code, signal));
    });
  });
}

/** A shell reports the signal that ended its command as 128 + its number. */
function endOf(code: number | null, signal: NodeJS.Signals | null): EditorEnd {
  if (signal !== null) return { kind: 'killed', signal };
  if (code === 0) return { kind: 'saved' };
  // A shell's exit codes for a command that it cannot run or find.
  if (code === 126 || code === 127) return { kind: 'not-started' };
  const known = Object.entries(constants.signals).find(([, number]) => number + 128 === code);
  return known === undefined ? { kind: 'failed' } : { kind: 'killed', signal: known[0] };
}
