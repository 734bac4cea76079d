/**
 * Runs a command in this process, from the sources: fast, and counted by coverage. What it cannot show (signals, stdin,
 * a terminal, two processes at once) is for `process.ts`. One call at a time: it borrows stdout, stderr, the
 * environment and the working directory.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { Config, handle, run, settings } from '@oclif/core';

import { ROOT } from './source-graph.js';
import { testEnvironment, testHome } from './temp.js';

export interface CliResult {
  stdout: string;
  stderr: string;
  /** What the shell would see in `$?`. */
  code: number;
  /** What the command threw, if anything; it is already printed to `stderr` or, under --json, to `stdout`. */
  error: unknown;
  /** stdout as the one JSON document it is under --json. Throws when it is anything else. */
  json(): any;
  /** stdout as one JSON document a line. */
  ndjson(): any[];
}

export interface CliOptions {
  /** Added to the test's environment; undefined removes a name. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Default: the empty working directory of the test's home. */
  cwd?: string;
}

let commandsLoaded: Promise<void> | undefined;

/** `runCli('enqueue', 'PUT', '/person/1')`; a last object holds the options. */
export async function runCli(...args: [...argv: string[], options: CliOptions] | string[]): Promise<CliResult> {
  const { argv, options } = split(args);
  commandsLoaded ??= loadCommands();
  await commandsLoaded;
  const restore = borrow(testEnvironment(options.env), options.cwd ?? testHome().cwd);
  const output = captureOutput();
  let code: number;
  let error: unknown;
  try {
    code = await execute(argv, (thrown) => {
      error = thrown;
    });
  } finally {
    output.stop();
    restore();
  }
  return result({ stdout: output.stdout(), stderr: output.stderr(), code, error });
}

/** Makes the readers of a finished program's output; shared with `process.ts`. */
export function result(parts: Pick<CliResult, 'stdout' | 'stderr' | 'code' | 'error'>): CliResult {
  return {
    ...parts,
    json: () => JSON.parse(parts.stdout),
    ndjson: () => {
      const lines = parts.stdout.split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line));
    },
  };
}

/** As oclif's own `execute`, which the program starts with, but it answers the exit code instead of exiting. */
async function execute(argv: string[], onError: (error: unknown) => void): Promise<number> {
  process.exitCode = undefined;
  try {
    await run(argv, await loadConfig());
    return exitCodeSet();
  } catch (error) {
    onError(error);
    return await exitCodeOf(error as Error);
  } finally {
    process.exitCode = undefined;
  }
}

/** `process.exitCode`, which a command may have set; a string is allowed there. */
function exitCodeSet(): number {
  return Number(process.exitCode ?? 0);
}

/** Prints an error that a command threw, as the program would at its end, and answers the code it would exit with. */
export async function exitCodeOf(error: Error): Promise<number> {
  const exit = process.exit;
  let code: number | undefined;
  process.exit = ((given?: number) => {
    code ??= given ?? 0;
  }) as typeof process.exit;
  try {
    await handle(error);
  } finally {
    process.exit = exit;
  }
  return code ?? 1;
}

/** The sources hold no manifest, so oclif looks for the command files there; anew each time, for its directories. */
async function loadConfig(): Promise<Config> {
  settings.enableAutoTranspile = false;
  const pjson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const oclif = { ...pjson.oclif, commands: './commands', helpClass: fromSources(pjson.oclif.helpClass) };
  for (const [event, hooks] of Object.entries(oclif.hooks ?? {})) {
    oclif.hooks = { ...oclif.hooks, [event]: fromSources(hooks) };
  }
  return await Config.load({ root: join(ROOT, 'src'), pjson: { ...pjson, oclif } });
}

function fromSources(value: any): any {
  if (typeof value === 'string') return value.replace(/^\.\/dist\//, './');
  if (Array.isArray(value)) return value.map(fromSources);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fromSources(inner)]));
}

/** One by one: Jest cannot link modules that share imports when they are imported at the same time, as oclif does. */
async function loadCommands(): Promise<void> {
  const folder = join(ROOT, 'src', 'commands');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  for (const file of files.sort()) await import(pathToFileURL(join(folder, file)).href);
}

function split(args: readonly (string | CliOptions)[]): { argv: string[]; options: CliOptions } {
  const options = args.find((arg): arg is CliOptions => typeof arg !== 'string') ?? {};
  return { argv: args.filter((arg): arg is string => typeof arg === 'string'), options };
}

function borrow(environment: Record<string, string>, cwd: string): () => void {
  const before = { env: { ...process.env }, cwd: process.cwd() };
  const replace = (env: NodeJS.ProcessEnv): void => {
    for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, env);
  };
  replace(environment);
  process.chdir(cwd);
  return () => {
    process.chdir(before.cwd);
    replace(before.env);
  };
}

/** Takes what is written to stdout and stderr, and makes both say that they are no terminal. */
function captureOutput(): { stdout(): string; stderr(): string; stop(): void } {
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)];
  return {
    stdout: stdout.text,
    stderr: stderr.text,
    stop: () => {
      stdout.stop();
      stderr.stop();
    },
  };
}

function capture(stream: NodeJS.WriteStream): { text(): string; stop(): void } {
  const chunks: Buffer[] = [];
  const before = { write: Object.getOwnPropertyDescriptor(stream, 'write'), isTTY: stream.isTTY };
  const write = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk));
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') queueMicrotask(() => callback());
    return true;
  };
  Object.defineProperty(stream, 'write', { value: write, configurable: true, writable: true });
  stream.isTTY = false;
  return {
    text: () => Buffer.concat(chunks).toString('utf8'),
    stop: () => {
      if (before.write === undefined) Reflect.deleteProperty(stream, 'write');
      else Object.defineProperty(stream, 'write', before.write);
      stream.isTTY = before.isTTY;
    },
  };
}
