/**
 * Checks the place of a queue before SQLite opens anything there: SQLite would read a file that another user put beside it
 * (a log, a lock) as part of the queue. Checks who may write to the files and to their directory, and whether the file is
 * mounted without its directory. Checking before opening is safe, because nobody else may write in a place that passes.
 */
import { accessSync, chmodSync, constants, existsSync, lstatSync, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

import { QueueError } from '../../../nouns/errors.js';
import { currentGroups, mountOf } from '../../../nouns/host.js';
import { SCHEMA_VERSION } from '../sql/schema.js';

/** Suffixes of the files that SQLite or syncq opens or creates beside a queue file. */
export const BESIDE: readonly string[] = [
  ...['', '.lock'].flatMap((name) => ['-wal', '-shm', '-journal'].map((suffix) => name + suffix)),
  '.lock',
  '.reserve',
  ...Array.from({ length: SCHEMA_VERSION - 1 }, (_, before) => `.v${before + 1}`),
];

const GROUP_WRITES = 0o020;
const WORLD_WRITES = 0o002;
const STICKY = 0o1000;

/**
 * @param uid undefined where users have no numbers (Windows): then owners and modes are not checked
 * @param isWriter the caller will create files in the directory; modes of shared files are set to 0600
 * @throws {QueueError} usage: the name ends in white space; queue-owner: others may write here; not-a-queue: the path is
 *   not a regular file; unwritable: a directory of root, or a file that is mounted without its directory
 */
export function assertSafePlace(path: string, uid: number | undefined, isWriter: boolean): void {
  // The driver would open, or make, the file without it.
  if (path.trimEnd() !== path) {
    const message = `the name ${JSON.stringify(path)} ends in white space, which SQLite's driver leaves out; nothing was opened or made`;
    throw new QueueError('usage', message, {
      hint: 'name a file without it (a line end of Windows is often the cause)',
    });
  }
  const directory = realDirectory(path);
  const around = uid === undefined || directory === undefined ? undefined : statSync(directory);
  // A group that may create files there may also write these files: a kubelet sets 0660 on every mount.
  const sharedWith = around !== undefined && groupWrites(around) && isMine(around.gid) ? around.gid : undefined;
  assertOwnFile(path, true, { uid, sharedWith });
  if (uid !== undefined && around !== undefined && directory !== undefined) {
    assertDirectory(directory, around, uid);
    if (isWriter) assertMayWrite(directory, around, uid);
  }
  const shared = [path, ...BESIDE.map((suffix) => path + suffix)].filter(
    (file) => assertOwnFile(file, file === path, { uid, sharedWith }) === 'shared',
  );
  if (directory !== undefined && existsSync(path)) assertNoMountPoint(path, directory);
  if (isWriter) for (const file of shared) chmodSync(file, 0o600);
}

/** The queue's directory without symbolic links; undefined while it does not exist. */
export function realDirectory(path: string): string | undefined {
  const isThere = statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() === true;
  return isThere ? realpathSync(dirname(path)) : undefined;
}

const groupWrites = ({ mode }: Stats): boolean => (mode & GROUP_WRITES) !== 0;
const worldWrites = ({ mode }: Stats): boolean => (mode & WORLD_WRITES) !== 0;
const isMine = (gid: number): boolean => currentGroups().includes(gid);

/** For the queue and the files beside it: SQLite would follow a link, and wait forever on a FIFO. */
function assertOwnFile(
  file: string,
  isQueue: boolean,
  { uid, sharedWith }: { uid: number | undefined; sharedWith: number | undefined },
): 'shared' | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const refuse = (code: 'not-a-queue' | 'queue-owner', what: string, hint: string): never => {
    throw new QueueError(code, `${what}; it was not opened`, { hint });
  };
  if (!found.isFile()) {
    const what = `${file} is ${found.isSymbolicLink() ? 'a symbolic link' : 'not a file'}`;
    refuse('not-a-queue', what, isQueue ? 'name the queue file itself with --queue' : `move ${file} away`);
  }
  if (uid === undefined) return undefined;
  if (found.uid !== uid) {
    const mine = `if you know that it belongs to this queue: chown ${uid} ${file}; else stop every program that uses the queue and move it away`;
    const hint = isQueue ? `sudo -u '#${found.uid}' syncq …` : mine;
    refuse('queue-owner', `${file} belongs to user ${found.uid}, not to you`, hint);
  }
  if (worldWrites(found) || (groupWrites(found) && found.gid !== sharedWith)) {
    refuse('queue-owner', `others may write to ${file}`, `chmod 600 ${file}`);
  }
  if (found.nlink > 1) {
    const what = `${file} has ${found.nlink} hard links, which SQLite cannot keep in step`;
    refuse('not-a-queue', what, 'remove the other names of the file');
  }
  return groupWrites(found) ? 'shared' : undefined;
}

function assertDirectory(directory: string, around: Stats, uid: number): void {
  const refuse = (who: string, hint: string): never => {
    throw new QueueError(
      'queue-owner',
      `${who} may put files into ${directory} that SQLite would take for parts of the queue; nothing was opened`,
      { hint },
    );
  };
  const own = 'keep the queue in a directory of your own (mkdir -m 700 DIRECTORY)';
  if (worldWrites(around)) {
    refuse('every user', (around.mode & STICKY) !== 0 ? own : `${own}, or: chmod o-w ${directory}`);
  }
  if (around.uid !== uid && around.uid !== 0) {
    refuse(`user ${around.uid}, who owns it,`, `${own}, or: sudo -u '#${around.uid}' syncq …`);
  }
  if (groupWrites(around) && !isMine(around.gid)) {
    refuse(`group ${around.gid}, which you do not belong to,`, `${own}, or: chmod g-w ${directory}`);
  }
}

/** A new volume of a container belongs to root, whichever user runs in the container. */
function assertMayWrite(directory: string, around: Stats, uid: number): void {
  if (around.uid !== 0 || uid === 0) return;
  try {
    accessSync(directory, constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    throw new QueueError('unwritable', `${directory} belongs to root and you may not write to it; nothing was stored`, {
      cause: error,
      hint: `name another place with --queue, or, where it is there for this queue alone (the volume of a container), as root: chown ${uid} ${directory}`,
    });
  }
}

function assertNoMountPoint(path: string, directory: string): void {
  if (mountOf(path) === mountOf(directory)) return;
  throw new QueueError(
    'unwritable',
    `${path} is mounted alone: its log would stay behind in ${directory}, and with it what was acknowledged; nothing was opened`,
    { hint: `mount the directory of the queue instead of the file (docker run -v DIRECTORY:${directory} …)` },
  );
}
