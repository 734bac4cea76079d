/** What only root may do, and not every root: in a namespace of one user, or without CAP_CHOWN, not even that one. */
import { spawnSync } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { tempDirectory } from './temp.js';

export const NOBODY = 65_534;

/** Whether files can be given to another user. */
export const canGiveAway: boolean = (() => {
  if (process.getuid?.() !== 0) return false;
  const file = join(tempDirectory(), 'mine');
  writeFileSync(file, '');
  try {
    chownSync(file, NOBODY, NOBODY);
    return true;
  } catch {
    return false;
  }
})();

/** Puts a program's name and arguments behind these to run it as nobody. */
export const AS_NOBODY: readonly string[] = [
  'setpriv',
  `--reuid=${String(NOBODY)}`,
  `--regid=${String(NOBODY)}`,
  '--clear-groups',
];

/** Whether nobody can run this Node and read that file: a clone of one's own may be closed to others. */
export function nobodyCanRead(file: string): boolean {
  const [program = '', ...before] = AS_NOBODY;
  const read = 'require("fs").readFileSync(process.argv[1])';
  return spawnSync(program, [...before, process.execPath, '-e', read, file]).status === 0;
}
