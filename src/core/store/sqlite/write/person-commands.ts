/** Carries out people's commands on items, one commit each, with a history entry. `policy/person-commands` decides. */
import { emptyReport } from '../../../nouns/change-report.js';
import { decideRetry, isRefusal, refuseEnd, type Refusal, type RetryMove } from '../../../policy/person-commands.js';
import type { Actor, ChangeReport, Filter, PersonCommand, ReviewGroup } from '../../store.js';
import { lookups, readRow, stateOf, toFound, type Change, type ChangeRow } from './person-change.js';
import type { Connection } from '../file/connection.js';
import { beginEdit, editItem, endEdit } from './edit.js';
import { arrivedDetail, noteItem } from '../read/history.js';
import { nextInLane, restorePlace } from './lanes.js';
import { acceptTarget, pause, renameTarget, resume } from './person-targets.js';
import { leaveGroup } from './review-groups.js';
import { orNull } from '../sql/rows.js';
import { PENDING, STATE_CODE } from '../sql/codes.js';
import { selectIds } from '../read/select.js';
import { Tally } from './tally.js';

/** Most ids of possibly arrived items in a report; enough for a warning. */
const MOST_UNKNOWN = 100;

/** Carries out one command inside the caller's transaction. */
export function carryOut(connection: Connection, command: PersonCommand, by: Actor, now: number): ChangeReport {
  const change: Change = { connection, tally: new Tally(), by, now };
  const report = dispatch(change, command);
  change.tally.flush(connection);
  return report;
}

function dispatch(change: Change, command: PersonCommand): ChangeReport {
  switch (command.kind) {
    case 'retry':
      return onItems(change, command, (row) => {
        const move = decideRetry(toFound(row), command.expires, lookups(change));
        return isRefusal(move) ? move : () => retry(change, row, move);
      });
    case 'discard':
    case 'complete': {
      const { kind } = command;
      return onItems(
        change,
        command,
        (row) => refuseEnd(kind, toFound(row), lookups(change)) ?? (() => endItem(change, row, kind)),
      );
    }
    case 'edit':
      return editItem(change, command.id, command);
    case 'begin-edit':
      return beginEdit(change, command.id, command.yes);
    case 'end-edit':
      return endEdit(change, command.id, command.token, command.edit);
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

/** Applies the decision of `decide` to each item; a dry run only asks. */
function onItems(
  { connection, now }: Change,
  { filter, dryRun }: { filter: Filter; dryRun: boolean },
  decide: (row: ChangeRow) => Refusal | (() => void),
): ChangeReport {
  const report = emptyReport();
  const ids = filter.ids ?? selectIds(connection, filter, { limit: Number.MAX_SAFE_INTEGER, now });
  const groups = new Map<string, ReviewGroup>();
  const targets = new Set<string>();
  for (const id of ids) {
    const row = readRow(connection, id);
    if (row === undefined) {
      report.missing.push(id);
      continue;
    }
    const state = stateOf(row);
    const answer = decide(row);
    if (isRefusal(answer)) {
      report.skipped.push({ id, reason: answer.refused, state });
      continue;
    }
    if (!dryRun) answer();
    report.changed.push(id);
    report.from[state] = (report.from[state] ?? 0) + 1;
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

/** True when the server may have another version, under another key. */
function wasEditedSince(connection: Connection, { id, may_have_arrived: arrived }: ChangeRow): boolean {
  const last = 'SELECT max(attempts) AS attempts FROM revision WHERE item_id = ?';
  return (connection.get<{ attempts: number | null }>(last, id)?.attempts ?? -1) >= (arrived ?? 0);
}

function countGroup(connection: Connection, groups: Map<string, ReviewGroup>, row: ChangeRow): void {
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

const RETRY = `UPDATE item SET state = ${PENDING}, review_group = NULL, not_before = NULL, set_at = NULL, fail_mark = NULL,
  retry_count = ?, failures = ?, crashes = ?, failing_since = ?, unreadable = ?, expires_at = ?, state_at = ? WHERE id = ?`;

function retry(change: Change, row: ChangeRow, move: RetryMove): void {
  const { connection, tally, now } = change;
  const { retryCount, failures, crashes, failingSince, unreadable, expiresAt } = move;
  if (row.review_group !== null) leaveGroup(connection, row.review_group);
  const budget = [retryCount, failures, crashes, orNull(failingSince), unreadable];
  connection.run(RETRY, ...budget, orNull(expiresAt), now, row.id);
  const elig = restorePlace(connection, tally, row, null);
  connection.run('UPDATE item SET elig = ? WHERE id = ?', elig, row.id);
  tally.move(row.target_id, { state: stateOf(row), elig: row.elig }, { state: 'pending', elig });
  noteItem(change, row, 'pending', { from: stateOf(row), ...arrivedDetail(row) });
}

/** Ends an item in any state; `erase` uses it too. The next item of its lane goes on. */
export function endItem(change: Change, row: ChangeRow, kind: 'complete' | 'discard'): void {
  const { connection, tally, now } = change;
  const state = kind === 'complete' ? 'completed' : 'discarded';
  if (row.review_group !== null) leaveGroup(connection, row.review_group);
  connection.run(
    'UPDATE item SET state = ?, elig = NULL, review_group = NULL, not_before = NULL, state_at = ? WHERE id = ?',
    STATE_CODE[state],
    now,
    row.id,
  );
  tally.move(row.target_id, { state: stateOf(row), elig: row.elig }, { state, elig: null });
  if (row.lane !== null) nextInLane(connection, tally, row.target_id, row.lane, now);
  noteItem(change, row, state, { from: stateOf(row), ...arrivedDetail(row) });
}
