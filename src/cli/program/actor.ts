/** The user's name: for the history, and for *No queue yet at PATH (user NAME)*. */
import { userInfo } from 'node:os';
import type { Environment } from './environment.js';
import { environment } from './environment.js';
import { variable } from './given-bytes.js';

/** Login name of the user this process runs as; `uid 1000` where the system knows no name (a bare container). */
export function effectiveUser(env: Environment = environment()): string {
  try {
    return userInfo().username;
  } catch {
    const user = variable('USER', env);
    if (user !== '') return user;
    return process.getuid === undefined ? 'unknown' : `uid ${process.getuid()}`;
  }
}

/** The person: who called sudo, else the user this process runs as. */
export function actorName(env: Environment = environment()): string {
  const sudo = variable('SUDO_USER', env);
  return sudo === '' ? effectiveUser(env) : sudo;
}
