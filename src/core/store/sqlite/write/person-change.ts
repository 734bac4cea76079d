/** The context of a person's command while it is carried out, and the row of an item it acts on. */
import { STATES, type Outcome, type ReviewReason, type State } from '../../../nouns/item.js';
import type { FoundItem, Lookups } from '../../../policy/person-commands.js';
import type { Actor } from '../../store.js';
import { COMPLETED } from '../sql/codes.js';
import type { Connection } from '../file/connection.js';
import { openEdit } from './open-edits.js';
import { isLocked } from '../file/lock.js';
import { orUndefined } from '../sql/rows.js';
import type { Tally } from './tally.js';

export interface Change {
  connection: Connection;
  tally: Tally;
  by: Actor;
  now: number;
}

/** The columns of an item that a command reads or writes. */
export interface ChangeRow {
  id: number;
  state: number;
  elig: number | null;
  target_id: number;
  target: string;
  lane: number | null;
  entity_id: number | null;
  operation: string;
  not_before: number | null;
  expires_at: number | null;
  state_at: number | null;
  attempts: number;
  retry_count: number;
  failures: number;
  crashes: number;
  failing_since: number | null;
  unreadable: number;
  revision: number;
  review_group: number | null;
  reason: ReviewReason | null;
  may_have_arrived: number | null;
  last_outcome: Outcome | null;
}

const SELECT_ROW = `SELECT item.id, item.state, item.elig, item.target_id, target.name AS target, item.lane, item.entity_id,
  item.operation, item.not_before, item.expires_at, item.state_at, item.attempts, item.retry_count, item.failures,
  item.crashes, item.failing_since, item.unreadable, item.revision, item.review_group, review_group.reason,
  item.may_have_arrived AS may_have_arrived,
  (SELECT outcome FROM attempt WHERE attempt.item_id = item.id ORDER BY number DESC LIMIT 1) AS last_outcome
  FROM item JOIN target ON target.id = item.target_id LEFT JOIN review_group ON review_group.id = item.review_group
  WHERE item.id = ?`;

export function readRow(connection: Connection, id: number): ChangeRow | undefined {
  return connection.get<ChangeRow>(SELECT_ROW, id);
}

export function stateOf({ state }: Pick<ChangeRow, 'state'>): State {
  return STATES[state] ?? 'pending';
}

export function toFound(row: ChangeRow): FoundItem {
  const state = stateOf(row);
  return {
    id: row.id,
    state,
    isBehind: state === 'pending' && row.elig === null,
    notBefore: orUndefined(row.not_before),
    expiresAt: orUndefined(row.expires_at),
    budget: {
      retryCount: row.retry_count,
      failures: row.failures,
      crashes: row.crashes,
      failingSince: orUndefined(row.failing_since),
      unreadable: row.unreadable,
    },
    lastOutcome: orUndefined(row.last_outcome),
    reviewReason: orUndefined(row.reason),
    revision: row.revision,
    mayHaveArrived: orUndefined(row.may_have_arrived),
  };
}

const HEAD_OF = `SELECT head.id, head.state FROM item JOIN item AS head INDEXED BY item_lane
  ON head.target_id = item.target_id AND head.lane = item.lane
  WHERE item.id = ? AND head.lane IS NOT NULL AND head.state < ${COMPLETED} ORDER BY head.id LIMIT 1`;

export function lookups({ connection, now }: Change): Lookups {
  return {
    now,
    runnerIsAlive: () => isLocked(connection.path),
    headOf: ({ id }) => {
      const head = connection.get<{ id: number; state: number }>(HEAD_OF, id);
      return head && { id: head.id, state: stateOf(head) };
    },
    editorOf: ({ id }) => openEdit(connection, id)?.who,
  };
}
