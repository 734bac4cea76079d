/**
 * Where compiled code is kept between starts, and when it may be trusted. A cache file is code: whoever can write it runs
 * with the user's credentials, so it counts only in a directory of the user's own that nobody else may write. Whatever is
 * wrong with it (missing, stale, damaged, not writable, of another Node) costs time and nothing else.
 */
import type { Stats } from 'node:fs';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { homeDirectory } from '../program/home.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** `<caches>/syncq/code`: this many directories may have to be made. */
const LEVELS = 3;

/** Files kept: one for each version of syncq and of Node in use, and then some. */
const MOST_FILES = 6;

/** The directory for compiled code; undefined where the user has no place for caches. */
export function codeDirectory(env: Environment, platform: NodeJS.Platform = process.platform): string | undefined {
  if (env['SYNCQ_CACHE_DIR']) return join(env['SYNCQ_CACHE_DIR'], 'code');
  const base = userCaches(env, platform);
  // U+FFFD: the name has no spelling here, and another directory would be made.
  return base === undefined || !isAbsolute(base) || base.includes('\ufffd') ? undefined : join(base, 'syncq', 'code');
}

function userCaches(env: Environment, platform: NodeJS.Platform): string | undefined {
  if (env['XDG_CACHE_HOME']) return env['XDG_CACHE_HOME'];
  if (platform === 'win32') return env['LOCALAPPDATA'];
  const home = homeDirectory(env);
  if (home === undefined) return undefined;
  return platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache');
}

/**
 * Makes the directory where it is missing; true when it is the user's own and nobody else's. Level by level:
 * `mkdir` with `recursive` never returns below /proc (Node 20.20).
 */
export function ensurePrivate(directory: string, levels = LEVELS): boolean {
  try {
    return isPrivate(lstatSync(directory, { throwIfNoEntry: false }) ?? make(directory, levels));
  } catch {
    return false;
  }
}

function make(directory: string, levels: number): Stats {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && levels > 1) {
      make(dirname(directory), levels - 1);
      mkdirSync(directory, { mode: 0o700 });
    } else if (code !== 'EEXIST') {
      throw error;
    }
  }
  return lstatSync(directory);
}

function isPrivate(found: Stats): boolean {
  return found.isDirectory() && isOurs(found) && (process.platform === 'win32' || (found.mode & 0o077) === 0);
}

function isOurs({ uid }: Stats): boolean {
  return process.getuid === undefined || uid === process.getuid();
}

/** One file per source and per Node that could have compiled it. */
export function cacheFile(directory: string, source: string, version: string): string {
  const { size, mtimeMs } = statSync(source);
  const key = [version, process.version, process.platform, process.arch, size, Math.trunc(mtimeMs)];
  return join(directory, `${key.join('-')}.cache`);
}

/** The compiled code in `file`, or undefined when there is none that can be trusted. */
export function readCode(file: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    // Absent on Windows, whatever the types say.
    const noFollow = (constants.O_NOFOLLOW as number | undefined) ?? 0;
    descriptor = openSync(file, constants.O_RDONLY | noFollow);
    const found = fstatSync(descriptor);
    if (!found.isFile() || !isOurs(found)) return undefined;
    return readFileSync(descriptor);
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/**
 * Writes beside, syncs and renames: two first starts at once cannot mix their files, and a power cut leaves no half one. V8
 * checks a header and the length, not the bytes: holes in them would end the process. Forgets the oldest files.
 */
export function writeCode(file: string, code: Buffer): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, code, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(draft, file);
    forgetOldest(dirname(file));
  } catch {
    remove(draft);
  }
}

function forgetOldest(directory: string): void {
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  const byAge = files
    .map(({ name }) => join(directory, name))
    .map((path) => ({ path, at: statSync(path).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { path } of byAge.slice(MOST_FILES)) remove(path);
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody was faster, or it was never there.
  }
}
