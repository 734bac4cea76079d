/**
 * Runs the built program as a real process (so `npm run build` comes first): for exit codes, signals, stdin, kill -9 and
 * several processes on one queue. Whatever a test leaves running is killed after it.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { afterEach } from '@jest/globals';

import type { CliResult } from './cli.js';
import { result } from './cli.js';
import { ROOT } from './source-graph.js';
import { testEnvironment, testHome } from './temp.js';

export interface ProcessOptions {
  /** Added to the test's environment; undefined removes a name. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Default: the empty working directory of the test's home. */
  cwd?: string;
  /** Written to stdin, which is then closed. Default: stdin is empty. `'open'`: it stays open, see `child.stdin`. */
  stdin?: string | Uint8Array;
  /** Default 20 s: then it is killed (SIGKILL). */
  timeoutMs?: number;
}

export interface ProcessResult extends CliResult {
  /** The signal that ended it; `code` is then 128 + its number, as in a shell. */
  signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when it has ended and its output is read; never rejects. */
  readonly ended: Promise<ProcessResult>;
  /** Resolves with the first whole line, also an earlier one, that matches. Rejects when it ends or takes too long. */
  waitForStdout(pattern: RegExp | string, timeoutMs?: number): Promise<string>;
  waitForStderr(pattern: RegExp | string, timeoutMs?: number): Promise<string>;
  /** Sends the signal (default SIGTERM) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<ProcessResult>;
}

export const PROGRAM = join(ROOT, 'bin', 'run.js');
const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGTERM: 15,
};
const running = new Set<Program>();

afterEach(async () => {
  await Promise.all([...running].map((program) => program.kill('SIGKILL')));
});

/** Starts `syncq ARGV`. */
export function startProcess(argv: readonly string[], options: ProcessOptions = {}): RunningProcess {
  return startNode([PROGRAM, ...argv], options);
}

/** Runs `syncq ARGV` to its end. */
export async function runProcess(argv: readonly string[], options: ProcessOptions = {}): Promise<ProcessResult> {
  return await startProcess(argv, options).ended;
}

/** Starts Node itself with these arguments: a script of the test's own that uses the queue. */
export function startNode(argv: readonly string[], options: ProcessOptions = {}): RunningProcess {
  return new Program(argv, options);
}

class Program implements RunningProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<ProcessResult>;
  readonly #output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  readonly #listeners = new Set<() => void>();
  #over = false;

  constructor(argv: readonly string[], options: ProcessOptions) {
    this.child = spawn(process.execPath, argv, {
      cwd: options.cwd ?? testHome().cwd,
      env: testEnvironment(options.env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(this);
    this.#collect('stdout');
    this.#collect('stderr');
    this.#feed(options.stdin);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), options.timeoutMs ?? 20_000);
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        clearTimeout(timer);
        running.delete(this);
        this.#over = true;
        this.#notify();
        resolve({ ...this.#result(code, signal), signal });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get stdout(): string {
    return Buffer.concat(this.#output.stdout).toString('utf8');
  }

  get stderr(): string {
    return Buffer.concat(this.#output.stderr).toString('utf8');
  }

  waitForStdout(pattern: RegExp | string, timeoutMs?: number): Promise<string> {
    return this.#waitFor('stdout', pattern, timeoutMs);
  }

  waitForStderr(pattern: RegExp | string, timeoutMs?: number): Promise<string> {
    return this.#waitFor('stderr', pattern, timeoutMs);
  }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProcessResult> {
    this.child.kill(signal);
    return await this.ended;
  }

  #collect(name: 'stdout' | 'stderr'): void {
    this.child[name]!.on('data', (chunk: Buffer) => {
      this.#output[name].push(chunk);
      this.#notify();
    });
  }

  #feed(input: string | Uint8Array | undefined): void {
    // A program that does not read all of its stdin breaks the pipe; that is its right.
    this.child.stdin!.on('error', () => undefined);
    if (input !== 'open') this.child.stdin!.end(input);
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #result(code: number | null, signal: NodeJS.Signals | null): CliResult {
    const shellCode = code ?? 128 + (SIGNAL_NUMBERS[signal ?? 'SIGKILL'] ?? 0);
    return result({ stdout: this.stdout, stderr: this.stderr, code: shellCode, error: undefined });
  }

  async #waitFor(name: 'stdout' | 'stderr', pattern: RegExp | string, timeoutMs = 10_000): Promise<string> {
    return await new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        act();
      };
      const fail = (why: string): void => {
        finish(() => reject(new Error(`${why} without ${String(pattern)} on ${name}\n${this.stdout}\n${this.stderr}`)));
      };
      const check = (): void => {
        const line = this.#lines(name).find((text) => matches(text, pattern));
        if (line !== undefined) finish(() => resolve(line));
        else if (this.#over) fail('it ended');
      };
      const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs);
      this.#listeners.add(check);
      check();
    });
  }

  /** The last piece counts only once the program has ended: until then it may be half a line. */
  #lines(name: 'stdout' | 'stderr'): string[] {
    const lines = this[name].split('\n');
    return this.#over ? lines : lines.slice(0, -1);
  }
}

function matches(line: string, pattern: RegExp | string): boolean {
  return typeof pattern === 'string'
    ? line.includes(pattern)
    : new RegExp(pattern.source, pattern.flags.replace('g', '')).test(line);
}
