/** The desk over a real queue: claims that a dead runner left, edits, and the retention rules at work. */
import { describe, expect, test } from '@jest/globals';

import { maintain, maintainAlways } from '../../../src/core/runner/maintain.js';
import type { Session } from '../../../src/core/store/store.js';
import type { TestQueue } from '../../support/queue.js';
import { testQueue } from '../../support/queue.js';
import { decide, openGate, runner } from '../store/conformance/harness.js';

const KARI = { who: 'kari', command: 'edit', reason: undefined };
const TARGETS = { api: { baseUrl: 'http://127.0.0.1:9' } };
const json = (pointer: string, value: string) => ({ json: [{ op: 'set' as const, pointer, value }] });

/** One item that a runner is sending. */
async function sending(): Promise<TestQueue & { id: number; session: Session }> {
  const test = testQueue(TARGETS);
  const { id } = await test.queue.enqueue({ method: 'PUT', path: '/a', entity: 'a/1', json: { n: 1 } });
  const session = await test.store.acquire(runner(), { decide, gate: openGate }, test.clock.now());
  if ('heldBy' in session) throw new Error('held');
  const step = { settle: [], release: [], targets: [], claim: 1, only: undefined, signal: undefined };
  await session.step({ ...step, now: test.clock.now() });
  return { ...test, id, session };
}

describe('an item that a dead runner left as being sent', () => {
  test('is settled first, then edited when somebody says yes, with a warning', async () => {
    const { queue, id, session } = await sending();
    await session.end(undefined);
    await expect(queue.desk.edit(id, json('/n', '2'), KARI)).rejects.toMatchObject({ code: 'confirm-needed' });
    await expect(queue.desk.beginEdit(id, KARI)).rejects.toMatchObject({ code: 'confirm-needed' });
    const result = await queue.desk.edit(id, json('/n', '2'), KARI, { yes: true });
    expect(result).toMatchObject({
      fields: ['/n'],
      unknown: true,
      item: { state: 'pending', attemptCount: 1, revision: 1 },
    });
    expect(result.item.attempts).toMatchObject([{ outcome: 'unknown' }]);
    expect((await queue.status()).lastRun).toBeUndefined();
  });

  test('can be discarded, together with others', async () => {
    const { queue, id, session } = await sending();
    const other = await queue.enqueue({ method: 'PUT', path: '/b' });
    await session.end(undefined);
    const shown = await queue.desk.discard({ ids: [id, other.id] }, { dryRun: true, by: KARI });
    expect(shown).toMatchObject({ changed: [other.id], skipped: [{ id, state: 'sending' }] });
    const report = await queue.desk.discard({ ids: [id, other.id] }, { dryRun: false, by: KARI });
    expect(report).toMatchObject({ changed: [id, other.id], skipped: [], from: { pending: 2 }, unknown: [id] });
  });

  test('is forgotten with its entity', async () => {
    const { queue, id, session } = await sending();
    await session.end(undefined);
    const report = await queue.desk.erase({ type: 'a', id: '1' }, { dryRun: false, by: KARI });
    expect(report).toMatchObject({ items: [id], discarded: [id], unknown: [id] });
  });
});

test('a header that is not there cannot be removed: it was meant to be another', async () => {
  const { queue } = testQueue({ api: { baseUrl: 'http://127.0.0.1:9' } });
  const { id } = await queue.enqueue({ method: 'POST', path: '/a', json: 1, headers: { 'X-Lang': 'nb' } });
  await expect(queue.desk.edit(id, { removeHeaders: ['x-land'] }, KARI)).rejects.toMatchObject({
    code: 'bad-item',
    message: `item ${id} has no header x-land; nothing was changed`,
    hint: 'It has: x-lang.',
  });
  expect((await queue.desk.edit(id, { removeHeaders: ['X-LANG'] }, KARI)).item.headers).toEqual({});
});

test('an item that is being sent is left alone, and it is said by whom', async () => {
  const { queue, id, session } = await sending();
  await expect(queue.desk.edit(id, json('/n', '2'), KARI)).rejects.toMatchObject({
    code: 'busy',
    message: expect.stringMatching(/it is being sent by pid \d+ \(run\)/),
  });
  await expect(queue.desk.erase({ type: 'a', id: '1' }, { dryRun: false, by: KARI })).rejects.toMatchObject({
    code: 'busy',
  });
  const report = await queue.desk.discard({ ids: [id] }, { dryRun: false, by: KARI });
  expect(report.skipped).toMatchObject([{ id, reason: expect.stringContaining('being sent by pid') }]);
  await session.end(undefined);
});

describe('the retention rules', () => {
  async function finished(count: number): Promise<TestQueue> {
    const test = testQueue(TARGETS);
    await test.queue.enqueueMany(Array.from({ length: count }, (_, n) => ({ method: 'PUT', path: '/a', json: n })));
    await test.queue.desk.discard({ states: ['pending'] }, { dryRun: false, by: KARI });
    test.clock.advance(10_000);
    return test;
  }
  const config = { retention: { completedMs: 5_000, payloadsMs: undefined } };
  const left = async ({ queue }: TestQueue): Promise<number> => (await queue.status()).counts.discarded;

  test('are carried out in batches, at most once an hour', async () => {
    const test = await finished(450);
    const deps = { store: test.store, config, clock: test.clock };
    await maintain(deps, 5_000);
    expect(await left(test)).toBe(0);
    await test.queue.enqueue({ method: 'PUT', path: '/a' });
    await test.queue.desk.discard({ states: ['pending'] }, { dryRun: false, by: KARI });
    test.clock.advance(10_000);
    await maintain(deps, 5_000);
    expect(await left(test)).toBe(1);
    test.clock.advance(3_600_000);
    await maintain(deps, 5_000);
    expect(await left(test)).toBe(0);
  });

  test('stop when their time is over, and go on the next time', async () => {
    const test = await finished(450);
    const deps = { store: test.store, config, clock: test.clock };
    await maintain(deps, 0);
    expect(await left(test)).toBe(450);
    await maintain(deps, 5_000);
    expect(await left(test)).toBe(0);
  });

  test('cost no write where nothing is to go, and none without rules', async () => {
    const test = await finished(1);
    await maintain(
      {
        store: test.store,
        config: { retention: { completedMs: undefined, payloadsMs: undefined } },
        clock: test.clock,
      },
      5_000,
    );
    await maintain(
      { store: test.store, config: { retention: { completedMs: 1e9, payloadsMs: 1e9 } }, clock: test.clock },
      5_000,
    );
    expect(await test.store.lastPrune()).toBeUndefined();
    expect(await left(test)).toBe(1);
  });

  test('are looked at by a runner that stays, until it ends', async () => {
    const test = await finished(3);
    const ended = new AbortController();
    const working = maintainAlways({ store: test.store, config, clock: test.clock }, ended.signal);
    const deadline = performance.now() + 5_000;
    while ((await left(test)) > 0 && performance.now() < deadline) await test.clock.sleep(5);
    ended.abort();
    await working;
    expect(await left(test)).toBe(0);
  });
});
