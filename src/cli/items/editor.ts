/** Starts the user's editor on a file and waits for it. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { environment, type Environment } from '../program/environment.js';
import { variable } from '../program/given-bytes.js';
import type { StopSignal } from '../program/exit-codes.js';
import { refuseUsage } from '../program/usage.js';

export type EditorEnd =
  | { kind: 'saved' }
  /** It ended with an error (in vi: `:cq`): nothing is taken over. */
  | { kind: 'failed' }
  /** There is no such program, or it may not be run. */
  | { kind: 'not-started' }
  | { kind: 'killed'; signal: string };

/** $VISUAL, else $EDITOR, else vi where somebody can use it. @throws {QueueError} code 'usage' */
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

/** How long an editor that was asked to end may take for it, ms: it must not write where nothing is any more. */
const EDITOR_END_MS = 1000;

/**
 * The name may hold arguments (`code --wait`), so a shell reads it; the file is handed over apart from it.
 *
 * @param stop its reason is the signal that the editor gets when it aborts
 */
export async function openEditor(
  editor: string,
  file: string,
  { env, json, stop }: { env: Environment; json: boolean; stop: AbortSignal },
): Promise<EditorEnd> {
  // In place of the shell, where that can be: a signal then reaches the editor itself.
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

/** A shell tells the signal that ended its command as 128 + its number. */
function endOf(code: number | null, signal: NodeJS.Signals | null): EditorEnd {
  if (signal !== null) return { kind: 'killed', signal };
  if (code === 0) return { kind: 'saved' };
  // What a shell answers for a command that it cannot run, or cannot find.
  if (code === 126 || code === 127) return { kind: 'not-started' };
  const known = Object.entries(constants.signals).find(([, number]) => number + 128 === code);
  return known === undefined ? { kind: 'failed' } : { kind: 'killed', signal: known[0] };
}
