/**
 * What `doctor` checks around the queue file: file modes, disk space, the clock, targets that the config lacks. Pure.
 */
import type { Config } from '../nouns/config.js';
import { acceptCommand } from './moved-target.js';
import { doubtfulRules } from './outcome-rules.js';
import { finding, type Finding } from '../nouns/finding.js';

/** A file of the queue as it is on the disk. */
export interface FileFacts {
  path: string;
  /** Permission bits; undefined where they mean nothing (Windows). */
  mode: number | undefined;
  uid: number | undefined;
}

/** Bits that let other users read the file, which may hold personal data. */
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

export function modeFindings(files: readonly FileFacts[], directory: FileFacts, me: number | undefined): Finding[] {
  if (me === undefined)
    return [finding('note', 'modes-not-checked', 'owner and modes are not checked on this platform')];
  const found: Finding[] = [];
  for (const { path, mode, uid } of files) {
    if (uid !== undefined && uid !== me) {
      found.push(
        finding('problem', 'owner', `${path} belongs to user ${uid}, not to you`, { next: `chown ${me} ${path}` }),
      );
    }
    if (mode !== undefined && (mode & OTHERS) !== 0) {
      const what = (mode & OTHERS_WRITE) !== 0 ? 'write to' : 'read';
      found.push(
        finding('problem', 'mode', `others may ${what} ${path} (mode ${octal(mode)})`, { next: `chmod 600 ${path}` }),
      );
    }
  }
  // A file that everybody, or another group, may write is refused earlier.
  const { path, mode } = directory;
  if (mode !== undefined && (mode & OTHERS_WRITE) !== 0) {
    found.push(
      finding('problem', 'directory-mode', `a group may replace files in ${path} (mode ${octal(mode)})`, {
        safe: 'you belong to that group; a file of another user is never opened',
        next: `unless every member of it may see and send what is queued: chmod go-w ${path}`,
      }),
    );
  }
  return found;
}

const octal = (mode: number): string => (mode & 0o7777).toString(8);

/** Bytes. A larger write-ahead log cannot be checkpointed: some reader keeps an old snapshot open. */
const LONG_LOG_BYTES = 64 * 1024 * 1024;

export interface DiskFacts {
  path: string;
  walBytes: number;
  /** Undefined where the system does not tell. */
  freeBytes: number | undefined;
  /** Bytes. With less free space nothing is enqueued or sent. */
  leastFreeBytes: number;
  /** False when no more files can be made on the disk, whatever their size. */
  hasInodes: boolean;
}

export function diskFindings({ path, walBytes, freeBytes, leastFreeBytes, hasInodes }: DiskFacts): Finding[] {
  const found: Finding[] = [];
  if (!hasInodes) {
    found.push(
      finding('unusable', 'disk-full', 'the disk has no room for another file, whatever its size (no inodes left)', {
        safe: 'what was acknowledged is safe',
        next: 'remove files that nobody needs; df -i shows how many each disk may have',
      }),
    );
  }
  if (freeBytes !== undefined && freeBytes < leastFreeBytes) {
    found.push(
      finding(
        'unusable',
        'disk-full',
        `the disk has ${megabytes(freeBytes)} free; below ${megabytes(leastFreeBytes)} nothing is enqueued or sent`,
        {
          safe: 'what was acknowledged is safe; results under way are still recorded',
          next: 'free some space; completed items go with: syncq prune',
        },
      ),
    );
  }
  if (walBytes > LONG_LOG_BYTES) {
    found.push(
      finding(
        'problem',
        'long-log',
        `${path}-wal has ${megabytes(walBytes)}: some process has been reading an old view for a long time`,
        {
          safe: 'nothing is lost by it; never delete the -wal file, acknowledged items are in it',
          next: `find the reader: fuser -v ${path}`,
        },
      ),
    );
  }
  return found;
}

const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** This program did not exist before this date, so a clock that shows an earlier one is wrong. */
const BEFORE_SYNCQ = Date.UTC(2025, 0, 1);
/** Clock differences up to this many ms are not reported. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

export function clockFindings(now: number, latestAt: number | undefined): Finding[] {
  if (now < BEFORE_SYNCQ) {
    return [
      finding('problem', 'clock', `the clock of this machine says ${new Date(now).toISOString()}`, {
        safe: 'order never depends on the clock; due times and certificates do',
        next: 'set the clock',
      }),
    ];
  }
  if (latestAt === undefined || latestAt <= now + CLOCK_TOLERANCE_MS) return [];
  return [
    finding(
      'problem',
      'clock',
      `the queue was last written at ${new Date(latestAt).toISOString()}, which is still to come: the clock was ahead then, or is behind now`,
      {
        safe: 'order never depends on the clock; waits that were set in the future are ended by the next runner',
        next: 'check the clock of this machine (timedatectl)',
      },
    ),
  ];
}

/** The config as `doctor` sees it: its targets, or what is wrong with it. */
export interface ConfigFacts {
  config: Config;
  problem: 'broken' | 'missing' | 'none' | undefined;
  /** One sentence; undefined = nothing is wrong. */
  warning: string | undefined;
}

/** A target as the queue knows it. */
export interface KnownTarget {
  name: string;
  implicit: boolean;
  boundTo: string | undefined;
  unfinished: number;
}

export function configFindings({ config, problem, warning }: ConfigFacts, targets: readonly KnownTarget[]): Finding[] {
  if (problem === 'broken' || problem === 'missing') {
    return [
      finding('problem', 'config', warning ?? 'the config cannot be read', {
        safe: 'nothing is sent without a config; items stay in the queue',
        next: 'mend the config file',
      }),
    ];
  }
  const found = [...config.targets.values()]
    .flatMap(doubtfulRules)
    .map((sentence) => finding('note', 'doubtful-rule', sentence));
  const waiting = targets.filter(({ unfinished }) => unfinished > 0);
  if (problem === 'none' && waiting.some(({ implicit }) => !implicit)) {
    found.push(
      finding('problem', 'config', 'there is no config, but items wait for targets that only a config can describe', {
        next: 'syncq target add NAME URL',
      }),
    );
    return found;
  }
  for (const { name, implicit, boundTo, unfinished } of waiting) {
    const now = config.targets.get(name);
    if (now === undefined && !implicit) {
      found.push(
        finding(
          'problem',
          'unknown-target',
          `${unfinished} items wait for the target ${name}, which the config does not name`,
          {
            safe: 'they stay in the queue',
            next: `syncq target add ${name} URL, or give the items to another: syncq target rename`,
          },
        ),
      );
    } else if (now !== undefined && boundTo !== undefined && new URL(boundTo).origin !== new URL(now.baseUrl).origin) {
      found.push(
        finding('problem', 'base-url-changed', `the base URL of ${name} was ${boundTo} and is ${now.baseUrl} now`, {
          safe: 'items that were already tried at the old address are held, so that nothing is sent twice',
          next: `if the new one is meant: ${acceptCommand(name)}`,
        }),
      );
    }
  }
  return found;
}
