/**
 * The user's home, also for a user that the system does not know (no passwd entry, LDAP unreachable). Also prepares
 * oclif, which asks for login shell, home and working directory before our error handling starts.
 */
import { userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { QueueError } from '../../core/nouns/errors.js';
import { variable } from './given-bytes.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Stands for the home of a user who has none: it does not exist, and only root could create it. */
const NOWHERE = '/nonexistent/no-home-of-syncq';

/** HOME, else the home in the passwd entry; undefined without either. */
export function homeDirectory(env: Environment): string | undefined {
  if (env['HOME'] !== undefined && env['HOME'] !== '') return env['HOME'];
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}

/** True when oclif's directory is the user's own, not derived from a missing or relative home. */
export function isOwnDirectory(directory: string): boolean {
  return isAbsolute(directory) && !directory.startsWith(`${NOWHERE}/`);
}

/**
 * oclif's directory for data or config.
 *
 * @throws {QueueError} `usage`: it cannot be determined
 */
export function ownDirectory(directory: string, kind: 'DATA' | 'CONFIG', env: Environment): string {
  if (directory.includes('\ufffd')) for (const name of ['HOME', `XDG_${kind}_HOME`]) variable(name, env);
  if (isOwnDirectory(directory)) return directory;
  const what = kind === 'DATA' ? 'queue' : 'config';
  throw new QueueError('usage', `there is no home directory to find the ${what} in; nothing was changed`, {
    hint: `Name the ${what} with --${what} or SYNCQ_${what.toUpperCase()}, or set HOME or XDG_${kind}_HOME to an absolute path.`,
  });
}

const undo: (() => void)[] = [];

/**
 * In force until `standDown`, which is called when the command starts (oclif loads twice before): child processes must
 * see the true environment.
 */
export function standIn(): void {
  if (process.platform === 'win32') return;
  const { env } = process;
  const lend = (name: string, value: string): void => {
    const before = env[name];
    env[name] = value;
    undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(env, name);
      else env[name] = before;
    });
  };
  if (env['SHELL'] === undefined) lend('SHELL', 'unknown');
  if (env['HOME'] === undefined || env['HOME'] === '') lend('HOME', homeDirectory(env) ?? NOWHERE);
  try {
    process.cwd();
  } catch {
    const asked = Object.getOwnPropertyDescriptor(process, 'cwd') ?? {};
    process.cwd = () => '/';
    undo.push(() => Object.defineProperty(process, 'cwd', asked));
  }
}

export function standDown(): void {
  for (const restore of undo.splice(0)) restore();
}
