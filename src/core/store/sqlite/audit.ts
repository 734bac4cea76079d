/** Holds a queue file against itself: what SQLite says of it, the payloads' checksums, and everything that is derived. */
import { finding, someItems, type Finding } from '../../nouns/finding.js';
import { COMPLETED, PENDING, REVIEW, SENDING } from './codes.js';
import type { Connection } from './connection.js';
import { sha256 } from './enqueue.js';
import { COUNTED, RIGHT_ELIG } from './lane-sql.js';

const SAFE = 'nothing is lost: these values can be made anew from the items';
const REPAIR = 'keep a copy of the file, then: syncq doctor --repair';

/** Ids that one finding names at most. */
const MOST_IDS = 20;

/**
 * Everything that may not be in a queue file, whatever happened to it. Empty = sound. Reads the whole file (payloads one
 * at a time), so it takes its time; call it inside one read transaction, or while nobody writes.
 */
export function auditQueue(connection: Connection): Finding[] {
  const damage = [...integrity(connection), ...payloads(connection)];
  // What is derived from damaged pages is no news.
  if (damage.some(({ code }) => code === 'corrupt')) return damage;
  return [...damage, ...auditDerived(connection)];
}

/** The part of it that follows from the items: for a file whose pages and payloads were looked at already. */
export function auditDerived(connection: Connection): Finding[] {
  return [lanes, heads, counts, groups, halves, ledger].flatMap((check) => check(connection));
}

function integrity(connection: Connection): Finding[] {
  const answers = connection
    .all<{ integrity_check: string }>('PRAGMA integrity_check(10)')
    .map((row) => row.integrity_check);
  const found: Finding[] = [];
  if (answers.length !== 1 || answers[0] !== 'ok') {
    found.push(
      finding('unusable', 'corrupt', `SQLite finds the file damaged: ${answers.join('; ')}`, {
        next: 'keep a copy of the file, then: syncq doctor --save FILE',
      }),
    );
  }
  return [...found, ...orphans(connection)];
}

/** Rows that point at rows that do not exist: nothing SQLite would notice by itself. */
export function orphans(connection: Connection): Finding[] {
  const rows = connection.all<{ table: string; parent: string }>('PRAGMA foreign_key_check');
  if (rows.length === 0) return [];
  const names = [...new Set(rows.map(({ table, parent }) => `${table} without ${parent}`))].join(', ');
  return [finding('unusable', 'orphans', `${rows.length} rows point at rows that do not exist (${names})`)];
}

/** Reads one payload at a time: a queue may hold more bytes than memory. */
function payloads(connection: Connection): Finding[] {
  const changed: number[] = [];
  const next = connection.sql(
    'SELECT id, payload, payload_sha256 FROM item WHERE id > ? AND payload IS NOT NULL AND payload_sha256 IS NOT NULL ORDER BY id LIMIT 1',
  );
  let row = next.get(0) as { id: number; payload: Buffer; payload_sha256: Buffer } | undefined;
  while (row !== undefined) {
    if (!sha256(row.payload).equals(row.payload_sha256)) changed.push(row.id);
    row = next.get(row.id) as typeof row;
  }
  if (changed.length === 0) return [];
  return [
    finding('unusable', 'payload-changed', `${someItems(changed)}: the payload no longer matches its checksum`, {
      safe: 'such an item is never sent',
      next: 'restore the file from a backup, or: syncq discard ID and enqueue the write anew',
    }),
  ];
}

/** Violations that a query answers as ids. */
function byIds(connection: Connection, code: string, what: string, sql: string): Finding[] {
  const ids = connection.all<{ id: number }>(`${sql} LIMIT ${MOST_IDS + 1}`).map(({ id }) => id);
  return ids.length === 0 ? [] : [finding('problem', code, `${someItems(ids)}: ${what}`, { safe: SAFE, next: REPAIR })];
}

/** The lane that an unfinished item is in follows from its entity and its target's order. */
function lanes(connection: Connection): Finding[] {
  return byIds(
    connection,
    'lane',
    'in another lane than their entity and the order of their target say',
    `SELECT item.id FROM item JOIN target ON target.id = item.target_id WHERE item.state < ${COMPLETED} AND NOT CASE lane_order
       WHEN 'none' THEN lane IS NULL WHEN 'strict' THEN lane IS 0
       ELSE CASE WHEN entity_id IS NULL THEN ifnull(lane, 0) = 0 ELSE lane IS entity_id END END ORDER BY item.id`,
  );
}

/** `elig` marks pending lane heads, and says what they wait for. */
function heads(connection: Connection): Finding[] {
  return byIds(
    connection,
    'lane-head',
    'wrongly marked as next, or not next, of their lane',
    `SELECT id FROM item WHERE elig IS NOT CASE state WHEN ${PENDING} THEN ${RIGHT_ELIG} END ORDER BY id`,
  );
}

function counts(connection: Connection): Finding[] {
  const sums = COUNTED.map(([name, condition]) => `total(${condition}) AS ${name}`).join(', ');
  const truth = `(SELECT target_id, ${sums} FROM item GROUP BY target_id)`;
  const rows = connection.all<Record<string, number> & { name: string }>(
    `SELECT target.name, ${COUNTED.map(([name]) => `tally.${name} AS stored_${name}, ifnull(truth.${name}, 0) AS real_${name}`).join(', ')}
     FROM target LEFT JOIN tally ON tally.target_id = target.id LEFT JOIN ${truth} AS truth ON truth.target_id = target.id ORDER BY target.id`,
  );
  return rows.flatMap((row) => {
    const wrong = COUNTED.filter(([name]) => row[`stored_${name}`] !== row[`real_${name}`]);
    if (wrong.length === 0) return [];
    const list = wrong.map(
      ([name]) => `${name} ${row[`stored_${name}`] ?? 'missing'} instead of ${row[`real_${name}`] ?? 0}`,
    );
    return [
      finding('problem', 'counts', `the counts of ${row.name} are wrong: ${list.join(', ')}`, {
        safe: SAFE,
        next: REPAIR,
      }),
    ];
  });
}

/** A group that says otherwise than its item of whether the server may have it would hide that from people. */
function halves(connection: Connection): Finding[] {
  return byIds(
    connection,
    'review-groups',
    'in a review group that says otherwise whether the server may have them',
    `SELECT item.id FROM item INDEXED BY item_flagged JOIN review_group ON review_group.id = item.review_group
     WHERE item.state = ${REVIEW} AND review_group.may_have_arrived <> (item.may_have_arrived IS NOT NULL) ORDER BY item.id`,
  );
}

function groups(connection: Connection): Finding[] {
  const wrong = connection.all<{ id: number }>(
    `SELECT id FROM review_group WHERE items <> (SELECT count(*) FROM item INDEXED BY item_review
     WHERE item.state = ${REVIEW} AND item.review_group = review_group.id)`,
  );
  if (wrong.length === 0) return [];
  return [
    finding('problem', 'review-groups', `the counts of ${wrong.length} review groups are wrong`, {
      safe: SAFE,
      next: REPAIR,
    }),
  ];
}

/** Every attempt of an unfinished item but the open one has its row, and none is twice under way. */
function ledger(connection: Connection): Finding[] {
  return byIds(
    connection,
    'ledger',
    'attempts are missing from the ledger, or were never made',
    `SELECT id FROM item WHERE state < ${COMPLETED}
     AND attempts - (state = ${SENDING}) <> (SELECT count(*) FROM attempt WHERE attempt.item_id = item.id) ORDER BY id`,
  );
}
