/** Checks a queue file against itself: SQLite's own check, the checksums of payloads, and every derived value. */
import { finding, someItems, type Finding } from '../../../nouns/finding.js';
import { sha256 } from '../sql/payload-checksum.js';
import { COMPLETED, PENDING, REVIEW, SENDING } from '../sql/codes.js';
import type { Connection } from '../file/connection.js';
import { COUNTED, RIGHT_ELIG } from '../sql/lane-sql.js';

const SAFE = 'nothing is lost: these values can be computed again from the items';
const REPAIR = 'keep a copy of the file, then: syncq doctor --repair';

/** Ids that one finding names at most. */
const MOST_IDS = 20;

const SHOWN_FAULTS = 5;

export function damaged(message: string): Finding {
  return finding('unusable', 'corrupt', message, {
    safe: 'nothing is sent from a damaged file, and syncq never removes it',
    next: 'stop all programs that use it, keep a copy of the file and its -wal, save what can be read (syncq doctor --save FILE), and enqueue that into a new queue (syncq enqueue --from FILE)',
  });
}

/** What SQLite finds wrong with the pages of the file. Empty = it is whole. */
export function auditPages({ db }: Connection): Finding[] {
  let faults: string[];
  try {
    faults = (db.pragma('integrity_check(100)') as { integrity_check: string }[]).map((row) => row.integrity_check);
  } catch (error) {
    faults = [`it cannot be read through (${(error as { code?: string }).code ?? 'unknown error'})`];
  }
  if (faults.length === 1 && faults[0] === 'ok') return [];
  const shown = faults.slice(0, SHOWN_FAULTS).map((fault) => fault.replace(/\s+/g, ' '));
  const more = faults.length > SHOWN_FAULTS ? `; and ${faults.length - SHOWN_FAULTS} more` : '';
  return [damaged(`the file is damaged: ${shown.join('; ')}${more}`)];
}

/** Compares payloads with their checksums: SQLite's own check cannot see a flipped bit within a payload. */
export class PayloadAudit {
  readonly #connection: Connection;
  readonly #altered: number[] = [];
  readonly #unreadable: number[] = [];
  /** Items looked at, those with a payload, and payloads without a checksum. */
  readonly counts = { items: 0, payloads: 0, unsealed: 0 };

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Looks at the next `limit` items. @returns the last id; undefined = there are no more */
  next(after: number, limit: number): number | undefined {
    const ids = this.#connection.all<{ id: number }>(
      'SELECT id FROM item WHERE id > ? ORDER BY id LIMIT ?',
      after,
      limit,
    );
    for (const { id } of ids) this.#look(id);
    this.counts.items += ids.length;
    return ids.at(-1)?.id;
  }

  #look(id: number): void {
    let row: { payload: Buffer | null; payload_sha256: Buffer | null } | undefined;
    try {
      row = this.#connection.get('SELECT payload, payload_sha256 FROM item WHERE id = ?', id);
    } catch {
      this.counts.payloads += 1;
      this.#unreadable.push(id);
      return;
    }
    if (row?.payload == null) return;
    this.counts.payloads += 1;
    if (row.payload_sha256 === null) this.counts.unsealed += 1;
    else if (!sha256(row.payload).equals(row.payload_sha256)) this.#altered.push(id);
  }

  findings(): Finding[] {
    const found: Finding[] = [];
    if (this.#altered.length > 0)
      found.push(damaged(`the stored bytes of ${someItems(this.#altered)} are not those that were enqueued`));
    if (this.#unreadable.length > 0) found.push(damaged(`${someItems(this.#unreadable)} cannot be read`));
    if (this.counts.unsealed > 0) {
      const what = `${this.counts.unsealed} items that another program stored have no checksum yet; each gets one when it is first sent`;
      found.push(finding('note', 'not-sealed', what));
    }
    return found;
  }
}

/** Everything that follows from the items. Empty = sound. Call it on a file whose pages are whole. */
export function auditDerived(connection: Connection): Finding[] {
  return [orphans, lanes, heads, counts, groups, halves, ledger].flatMap((check) => check(connection));
}

/** Rows that refer to rows that do not exist: SQLite does not notice them by itself. */
function orphans(connection: Connection): Finding[] {
  const rows = connection.all<{ table: string; parent: string }>('PRAGMA foreign_key_check');
  if (rows.length === 0) return [];
  const names = [...new Set(rows.map(({ table, parent }) => `${table} without ${parent}`))].join(', ');
  return [finding('unusable', 'orphans', `${rows.length} rows point at rows that do not exist (${names})`)];
}

/** Reports the ids that a query finds. */
function byIds(connection: Connection, code: string, what: string, sql: string): Finding[] {
  const ids = connection.all<{ id: number }>(`${sql} LIMIT ${MOST_IDS + 1}`).map(({ id }) => id);
  return ids.length === 0 ? [] : [finding('problem', code, `${someItems(ids)}: ${what}`, { safe: SAFE, next: REPAIR })];
}

/** The lane of an unfinished item follows from its entity and its target's order. */
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

/** A review group and its items must agree on whether the server may have them, or people would not see it. */
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

/** Every attempt of an unfinished item has its row, except the open one. */
function ledger(connection: Connection): Finding[] {
  return byIds(
    connection,
    'ledger',
    'attempts are missing from the ledger, or were never made',
    `SELECT id FROM item WHERE state < ${COMPLETED}
     AND attempts - (state = ${SENDING}) <> (SELECT count(*) FROM attempt WHERE attempt.item_id = item.id) ORDER BY id`,
  );
}
