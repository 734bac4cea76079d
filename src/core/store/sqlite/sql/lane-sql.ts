/** The rules of policy/lane.ts in SQL, for statements that decide many rows at once; lanes.test.ts compares the two. */
import { COMPLETED, ELIG, STATE_CODE } from './codes.js';

/** `item.lane` of items that share the lane of their target. */
export const SHARED_LANE = 0;

/** The row `item` is the first unfinished one of its lane. */
export const IS_HEAD = `(lane IS NULL OR NOT EXISTS (SELECT 1 FROM item AS ahead INDEXED BY item_lane
      WHERE ahead.target_id = item.target_id AND ahead.lane = item.lane AND ahead.lane IS NOT NULL
        AND ahead.state < ${COMPLETED} AND ahead.id < item.id))`;

/** `elig` of the row `item`, a pending lane head; `waits` is a condition: its time is ahead. */
export const headElig = (waits: string): string => `CASE
      WHEN EXISTS (SELECT 1 FROM entity WHERE entity.id = item.entity_id AND entity.paused_at IS NOT NULL) THEN ${ELIG.paused}
      WHEN ${waits} THEN ${ELIG.waiting} ELSE ${ELIG.ready} END`;

/** The right `elig` of a pending `item`. A wait that has ended may still be stored, so `elig` decides. */
export const RIGHT_ELIG = `CASE WHEN ${IS_HEAD} THEN ${headElig(`not_before IS NOT NULL AND elig IS NOT ${ELIG.ready}`)} END`;

/** The counts in `tally` and which items they count. */
export const COUNTED: readonly (readonly [column: string, condition: string])[] = [
  ...Object.entries(STATE_CODE).map(([name, code]) => [name, `item.state = ${code}`] as const),
  ...Object.entries(ELIG).map(([name, code]) => [name, `item.elig = ${code}`] as const),
];
