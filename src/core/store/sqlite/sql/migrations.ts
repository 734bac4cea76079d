/** SQL that takes a queue file from one version to the next, and how to read an older file without changing it. */
import { PENDING, REVIEW, SENDING } from './codes.js';
import { REGROUP } from './regroup.js';
import { REVIEW_GROUP } from './schema.js';
import { ITEMS_VIEW } from './views.js';

const ONCE_CLAIMED = `SELECT id FROM item INDEXED BY item_retrying WHERE state = ${PENDING} AND attempts > 0
  UNION ALL SELECT id FROM item INDEXED BY item_sending WHERE state = ${SENDING}
  UNION ALL SELECT id FROM item INDEXED BY item_flagged WHERE state = ${REVIEW} AND attempts > 0`;

/**
 * Version 2 stores which attempts may have arrived. They are found in the ledger of version 1, except for claims that were
 * given back.
 */
const TO_VERSION_2 = `
ALTER TABLE item ADD COLUMN may_have_arrived INTEGER;
ALTER TABLE item ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN unreadable INTEGER NOT NULL DEFAULT 0;
UPDATE item SET touched = 1, may_have_arrived = (SELECT min(number) FROM attempt
  WHERE attempt.item_id = item.id AND (attempt.outcome = 'unknown' OR attempt.status >= 500)) WHERE id IN (${ONCE_CLAIMED});
CREATE TEMP TABLE old_group AS SELECT * FROM review_group;
DROP TABLE review_group;
${REVIEW_GROUP};
INSERT INTO review_group (id, target_id, reason, status, operation, cause, message, items)
  SELECT id, target_id, reason, status, operation, cause, message, items FROM temp.old_group;
DROP TABLE temp.old_group;
${REGROUP.join(';\n')};
DROP VIEW IF EXISTS items;
${ITEMS_VIEW};
`;

/** Tables and views that migrations change; all others are the same in every version. */
export const RENEWED: ReadonlySet<string> = new Set(['item', 'review_group', 'items']);

/** `MIGRATIONS[n]` takes a file from version n+1 to n+2; runs inside one exclusive transaction. */
export const MIGRATIONS: readonly string[] = [TO_VERSION_2];

const NEW_COLUMNS = /\b(?:item|review_group)\.(?:may_have_arrived|touched|unreadable)\b/g;

/**
 * Adapts a query to a file of an older version: columns that it does not have yet become NULL. Therefore queries that read
 * such a column write its table and an alias (`item.touched AS touched`).
 */
export function forOlderFile(sql: string): string {
  return sql.replace(NEW_COLUMNS, 'NULL');
}
