/** A raw look into a queue file, for tests: as another program would have it. */
import type { Database } from '../../../../src/core/store/sqlite/file/driver.js';
import { loadSqlite } from '../../../../src/core/store/sqlite/file/driver.js';

/** Runs `body` on a connection of its own, as another program has one. */
export function raw<T>(path: string, body: (db: Database) => T): T {
  const Sqlite = loadSqlite();
  const db = new Sqlite(path, { fileMustExist: true, timeout: 5000 });
  try {
    db.pragma('synchronous = FULL');
    return body(db);
  } finally {
    db.close();
  }
}

/** Derives the lane heads, the counts and the groups from the items, and says where the file differs. */
export function faultsOf(path: string): string[] {
  return raw(path, (db) =>
    Object.entries(CHECKS).flatMap(([name, sql]) =>
      db
        .prepare(sql)
        .all()
        .map((row) => `${name}: ${JSON.stringify(row)}`),
    ),
  );
}

const HEADS = `SELECT item.id, item.elig, item.not_before, item.target_id, CASE
    WHEN item.state <> 0 THEN NULL
    WHEN item.lane IS NOT NULL AND EXISTS (SELECT 1 FROM item AS ahead WHERE ahead.target_id = item.target_id
      AND ahead.lane = item.lane AND ahead.state < 3 AND ahead.id < item.id) THEN NULL
    WHEN entity.paused_at IS NOT NULL THEN 3
    WHEN item.not_before IS NOT NULL THEN 2 ELSE 1 END AS expected
  FROM item LEFT JOIN entity ON entity.id = item.entity_id`;

const CHECKS = {
  'lane head': `SELECT * FROM (${HEADS}) WHERE elig IS NOT expected`,
  tally: `SELECT tally.*, found.* FROM tally LEFT JOIN (SELECT target_id AS t, sum(state = 0) AS p, sum(state = 1) AS s, sum(state = 2) AS r,
      sum(state = 3) AS c, sum(state = 4) AS d, sum(elig IS 1) AS e1, sum(elig IS 2) AS e2, sum(elig IS 3) AS e3
      FROM item GROUP BY target_id) AS found ON found.t = tally.target_id
    WHERE pending <> ifnull(p, 0) OR sending <> ifnull(s, 0) OR review <> ifnull(r, 0) OR completed <> ifnull(c, 0)
      OR discarded <> ifnull(d, 0) OR ready <> ifnull(e1, 0) OR waiting <> ifnull(e2, 0) OR paused <> ifnull(e3, 0)`,
  group: `SELECT id, items FROM review_group WHERE items <> (SELECT count(*) FROM item WHERE review_group = review_group.id)`,
  half: `SELECT item.id FROM item JOIN review_group ON review_group.id = item.review_group
    WHERE review_group.may_have_arrived <> (item.may_have_arrived IS NOT NULL)`,
  lane: `SELECT item.id, lane, entity_id, lane_order FROM item JOIN target ON target.id = item.target_id WHERE item.state < 3 AND CASE lane_order
      WHEN 'none' THEN lane IS NOT NULL WHEN 'strict' THEN lane IS NOT 0
      ELSE lane IS NOT CASE WHEN entity_id IS NOT NULL THEN entity_id WHEN lane IS NULL THEN NULL ELSE 0 END END`,
};
