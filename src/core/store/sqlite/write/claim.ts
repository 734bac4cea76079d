/** Claims lane heads: lowest id first over all targets, or in rotation while a target is being tested. */
import type { Claim, Gate, ItemFacts } from '../../store.js';
import type { TargetRow } from '../../../nouns/target.js';
import { UNANSWERED } from '../../../policy/outage.js';
import type { Connection } from '../file/connection.js';
import { sha256 } from '../sql/payload-checksum.js';
import { ENTITY_NAME, FACT_COLUMNS, toFacts, toRequest, type FactColumns, type RequestColumns } from '../sql/rows.js';
import { ELIG, PENDING, SENDING } from '../sql/codes.js';
import type { ClaimedItem } from './settle.js';
import type { Tally } from './tally.js';

/**
 * `+?`, because SQLite uses the value of a bare LIMIT parameter when it plans, so it plans again at every binding. That
 * costs seven times the search itself (22 us against 3, Node 20.20, better-sqlite3 12.11, November 2026).
 */
const READY = `SELECT id FROM item INDEXED BY item_ready WHERE target_id = ? AND elig = ${ELIG.ready} AND id > ? ORDER BY id LIMIT +?`;

const CLAIMABLE = `WHERE id = ? AND state = ${PENDING} AND elig = ${ELIG.ready}`;

const LOOK = `SELECT ${FACT_COLUMNS}, entity_id, method, path, headers, content_type, payload, payload_bytes, idempotency_key,
  payload_sha256, ${ENTITY_NAME} FROM item ${CLAIMABLE}`;

const CLAIM = `UPDATE item SET state = ${SENDING}, elig = NULL, not_before = NULL, attempts = attempts + 1, touched = 1,
  claim_attempt = ?, claim_at = ?, state_at = ? WHERE id = ?`;

/**
 * If the first attempt that may have arrived was made after the last edit, all of them used the present key. Attempts
 * of another queue (0) are no evidence, nor are those from before a new base URL was accepted: they went to another
 * server.
 */
const REPEAT = `SELECT ? <= (SELECT max(attempts) FROM revision WHERE item_id = ?) AS has_earlier_key, min(number) AS repeat_of
  FROM attempt WHERE item_id = ? AND attempt > 0 AND outcome = '${UNANSWERED}' AND status IS NULL AND NOT EXISTS
  (SELECT 1 FROM history INDEXED BY history_at WHERE at >= attempt.started_at AND event = 'accepted')`;

interface ClaimColumns extends FactColumns, RequestColumns {
  entity_id: number | null;
  entity_name: string | null;
  payload_sha256: Buffer | null;
}

export interface Candidate {
  id: number;
  target: TargetRow;
}

/**
 * Caches the first ready lane head of each target between commits. With a thousand targets, a query for each would cost
 * more than the rest of a claim.
 */
export class ReadyHeads {
  readonly #connection: Connection;
  readonly #first = new Map<number, number>();
  /** Found in the open commit, which may still be rolled back. */
  readonly #found = new Map<number, number>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Lowest id of the target's ready heads. @param moved the open commit has moved some of them */
  first(target: number, moved: boolean): number | undefined {
    const known = moved ? undefined : (this.#first.get(target) ?? this.#found.get(target));
    if (known !== undefined) return known;
    const [id] = this.upTo(target, 1);
    if (id !== undefined && !moved) this.#found.set(target, id);
    return id;
  }

  upTo(target: number, most: number): number[] {
    return readyIds(this.#connection, target, 0, most);
  }

  /** The head after the one tested last, in rotation: never the same one twice while another lane has a head. */
  rotated({ id, tester }: TargetRow): number[] {
    const next = readyIds(this.#connection, id, tester, 1);
    return next.length > 0 ? next : this.upTo(id, 1);
  }

  /** The commit that found them was rolled back. */
  dropFound(): void {
    this.#found.clear();
  }

  /** The commit succeeded and moved ready heads of these targets. */
  committed(moved: Iterable<number>): void {
    for (const [target, id] of this.#found) this.#first.set(target, id);
    for (const target of moved) this.#first.delete(target);
    this.#found.clear();
  }

  /** Another process has committed. */
  forget(): void {
    this.#first.clear();
    this.#found.clear();
  }
}

/**
 * Ready lane heads that may be sent now, lowest id first over all targets.
 *
 * @param targets those that have ready heads
 * @param gateOf called for a target only when its first head would be among the wanted ones
 */
export function candidates(
  heads: ReadyHeads,
  targets: readonly TargetRow[],
  gateOf: (target: TargetRow) => Gate,
  wanted: number,
  hasMoved: (target: number) => boolean,
): Candidate[] {
  const found: Candidate[] = [];
  const only = targets.length === 1;
  const byHead = targets.map((target) => ({
    target,
    first: only ? 0 : (heads.first(target.id, hasMoved(target.id)) ?? Infinity),
  }));
  for (const { target, first } of lowestFirst(byHead)) {
    if (first > (found[wanted - 1]?.id ?? Infinity)) break;
    const gate = gateOf(target);
    const most = Math.min(gate.slots, wanted);
    if (most <= 0) continue;
    const ids = gate.rotate ? heads.rotated(target) : most === 1 && !only ? [first] : heads.upTo(target.id, most);
    for (const id of ids) if (gate.exceptTester !== true || id !== target.tester) found.push({ id, target });
    found.sort((a, b) => a.id - b.id);
  }
  return found.slice(0, wanted);
}

/** Sorts only for larger requests: usually the first target with ready heads may be sent to. */
function* lowestFirst<T extends { first: number }>(entries: T[]): Generator<T> {
  for (let round = 0; round < 8; round += 1) {
    let [lowest] = entries;
    for (const entry of entries) if (entry.first < (lowest?.first ?? Infinity)) lowest = entry;
    if (lowest === undefined) return;
    yield lowest;
    entries[entries.indexOf(lowest)] = entries[entries.length - 1] ?? lowest;
    entries.pop();
  }
  yield* entries.sort((a, b) => a.first - b.first);
}

function readyIds(connection: Connection, target: number, after: number, most: number): number[] {
  if (most === 1) {
    const row = connection.get<{ id: number }>(READY, target, after, 1);
    return row === undefined ? [] : [row.id];
  }
  return connection.all<{ id: number }>(READY, target, after, most).map((row) => row.id);
}

export type ClaimResult =
  | { kind: 'claimed'; claim: Claim; place: ClaimedItem }
  /** It moved since it was looked up; take the next one. */
  | { kind: 'gone' }
  /** Its bytes do not match their checksum. */
  | { kind: 'damaged' };

/**
 * Marks one item as being sent under this attempt id. Checks its bytes against their checksum, or adds a missing
 * checksum.
 */
export function claimItem(
  connection: Connection,
  tally: Tally,
  { id, target }: Candidate,
  attempt: number,
  now: number,
): ClaimResult {
  const row = connection.get<ClaimColumns>(LOOK, id);
  if (row === undefined) return { kind: 'gone' };
  const digest = row.payload === null ? null : sha256(row.payload);
  // No rule or command removes the bytes of an unfinished item, so missing bytes are damage too.
  if (row.payload_sha256 !== null && digest?.equals(row.payload_sha256) !== true) return { kind: 'damaged' };
  connection.run(CLAIM, attempt, now, now, id);
  row.attempts += 1;
  // A foreign INSERT cannot compute a checksum, so the first claim adds the one of the bytes it sends.
  if (row.payload_sha256 === null && digest !== null)
    connection.run('UPDATE item SET payload_sha256 = ? WHERE id = ?', digest, id);
  tally.move(target.id, { state: 'pending', elig: ELIG.ready }, { state: 'sending', elig: null });
  return {
    kind: 'claimed',
    claim: {
      item: id,
      attempt,
      target,
      request: toRequest(row),
      facts: row.may_have_arrived === null ? toFacts(row) : { ...toFacts(row), ...earlierAttempts(connection, row) },
      entity: row.entity_name ?? undefined,
      startedAt: now,
      sendBefore: undefined,
    },
    place: { target: target.id, lane: row.lane, entity: row.entity_id },
  };
}

/** Which earlier attempts an answer to the next attempt may be about. */
function earlierAttempts(
  connection: Connection,
  { id, may_have_arrived: first }: Pick<FactColumns, 'id' | 'may_have_arrived'>,
): Pick<ItemFacts, 'repeatOf' | 'hasEarlierKey'> {
  const row = connection.get<{ has_earlier_key: number | null; repeat_of: number | null }>(REPEAT, first, id, id);
  const hasEarlierKey = row?.has_earlier_key === 1;
  return { hasEarlierKey, repeatOf: hasEarlierKey ? undefined : (row?.repeat_of ?? undefined) };
}
