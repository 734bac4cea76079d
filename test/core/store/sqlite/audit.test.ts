import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import { currentUid } from '../../../../src/core/nouns/host.js';
import { auditQueue } from '../../../support/audit.js';
import type { Connection } from '../../../../src/core/store/sqlite/file/connection.js';
import { openFile } from '../../../../src/core/store/sqlite/file/open.js';
import type { Session, Store } from '../../../../src/core/store/store.js';
import { end, newItem, openStore, startSession, stepOf } from '../../../support/store.js';
import { tempDirectory } from '../../../support/temp.js';

const AT = Date.UTC(2026, 2, 5, 12);

let store: Store;
let session: Session;
let connection: Connection;

/** A queue with something of everything: heads and items behind them, waits, a pause, review, sending, completed. */
beforeEach(async () => {
  const directory = tempDirectory();
  store = openStore(directory);
  const entity = (id: string): { type: string; id: string } => ({ type: 'activity', id });
  const items = [
    newItem({ entity: entity('1') }),
    newItem({ entity: entity('1') }),
    newItem({ entity: entity('2') }),
    newItem({ entity: entity('3') }),
    newItem({ entity: entity('4'), notBefore: { delayMs: 60_000 } }),
    newItem({ entity: entity('5') }),
    newItem({ notBefore: { delayMs: 60_000 } }),
    newItem({}),
    newItem({ entity: entity('6') }),
  ];
  await store.enqueue(items, { now: AT, ifQueued: 'append' });
  session = await startSession(store, AT);
  await session.syncTargets([{ name: 'production', order: 'entity', implicitBaseUrl: undefined }], 'production', AT);
  const { claims } = await session.step(stepOf({ now: AT, claim: 4 }));
  const answers = [end('rejected', 422), end('delivered', 201), end('transient', 500)];
  const settle = answers.flatMap((answer, index) =>
    claims[index] === undefined ? [] : [{ claim: claims[index], end: answer }],
  );
  await session.step(stepOf({ now: AT, settle }));
  await store.change(
    { kind: 'pause', what: { entity: entity('6') }, until: undefined },
    { who: 'ann', command: 'pause', reason: undefined },
    AT,
  );
  const path = join(directory, 'q.db');
  connection = openFile({
    path,
    mode: 'write',
    clock: systemClock,
    uid: currentUid(),
    allowNetworkDisk: false,
  });
});

afterEach(async () => {
  await session.end(undefined);
  connection.close();
  await store.close();
});

const codes = (): string[] => auditQueue(connection).map(({ code }) => code);

test('a queue in use is sound', () => {
  expect(auditQueue(connection)).toEqual([]);
});

describe('an audit finds', () => {
  test.each([
    ['a payload that changed', 'corrupt', 'UPDATE item SET payload = ? WHERE id = 2'],
    ['a head that is not marked', 'lane-head', 'UPDATE item SET elig = NULL WHERE id = 8'],
    ['a mark behind a head', 'lane-head', 'UPDATE item SET elig = 1 WHERE id = 2'],
    [
      'a head in backoff that is marked as due for its entity’s sake',
      'lane-head',
      'UPDATE item SET elig = 3 WHERE id = 5',
    ],
    ['a paused head that could go', 'lane-head', 'UPDATE item SET elig = 1 WHERE id = 9'],
    ['an item in another lane', 'lane', 'UPDATE item SET lane = 999 WHERE id = 2'],
    ['an attempt too few', 'ledger', 'DELETE FROM attempt WHERE item_id = 1'],
    ['a wrong count of review items', 'review-groups', 'UPDATE review_group SET items = items + 1'],
    ['a wrong count of pending items', 'counts', 'UPDATE tally SET pending = pending - 1'],
    ['a wrong count of ready heads', 'counts', 'UPDATE tally SET ready = ready + 1'],
    ['a missing row of counts', 'counts', 'DELETE FROM tally'],
    ['a row that points nowhere', 'orphans', 'UPDATE item SET entity_id = 999, lane = 999 WHERE id = 8'],
  ])('%s', (_what, code, sql) => {
    const parameters = sql.includes('?') ? [Buffer.from('other')] : [];
    expect(connection.run(sql, ...parameters).changes).toBeGreaterThan(0);
    expect(codes()).toContain(code);
  });

  test('the ids of altered payloads, in one finding', () => {
    connection.run('UPDATE item SET payload = ? WHERE id IN (2, 8)', Buffer.from('other'));
    expect(auditQueue(connection)).toEqual([
      expect.objectContaining({
        code: 'corrupt',
        severity: 'unusable',
        message: expect.stringMatching(
          /^the stored bytes of 2 items \(2, 8\) are not those that were enqueued$/,
        ) as unknown,
      }),
    ]);
  });
});
