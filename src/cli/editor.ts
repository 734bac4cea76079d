/** Starts the user's editor on a file and waits for it. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { environment, type Environment } from './environment.js';
import { variable } from './given-bytes.js';
import { refuseUsage } from './usage.js';

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

/** The name may hold arguments (`code --wait`), so a shell reads it; the file is handed over apart from it. */
export async function openEditor(
  editor: string,
  file: string,
  { env, json }: { env: Environment; json: boolean },
): Promise<EditorEnd> {
  // Ctrl-C in the editor is for the editor.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  try {
    return await new Promise<EditorEnd>((resolve) => {
      const stdio = ['inherit', json ? 2 : 'inherit', 'inherit'] as const;
      const child =
        process.platform === 'win32'
          ? spawn(`${editor} "${file}"`, { stdio: [...stdio], env: { ...env }, shell: true })
          : spawn('/bin/sh', ['-c', `${editor} "$1"`, 'syncq', file], { stdio: [...stdio], env: { ...env } });
      child.once('error', () => resolve({ kind: 'not-started' }));
      child.once('exit', (code, signal) => resolve(endOf(code, signal)));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
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
