import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import { BUSY_TIMEOUT_MS, type Connection } from '../../../../src/core/store/sqlite/file/connection.js';
import type { OpenOptions } from '../../../../src/core/store/sqlite/file/open-options.js';
import { assertLocalDisk, openFile } from '../../../../src/core/store/sqlite/file/open.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/store.js';
import type { Store } from '../../../../src/core/store/store.js';
import { startNode } from '../../../support/process.js';
import { AS_NOBODY, canGiveAway, NOBODY, nobodyCanRead } from '../../../support/root.js';
import { ROOT } from '../../../support/source-graph.js';
import { tempDirectory } from '../../../support/temp.js';
import { end, item, runner } from '../conformance/harness.js';
import { faultsOf, raw } from './support.js';

const CHILD = join(ROOT, 'test', 'core', 'store', 'sqlite', 'child.mjs');
const uid = process.getuid?.();

const opened: Store[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

function open(path: string, mode: OpenOptions['mode'] = 'create', more: Partial<OpenOptions> = {}): Store {
  const store = openSqliteStore({ path, mode, clock: systemClock, uid, allowNetworkDisk: false, ...more });
  opened.push(store);
  return store;
}

const freshPath = (): string => join(tempDirectory(), 'queue.db');
const add = (store: Store) => store.enqueue([item()], { now: Date.now(), ifQueued: 'append' });
const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const policy = {
  decide: () => ({ move: { to: 'completed' as const }, counted: false, target: {} }),
  gate: () => ({ slots: 9, rotate: false }),
};
const step = { now: Date.now(), settle: [], release: [], targets: [], claim: 0, only: undefined, signal: undefined };

/** A queue with one item, closed. */
async function queue(): Promise<string> {
  const path = freshPath();
  const store = open(path);
  await add(store);
  await store.close();
  return path;
}

async function session(store: Store) {
  const got = await store.acquire(runner(), policy, Date.now());
  if ('heldBy' in got) throw new Error('held');
  return got;
}

describe('creating', () => {
  test('twenty processes at once create one queue with twenty items', async () => {
    const path = join(tempDirectory(), 'made', 'here', 'queue.db');
    const results = await Promise.all(
      Array.from({ length: 20 }, () => startNode([CHILD, 'add', path], { timeoutMs: 80_000 }).ended),
    );
    expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      Array.from({ length: 20 }, () => ({ code: 0, stderr: '' })),
    );
    expect((await open(path, 'read').summary(Date.now())).targets).toMatchObject([{ pending: 20 }]);
    expect(faultsOf(path)).toEqual([]);
  }, 90_000);

  test.each(['000', '022', '077', '277', '777'])(
    'files are 0600 and directories 0700 under umask %s',
    async (umask) => {
      const path = join(tempDirectory(), 'made', 'here', 'queue.db');
      const { stdout, stderr } = await startNode([CHILD, 'modes', path], { env: { UMASK: umask } }).ended;
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual({ directories: ['700', '700'], files: ['600', '600', '600', '600', '600'] });
    },
  );

  test('only mode create creates a file', () => {
    const path = freshPath();
    for (const mode of ['read', 'write'] as const)
      expect(() => open(path, mode)).toThrow(expect.objectContaining({ code: 'queue-not-found' }));
    expect(existsSync(path)).toBe(false);
  });

  test('an empty file is an interrupted creation: create continues it, other modes find no queue', async () => {
    const path = freshPath();
    writeFileSync(path, '', { mode: 0o600 });
    for (const mode of ['read', 'write'] as const)
      expect(() => open(path, mode)).toThrow(expect.objectContaining({ code: 'queue-not-found' }));
    await add(open(path));
  });

  test.each(['/proc/nope/queue.db', '/dev/null/queue.db'])('at %s fails and says so', (path) => {
    expect(() => open(path)).toThrow(expect.objectContaining({ code: 'unwritable' }));
  });
});

describe('a file that is refused', () => {
  const refused = async (make: (path: string) => void | Promise<void>): Promise<{ path: string; code: string }> => {
    const path = freshPath();
    await make(path);
    const codes = (['read', 'write', 'create'] as const).map((mode) => {
      try {
        open(path, mode);
        return 'opened';
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
    expect(new Set(codes).size).toBe(1);
    return { path, code: codes[0]! };
  };

  test.each<[string, (path: string) => void | Promise<void>, string]>([
    ['a symbolic link', async (path) => symlinkSync(await queue(), path), 'not-a-queue'],
    ['a link that leads nowhere', (path) => symlinkSync('/nowhere', path), 'not-a-queue'],
    ['a file with a second name', async (path) => linkSync(await queue(), path), 'not-a-queue'],
    ['a directory', (path) => mkdirSync(path), 'not-a-queue'],
    ['a FIFO', (path) => void execFileSync('mkfifo', [path]), 'not-a-queue'],
    [
      'a file that its group may write',
      async (path) => {
        copyFileSync(await queue(), path);
        chmodSync(path, 0o620);
      },
      'queue-owner',
    ],
    [
      'a file that others may write',
      async (path) => {
        copyFileSync(await queue(), path);
        chmodSync(path, 0o602);
      },
      'queue-owner',
    ],
    ['garbage', (path) => writeFileSync(path, Buffer.alloc(8192, 7), { mode: 0o600 }), 'not-a-queue'],
    ['a text', (path) => writeFileSync(path, 'SQLite', { mode: 0o600 }), 'not-a-queue'],
    ['half a header', (path) => writeFileSync(path, 'SQLite format 3\0', { mode: 0o600 }), 'not-a-queue'],
    [
      'another program’s SQLite file',
      async (path) => {
        copyFileSync(await queue(), path);
        raw(path, (db) => db.pragma('application_id = 7'));
        chmodSync(path, 0o600);
      },
      'not-a-queue',
    ],
    [
      'a queue of a newer syncq',
      async (path) => {
        copyFileSync(await queue(), path);
        raw(path, (db) => db.pragma('user_version = 99'));
        chmodSync(path, 0o600);
      },
      'newer-schema',
    ],
  ])('%s stays untouched', async (_name, make, code) => {
    const before: { sha: string; names: string[] }[] = [];
    const state = (path: string): { sha: string; names: string[] } => ({
      sha: statSync(path, { throwIfNoEntry: false })?.isFile() === true ? sha256(path) : '',
      names: readdirSync(dirname(path)).filter((name) => !name.endsWith('-shm') && !name.endsWith('-wal')),
    });
    const result = await refused(async (path) => {
      await make(path);
      before.push(state(path));
    });
    expect(result.code).toBe(code);
    expect(state(result.path)).toEqual(before[0]);
  });

  test('a truncated queue is corrupt or not a queue, and is never repaired automatically', async () => {
    const path = await queue();
    truncateSync(path, 5000);
    const sha = sha256(path);
    await expect((async () => add(open(path, 'write')))()).rejects.toMatchObject({
      code: expect.stringMatching(/^(corrupt|not-a-queue)$/),
    });
    await Promise.all(opened.splice(0).map((store) => store.close()));
    expect(sha256(path)).toBe(sha);
  });

  const other = canGiveAway ? 'a file of another user' : 'a file of another user (checked as if we were another)';
  test(`${other} is refused with the way to go on`, async () => {
    const path = await queue();
    if (canGiveAway) chownSync(path, NOBODY, NOBODY);
    const as = canGiveAway ? {} : { uid: (uid ?? 0) + 1 };
    const owner = canGiveAway ? NOBODY : uid;
    expect(() => open(path, 'read', as)).toThrow(
      expect.objectContaining({ code: 'queue-owner', hint: expect.stringContaining(`sudo -u '#${owner}'`) }),
    );
  });

  test('owner and modes are not checked where users have no numbers', async () => {
    const path = await queue();
    chmodSync(path, 0o666);
    await expect(open(path, 'read', { uid: undefined }).summary(Date.now())).resolves.toMatchObject({
      targets: [{ pending: 1 }],
    });
  });

  test.each([
    ['deleted', (path: string) => rmSync(path)],
    ['emptied', (path: string) => truncateSync(path, 0)],
  ])('a queue whose file was %s while its log was left behind', async (_how, lose) => {
    const path = freshPath();
    await startNode([CHILD, 'addAndDie', path]).ended;
    lose(path);
    const log = sha256(`${path}-wal`);
    expect(() => open(path)).toThrow(
      expect.objectContaining({ code: 'corrupt', hint: expect.stringContaining(`${path}-wal`) }),
    );
    expect(sha256(`${path}-wal`)).toBe(log);
    rmSync(`${path}-wal`);
    rmSync(`${path}-shm`);
    await add(open(path));
  });

  test('a backup that was copied over a queue whose log was left behind', async () => {
    const path = freshPath();
    const { signal } = await startNode([CHILD, 'addAndDie', path]).ended;
    expect({ signal, log: statSync(`${path}-wal`).size > 0 }).toEqual({ signal: 'SIGKILL', log: true });
    const backup = join(dirname(path), 'backup.db');
    raw(path, (db) => {
      db.pragma('wal_checkpoint(PASSIVE)');
      db.prepare('VACUUM INTO ?').run(backup);
    });
    await startNode([CHILD, 'addAndDie', path]).ended;
    chmodSync(backup, 0o600);
    copyFileSync(backup, path);
    for (const mode of ['read', 'write', 'create'] as const) {
      expect(() => open(path, mode)).toThrow(
        expect.objectContaining({ code: 'corrupt', hint: expect.stringContaining(`${path}-wal`) }),
      );
    }
    rmSync(`${path}-wal`);
    rmSync(`${path}-shm`, { force: true });
    expect((await open(path, 'write').summary(Date.now())).targets).toMatchObject([{ pending: 1 }]);
  });
});

describe('the disk', () => {
  test.each([
    [0x6969, 'NFS'],
    [0xfe534d42, 'SMB'],
    [0xfe534d42 - 2 ** 32, 'SMB'],
    [0x01021997, '9P'],
  ])('of type %i (%s) is refused for writing unless allowed, and can be read', async (type, name) => {
    const path = await queue();
    const diskType = (): number => type;
    for (const mode of ['write', 'create'] as const) {
      expect(() => open(path, mode, { diskType })).toThrow(
        expect.objectContaining({ code: 'unwritable', message: expect.stringContaining(name) }),
      );
    }
    open(path, 'read', { diskType });
    open(path, 'write', { diskType, allowNetworkDisk: true });
  });

  test.each([0xef53, 0x01021994, 0x9123683e, 0x794c7630])('of type %i is local', (type) => {
    expect(() => assertLocalDisk('/x/queue.db', () => type)).not.toThrow();
  });
});

describe('an open file', () => {
  test('is written with WAL and a flush at every commit, on every open', async () => {
    const path = await queue();
    for (const mode of ['create', 'write', 'write'] as const) {
      const connection = openFile({ path, mode, clock: systemClock, uid, allowNetworkDisk: false });
      const values = [
        'journal_mode',
        'synchronous',
        'secure_delete',
        'trusted_schema',
        'fullfsync',
        'busy_timeout',
      ].map((name) => connection.db.pragma(name, { simple: true }));
      expect(values).toEqual(['wal', 2, 1, 0, 1, BUSY_TIMEOUT_MS]);
      connection.close();
    }
  });

  test.each<[string, (path: string) => void]>([
    ['deleted', (path) => rmSync(path)],
    [
      'replaced',
      (path) => {
        copyFileSync(path, `${path}.new`);
        renameSync(`${path}.new`, path);
      },
    ],
  ])('that was %s is store-unknown before an acknowledgement, a claim, a result and a change', async (_name, harm) => {
    const path = freshPath();
    const store = open(path);
    await add(store);
    await add(store);
    const sender = await session(store);
    const { claims } = await sender.step({ ...step, claim: 1 });
    harm(path);
    const lost = { code: 'store-unknown' };
    await expect(add(store)).rejects.toMatchObject(lost);
    await expect(
      store.bulk(
        (async function* () {
          yield [item()];
        })(),
        { now: Date.now },
      ),
    ).rejects.toMatchObject(lost);
    await expect(sender.step({ ...step, claim: 1 })).rejects.toMatchObject(lost);
    await expect(
      sender.step({ ...step, settle: [{ claim: claims[0]!, end: end('delivered') }] }),
    ).rejects.toMatchObject(lost);
    await expect(
      store.change(
        { kind: 'discard', filter: { ids: [2] }, dryRun: false },
        { who: 'x', command: 'discard', reason: undefined },
        0,
      ),
    ).rejects.toMatchObject(lost);
  });

  test.each([' ', '\n', '\r', '\t', '\u00a0'])(
    'whose name ends in white space (%j) is refused, because another file would be opened; none is made',
    async (end) => {
      const path = await queue();
      for (const mode of ['create', 'write', 'read'] as const) {
        expect(() => openFile({ path: path + end, mode, clock: systemClock, uid, allowNetworkDisk: false })).toThrow(
          expect.objectContaining({ code: 'usage', message: expect.stringContaining(JSON.stringify(path + end)) }),
        );
      }
      expect(readdirSync(dirname(path)).filter((name) => name.trim() !== name)).toEqual([]);
    },
  );

  test('is checked again after it was closed', async () => {
    const path = await queue();
    raw(path, (db) => db.pragma('application_id = 1'));
    expect(() => openFile({ path, mode: 'write', clock: systemClock, uid, allowNetworkDisk: false })).toThrow(
      /an SQLite file of another program/,
    );
  });

  test.each(['read', 'write', 'create'] as const)(
    'that lost its version is not taken for an older or a new one (%s), and is whole when the number is back',
    async (mode) => {
      const path = await queue();
      raw(path, (db) => db.pragma('user_version = 0'));
      const before = readFileSync(path);
      const openIt = (): Connection => openFile({ path, mode, clock: systemClock, uid, allowNetworkDisk: false });
      expect(openIt).toThrow(
        expect.objectContaining({ code: 'corrupt', hint: expect.stringMatching(/PRAGMA user_version = 2$/) }),
      );
      expect(readFileSync(path)).toEqual(before);
      raw(path, (db) => db.exec('PRAGMA user_version = 2'));
      openIt().close();
    },
  );

  test.each([
    ['is an empty SQLite database', 'PRAGMA user_version = 7', 'is an empty SQLite database', 'remove it'],
    ['came out of a dump', 'CREATE TABLE queue (one)', 'copied by a dump', 'name another file'],
  ])('that %s is told from one of another program', (_case, sql, message, hint) => {
    const path = freshPath();
    writeFileSync(path, '', { mode: 0o600 });
    raw(path, (db) => db.exec(sql));
    const expected = {
      code: 'not-a-queue',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    };
    expect(() => openFile({ path, mode: 'create', clock: systemClock, uid, allowNetworkDisk: false })).toThrow(
      expect.objectContaining(expected),
    );
  });

  test('whose lock file was deleted is not sent from any more', async () => {
    const path = freshPath();
    const store = open(path);
    await add(store);
    const sender = await session(store);
    rmSync(`${path}.lock`);
    await expect(sender.step({ ...step, claim: 1 })).rejects.toMatchObject({ code: 'other-runner' });
    expect(sender.lost.aborted).toBe(true);
  });

  test('is not written any more after a commit that may or may not be stored', async () => {
    const path = await queue();
    const connection = openFile({ path, mode: 'write', clock: systemClock, uid, allowNetworkDisk: false });
    const commit = connection.sql('COMMIT');
    const run = commit.run.bind(commit);
    commit.run = () => {
      throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' });
    };
    await expect(connection.write(() => 1)).rejects.toMatchObject({ code: 'store-unknown' });
    commit.run = run;
    await expect(connection.write(() => 1)).rejects.toMatchObject({ code: 'store-unknown' });
    await expect(connection.begin()).rejects.toMatchObject({ code: 'store-unknown' });
    connection.close();
  });
});

/** How to run a program with mounts of its own; undefined where that is not permitted. */
const unshare = [
  ['unshare', '-m'],
  ['unshare', '-Urm'],
].find(([program, flag]) => spawnSync(program!, [flag!, 'true']).status === 0);

function inNamespace(path: string, mount: string, task: string): any {
  const [program, flag] = unshare!;
  const script = `${mount} && exec "$3" "$4" ${task} "$2"`;
  const output = execFileSync(
    program!,
    [flag!, 'sh', '-c', script, 'sh', dirname(path), path, process.execPath, CHILD],
    { encoding: 'utf8' },
  );
  return JSON.parse(output);
}

const READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"';

(unshare === undefined ? describe.skip : describe)('on a disk of its own (needs unshare -m)', () => {
  test.each<[string, () => Promise<string>]>([
    ['closed properly', queue],
    [
      'left behind by a killed process',
      async () => {
        const path = freshPath();
        await startNode([CHILD, 'addAndDie', path]).ended;
        return path;
      },
    ],
  ])('a read-only queue that was %s can be read, and an attempt to write says why not', async (_name, make) => {
    const path = await make();
    expect(inNamespace(path, READ_ONLY, 'look')).toEqual({ read: 'ok', seen: 1, write: 'unwritable' });
  });

  test('a full disk refuses new items, accepts results and commands, starts nothing new, and recovers', () => {
    const path = freshPath();
    const result = inNamespace(path, 'mount -t tmpfs -o size=12m none "$1" && chmod 700 "$1"', 'fullDisk');
    expect(result).toEqual({
      before: true,
      full: {
        enqueue: 'disk-full',
        bulk: 'disk-full',
        settle: 'ok',
        reserve: false,
        settleAgain: 'ok',
        claim: 'disk-full',
        discard: 'ok',
        commands: ['ok'],
        states: ['completed', 'completed', 'discarded', 'pending'],
      },
      other: { read: 'ok', seen: 1, write: 'disk-full' },
      after: { enqueue: 'ok', claim: 'ok' },
      reserve: true,
    });
  });

  test('on a full disk, a queue that nobody has open can be read and pruned, and refuses new items', () => {
    const mount = 'mount -t tmpfs -o size=12m none "$1" && chmod 700 "$1"';
    expect(inNamespace(freshPath(), mount, 'closedOnFullDisk')).toEqual({
      seen: 2,
      enqueued: 'disk-full',
      before: true,
      discarded: 'ok',
      after: false,
      left: 1,
    });
  });

  test('a disk that is too small refuses the queue and says so', () => {
    const result = inNamespace(freshPath(), 'mount -t tmpfs -o size=1m none "$1" && chmod 700 "$1"', 'tinyDisk');
    expect(result).toEqual({ created: 'disk-full', look: { read: 'ok', seen: 0, write: 'disk-full' } });
  });
});

test('a queue in a read-only directory can be read', async () => {
  const path = await queue();
  const directory = dirname(path);
  const isRoot = uid === 0;
  if (isRoot && !(canGiveAway && nobodyCanRead(CHILD))) {
    console.log('skipped: root may write anywhere, and nobody else can run this');
    return;
  }
  if (isRoot) for (const name of [directory, path]) chownSync(name, NOBODY, NOBODY);
  for (const name of readdirSync(directory)) if (join(directory, name) !== path) rmSync(join(directory, name));
  chmodSync(directory, 0o500);
  const [program, ...before] = isRoot ? AS_NOBODY : ['env'];
  const output = execFileSync(program!, [...before, process.execPath, CHILD, 'look', path], { encoding: 'utf8' });
  chmodSync(directory, 0o700);
  expect(JSON.parse(output)).toEqual({ read: 'ok', seen: 1, write: 'unwritable' });
});
