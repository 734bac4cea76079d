/** Gives out lane heads: lowest id first over all targets, or in rotation where a target is being tested. */
import type { Claim, Gate } from '../store.js';
import type { TargetRow } from '../../target.js';
import type { Connection } from './connection.js';
import { sha256 } from './enqueue.js';
import { FACT_COLUMNS, toFacts, toRequest, type FactColumns, type RequestColumns } from './rows.js';
import { ELIG, PENDING, SENDING } from './schema.js';
import type { ClaimedItem } from './settle.js';
import type { Tally } from './tally.js';

const READY = `SELECT id FROM item INDEXED BY item_ready WHERE target_id = ? AND elig = ${ELIG.ready} AND id > ? ORDER BY id LIMIT ?`;

const CLAIM = `UPDATE item SET state = ${SENDING}, elig = NULL, not_before = NULL, attempts = attempts + 1, claim_attempt = ?,
  claim_at = ?, state_at = ? WHERE id = ? AND state = ${PENDING} AND elig = ${ELIG.ready}
  RETURNING ${FACT_COLUMNS}, entity_id, method, path, headers, content_type, payload, payload_bytes, idempotency_key,
  payload_sha256`;

interface ClaimColumns extends FactColumns, RequestColumns {
  entity_id: number | null;
  payload_sha256: Buffer | null;
}

export interface Candidate {
  id: number;
  target: TargetRow;
}

/** Ready lane heads that may go now, in the order they should. */
export function candidates(connection: Connection, gates: readonly { target: TargetRow; gate: Gate }[], wanted: number): Candidate[] {
  const found: Candidate[] = [];
  for (const { target, gate } of gates) {
    const most = Math.min(gate.slots, wanted);
    if (most <= 0) continue;
    const ids = gate.rotate ? rotated(connection, target) : readyIds(connection, target.id, 0, most);
    for (const id of ids) found.push({ id, target });
  }
  if (gates.length > 1) found.sort((a, b) => a.id - b.id);
  return found.slice(0, wanted);
}

function readyIds(connection: Connection, target: number, after: number, most: number): number[] {
  return connection.all<{ id: number }>(READY, target, after, most).map((row) => row.id);
}

/** The head after the one tested last, wrapping round: never the same one twice while another lane has one. */
function rotated(connection: Connection, target: TargetRow): number[] {
  const next = readyIds(connection, target.id, target.tester, 1);
  return next.length > 0 ? next : readyIds(connection, target.id, 0, 1);
}

export type ClaimResult =
  | { kind: 'claimed'; claim: Claim; place: ClaimedItem }
  /** Somebody moved it since it was looked up; take the next. */
  | { kind: 'gone' }
  /** Its bytes no longer match their checksum. */
  | { kind: 'damaged' };

/** Marks one item as being sent under this attempt id. Its bytes are checked against their checksum, or sealed. */
export function claimItem(connection: Connection, tally: Tally, { id, target }: Candidate, attempt: number, now: number): ClaimResult {
  const stored = connection.get<{ payload: Buffer | null; payload_sha256: Buffer | null }>('SELECT payload, payload_sha256 FROM item WHERE id = ?', id);
  const digest = stored?.payload == null ? null : sha256(stored.payload);
  if (digest !== null && stored?.payload_sha256 != null && !digest.equals(stored.payload_sha256)) return { kind: 'damaged' };
  const row = connection.get<ClaimColumns>(CLAIM, attempt, now, now, id);
  if (row === undefined) return { kind: 'gone' };
  // A foreign INSERT cannot compute a checksum: the first claim seals the bytes it is going to send.
  if (row.payload_sha256 === null && digest !== null) connection.run('UPDATE item SET payload_sha256 = ? WHERE id = ?', digest, id);
  tally.move(target.id, { state: 'pending', elig: ELIG.ready }, { state: 'sending', elig: null });
  return {
    kind: 'claimed',
    claim: {
      item: id,
      attempt,
      target,
      request: toRequest(row),
      facts: toFacts(row),
      entity: row.entity_id === null ? undefined : entityName(connection, row.entity_id),
      startedAt: now,
      sendBefore: undefined,
    },
    place: { target: target.id, lane: row.lane, entity: row.entity_id },
  };
}

function entityName(connection: Connection, id: number): string | undefined {
  return connection.get<{ name: string }>(`SELECT type || '/' || key AS name FROM entity WHERE id = ?`, id)?.name;
}
