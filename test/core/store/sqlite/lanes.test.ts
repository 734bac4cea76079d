/** Holds the SQL that decides lanes and heads (outbox, relane, repair, audit) against policy/lane.ts, case by case. */
import { join } from 'node:path';

import { beforeEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import { currentUid } from '../../../../src/core/nouns/host.js';
import type { LaneOrder } from '../../../../src/core/nouns/target.js';
import { headEligibility, laneOf } from '../../../../src/core/policy/lane.js';
import { auditQueue } from '../../../support/audit.js';
import { ELIG } from '../../../../src/core/store/sqlite/sql/codes.js';
import type { Database } from '../../../../src/core/store/sqlite/file/driver.js';
import { openFile } from '../../../../src/core/store/sqlite/file/open.js';
import { repairFile } from '../../../../src/core/store/sqlite/care/repair.js';
import { openStore, startSession } from '../../../support/store.js';
import { tempDirectory } from '../../../support/temp.js';
import { raw } from './support.js';

const DAY = 86_400_000;
const ORDERS: readonly LaneOrder[] = ['entity', 'strict', 'none'];
const FLAGS = [false, true] as const;
const TIMES = { none: undefined, past: -DAY, future: DAY } as const;
const AHEAD = ['nobody', 'same', 'other'] as const;
const SHARED = 0;

interface Case {
  /** Its item's path, so that it is found again. */
  path: string;
  target: string;
  entity: string | undefined;
  time: keyof typeof TIMES;
  entityPaused: boolean;
  /** An unfinished item of the same target before it: of the same entity, or of another one. */
  ahead: (typeof AHEAD)[number];
  attempted: boolean;
}

/** Every combination, each on a target of its own, so that no case is in the way of another. */
const CASES: readonly Case[] = [undefined, 'free', 'paused'].flatMap((entity) =>
  (Object.keys(TIMES) as (keyof typeof TIMES)[]).flatMap((time) =>
    AHEAD.flatMap((ahead) =>
      FLAGS.map((attempted): Case => {
        const target = [entity ?? 'no-entity', time, ahead, attempted ? 'tried' : 'new'].join('-');
        const path = `/${target}`;
        return { path, target, entity, time, entityPaused: entity === 'paused', ahead, attempted };
      }),
    ),
  ),
);

interface Found {
  path: string;
  lane: number | null;
  elig: number | null;
  entity_id: number | null;
  not_before: number | null;
}

let path: string;
let now: number;

const query = <T>(sql: string): T[] => raw(path, (db) => db.prepare(sql).all() as T[]);
const found = (): Map<string, Found> =>
  new Map(query<Found>("SELECT * FROM item WHERE path <> '/ahead'").map((row) => [row.path, row]));

/** A target of this order for every case. */
async function sync(order: LaneOrder): Promise<void> {
  const store = openStore(path.slice(0, -'/q.db'.length));
  const session = await startSession(store, now);
  await session.syncTargets(
    CASES.map(({ target }) => ({ name: target, order, implicitBaseUrl: undefined })),
    undefined,
    now,
  );
  await session.end(undefined);
  await store.close();
}

/** Through the door for other programs. */
function insert(db: Database, { target, entity, time }: Case, itemPath: string): void {
  db.prepare(
    "INSERT INTO outbox (target, method, path, entity_type, entity_id, not_before) VALUES (?, 'PUT', ?, ?, ?, ?)",
  ).run(
    target,
    itemPath,
    entity === undefined ? null : 'thing',
    entity ?? null,
    TIMES[time] === undefined ? null : now + TIMES[time],
  );
}

function fill(): void {
  raw(path, (db) => {
    db.exec("INSERT INTO entity (type, key, paused_at) VALUES ('thing', 'free', NULL), ('thing', 'paused', 1)");
    for (const it of CASES) {
      const entity = it.ahead === 'other' ? 'another' : it.entity;
      if (it.ahead !== 'nobody') insert(db, { ...it, entity, time: 'none' }, '/ahead');
      insert(db, it, it.path);
    }
  });
}

const policyLane = (order: LaneOrder, row: Found, ownTime: boolean): number | null =>
  laneOf(order, row.entity_id ?? undefined, SHARED, ownTime) ?? null;
function policyElig(order: LaneOrder, it: Case, lane: number | null, waits: boolean): number | null {
  const behind = it.ahead === 'same' || (it.ahead === 'other' && order === 'strict');
  return behind && lane !== null ? null : ELIG[headEligibility(it.entityPaused, waits)];
}

beforeEach(() => {
  path = join(tempDirectory(), 'q.db');
  now = Date.now();
});

describe.each(ORDERS)('order %s', (order) => {
  test('an INSERT INTO outbox gets the lane and the eligibility of the policy', async () => {
    await sync(order);
    fill();
    const rows = found();
    for (const it of CASES) {
      const row = rows.get(it.path)!;
      const waits = it.time === 'future';
      const lane = policyLane(order, row, waits);
      expect({ ...it, lane: row.lane, elig: row.elig }).toEqual({
        ...it,
        lane,
        elig: policyElig(order, it, lane, waits),
      });
    }
  });

  test('so does every item when its target gets this order', async () => {
    await sync(order === 'none' ? 'strict' : 'none');
    fill();
    raw(path, (db) => {
      const set = db.prepare('UPDATE item SET not_before = ?, attempts = ? WHERE path = ?');
      for (const { time, attempted, path: itemPath } of CASES)
        set.run(TIMES[time] === undefined ? null : now + TIMES[time], Number(attempted), itemPath);
    });
    await sync(order);
    const rows = found();
    for (const it of CASES) {
      const row = rows.get(it.path)!;
      const waits = it.time === 'future';
      // A wait after an attempt is a retry's, not the time that the item was enqueued for.
      const lane = policyLane(order, row, waits && !it.attempted);
      expect({ ...it, lane: row.lane, elig: row.elig }).toEqual({
        ...it,
        lane,
        elig: policyElig(order, it, lane, waits),
      });
    }
  });

  test.each([null, ...Object.values(ELIG)])(
    'an audit finds what the policy says otherwise, and a repair puts it right, where heads are marked %s',
    async (mark) => {
      await sync(order);
      fill();
      raw(path, (db) => {
        const set = db.prepare('UPDATE item SET not_before = ?, elig = ? WHERE path = ?');
        for (const { time, path: itemPath } of CASES)
          set.run(TIMES[time] === undefined ? null : now + TIMES[time], mark, itemPath);
      });
      // A time that is still stored may have come: then the mark says so, and the next run clears it.
      const right = new Map(
        [...found()].map(([itemPath, row]) => {
          const it = CASES.find((candidate) => candidate.path === itemPath)!;
          return [itemPath, policyElig(order, it, row.lane, row.not_before !== null && mark !== ELIG.ready)];
        }),
      );
      const place = { path, clock: systemClock, uid: currentUid(), allowNetworkDisk: false };
      const audit = (): string[] => {
        const connection = openFile({ ...place, mode: 'write' });
        const messages = auditQueue(connection).flatMap(({ code, message }) => (code === 'lane-head' ? [message] : []));
        connection.close();
        return messages;
      };
      const wrong = [...right.values()].filter((elig) => elig !== mark).length;
      expect(audit()).toHaveLength(wrong === 0 ? 0 : 1);
      expect(await repairFile(place, { who: 'kim', command: 'doctor', reason: undefined })).toMatchObject({
        heads: wrong,
      });
      expect(audit()).toEqual([]);
      expect(new Map([...found()].map(([itemPath, { elig }]) => [itemPath, elig]))).toEqual(right);
    },
  );

  test('an audit finds every item that is in another lane than the policy says', async () => {
    await sync(order);
    fill();
    const lanes = [null, SHARED, ...query<{ id: number }>('SELECT id FROM entity').map(({ id }) => id)];
    const connection = openFile({
      path,
      mode: 'write',
      clock: systemClock,
      uid: currentUid(),
      allowNetworkDisk: false,
    });
    const laneFindings = (): number => auditQueue(connection).filter(({ code }) => code === 'lane').length;
    expect(laneFindings()).toBe(0);
    for (const { entity_id: entity } of new Map([...found().values()].map((row) => [row.entity_id, row])).values()) {
      const of = entity === null ? 'entity_id IS NULL' : `entity_id = ${entity}`;
      // Whether it was enqueued for a time is not in the file: either answer will do.
      const allowed = FLAGS.map((ownTime) => laneOf(order, entity ?? undefined, SHARED, ownTime) ?? null);
      for (const lane of lanes) {
        connection.run('SAVEPOINT other');
        connection.run(`UPDATE item SET lane = ? WHERE ${of}`, lane);
        expect({ entity, lane, findings: laneFindings() }).toEqual({
          entity,
          lane,
          findings: allowed.includes(lane) ? 0 : 1,
        });
        connection.run('ROLLBACK TO other');
        connection.run('RELEASE other');
      }
    }
    connection.close();
  });
});
