/** Reads claims that a dead runner left open, so that the new runner can settle them as its own. */
import type { StoredRequest } from '../../../nouns/item.js';
import type { Claim } from '../../store.js';
import type { TargetRow } from '../../../nouns/target.js';
import { ENTITY_NAME, FACT_COLUMNS, toFacts, type FactColumns, type RequestColumns } from '../sql/rows.js';
import { SENDING } from '../sql/codes.js';

export const ABANDONED = `SELECT ${FACT_COLUMNS}, entity_id, ${ENTITY_NAME}, method, path, claim_attempt, claim_at
  FROM item INDEXED BY item_sending WHERE state = ${SENDING} ORDER BY id LIMIT ?`;

export interface AbandonedClaim extends FactColumns, Pick<RequestColumns, 'method' | 'path'> {
  entity_id: number | null;
  entity_name: string | null;
  claim_attempt: number;
  claim_at: number;
}

/** Nothing is sent with it, so only the parts of its request that people see are read. */
export function toClaim(row: AbandonedClaim, target: TargetRow): Claim {
  const { method, path } = row;
  return {
    item: row.id,
    attempt: row.claim_attempt,
    target,
    facts: toFacts(row),
    entity: row.entity_name ?? undefined,
    startedAt: row.claim_at,
    sendBefore: undefined,
    request: {
      method: method as StoredRequest['method'],
      path,
      headers: {},
      contentType: undefined,
      payload: undefined,
      idempotencyKey: '',
    },
  };
}
