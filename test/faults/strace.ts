/**
 * Kills a program exactly at its K-th system call of one kind, or makes that call fail: strace's fault injection
 * (strace(1), "Tampering"). Only the main thread is watched; that is where SQLite runs.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { ROOT } from '../support/source-graph.js';
import { testEnvironment } from '../support/temp.js';

/** Why system calls cannot be tampered with here; undefined = they can. */
export function whyNoStrace(): string | undefined {
  const found = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=getppid:error=EPERM', 'true'], {
    encoding: 'utf8',
  });
  if (found.error !== undefined) return 'strace is not installed';
  return found.status === 0 ? undefined : `strace cannot trace here: ${found.stderr.trim()}`;
}

export interface Fault {
  /** One system call: `pwrite64`, `fsync`, `unlink`, ... */
  call: string;
  /** What happens at it. */
  act: 'SIGKILL' | 'EIO' | 'ENOSPC';
  /** Counted from 1. */
  at: number;
}

export interface FaultResult {
  stdout: string;
  stderr: string;
  code: number;
  /** The call was reached and the program killed at it; with an error: the program ended by itself. */
  killed: boolean;
}

const PROGRAM = join(ROOT, 'bin', 'run.js');

/** Runs `syncq ARGV` with one fault. */
export async function runWithFault(
  argv: readonly string[],
  { call, act, at }: Fault,
  cwd: string,
): Promise<FaultResult> {
  const effect = act === 'SIGKILL' ? 'signal=SIGKILL' : `error=${act}`;
  const options = ['-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:${effect}:when=${at}`];
  const child = spawn('strace', [...options, process.execPath, PROGRAM, ...argv], {
    cwd,
    env: testEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  }
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  );
  return { ...output, code: code ?? 137, killed: signal === 'SIGKILL' || code === 137 };
}
