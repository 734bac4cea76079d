/** Adds syncq's line to the caller's crontab, or removes it, with `crontab`. Other lines stay as they are. */
import type { SpawnSyncReturns } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { QueueError } from '../../core/nouns/errors.js';
import type { Environment } from '../program/environment.js';
import { cronQuote } from './unit-texts.js';

/** The comment above our line identifies it, even if its owner changed the period. */
function mark(queue: string): string {
  return `# syncq schedule: ${queue.replaceAll(/\p{Cc}/gu, ' ')}`;
}

/** Pure: the crontab with this line for this queue, instead of an older one, else at the end. */
export function withLine(crontab: string, queue: string, line: string): string {
  const lines = linesOf(crontab);
  const at = lines.indexOf(mark(queue));
  if (at < 0) return textOf([...lines, mark(queue), line]);
  return textOf([...lines.slice(0, at + 1), line, ...lines.slice(at + 1 + ours(lines, at, queue))]);
}

/** Pure: the crontab without our line for this queue. */
export function withoutLine(crontab: string, queue: string): string {
  const lines = linesOf(crontab);
  const at = lines.indexOf(mark(queue));
  return at < 0 ? crontab : textOf([...lines.slice(0, at), ...lines.slice(at + 1 + ours(lines, at, queue))]);
}

/** 1 when our command follows the comment; somebody may have removed it or inserted a line. */
function ours(lines: readonly string[], at: number, queue: string): 0 | 1 {
  return lines[at + 1]?.includes(` run --queue ${cronQuote(queue)}`) === true ? 1 : 0;
}

function linesOf(crontab: string): string[] {
  return crontab === '' ? [] : crontab.replace(/\n$/, '').split('\n');
}

/** cron ignores a last line without a line feed. */
function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** True when the crontab had to be changed. @throws {QueueError} `unwritable` */
export function installLine(queue: string, line: string, env: Environment): boolean {
  const before = readCrontab(env);
  if (before === undefined) throw cannot('there is no crontab command');
  return write(before, withLine(before, queue, line), env);
}

/** True when there was a line. @throws {QueueError} `unwritable` */
export function removeLine(queue: string, env: Environment): boolean {
  const before = readCrontab(env);
  return before === undefined ? false : write(before, withoutLine(before, queue), env);
}

function write(before: string, after: string, env: Environment): boolean {
  if (after === before) return false;
  const { status, error, stderr } = crontab(after === '' ? ['-r'] : ['-'], env, after);
  if (error !== undefined || status !== 0) throw cannot(firstLine(stderr) ?? 'crontab failed');
  return true;
}

/**
 * '' = the user has none, undefined = cron is not installed. Anything unexpected is refused, because it would be
 * overwritten.
 */
function readCrontab(env: Environment): string | undefined {
  const { status, error, stdout, stderr } = crontab(['-l'], env);
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
  if (error === undefined && status === 0) return stdout;
  if (status === 1 && /\bno crontab for\b|: No such file or directory/i.test(stderr)) return '';
  throw cannot(firstLine(stderr) ?? 'crontab -l failed');
}

function crontab(argv: readonly string[], env: Environment, input = ''): SpawnSyncReturns<string> {
  // In the locale whose messages we recognise.
  return spawnSync('crontab', argv, { encoding: 'utf8', env: { ...env, LC_ALL: 'C' }, input, timeout: 60_000 });
}

function firstLine(text: string): string | undefined {
  const line = text.trim().split('\n')[0] ?? '';
  return line === '' ? undefined : line;
}

function cannot(why: string): QueueError {
  return new QueueError('unwritable', `the crontab cannot be changed: ${why}; it is as it was`, {
    hint: 'Print the line with syncq schedule cron, and add it by hand.',
  });
}
