/** What people do to items: each command one commit, with its line in the history. */
import { emptyReport } from '../../nouns/change-report.js';
import { STATES, type State } from '../../nouns/item.js';
import type { Actor, ChangeReport, Filter, PersonCommand, ReviewGroup } from '../store.js';
import type { Connection } from './connection.js';
import type { Change } from './change.js';
import { beginEdit, editItem, endEdit } from './edit.js';
import { arrivedDetail, noteItem } from './history.js';
import { isLocked } from './lock.js';
import { nextInLane, restorePlace } from './lanes.js';
import { acceptTarget, pause, renameTarget, resume } from './people-targets.js';
import { leaveGroup } from './review-groups.js';
import { COMPLETED, DISCARDED, PENDING } from './schema.js';
import { selectIds } from './select.js';
import { Tally } from './tally.js';

/** What the commands on items need to know of one. */
export interface ItemRow {
  id: number;
  state: number;
  elig: number | null;
  target_id: number;
  target: string;
  lane: number | null;
  entity_id: number | null;
  review_group: number | null;
  attempts: number;
  not_before: number | null;
  expires_at: number | null;
  last_outcome: string | null;
  may_have_arrived: number | null;
}

export const SELECT_ROW = `SELECT item.id, item.state, item.elig, item.target_id, target.name AS target, item.lane, item.entity_id,
  item.review_group, item.attempts, item.not_before, item.expires_at,
  item.may_have_arrived AS may_have_arrived,
  (SELECT outcome FROM attempt WHERE attempt.item_id = item.id ORDER BY number DESC LIMIT 1) AS last_outcome
  FROM item JOIN target ON target.id = item.target_id WHERE item.id = ?`;

/** Ids of items that may have arrived that a report names; enough to warn. */
const MOST_UNKNOWN = 100;

/** Carries out one command inside the caller's transaction. */
export function carryOut(
  connection: Connection,
  queuePath: string,
  command: PersonCommand,
  by: Actor,
  now: number,
): ChangeReport {
  const change: Change = { connection, tally: new Tally(), by, now, queuePath };
  const report = dispatch(change, command);
  change.tally.flush(connection);
  return report;
}

function dispatch(change: Change, command: PersonCommand): ChangeReport {
  switch (command.kind) {
    case 'retry':
      return onItems(change, command, (row) => retryItem(change, row, command.expires));
    case 'discard':
      return onItems(change, command, (row) => finishItem(change, row, 'discarded'));
    case 'complete':
      return onItems(change, command, (row) => finishItem(change, row, 'completed'));
    case 'edit':
      return editItem(change, emptyReport(), command.id, command);
    case 'begin-edit':
      return beginEdit(change, emptyReport(), command.id, command.yes);
    case 'end-edit':
      return endEdit(change, emptyReport(), command.id, command.token, command.edit);
    case 'pause':
      return pause(change, command.what, command.until);
    case 'resume':
      return resume(change, command.what);
    case 'accept-target':
      return acceptTarget(change, command.name, command.baseUrl);
    case 'rename-target':
      return renameTarget(change, command.from, command.to);
  }
}

/** Undefined = done; a text = why it was skipped. */
type ItemChange = (row: ItemRow) => string | undefined;

function onItems(
  change: Change,
  { kind, filter, dryRun }: { kind: string; filter: Filter; dryRun: boolean },
  apply: ItemChange,
): ChangeReport {
  const { connection } = change;
  const report = emptyReport();
  const ids = filter.ids ?? selectIds(connection, filter, undefined, Number.MAX_SAFE_INTEGER);
  const groups = new Map<string, ReviewGroup>();
  const targets = new Set<string>();
  for (const id of ids) {
    const row = connection.get<ItemRow>(SELECT_ROW, id);
    if (row === undefined) {
      report.missing.push(id);
      continue;
    }
    const reason = dryRun
      ? (refusal(change, kind, row) ?? (kind === 'retry' ? whyBehind(change, row) : undefined))
      : apply(row);
    if (reason !== undefined) {
      report.skipped.push({ id, reason, state: stateOf(row) });
      continue;
    }
    report.changed.push(id);
    report.from[stateOf(row)] = (report.from[stateOf(row)] ?? 0) + 1;
    if (row.may_have_arrived !== null && report.unknown.length < MOST_UNKNOWN) {
      report.unknown.push(id);
      if (wasEditedSince(connection, row)) report.underNewKey.push(id);
    }
    targets.add(row.target);
    if (row.review_group !== null) countGroup(connection, groups, row);
  }
  report.targets = [...targets];
  report.groups = [...groups.values()].sort((a, b) => b.count - a.count || a.firstId - b.firstId);
  return report;
}

/** The server's word, or a person's. */
const whyCompleted = ({ last_outcome: last }: ItemRow): string =>
  last === null || last === 'delivered' ? 'it was delivered already' : 'it was marked as completed';

/** Edited since: what the server may have is another version, under another key. */
function wasEditedSince(connection: Connection, { id, may_have_arrived: arrived }: ItemRow): boolean {
  const last = 'SELECT max(attempts) AS attempts FROM revision WHERE item_id = ?';
  return (connection.get<{ attempts: number | null }>(last, id)?.attempts ?? -1) >= (arrived ?? 0);
}

function countGroup(connection: Connection, groups: Map<string, ReviewGroup>, row: ItemRow): void {
  const key = String(row.review_group);
  const known = groups.get(key);
  if (known !== undefined) {
    known.count += 1;
    return;
  }
  const group = connection.get<Omit<ReviewGroup, 'count' | 'firstId' | 'target' | 'mayHaveArrived'>>(
    'SELECT reason, status, operation, message FROM review_group WHERE id = ?',
    row.review_group,
  );
  const mayHaveArrived = row.may_have_arrived !== null;
  if (group !== undefined) groups.set(key, { ...group, target: row.target, count: 1, firstId: row.id, mayHaveArrived });
}

function stateOf(row: Pick<ItemRow, 'state'>): State {
  return STATES[row.state] ?? 'pending';
}

/** Why a command does not fit the item's state. */
function refusal({ queuePath }: Change, kind: string, row: ItemRow): string | undefined {
  const state = stateOf(row);
  if (state === 'review' || state === 'pending') return undefined;
  if (state === 'sending') {
    return isLocked(queuePath)
      ? 'it is being sent right now; try again in a moment'
      : 'its runner died while it was being sent; syncq run settles that first';
  }
  return kind === 'retry' && state === 'completed' ? whyCompleted(row) : `it is ${state}, which is final`;
}

/** A retry has nothing to change in an item that only waits behind another: whoever asks is told which one to see to. */
function whyBehind({ connection, now }: Change, row: ItemRow): string | undefined {
  const onlyBlocked = stateOf(row) === 'pending' && row.elig === null && row.not_before === null;
  if (!onlyBlocked || row.lane === null || (row.expires_at !== null && row.expires_at <= now)) return undefined;
  const head = connection.get<{ id: number; state: number }>(
    `SELECT id, state FROM item INDEXED BY item_lane WHERE target_id = ? AND lane = ? AND lane IS NOT NULL
     AND state < ${COMPLETED} ORDER BY id LIMIT 1`,
    row.target_id,
    row.lane,
  );
  if (head === undefined || head.id === row.id) return undefined;
  return `it waits behind item ${head.id}${stateOf(head) === 'review' ? ', which is in review' : ''}`;
}

/** Review -> pending with a fresh budget; pending in backoff -> due now, count kept. Same id, place and key. */
function retryItem(
  change: Change,
  row: ItemRow,
  expires: { at: number } | { delayMs: number } | undefined,
): string | undefined {
  const refused = refusal(change, 'retry', row) ?? (expires === undefined ? whyBehind(change, row) : undefined);
  if (refused !== undefined) return refused;
  const { connection, tally, now } = change;
  const fromReview = stateOf(row) === 'review';
  if (row.review_group !== null) leaveGroup(connection, row.review_group);
  connection.run(
    `UPDATE item SET state = ${PENDING}, review_group = NULL, not_before = NULL, set_at = NULL${
      fromReview ? ', retry_count = 0, failures = 0, crashes = 0, unreadable = 0, failing_since = NULL' : ''
    }, fail_mark = NULL, expires_at = ${expires === undefined ? 'CASE WHEN expires_at <= ? THEN NULL ELSE expires_at END' : '?'},
     state_at = ? WHERE id = ?`,
    expires === undefined ? now : 'at' in expires ? expires.at : now + expires.delayMs,
    now,
    row.id,
  );
  const elig = restorePlace(connection, tally, row, null);
  connection.run('UPDATE item SET elig = ? WHERE id = ?', elig, row.id);
  tally.move(row.target_id, { state: stateOf(row), elig: row.elig }, { state: 'pending', elig });
  noteMove(change, row, 'pending');
  return undefined;
}

/** Ends an item by a person's word. */
function finishItem(change: Change, row: ItemRow, to: 'completed' | 'discarded'): string | undefined {
  const refused = refusal(change, to, row);
  if (refused !== undefined) return refused;
  endItem(change, row, to);
  return undefined;
}

/** Whatever its state; `erase` asks for it as well. The next of its lane goes on. */
export function endItem(change: Omit<Change, 'queuePath'>, row: ItemRow, to: 'completed' | 'discarded'): void {
  const { connection, tally, now } = change;
  if (row.review_group !== null) leaveGroup(connection, row.review_group);
  connection.run(
    'UPDATE item SET state = ?, elig = NULL, review_group = NULL, not_before = NULL, state_at = ? WHERE id = ?',
    to === 'completed' ? COMPLETED : DISCARDED,
    now,
    row.id,
  );
  tally.move(row.target_id, { state: stateOf(row), elig: row.elig }, { state: to, elig: null });
  if (row.lane !== null) nextInLane(connection, tally, row.target_id, row.lane, now);
  noteMove(change, row, to);
}

function noteMove(change: Omit<Change, 'queuePath'>, row: ItemRow, event: string): void {
  noteItem(change, row, event, { from: stateOf(row), ...arrivedDetail(row) });
}
