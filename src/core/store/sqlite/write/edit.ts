/**
 * Edits what an item sends. The old version is kept as a revision with who, when and why; the new one gets its own key
 * (decision 0008). While an editor has it open, the item is in review and keeps its place.
 */
import { emptyReport } from '../../../nouns/change-report.js';
import { newIdempotencyKey } from '../../../input/key.js';
import { stillAhead } from '../../../policy/lane.js';
import { refuseEdit, refuseEndOfEdit, refuseOutrun, type Refusal } from '../../../policy/person-commands.js';
import type { ChangeReport, Edit, Revision } from '../../store.js';
import { lookups, readRow, stateOf, toFound, type Change, type ChangeRow } from './person-change.js';
import { PENDING } from '../sql/codes.js';
import type { Connection } from '../file/connection.js';
import { openEdit, type Opened } from './open-edits.js';
import { sha256 } from '../sql/payload-checksum.js';
import { arrivedDetail, noteItem } from '../read/history.js';
import { restorePlace } from './lanes.js';
import { flagItem, joinGroup, leaveGroup, type ReviewCause } from './review-groups.js';
import {
  contentTypeOrNull,
  headersOrNull,
  orNull,
  orUndefined,
  toRevision,
  type RevisionColumns,
} from '../sql/rows.js';

export function editItem(change: Change, id: number, edit: Edit & { yes?: boolean }): ChangeReport {
  return onItem(change, id, (row) => {
    const refusal = refuseEdit(toFound(row), edit, lookups(change));
    if (refusal === undefined) storeEdit(change, row, edit);
    return refusal ?? {};
  });
}

/** The item goes to review, reason `editing`, and keeps its place. The answer's `token` ends it. */
export function beginEdit(change: Change, id: number, yes?: boolean): ChangeReport {
  const { connection, by } = change;
  return onItem(change, id, (row) => {
    const refusal = refuseEdit(toFound(row), { yes }, lookups(change));
    if (refusal !== undefined) return refusal;
    const from = stateOf(row) as Opened['from'];
    if (row.review_group !== null) leaveGroup(connection, row.review_group);
    flagItem(change, row, from, { reason: 'editing', message: `${by.who} has it open in an editor` });
    const { not_before: notBefore, state_at: stateAt, review_group: group, reason } = row;
    noteItem(change, row, 'editing', { from, notBefore, stateAt, group, reason } satisfies Opened);
    return { token: connection.get<{ id: number }>('SELECT last_insert_rowid() AS id')?.id ?? 0 };
  });
}

/** Puts the item back into its former state, with or without the edit. Refused when somebody released it meanwhile. */
export function endEdit(change: Change, id: number, token: number, edit: Edit | undefined): ChangeReport {
  return onItem(change, id, (row) => {
    const open = openEdit(change.connection, id);
    const found = toFound(row);
    const refusal = refuseEndOfEdit(found, open?.token === token);
    if (refusal !== undefined || open === undefined) return refusal ?? {};
    putBack(change, row, open.opened);
    if (edit === undefined) noteItem(change, row, 'abandoned');
    else {
      const outrun = refuseOutrun(found, edit.revision);
      if (outrun !== undefined) return outrun;
      storeEdit(change, row, edit);
    }
    return {};
  });
}

function onItem(
  { connection }: Change,
  id: number,
  apply: (row: ChangeRow) => Refusal | Pick<ChangeReport, 'token'>,
): ChangeReport {
  const report = emptyReport();
  const row = readRow(connection, id);
  if (row === undefined) return { ...report, missing: [id] };
  const answer = apply(row);
  const state = stateOf(row);
  if ('refused' in answer) {
    const { refused: reason, code } = answer;
    return { ...report, skipped: [{ id, reason, state, ...(code === undefined ? {} : { code }) }] };
  }
  const unknown = row.may_have_arrived === null ? [] : [id];
  return { ...report, ...answer, changed: [id], targets: [row.target], from: { [state]: 1 }, unknown };
}

function putBack({ connection, tally, now }: Change, row: ChangeRow, opened: Opened): void {
  if (row.review_group !== null) leaveGroup(connection, row.review_group);
  if (opened.from === 'review') {
    const group = rejoin(connection, row, opened);
    connection.run('UPDATE item SET review_group = ?, state_at = ? WHERE id = ?', group, opened.stateAt, row.id);
    return;
  }
  const notBefore = orNull(stillAhead(opened.notBefore, now));
  connection.run(
    `UPDATE item SET state = ${PENDING}, review_group = NULL, not_before = ?, state_at = ? WHERE id = ?`,
    notBefore,
    opened.stateAt,
    row.id,
  );
  const elig = restorePlace(connection, tally, row, notBefore);
  connection.run('UPDATE item SET elig = ? WHERE id = ?', elig, row.id);
  tally.move(row.target_id, { state: 'review', elig: null }, { state: 'pending', elig });
}

/** A group that an open edit refers to is never removed; a missing one means that the file was changed by hand. */
function rejoin(connection: Connection, row: ChangeRow, { group, reason }: Opened): number {
  const kept = connection.get<Pick<ReviewCause, 'reason' | 'status' | 'operation' | 'cause' | 'message'>>(
    'SELECT reason, status, operation, cause, message FROM review_group WHERE id = ?',
    group,
  );
  const message = 'why it was in review is no longer known';
  const known = reason === 'editing' || reason === null ? 'rejected' : (reason as 'rejected');
  return joinGroup(connection, {
    target: row.target_id,
    ...(kept ?? { reason: known, status: 0, operation: row.operation, cause: message, message }),
    mayHaveArrived: row.may_have_arrived !== null,
  });
}

function storeEdit(change: Change, row: ChangeRow, { content, fields }: Edit): void {
  const { connection, by, now } = change;
  connection.run(
    `INSERT INTO revision (item_id, number, at, who, reason, attempts, idempotency_key, path, content_type, headers, payload_sha256, payload)
     SELECT id, revision, ?, ?, ?, attempts, idempotency_key, path, content_type, headers, payload_sha256, payload FROM item WHERE id = ?`,
    now,
    by.who,
    orNull(by.reason),
    row.id,
  );
  const { payload, contentType, headers, path } = content;
  const key = newIdempotencyKey(now);
  connection.run(
    `UPDATE item SET revision = revision + 1, idempotency_key = ?, path = ?, content_type = ?, headers = ?, payload_sha256 = ?,
     payload = ?, fail_mark = NULL WHERE id = ?`,
    key,
    path,
    contentTypeOrNull(payload !== undefined, contentType),
    headersOrNull(headers),
    payload === undefined ? null : sha256(payload),
    orNull(payload),
    row.id,
  );
  noteItem(change, row, 'edited', { fields: [...fields], revision: row.revision + 1, key, ...arrivedDetail(row) });
}

export function readRevisions(connection: Connection, id: number): Revision[] {
  return connection
    .all<RevisionColumns & { payload_bytes: number | null }>(
      `SELECT number, at, who, reason, attempts, idempotency_key, path, payload_sha256, length(payload) AS payload_bytes
       FROM revision WHERE item_id = ? ORDER BY number`,
      id,
    )
    .map((row) => ({
      ...toRevision(row),
      payloadSha256: row.payload_sha256 === null ? undefined : row.payload_sha256.toString('hex'),
      payloadBytes: orUndefined(row.payload_bytes),
    }));
}
