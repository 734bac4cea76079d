/** SQL that counts review groups again and moves items between the groups that may and may not have arrived. */
import { REVIEW } from './codes.js';

const OTHER_HALF = `FROM review_group AS old JOIN review_group AS other USING (target_id, reason, status, operation, cause)
  WHERE old.id = item.review_group AND other.may_have_arrived <> old.may_have_arrived`;
const IN_WRONG_HALF = `item.state = ${REVIEW} AND (SELECT may_have_arrived FROM review_group WHERE review_group.id = item.review_group)
  <> (item.may_have_arrived IS NOT NULL)`;

const RIGHT_COUNT = `(SELECT count(*) FROM item WHERE item.state = ${REVIEW} AND item.review_group = review_group.id)`;

/**
 * Puts every review item into the group that agrees with it on whether the server may already have it, and counts the
 * groups again.
 */
export const REGROUP: readonly string[] = [
  `INSERT INTO review_group (target_id, reason, status, operation, cause, message, may_have_arrived)
  SELECT DISTINCT old.target_id, old.reason, old.status, old.operation, old.cause, old.message, 1 - old.may_have_arrived
  FROM item INDEXED BY item_flagged JOIN review_group AS old ON old.id = item.review_group WHERE ${IN_WRONG_HALF}
  ON CONFLICT DO NOTHING`,
  `UPDATE item SET review_group = (SELECT other.id ${OTHER_HALF}) WHERE ${IN_WRONG_HALF}`,
  `UPDATE review_group SET items = ${RIGHT_COUNT} WHERE items IS NOT ${RIGHT_COUNT}`,
];
