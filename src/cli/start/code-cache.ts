/**
 * Stores compiled code between starts. A cache file is code: whoever can write it runs with the user's credentials, so
 * it is used only from a directory of the user that nobody else may write. An unusable cache (missing, stale, damaged,
 * of another Node) only costs time.
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

/** `<caches>/syncq/code`: up to this many directories are created. */
const LEVELS = 3;

/** Most files kept: one for each version of syncq and Node in use, and some more. */
const MOST_FILES = 6;

/** The directory for compiled code; undefined when the user has no cache directory. */
export function codeDirectory(env: Environment, platform: NodeJS.Platform = process.platform): string | undefined {
  if (env['SYNCQ_CACHE_DIR']) return join(env['SYNCQ_CACHE_DIR'], 'code');
  const base = userCaches(env, platform);
  // U+FFFD: the name was not valid UTF-8, so another directory would be created.
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
 * Creates a missing directory; true when it belongs to the user and nobody else may write it. Level by level, because
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

/** One file per source and Node version. */
export function cacheFile(directory: string, source: string, version: string): string {
  const { size, mtimeMs } = statSync(source);
  const key = [version, process.version, process.platform, process.arch, size, Math.trunc(mtimeMs)];
  return join(directory, `${key.join('-')}.cache`);
}

/** The compiled code in `file`; undefined when there is none that can be trusted. */
export function readCode(file: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    // Missing on Windows, although the types say otherwise.
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
 * Writes a temporary file, syncs and renames it, so that two first starts cannot mix their files and a power cut leaves
 * no partial one. V8 checks a header and the length, not the bytes, so a hole would crash the process. Removes the
 * oldest files.
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
    // Another process removed it, or it never existed.
  }
}
