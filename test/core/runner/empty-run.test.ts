/** What a run that finds nothing leaves behind: nothing, unless the run before it did not end well. */
import { expect, test } from '@jest/globals';

import { startServer } from '../../support/rest-server.js';
import { testQueue } from '../../support/queue.js';

const MINUTE = 60_000;

test('an empty run records itself once after a run that did not end with 0, and writes nothing after a good one', async () => {
  const server = await startServer({ answer: { status: 422 } });
  const test = testQueue({ api: { baseUrl: server.url } });
  const { queue, clock } = test;
  const other = testQueue({ api: { baseUrl: server.url } }, { path: test.path });
  const last = async (): Promise<unknown[]> => {
    const { lastRun } = await queue.status();
    return [lastRun?.exitCode, lastRun?.startedAt];
  };
  /** Whether the run writes: another connection sees every commit. */
  const run = async (): Promise<boolean> => {
    clock.advance(MINUTE);
    const over = new AbortController();
    const changes = other.store.changes(over.signal)[Symbol.asyncIterator]();
    const change = changes.next();
    expect(await queue.drain({ kind: 'run' })).toMatchObject({ stopped: 'drained', attempts: 0 });
    setTimeout(() => over.abort(), 500);
    return (await change).done !== true;
  };
  // Nobody ever ran: no news.
  expect([await run(), await last()]).toEqual([false, [undefined, undefined]]);
  const { id } = await queue.enqueue({ method: 'POST', path: '/a', json: {} });
  await queue.drain({ kind: 'run' });
  expect((await last())[0]).toBe(3);
  await queue.desk.complete(
    { ids: [id] },
    { dryRun: false, by: { who: 'kari', command: 'complete', reason: 'sent by hand' } },
  );
  expect(await run()).toBe(true);
  const recorded = await last();
  expect(recorded[0]).toBe(0);
  expect([await run(), await last()]).toEqual([false, recorded]);
});
