/** Installs and removes systemd user units, with `systemctl --user`. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QueueError } from '../../core/nouns/errors.js';
import type { Environment } from '../program/environment.js';
import { variable } from '../program/given-bytes.js';
import { homeDirectory, ownDirectory } from '../program/home.js';
import type { UnitFile } from './unit-texts.js';
import { queueWords, unitName } from './unit-texts.js';

/** First line of every unit that syncq wrote; others are never changed. */
const MARK = '# Made by syncq schedule; syncq schedule --remove takes it away.\n';

export interface Installed {
  /** Files that were written or removed. */
  files: string[];
  /** The complaint of systemctl; undefined = success, or systemd is not reachable (then `hint` is set). */
  problem: string | undefined;
}

export function unitDirectory(env: Environment): string {
  const base = variable('XDG_CONFIG_HOME', env);
  const directory = base.startsWith('/') ? base : join(homeDirectory(env) ?? '', '.config');
  return join(ownDirectory(directory, 'CONFIG', env), 'systemd', 'user');
}

const SUFFIXES = ['.service', '-run.service', '-run.timer'];

/**
 * The name of a queue's units: the queue's own name. When units of that name belong to another queue (many projects
 * have a `syncq.db`), digits derived from the path are added.
 */
export function chooseName(queue: string, env: Environment): string {
  const [plain, long] = namesOf(queue);
  const hasLong = SUFFIXES.some((suffix) => readText(join(unitDirectory(env), long + suffix)) !== undefined);
  return hasLong || isOfAnother(plain, queue, env) ? long : plain;
}

/** Every unit file of this queue, without those of another queue of the same name. */
export function unitFiles(queue: string, env: Environment): string[] {
  return namesOf(queue)
    .filter((name) => !isOfAnother(name, queue, env))
    .flatMap((name) => SUFFIXES.map((suffix) => name + suffix));
}

function namesOf(queue: string): [plain: string, long: string] {
  const plain = unitName(queue);
  return [plain, `${plain}-${createHash('sha256').update(queue).digest('hex').slice(0, 8)}`];
}

/** True when units of this name are ours and work for another queue. */
function isOfAnother(name: string, queue: string, env: Environment): boolean {
  return SUFFIXES.map((suffix) => readText(join(unitDirectory(env), name + suffix)) ?? '')
    .filter((text) => isOurs(text) && text.includes(' --queue '))
    .some((text) => [' ', '\n'].every((end) => !text.includes(queueWords(queue) + end)));
}

const isOurs = (text: string): boolean => text.startsWith(MARK);

/** @throws {QueueError} `unwritable`: a file of that name is not ours, or cannot be written */
export function installUnits(units: readonly UnitFile[], env: Environment): Installed {
  const directory = unitDirectory(env);
  const files = units.map(({ name }) => join(directory, name));
  for (const file of files) assertOurs(file);
  try {
    mkdirSync(directory, { recursive: true });
    units.forEach(({ text }, index) => writeFileSync(files[index] ?? '', MARK + text, { mode: 0o644 }));
  } catch (error) {
    throw new QueueError('unwritable', `the units cannot be written to ${directory}; nothing was started`, {
      cause: error,
    });
  }
  const started = units.at(-1)?.name ?? '';
  return { files, problem: systemctl(env, ['daemon-reload'], ['enable', '--now', started]) };
}

/** Removes what `installUnits` wrote; missing files are ignored. @param names of unit files */
export function removeUnits(names: readonly string[], env: Environment): Installed {
  const directory = unitDirectory(env);
  const there = names.filter((name) => readText(join(directory, name)) !== undefined);
  const files = there.map((name) => join(directory, name));
  for (const file of files) assertOurs(file);
  if (there.length === 0) return { files, problem: undefined };
  const disabled = systemctl(env, ...there.map((name) => ['disable', '--now', name]));
  for (const file of files) rmSync(file, { force: true });
  return { files, problem: disabled ?? systemctl(env, ['daemon-reload']) };
}

function assertOurs(file: string): void {
  const text = readText(file);
  if (text === undefined || isOurs(text)) return;
  throw new QueueError('unwritable', `${file} was not made by syncq schedule; nothing was changed`, {
    hint: 'Look at it, and move it away if it is no longer needed.',
  });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Runs each in turn; returns the first complaint. */
function systemctl(env: Environment, ...calls: readonly string[][]): string | undefined {
  for (const call of calls) {
    const { status, error, stderr } = spawnSync('systemctl', ['--user', ...call], {
      encoding: 'utf8',
      env: { ...env },
      timeout: 60_000,
    });
    if (error !== undefined)
      return `systemctl cannot be run (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
    if (status !== 0)
      return `systemctl --user ${call.join(' ')}: ${stderr.trim().split('\n')[0] ?? `ended with ${status}`}`;
  }
  return undefined;
}
