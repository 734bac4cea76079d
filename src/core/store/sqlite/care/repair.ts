/** Computes derived values again from the items: lane heads, counts per target, counts per review group. */
import { QueueError } from '../../../nouns/errors.js';
import type { RepairReport } from '../../care.js';
import type { Actor } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { appendHistory } from '../read/history.js';
import { COUNTED, RIGHT_ELIG } from '../sql/lane-sql.js';
import { acquireLock } from '../file/lock.js';
import { Reserve } from '../file/reserve.js';
import type { OpenOptions } from '../file/open-options.js';
import { openFile } from '../file/open.js';
import { REGROUP } from '../sql/regroup.js';
import { PENDING } from '../sql/codes.js';

const MEND_HEADS = `UPDATE item SET elig = ${RIGHT_ELIG} WHERE state = ${PENDING} AND elig IS NOT (${RIGHT_ELIG})`;

const ADD_COUNTS = 'INSERT INTO tally (target_id) SELECT id FROM target WHERE id NOT IN (SELECT target_id FROM tally)';
const RIGHT_COUNTS = `SELECT target.id AS target_id, ${COUNTED.map(([name, is]) => `count(item.id) FILTER (WHERE ${is}) AS ${name}`).join(', ')}
    FROM target LEFT JOIN item ON item.target_id = target.id GROUP BY target.id`;
const MEND_COUNTS = `UPDATE tally SET ${COUNTED.map(([name]) => `${name} = found.${name}`).join(', ')} FROM (${RIGHT_COUNTS}) AS found
  WHERE tally.target_id = found.target_id AND (${COUNTED.map(([name]) => `tally.${name} IS NOT found.${name}`).join(' OR ')})`;

/**
 * Needs the runner's lock and a file that SQLite finds whole: from damaged items, wrong values would follow.
 *
 * @throws {QueueError} other-runner, corrupt, and whatever opening refuses
 */
export async function repairFile(options: Omit<OpenOptions, 'mode'>, by: Actor): Promise<RepairReport> {
  const connection = openFile({ ...options, mode: 'write' });
  try {
    const lock = acquireLock(options.path);
    if (lock === undefined) {
      throw new QueueError('other-runner', 'a runner is at work; nothing was changed', {
        hint: 'stop it (syncq status says who), then repair',
      });
    }
    try {
      assertWhole(connection);
      return await connection.write(() => mend(connection, options.clock.now(), by), {
        onFull: () => new Reserve(options.path).release(),
      });
    } finally {
      lock.release();
    }
  } finally {
    connection.close();
  }
}

function assertWhole(connection: Connection): void {
  const verdict = connection.db.pragma('integrity_check(1)', { simple: true });
  if (verdict === 'ok') return;
  throw new QueueError(
    'corrupt',
    `${connection.path} is damaged; a damaged file is not repaired, nothing was changed`,
    {
      hint: 'keep the file; save what can be read: syncq doctor --save FILE',
    },
  );
}

function mend(connection: Connection, now: number, by: Actor): RepairReport {
  // `RIGHT_ELIG` stands in the statement twice; both give the same value.
  const heads = connection.run(MEND_HEADS).changes;
  const added = connection.run(ADD_COUNTS).changes;
  const targets = Math.max(added, connection.run(MEND_COUNTS).changes);
  const groups = REGROUP.reduce((changes, sql) => changes + connection.run(sql).changes, 0);
  const report = { heads, targets, groups };
  if (heads + targets + groups > 0) {
    appendHistory(connection, {
      at: now,
      item: undefined,
      target: undefined,
      ...by,
      event: 'repaired',
      detail: { ...report },
    });
  }
  return report;
}
