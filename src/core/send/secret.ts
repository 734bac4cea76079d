/** Fetches one secret from where the config says it is: an environment variable, a private file or a command. */
import { isUtf8 } from 'node:buffer';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { platform } from 'node:os';
import type { Clock } from '../nouns/clock.js';
import { currentUid } from '../nouns/host.js';
import type { SecretRef } from '../nouns/target.js';
import type { Environment } from './proxy.js';

export interface Secret {
  value: string;
  /** Epoch ms; undefined = no known end. */
  expiresAt: number | undefined;
}

/** `message` says what to mend and never holds a byte of the secret. */
export type SecretResult = { ok: true; secret: Secret } | { ok: false; message: string };

export interface SecretDeps {
  env: Environment;
  clock: Clock;
  /** Names of all environment variables that hold a secret; a command's child gets none of them. */
  secretEnv?: readonly string[];
}

/** Absent on Windows. */
const { O_NONBLOCK = 0 } = constants as Partial<typeof constants>;

/** Bytes that a command may print and that a file may hold. */
export const SECRET_LIMIT_BYTES = 64 * 1024;
/** Time that a command may take, ms. */
export const SECRET_COMMAND_MS = 10_000;

export function fetchSecret(ref: SecretRef, deps: SecretDeps): Promise<SecretResult> {
  if ('env' in ref) return Promise.resolve(fromEnv(ref.env, deps.env));
  if ('file' in ref) return fromFile(ref.file);
  return fromCommand(ref.command, deps);
}

function fromEnv(name: string, env: Environment): SecretResult {
  const value = env[name];
  if (value === undefined || value === '') return failed(`the environment variable ${name} is not set`);
  // Node's replacement for bytes that are not UTF-8.
  if (value.includes('\ufffd')) return failed(`the environment variable ${name} is not valid UTF-8`);
  return bare(`the environment variable ${name} holds`, value);
}

async function fromFile(path: string): Promise<SecretResult> {
  try {
    // Non-blocking: a FIFO under this name would hold the runner, and its end, for ever.
    const file = await open(path, constants.O_RDONLY | O_NONBLOCK);
    try {
      // Asked of the open file, not of the path: what is checked is what is read.
      const stat = await file.stat();
      const objection = fileObjection(stat);
      if (objection !== undefined) return failed(`the secret file ${path} ${objection}`);
      const bytes = await file.readFile();
      if (bytes.includes(0)) return failed(`the secret file ${path} holds UTF-16 text: save it as UTF-8`);
      if (!isUtf8(bytes)) return failed(`the secret file ${path} is not UTF-8 text`);
      const text = plainText(bytes.toString('utf8'));
      return text === '' ? failed(`the secret file ${path} is empty`) : bare(`the secret file ${path} holds`, text);
    } finally {
      await file.close();
    }
  } catch (error) {
    return failed(`the secret file ${path} cannot be read (${String((error as { code?: unknown }).code)})`);
  }
}

function fileObjection(stat: { isFile(): boolean; mode: number; uid: number; size: number }): string | undefined {
  if (!stat.isFile()) return 'is not a regular file';
  if (stat.size > SECRET_LIMIT_BYTES) return 'is larger than 64 KiB';
  if (platform() === 'win32') return undefined;
  if ((stat.mode & 0o077) !== 0) return 'can be read or changed by others: chmod 600';
  return stat.uid === currentUid() || stat.uid === 0 ? undefined : 'belongs to another user';
}

async function fromCommand(argv: readonly string[], deps: SecretDeps): Promise<SecretResult> {
  const [program, ...args] = argv;
  if (program === undefined || program === '') return failed('the secret command is empty');
  const run = await runCommand(program, args, deps);
  if (run.end !== 'exit 0') {
    const see = /^(?:exit|signal)/.test(run.end) ? ': run it by hand to see why; what it prints is never kept' : '';
    return failed(`the secret command ${program} failed (${run.end})${see}`);
  }
  if (run.stdout.includes('\0')) return failed(`the secret command ${program} printed UTF-16 text: it must be UTF-8`);
  if (run.stdout.includes('\ufffd')) return failed(`the secret command ${program} printed what is not UTF-8 text`);
  return readOutput(program, plainText(run.stdout));
}

/** Plain text, or a JSON object with `token` and perhaps `expiresAt`. */
function readOutput(program: string, text: string): SecretResult {
  if (text === '') return failed(`the secret command ${program} printed nothing`);
  if (!text.trimStart().startsWith('{')) return bare(`the secret command ${program} printed`, text);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // A password may begin with a brace.
    return { ok: true, secret: { value: text, expiresAt: undefined } };
  }
  const { token, expiresAt } = parsed as { token?: unknown; expiresAt?: unknown };
  if (typeof token !== 'string' || token === '')
    return failed(`the secret command ${program} printed JSON without "token"`);
  const at = instant(expiresAt);
  if (at === null) return failed(`the secret command ${program} printed an "expiresAt" that is no time`);
  return { ok: true, secret: { value: token, expiresAt: at } };
}

/** ISO 8601, or seconds or milliseconds since 1970 (told apart by size); null when it is neither. */
function instant(value: unknown): number | undefined | null {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return value < 1e11 ? value * 1000 : value;
  const parsed = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(parsed) ? null : parsed;
}

interface CommandRun {
  /** `exit 0`, or the reason: exit code, signal, timeout, too much output, could not be started. */
  end: string;
  stdout: string;
}

async function runCommand(program: string, args: readonly string[], deps: SecretDeps): Promise<CommandRun> {
  const hidden = new Set(deps.secretEnv);
  const env = Object.fromEntries(Object.entries(deps.env).filter(([name]) => !hidden.has(name)));
  const over = new AbortController();
  // What it says on stderr may quote the secret, and reasons are stored and shown.
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'ignore'], shell: false, windowsHide: true });
  const limit = deps.clock
    .sleep(SECRET_COMMAND_MS, over.signal)
    .then(() => (over.signal.aborted ? undefined : 'no end within 10 s'));
  const stdout = collect(child.stdout);
  const end = await firstDefined([ended(child), limit, stdout.tooMuch]);
  over.abort();
  // A grandchild may hold the pipe open for ever: it is not waited for.
  if (end !== 'exit 0') child.kill('SIGKILL');
  child.stdout.destroy();
  return { end, stdout: stdout.text() };
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      resolve(`cannot be started: ${error.code ?? 'unknown reason'}`);
    });
    child.once('close', (code, signal) => {
      resolve(code === null ? `signal ${String(signal)}` : `exit ${String(code)}`);
    });
  });
}

/** Resolves with the first defined value of the promises. */
function firstDefined(promises: readonly Promise<string | undefined>[]): Promise<string> {
  return new Promise((resolve) => {
    for (const promise of promises) {
      void promise.then((value) => {
        if (value !== undefined) resolve(value);
      });
    }
  });
}

function collect(stream: NodeJS.ReadableStream): { text(): string; tooMuch: Promise<string> } {
  const chunks: Buffer[] = [];
  let size = 0;
  const tooMuch = new Promise<string>((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= SECRET_LIMIT_BYTES) chunks.push(chunk);
      else resolve('more than 64 KiB printed');
    });
  });
  return { text: () => Buffer.concat(chunks).toString('utf8'), tooMuch };
}

/** Without the byte order mark that Windows editors put in front, and the line ends. */
function plainText(text: string): string {
  return text.replace(/^\ufeff/, '').replace(/(?:\r?\n)+$/, '');
}

/**
 * The secret, unless it stands in a line for a shell, which would be sent as it is. A secret that really looks like that
 * can come from a command, as JSON.
 */
function bare(source: string, value: string): SecretResult {
  if (/^(?:export\s+\w+|[A-Z][A-Z0-9_]*)=[^=]/.test(value))
    return failed(`${source} NAME=value: only the value belongs there`);
  if (/^(["'])[^]*\1$/.test(value)) return failed(`${source} the secret in quotes: they do not belong there`);
  return { ok: true, secret: { value, expiresAt: undefined } };
}

function failed(message: string): SecretResult {
  return { ok: false, message };
}
