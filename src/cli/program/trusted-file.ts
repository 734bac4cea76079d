/** Reads a file that says what syncq does, after making sure that nobody else could have written it. */
import fs from 'node:fs';
import path from 'node:path';
import { QueueError } from '../../core/nouns/errors.js';

/** A config larger than this is no config. */
const MOST_BYTES = 1024 * 1024;

const OTHERS_WRITE = 0o022;
const WORLD_WRITES = 0o002;
const STICKY = 0o1000;

/**
 * The text of a config file; undefined = there is no such file.
 *
 * Refused: anything but a regular file, one that group or others may write, one of another user (root's is fine), and
 * one in a directory that everybody may write without the sticky bit, where a stranger could put another in its place.
 * A symbolic link is followed, and what it leads to is judged as well as where it stands. Windows has no such modes.
 *
 * @throws {QueueError} `bad-config`
 */
export function readTrustedFile(file: string): string | undefined {
  let handle: number;
  try {
    // Non-blocking: a FIFO under this name must not make every command hang.
    handle = fs.openSync(file, fs.constants.O_RDONLY | (process.platform === 'win32' ? 0 : fs.constants.O_NONBLOCK));
  } catch (error) {
    refuseUnlessMissing(file, error);
    return undefined;
  }
  try {
    const stat = fs.fstatSync(handle);
    if (!stat.isFile()) refuse(file, 'is not a file', 'Name a JSON file.');
    if (stat.size > MOST_BYTES) refuse(file, 'is larger than 1 MiB', 'Name a JSON file.');
    checkTrust(file, stat);
    return decode(file, fs.readFileSync(handle));
  } finally {
    fs.closeSync(handle);
  }
}

/** Who may write a file, as far as its mode and owner tell. */
export function distrust(stat: { mode: number; uid: number }, me: number): 'writable' | 'owner' | undefined {
  if ((stat.mode & OTHERS_WRITE) !== 0) return 'writable';
  return stat.uid !== me && stat.uid !== 0 ? 'owner' : undefined;
}

/** Throws `bad-config` when somebody else may write the file, or put another in its place. */
function checkTrust(file: string, stat: fs.Stats): void {
  if (process.platform === 'win32') return;
  const reason = distrust(stat, process.getuid?.() ?? stat.uid);
  if (reason === 'writable') refuse(file, 'may be written by other users', `chmod go-w ${file}`);
  if (reason === 'owner') refuse(file, 'belongs to another user', 'Use a config of your own.');
  for (const dir of new Set([path.dirname(file), path.dirname(fs.realpathSync(file))])) {
    const { mode } = fs.statSync(dir);
    if ((mode & WORLD_WRITES) !== 0 && (mode & STICKY) === 0) {
      refuse(file, `lies in ${dir}, where every user may put another file in its place`, `chmod o-w ${dir}`);
    }
  }
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    // Without ignoreBOM the byte order mark that Windows editors write is dropped.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new QueueError('bad-config', `the config ${file} is not UTF-8 text`, { hint: 'Save it as UTF-8.', cause });
  }
}

function refuseUnlessMissing(file: string, error: unknown): void {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  // ENOTDIR: a directory of the path is a file, so there is nothing there either.
  if ((code === 'ENOENT' || code === 'ENOTDIR') && !isThere(file)) return;
  const problem = code === 'ENOENT' ? 'is a link that leads nowhere' : `cannot be read (${code})`;
  throw new QueueError('bad-config', `the config ${file} ${problem}`, { hint: 'Mend or remove it.', cause: error });
}

/** True when anything can be seen under this name, also a link that leads nowhere. */
export function isThere(file: string): boolean {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A directory on the way is a file, or may not be entered: nothing can be seen.
    return false;
  }
}

function refuse(file: string, problem: string, hint: string): never {
  throw new QueueError('bad-config', `the config ${file} ${problem}, so it is not used`, { hint });
}
