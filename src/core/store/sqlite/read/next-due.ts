/** When the next waiting lane head of a target is due. */
import type { Connection } from '../file/connection.js';
import { ELIG } from '../sql/codes.js';

/** Epoch ms; undefined = no lane head waits for a time. */
export function nextDueOf(connection: Connection, target: number): number | undefined {
  return connection.get<{ not_before: number }>(
    `SELECT not_before FROM item INDEXED BY item_wait WHERE target_id = ? AND elig = ${ELIG.waiting} ORDER BY not_before LIMIT 1`,
    target,
  )?.not_before;
}
