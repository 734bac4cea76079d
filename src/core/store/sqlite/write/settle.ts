/**
 * Records how a claimed attempt ended: the ledger's row, the item's new state, the lane's next head. Fenced by the
 * claim.
 */
import type { AttemptEnd, Claim, ClaimRef, Decision, ItemMove } from '../../store.js';
import type { Connection } from '../file/connection.js';
import { eligibility, nextInLane } from './lanes.js';
import { orNull } from '../sql/rows.js';
import { joinGroup } from './review-groups.js';
import { COMPLETED, PENDING, REVIEW, SENDING } from '../sql/codes.js';
import type { Tally } from './tally.js';

const FENCE = `WHERE id = ? AND state = ${SENDING} AND claim_attempt = ?`;
const UNCLAIM = 'claim_attempt = NULL, claim_at = NULL, state_at = ?';

const COMPLETE = `UPDATE item SET state = ${COMPLETED}, crashes = 0, ${UNCLAIM} ${FENCE}`;
/** The item records the first attempt that may have arrived. */
const ARRIVED = 'may_have_arrived = ifnull(may_have_arrived, ?)';

const FLAG = `UPDATE item SET state = ${REVIEW}, review_group = ?, retry_count = ?, ${ARRIVED}, ${UNCLAIM} ${FENCE}`;
const PUT_BACK = `UPDATE item SET state = ${PENDING}, elig = ?, not_before = ?, set_at = ?, retry_count = ?, failures = ?,
  crashes = ?, fail_mark = ?, failing_since = ?, unreadable = ?, ${ARRIVED}, ${UNCLAIM} ${FENCE}`;
const RELEASE = `UPDATE item SET state = ${PENDING}, elig = ?, attempts = attempts - 1, ${UNCLAIM} ${FENCE}`;

const RECORD = `INSERT INTO attempt (item_id, number, attempt, started_at, duration_ms, outcome, counted, status, message,
  runner, redirected_to, response_headers, response_complete, response_body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** The context that a commit provides. */
export interface Work {
  connection: Connection;
  tally: Tally;
  now: number;
  /** `kind pid@host`, as the ledger shows it. */
  runner: string;
}

export interface ClaimedItem {
  target: number;
  lane: number | null;
  entity: number | null;
}

/**
 * False when the claim is no longer ours. Nothing is written then: the record of whoever took it over is the true one.
 */
export function settleClaim(
  work: Work,
  claim: Claim,
  place: ClaimedItem,
  end: AttemptEnd,
  decision: Decision,
): boolean {
  if (!moveItem(work, claim, place, end, decision.move)) return false;
  const { response } = end;
  work.connection.run(
    RECORD,
    claim.item,
    claim.facts.attemptNumber,
    claim.attempt,
    claim.startedAt,
    end.durationMs,
    end.outcome,
    decision.counted ? 1 : 0,
    orNull(end.status),
    end.message,
    work.runner,
    orNull(end.redirectedTo),
    response === undefined ? null : JSON.stringify(response.headers),
    response === undefined ? null : Number(response.complete),
    response === undefined || response.body.length === 0 ? null : response.body,
  );
  return true;
}

function moveItem(
  work: Work,
  claim: ClaimRef & { facts: Claim['facts'] },
  place: ClaimedItem,
  end: AttemptEnd,
  move: ItemMove,
): boolean {
  const { connection, tally, now } = work;
  const fence = [now, claim.item, claim.attempt];
  const arrived = end.mayHaveArrived ? claim.facts.attemptNumber : null;
  switch (move.to) {
    case 'completed': {
      if (connection.run(COMPLETE, ...fence).changes === 0) return false;
      tally.move(place.target, { state: 'sending', elig: null }, { state: 'completed', elig: null });
      tally.completed(place.target, now);
      if (place.lane !== null) nextInLane(connection, tally, place.target, place.lane, now);
      return true;
    }
    case 'review': {
      if (!stillClaimed(connection, claim)) return false;
      const { reason, message, cause } = move;
      const group = joinGroup(connection, {
        target: place.target,
        reason,
        status: end.status ?? 0,
        operation: claim.facts.operation,
        cause,
        message,
        mayHaveArrived: (claim.facts.mayHaveArrived ?? arrived) !== null,
      });
      connection.run(FLAG, group, move.retryCount, arrived, ...fence);
      tally.move(place.target, { state: 'sending', elig: null }, { state: 'review', elig: null });
      return true;
    }
    case 'pending': {
      const notBefore = orNull(move.notBefore);
      const elig = eligibility(connection, place.entity, notBefore);
      const { retryCount, failures, crashes, failMark, failingSince, unreadable } = move;
      const setAt = notBefore === null ? null : now;
      const failing = [retryCount, failures, crashes, orNull(failMark), orNull(failingSince), unreadable];
      const values = [elig, notBefore, setAt, ...failing, arrived];
      if (connection.run(PUT_BACK, ...values, ...fence).changes === 0) return false;
      tally.move(place.target, { state: 'sending', elig: null }, { state: 'pending', elig });
      return true;
    }
  }
}

/** Undoes a claim that never reached the wire: no attempt is counted, and the item keeps its place. */
export function releaseClaim({ connection, tally, now }: Work, claim: ClaimRef, place: ClaimedItem): boolean {
  const elig = eligibility(connection, place.entity, null);
  if (connection.run(RELEASE, elig, now, claim.item, claim.attempt).changes === 0) return false;
  tally.move(place.target, { state: 'sending', elig: null }, { state: 'pending', elig });
  return true;
}

function stillClaimed(connection: Connection, { item, attempt }: ClaimRef): boolean {
  return connection.get(`SELECT 1 FROM item ${FENCE}`, item, attempt) !== undefined;
}
