import { existsSync, lstatSync, statfsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import {
  freeSpaceOf,
  LEAST_FREE_BYTES,
  Reserve,
  RESERVE_BYTES,
} from '../../../../src/core/store/sqlite/file/reserve.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/store.js';
import type { Store } from '../../../../src/core/store/store.js';
import { tempDirectory } from '../../../support/temp.js';
import { about, decide, end, item, openGate, runner } from '../conformance/harness.js';

const MIB = 1024 * 1024;

describe('the reserve', () => {
  test('is a file of its size that only its owner may use', () => {
    const path = join(tempDirectory(), 'queue.db');
    new Reserve(path).ensure();
    expect(statSync(`${path}.reserve`)).toMatchObject({ size: RESERVE_BYTES, mode: 0o100600 });
    expect(statSync(`${path}.reserve`).blocks * 512).toBeGreaterThanOrEqual(RESERVE_BYTES);
  });

  test('is not created where it would leave less than the minimum', () => {
    const path = join(tempDirectory(), 'queue.db');
    new Reserve(path, () => LEAST_FREE_BYTES + RESERVE_BYTES - 1).ensure();
    expect(existsSync(`${path}.reserve`)).toBe(false);
  });

  test.each([0, 4096])('is created again after its process was killed at %d bytes', (bytes) => {
    const path = join(tempDirectory(), 'queue.db');
    writeFileSync(`${path}.reserve`, Buffer.alloc(bytes));
    new Reserve(path).ensure();
    expect(statSync(`${path}.reserve`)).toMatchObject({ size: RESERVE_BYTES, mode: 0o100600 });
  });

  test('is deleted only once', () => {
    const reserve = new Reserve(join(tempDirectory(), 'queue.db'));
    reserve.ensure();
    expect([reserve.release(), reserve.release()]).toEqual([true, false]);
  });

  test('never touches the file behind a link of its name', () => {
    const path = join(tempDirectory(), 'queue.db');
    writeFileSync(`${path}.other`, 'mine');
    symlinkSync(`${path}.other`, `${path}.reserve`);
    const reserve = new Reserve(path);
    reserve.ensure();
    expect(lstatSync(`${path}.reserve`).isSymbolicLink()).toBe(true);
    reserve.release();
    expect(statSync(`${path}.other`).size).toBe(4);
  });

  test('assumes room where the system cannot tell how much is free', () => {
    const blind = new Reserve('/nowhere/queue.db', () => {
      throw new Error('ENOSYS');
    });
    expect(blind.hasRoom(1e15)).toBe(true);
  });
});

describe('the free space', () => {
  const all = (directory: string): number => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  };

  test('is refreshed only when the disk could have filled up meanwhile', () => {
    const directory = tempDirectory();
    let now = 1_000;
    const free = freeSpaceOf({ monotonic: () => now });
    const known = free(directory, 0);
    now += 10;
    // The fastest of all writers puts some 164 MiB on the disk in 10 ms.
    const atLeast = free(directory, known - 200 * MIB);
    expect(known - atLeast).toBeGreaterThan(160 * MIB);
    expect(known - atLeast).toBeLessThan(180 * MIB);
    expect(free(directory, known - 100 * MIB)).toBeGreaterThan(atLeast);
  });

  test('is refreshed after 100 ms in any case', () => {
    let now = 1_000;
    const free = freeSpaceOf({ monotonic: () => now });
    const directory = tempDirectory();
    free(directory, 0);
    now += 100;
    expect(Math.abs(free(directory, -Infinity) - all(directory))).toBeLessThan(512 * MIB);
  });

  test('is always exact when it is not enough', () => {
    const directory = tempDirectory();
    let now = 1_000;
    const free = freeSpaceOf({ monotonic: () => now });
    for (const ms of [0, 1, 1_000, 1e9]) {
      now += ms;
      expect(Math.abs(free(directory, 1e18) - all(directory))).toBeLessThan(512 * MIB);
    }
  });

  test('is read again when the directory is gone', () => {
    expect(() => freeSpaceOf(systemClock)(join(tempDirectory(), 'nowhere'), 0)).toThrow(/ENOENT/);
  });
});

describe('below the minimum', () => {
  let free = 100 * MIB;
  const opened: Store[] = [];
  const step = { now: 0, settle: [], release: [], targets: [], claim: 0, only: undefined, signal: undefined };

  afterEach(async () => {
    free = 100 * MIB;
    for (const store of opened.splice(0)) await store.close();
  });

  async function queue(): Promise<Store> {
    const path = join(tempDirectory(), 'queue.db');
    const store = openSqliteStore({
      path,
      mode: 'create',
      clock: systemClock,
      uid: process.getuid?.(),
      allowNetworkDisk: false,
      freeSpace: () => free,
    });
    opened.push(store);
    await store.enqueue([item(about('a/1')), item(about('b/1')), item({ ...about('c/1'), target: 'held' })], {
      now: 0,
      ifQueued: 'append',
    });
    return store;
  }

  test('nothing is stored, and payloads count with their size', async () => {
    const store = await queue();
    free = LEAST_FREE_BYTES + MIB;
    const big = item({ payload: new Uint8Array(MIB) });
    await expect(store.enqueue([big], { now: 0, ifQueued: 'append' })).rejects.toMatchObject({ code: 'disk-full' });
    await expect(store.enqueue([item()], { now: 0, ifQueued: 'append' })).resolves.toHaveLength(1);
  });

  test('a bulk that runs out of room stores nothing', async () => {
    const store = await queue();
    const batches = (async function* () {
      yield [item()];
      free = 0;
      yield [item()];
    })();
    await expect(store.bulk(batches, { now: () => 0 })).rejects.toMatchObject({ code: 'disk-full' });
    expect((await store.summary(0)).targets.reduce((sum, { pending }) => sum + pending, 0)).toBe(3);
  });

  test('results in flight are recorded and reported before the runner stops', async () => {
    const store = await queue();
    const session = await store.acquire(runner(), { decide, gate: openGate }, 0);
    if ('heldBy' in session) throw new Error('held');
    const { claims } = await session.step({ ...step, claim: 1 });
    free = 0;
    expect(await session.step({ ...step, claim: 5 })).toMatchObject({ claims: [], more: false });
    const last = await session.step({ ...step, settle: [{ claim: claims[0]!, end: end('delivered') }], claim: 5 });
    expect(last).toMatchObject({ settled: [{ result: 'ok' }], claims: [], more: true });
    await expect(session.step({ ...step, claim: 5 })).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining('nothing more was sent'),
    });
    free = 100 * MIB;
    expect((await session.step({ ...step, claim: 5 })).claims).toHaveLength(2);
  });

  test('a runner with nothing to send is not stopped', async () => {
    const store = await queue();
    const session = await store.acquire(
      runner(),
      { decide, gate: ({ name }) => ({ slots: name === 'held' ? 0 : 5, rotate: false }) },
      0,
    );
    if ('heldBy' in session) throw new Error('held');
    const { claims } = await session.step({ ...step, claim: 5 });
    await session.step({ ...step, settle: claims.map((claim) => ({ claim, end: end('delivered') })) });
    free = 0;
    expect(await session.step({ ...step, claim: 5 })).toMatchObject({ claims: [], more: false });
  });
});
