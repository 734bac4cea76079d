/** Reads a config file after checking that no other user could have written it. */
import fs from 'node:fs';
import path from 'node:path';
import { QueueError } from '../../core/nouns/errors.js';

/** Bytes; a larger file is not a config. */
const MOST_BYTES = 1024 * 1024;

const OTHERS_WRITE = 0o022;
const WORLD_WRITES = 0o002;
const STICKY = 0o1000;

/**
 * The text of a config file; undefined = it does not exist.
 *
 * Refused: anything but a regular file, a file that group or others may write, a file of another user (except root),
 * and a file in a directory that everybody may write without the sticky bit, where anyone could replace it. A symbolic
 * link is followed, and both its own place and its target are checked. Windows has no such modes.
 *
 * @throws {QueueError} `bad-config`
 */
export function readTrustedFile(file: string): string | undefined {
  let handle: number;
  try {
    // Non-blocking, so that a FIFO of this name does not make every command hang.
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

/** Who may write a file, by mode and owner. */
export function distrust(stat: { mode: number; uid: number }, me: number): 'writable' | 'owner' | undefined {
  if ((stat.mode & OTHERS_WRITE) !== 0) return 'writable';
  return stat.uid !== me && stat.uid !== 0 ? 'owner' : undefined;
}

/** Throws `bad-config` when another user may write or replace the file. */
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
    // Without ignoreBOM the byte order mark of Windows editors is removed.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new QueueError('bad-config', `the config ${file} is not UTF-8 text`, { hint: 'Save it as UTF-8.', cause });
  }
}

function refuseUnlessMissing(file: string, error: unknown): void {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  // ENOTDIR: a directory of the path is a file, so nothing exists there.
  if ((code === 'ENOENT' || code === 'ENOTDIR') && !isThere(file)) return;
  const problem = code === 'ENOENT' ? 'is a link that leads nowhere' : `cannot be read (${code})`;
  throw new QueueError('bad-config', `the config ${file} ${problem}`, { hint: 'Mend or remove it.', cause: error });
}

/** True when anything exists under this name, also a dangling link. */
export function isThere(file: string): boolean {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A directory of the path is a file or may not be entered.
    return false;
  }
}

function refuse(file: string, problem: string, hint: string): never {
  throw new QueueError('bad-config', `the config ${file} ${problem}, so it is not used`, { hint });
}
