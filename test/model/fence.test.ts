/** What stands between a queue and a second sender, each part by itself: the lock, its file, the epoch, the claim. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../src/core/nouns/clock.js';
import { currentUid } from '../../src/core/nouns/host.js';
import type { Connection } from '../../src/core/store/sqlite/file/connection.js';
import { openFile } from '../../src/core/store/sqlite/file/open.js';
import type { Claim, Session, Store } from '../../src/core/store/store.js';
import { startNode } from '../support/process.js';
import { ROOT } from '../support/source-graph.js';
import { end, newItem, openStore, POLICY, startSession, stepOf } from '../support/store.js';
import { tempDirectory } from '../support/temp.js';

const AT = Date.UTC(2026, 2, 5, 12);
const WHO = { kind: 'run' as const, id: 'second', pid: 2, host: 'h', bootId: 'b' };

let directory: string;
let store: Store;
/** Another process's connection. */
let other: Connection;

beforeEach(async () => {
  directory = tempDirectory();
  store = openStore(directory);
  await store.enqueue([newItem(), newItem({ entity: { type: 'activity', id: '1' } })], { now: AT, ifQueued: 'append' });
  const path = join(directory, 'q.db');
  other = openFile({ path, mode: 'write', clock: systemClock, uid: currentUid(), allowNetworkDisk: false });
});

afterEach(async () => {
  other.close();
  await store.close();
});

async function claimed(session: Session): Promise<Claim> {
  const { claims } = await session.step(stepOf({ now: AT, claim: 1 }));
  if (claims[0] === undefined) throw new Error('nothing was claimed');
  return claims[0];
}

const stateOf = (id: number): number | undefined =>
  other.get<{ state: number }>('SELECT state FROM item WHERE id = ?', id)?.state;

describe('a runner that has the queue', () => {
  test('keeps every other one out until it ends', async () => {
    const session = await startSession(store, AT);
    const second = openStore(directory);
    expect(await second.acquire(WHO, POLICY, AT)).toMatchObject({ heldBy: { id: 'test' } });
    await session.end(undefined);
    const taken = await second.acquire(WHO, POLICY, AT);
    expect('heldBy' in taken).toBe(false);
    if (!('heldBy' in taken)) await taken.end(undefined);
    await second.close();
  });

  test('stops when its lock file is gone, before anybody else has come', async () => {
    const session = await startSession(store, AT);
    const claim = await claimed(session);
    rmSync(join(directory, 'q.db.lock'));
    const settle = [{ claim, end: end('delivered', 201) }];
    await expect(session.step(stepOf({ now: AT, claim: 1, settle }))).rejects.toMatchObject({ code: 'other-runner' });
    expect(session.lost.aborted).toBe(true);
    expect([stateOf(1), stateOf(2)]).toEqual([1, 0]);
    await session.end(undefined);
  });

  test('stops when another one has begun, and records nothing more', async () => {
    const session = await startSession(store, AT);
    const claim = await claimed(session);
    other.run('UPDATE runner SET epoch = epoch + 1');
    const settle = [{ claim, end: end('delivered', 201) }];
    await expect(session.step(stepOf({ now: AT, claim: 1, settle }))).rejects.toMatchObject({ code: 'other-runner' });
    expect(session.lost.aborted).toBe(true);
    expect([stateOf(1), stateOf(2)]).toEqual([1, 0]);
    await session.end(undefined);
  });

  test('does not touch an item whose claim is another’s by now, and settles the rest of the commit', async () => {
    const session = await startSession(store, AT);
    const { claims } = await session.step(stepOf({ now: AT, claim: 2 }));
    other.run('UPDATE item SET claim_attempt = claim_attempt + 1000 WHERE id = 1');
    const { settled } = await session.step(
      stepOf({ now: AT, settle: claims.map((claim) => ({ claim, end: end('delivered', 201) })) }),
    );
    expect(settled.map(({ item, result }) => [item, result])).toEqual([
      [1, 'stale'],
      [2, 'ok'],
    ]);
    expect([stateOf(1), stateOf(2)]).toEqual([1, 3]);
    expect(other.all('SELECT item_id FROM attempt')).toEqual([{ item_id: 2 }]);
    await session.end(undefined);
  });
});

// A process of its own: inside this one, the registry of runners answers before the kernel is asked.
describe('the kernel lock of another process', () => {
  const holder = join(ROOT, 'test', 'model', 'lock-holder.mjs');

  test('is kept through garbage collection, and freed by its death', async () => {
    const path = join(directory, 'q.db');
    const process = startNode(['--expose-gc', holder, path]);
    await process.waitForStdout('held');
    expect(existsSync(`${path}.lock`)).toBe(true);
    expect(await store.acquire(WHO, POLICY, AT)).toMatchObject({ heldBy: { id: 'holder', pid: process.pid } });
    await process.kill('SIGKILL');
    const session = await store.acquire(WHO, POLICY, AT);
    expect('heldBy' in session).toBe(false);
    if (!('heldBy' in session)) await session.end(undefined);
  });
});

test('every connection that writes flushes every commit', () => {
  // The driver falls back to NORMAL on the second and later connections of a file.
  const again = openFile({
    path: join(directory, 'q.db'),
    mode: 'write',
    clock: systemClock,
    uid: currentUid(),
    allowNetworkDisk: false,
  });
  for (const connection of [other, again]) {
    expect(connection.all('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
    expect(connection.all('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
  }
  again.close();
});
