import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import { emptyConfig } from '../../../../src/core/config/validate.js';
import { examineQueue, salvageQueue } from '../../../../src/core/store/doors/care.js';
import type { OpenOptions } from '../../../../src/core/store/sqlite/file/open-options.js';
import { BESIDE } from '../../../../src/core/store/sqlite/file/place.js';
import { openReplayLedger } from '../../../../src/core/store/sqlite/replay-ledger.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/store.js';
import type { Store } from '../../../../src/core/store/store.js';
import { canGiveAway, NOBODY } from '../../../support/root.js';
import { ROOT } from '../../../support/source-graph.js';
import { tempDirectory } from '../../../support/temp.js';
import { item } from '../conformance/harness.js';
import { raw } from './support.js';

const CHILD = join(ROOT, 'test', 'core', 'store', 'sqlite', 'child.mjs');
const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;
const MODES = ['read', 'write', 'create'] as const;

const opened: Store[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

function open(path: string, mode: OpenOptions['mode'] = 'create'): Store {
  const store = openSqliteStore({ path, mode, clock: systemClock, uid, allowNetworkDisk: false });
  opened.push(store);
  return store;
}

/** A queue with one item, closed, in a directory of its own. */
async function queue(): Promise<string> {
  const path = join(tempDirectory(), 'own', 'queue.db');
  const store = open(path);
  await store.enqueue([item()], { now: Date.now(), ifQueued: 'append' });
  await store.close();
  return path;
}

/** How opening it ends in each mode: the same in all. */
function refusal(path: string): { code: string; message: string; hint: string } {
  const ends = MODES.map((mode) => {
    try {
      open(path, mode);
      return { code: 'opened', message: '', hint: '' };
    } catch (error) {
      const { code, message, hint } = error as { code: string; message: string; hint: string };
      return { code, message, hint };
    }
  });
  expect(ends).toEqual(MODES.map(() => ends[0]));
  return ends[0]!;
}

const unfinished = async (path: string): Promise<unknown> =>
  (await open(path, 'read').summary(Date.now())).targets[0]?.pending;

describe('a file beside the queue', () => {
  const elsewhere = (): string => {
    const file = join(tempDirectory(), 'file');
    writeFileSync(file, 'x', { mode: 0o600 });
    return file;
  };
  const planted: [string, (file: string) => void, string][] = [
    ['a symbolic link', (file) => symlinkSync(elsewhere(), file), 'not-a-queue'],
    ['a link that leads nowhere', (file) => symlinkSync('/nowhere', file), 'not-a-queue'],
    ['a directory', (file) => mkdirSync(file), 'not-a-queue'],
    ['a FIFO', (file) => void execFileSync('mkfifo', ['-m', '600', file]), 'not-a-queue'],
    ['a file with a second name', (file) => linkSync(elsewhere(), file), 'not-a-queue'],
    ['a file that everybody may write', (file) => writeFileSync(file, 'x', { mode: 0o666 }), 'queue-owner'],
    ['a file that its group may write', (file) => writeFileSync(file, 'x', { mode: 0o660 }), 'queue-owner'],
    ['a file of another user', (file) => writeFileSync(file, 'x', { mode: 0o600 }), 'queue-owner'],
  ];
  const cases = BESIDE.flatMap((suffix) => planted.map((row) => [suffix, ...row] as const));

  test.each(cases)('%s that is %s is refused, unchanged', async (suffix, what, plant, code) => {
    const path = await queue();
    const file = path + suffix;
    rmSync(file, { force: true });
    const umask = process.umask(0);
    plant(file);
    process.umask(umask);
    if (what === 'a file of another user') {
      if (!canGiveAway) return;
      chownSync(file, NOBODY, NOBODY);
    }
    const before = JSON.stringify(statSync(file, { throwIfNoEntry: false, bigint: false })?.mtimeMs);
    expect(refusal(path)).toMatchObject({ code, message: expect.stringContaining(file) });
    expect(JSON.stringify(statSync(file, { throwIfNoEntry: false })?.mtimeMs)).toBe(before);
    rmSync(file, { recursive: true });
    expect(await unfinished(path)).toBe(1);
  });

  test('is also refused by doctor, by --save and beside the ledger of a replay', async () => {
    const path = await queue();
    writeFileSync(`${path}-wal`, 'x', { mode: 0o666 });
    chmodSync(`${path}-wal`, 0o666);
    const config = { config: emptyConfig(), problem: undefined, warning: undefined };
    const { findings } = await examineQueue({ path, clock: systemClock }, config);
    expect(findings).toMatchObject([{ code: 'queue-owner', severity: 'unusable', next: `chmod 600 ${path}-wal` }]);
    const refused = expect.objectContaining({ code: 'queue-owner' });
    expect(() => [...salvageQueue({ path, clock: systemClock })]).toThrow(refused);
    expect(() => openReplayLedger(path)).toThrow(refused);
  });
});

describe('the directory of the queue', () => {
  test.each([0o777, 0o1777, 0o702, 0o2703])('is refused when everybody may write to it (mode %o)', async (mode) => {
    const path = await queue();
    chmodSync(dirname(path), mode);
    expect(refusal(path)).toMatchObject({ code: 'queue-owner', hint: expect.stringContaining('mkdir -m 700') });
    const missing = join(dirname(path), 'other.db');
    expect(refusal(missing).code).toBe('queue-owner');
    expect(existsSync(missing)).toBe(false);
  });

  test('is checked where its symbolic link leads', async () => {
    const path = await queue();
    const link = join(tempDirectory(), 'link');
    symlinkSync(dirname(path), link);
    expect(await unfinished(join(link, 'queue.db'))).toBe(1);
    chmodSync(dirname(path), 0o1777);
    expect(refusal(join(link, 'queue.db')).code).toBe('queue-owner');
  });

  test('is accepted below one that everybody may write, as in a Kubernetes volume', async () => {
    const path = await queue();
    chmodSync(dirname(dirname(path)), 0o777);
    expect(await unfinished(path)).toBe(1);
    open(path, 'write');
    open(join(dirname(dirname(path)), 'to', 'be', 'made', 'queue.db'));
  });

  test('may be writable by a group of ours, as with umask 002; doctor reports it', async () => {
    const path = await queue();
    chownSync(dirname(path), uid, gid);
    chmodSync(dirname(path), 0o2775);
    expect(await unfinished(path)).toBe(1);
    const config = { config: emptyConfig(), problem: undefined, warning: undefined };
    const { findings } = await examineQueue({ path, clock: systemClock }, config);
    const found = findings.filter(({ code }) => code !== 'unknown-target');
    expect(found).toMatchObject([{ code: 'directory-mode', severity: 'problem' }]);
  });

  test('files that a kubelet gave to the group of a volume still work and get their mode back', async () => {
    const path = await queue();
    const directory = dirname(path);
    const names = readdirSync(directory).map((name) => join(directory, name));
    for (const name of names) {
      chownSync(name, uid, gid);
      chmodSync(name, 0o660);
    }
    expect(refusal(path)).toMatchObject({ code: 'queue-owner', hint: `chmod 600 ${path}` });
    chownSync(directory, uid, gid);
    chmodSync(directory, 0o2770);
    expect(await unfinished(path)).toBe(1);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    open(path, 'write');
    expect(names.map((name) => statSync(name).mode & 0o777)).toEqual(names.map(() => 0o600));
    chmodSync(path, 0o606);
    expect(refusal(path).code).toBe('queue-owner');
  });

  test('is not checked where users have no numbers', async () => {
    const path = await queue();
    chmodSync(dirname(path), 0o777);
    const options = { path, mode: 'read', clock: systemClock, uid: undefined, allowNetworkDisk: false } as const;
    opened.push(openSqliteStore(options));
    expect(await opened.at(-1)?.runner()).toBeUndefined();
  });
});

const asRoot = canGiveAway ? describe : describe.skip;

asRoot('with other users', () => {
  const GROUP = 2000;
  /** What nobody, in these groups, may do with the queue. */
  const look = (path: string, groups: readonly number[] = []): unknown => {
    const all = ['--clear-groups', ...(groups.length === 0 ? [] : [`--groups=${groups.join(',')}`])].slice(-1);
    const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, ...all];
    const output = execFileSync('setpriv', [...ids, process.execPath, CHILD, 'judge', path], { encoding: 'utf8' });
    return JSON.parse(output);
  };
  /** A queue of nobody's in a directory that is open enough to be reached. */
  const place = async (): Promise<{ directory: string; path: string }> => {
    const path = await queue();
    chmodSync(dirname(dirname(path)), 0o755);
    const directory = dirname(path);
    for (const name of readdirSync(directory)) chownSync(join(directory, name), NOBODY, NOBODY);
    return { directory, path };
  };

  test('a directory of another user is refused, also for root; one of root is not', async () => {
    const path = await queue();
    chownSync(dirname(path), NOBODY, NOBODY);
    expect(refusal(path)).toMatchObject({ code: 'queue-owner', hint: expect.stringContaining(`sudo -u '#${NOBODY}'`) });
  });

  test('only members of the group may use a volume with an fsGroup', async () => {
    const { directory, path } = await place();
    chownSync(directory, 0, GROUP);
    chmodSync(directory, 0o2775);
    expect(look(path, [GROUP])).toMatchObject({ read: 'ok', write: 'ok' });
    expect(look(path)).toMatchObject({ read: 'queue-owner', write: 'queue-owner' });
    expect(refusal(path).code).toBe('queue-owner');
  });

  test('a new volume belongs to root: the error is the missing right to write, the hint is the chown', async () => {
    const { directory, path } = await place();
    chmodSync(directory, 0o755);
    chownSync(directory, 0, 0);
    expect(look(path)).toMatchObject({
      write: 'unwritable',
      hint: expect.stringContaining(`chown ${NOBODY} ${directory}`),
    });
    rmSync(path);
    expect(look(path)).toMatchObject({
      create: 'unwritable',
      hint: expect.stringContaining(`chown ${NOBODY} ${directory}`),
    });
    chownSync(directory, NOBODY, NOBODY);
    expect(look(path)).toMatchObject({ create: 'ok' });
  });

  test('a log that SQLite creates as root belongs to the queue’s owner and stays usable', async () => {
    const { directory, path } = await place();
    chownSync(directory, NOBODY, NOBODY);
    const ended = raw(path, (db) => {
      db.exec('CREATE TABLE app_x (y)');
      expect(statSync(`${path}-wal`)).toMatchObject({ uid: NOBODY, size: expect.any(Number) });
      return look(path);
    });
    expect(ended).toMatchObject({ read: 'ok', write: 'ok', create: 'ok' });
  });
});

const canMount = ((): boolean => {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return process.platform === 'linux' && canGiveAway;
  } catch {
    return false;
  }
})();

(canMount ? describe : describe.skip)('a queue that is mounted', () => {
  const inNamespace = (script: string, ...values: string[]): unknown =>
    JSON.parse(
      execFileSync(
        'unshare',
        [
          '-m',
          'sh',
          '-c',
          `mount --make-rprivate / && ${script} && exec "$0" "$@"`,
          process.execPath,
          CHILD,
          'judge',
          ...values,
        ],
        { encoding: 'utf8' },
      ),
    );

  test('without its directory is refused; with it, or on its own disk, it is not', async () => {
    const path = await queue();
    const there = join(tempDirectory(), 'a volume');
    mkdirSync(there, { mode: 0o700 });
    const other = join(there, 'queue.db');
    expect(inNamespace(`mount --bind '${dirname(path)}' '${there}'`, other)).toMatchObject({ read: 'ok', write: 'ok' });
    const tmpfs = `mount -t tmpfs -o mode=700 none '${there}' && cp '${path}' '${other}'`;
    expect(inNamespace(tmpfs, other)).toMatchObject({ read: 'ok', write: 'ok' });
    writeFileSync(other, '');
    const alone = { read: 'unwritable', write: 'unwritable', hint: expect.stringContaining('mount the directory') };
    expect(inNamespace(`mount --bind '${path}' '${other}'`, other)).toMatchObject(alone);
    expect(readdirSync(there)).toEqual(['queue.db']);
  });
});

test('a queue that moved with all its files is the same queue', async () => {
  const path = await queue();
  const there = join(tempDirectory(), 'there');
  renameSync(dirname(path), there);
  expect(await unfinished(join(there, 'queue.db'))).toBe(1);
  copyFileSync(join(there, 'queue.db'), join(there, 'copy.db'));
  expect(await unfinished(join(there, 'copy.db'))).toBe(1);
});
