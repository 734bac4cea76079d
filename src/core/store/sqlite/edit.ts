/**
 * Changes what an item sends: the old version stays as a revision with who, when and why, and the new one gets a key of
 * its own (decision 0008). While an editor has it open, the item is in review and holds its place.
 */
import { STATES, type State } from '../../nouns/item.js';
import { newIdempotencyKey } from '../../input/key.js';
import type { Actor, ChangeReport, Edit, Revision } from '../store.js';
import type { Connection } from './connection.js';
import { sha256 } from './enqueue.js';
import { arrivalWords } from '../../policy/item-words.js';
import { stillAhead } from '../../policy/lane.js';
import { arrivedDetail, noteItem } from './history.js';
import { restorePlace } from './lanes.js';
import { flagItem, joinGroup, leaveGroup, type ReviewCause } from './review-groups.js';
import { contentTypeOrNull, headersOrNull, orNull, orUndefined, toRevision, type RevisionColumns } from './rows.js';
import { PENDING, REVIEW } from './schema.js';
import type { Tally } from './tally.js';

export interface EditWork {
  connection: Connection;
  tally: Tally;
  by: Actor;
  now: number;
}

interface EditRow {
  id: number;
  state: number;
  elig: number | null;
  target_id: number;
  target: string;
  lane: number | null;
  entity_id: number | null;
  operation: string;
  not_before: number | null;
  state_at: number | null;
  attempts: number;
  revision: number;
  review_group: number | null;
  reason: string | null;
  may_have_arrived: number | null;
}

const SELECT_ROW = `SELECT item.id, item.state, item.elig, item.target_id, target.name AS target, item.lane, item.entity_id,
  item.operation, item.not_before, item.state_at, item.attempts, item.revision, item.review_group, review_group.reason,
  item.may_have_arrived AS may_have_arrived
  FROM item JOIN target ON target.id = item.target_id LEFT JOIN review_group ON review_group.id = item.review_group
  WHERE item.id = ?`;

/** Where an item stood before an editor opened it: kept in the history row that says so. */
interface Opened {
  from: 'pending' | 'review';
  notBefore: number | null;
  stateAt: number | null;
  group: number | null;
  reason: string | null;
}

export function editItem(
  work: EditWork,
  report: ChangeReport,
  id: number,
  edit: Edit & { yes?: boolean },
): ChangeReport {
  const row = work.connection.get<EditRow>(SELECT_ROW, id);
  if (row === undefined) return missing(report, id);
  const refused = refusal(work.connection, row) ?? (row.revision === edit.revision ? undefined : OUTRUN);
  if (refused !== undefined) return skipped(report, row, refused);
  if (wantsYes(row, edit.yes)) return unconfirmed(report, row);
  storeEdit(work, row, edit);
  return changed(report, row);
}

/** The item goes to review, reason `editing`, and keeps its place. The answer's `token` ends it. */
export function beginEdit(work: EditWork, report: ChangeReport, id: number, yes?: boolean): ChangeReport {
  const { connection, by } = work;
  const row = connection.get<EditRow>(SELECT_ROW, id);
  if (row === undefined) return missing(report, id);
  const refused = refusal(connection, row);
  if (refused !== undefined) return skipped(report, row, refused);
  if (wantsYes(row, yes)) return unconfirmed(report, row);
  const from = stateOf(row) as Opened['from'];
  if (row.review_group !== null) leaveGroup(connection, row.review_group);
  flagItem(work, row, from, { reason: 'editing', message: `${by.who} has it open in an editor` });
  const opened: Opened = {
    from,
    notBefore: row.not_before,
    stateAt: row.state_at,
    group: row.review_group,
    reason: row.reason,
  };
  noteItem(work, row, 'editing', { ...opened });
  const token = connection.get<{ id: number }>('SELECT last_insert_rowid() AS id')?.id ?? 0;
  return { ...changed(report, row), token };
}

/** Puts the item back where it was, with the edit or without. Refused when somebody freed it meanwhile. */
export function endEdit(
  work: EditWork,
  report: ChangeReport,
  id: number,
  token: number,
  edit: Edit | undefined,
): ChangeReport {
  const { connection } = work;
  const row = connection.get<EditRow>(SELECT_ROW, id);
  if (row === undefined) return missing(report, id);
  const open = openEdit(connection, id);
  if (stateOf(row) !== 'review' || row.reason !== 'editing' || open?.token !== token) {
    return skipped(report, row, `it is ${stateOf(row)} now: somebody freed it while it was open in the editor`);
  }
  putBack(work, row, open.opened);
  if (edit === undefined) noteItem(work, row, 'abandoned');
  else if (row.revision !== edit.revision) return skipped(report, row, OUTRUN);
  else storeEdit(work, row, edit);
  return changed(report, row);
}

const OUTRUN = 'somebody else edited it in the meantime; look at it again';

function putBack({ connection, tally, now }: EditWork, row: EditRow, opened: Opened): void {
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

/** A group that is kept for an open edit is never removed; a missing one means that the file was mended by hand. */
function rejoin(connection: Connection, row: EditRow, { group, reason }: Opened): number {
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

function storeEdit(work: EditWork, row: EditRow, { content, fields }: Edit): void {
  const { connection, by, now } = work;
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
  noteItem(work, row, 'edited', { fields: [...fields], revision: row.revision + 1, key, ...arrivedDetail(row) });
}

function refusal(connection: Connection, row: EditRow): string | undefined {
  const state = stateOf(row);
  if (state === 'sending') return 'it is being sent right now; try again in a moment';
  if (state === 'completed' || state === 'discarded') return `it is ${state}, which is final`;
  if (row.reason === 'editing') {
    const who = openEdit(connection, row.id)?.who ?? 'somebody';
    return `${who} has it open in an editor; if that editor is gone: syncq retry ${row.id} frees it`;
  }
  return undefined;
}

const stateOf = (row: EditRow): State => STATES[row.state] ?? 'pending';

const missing = (report: ChangeReport, id: number): ChangeReport => ({ ...report, missing: [id] });

const skipped = (report: ChangeReport, row: EditRow, reason: string): ChangeReport => ({
  ...report,
  skipped: [{ id: row.id, reason, state: stateOf(row) }],
});

/** An edit gives a new key: the server may then have both versions, so a person says whether that is meant. */
const wantsYes = (row: EditRow, yes = false): boolean => row.may_have_arrived !== null && !yes;

const unconfirmed = (report: ChangeReport, row: EditRow): ChangeReport => ({
  ...report,
  skipped: [
    { id: row.id, reason: arrivalWords(row.may_have_arrived ?? 0), state: stateOf(row), code: 'confirm-needed' },
  ],
});

const changed = (report: ChangeReport, row: EditRow): ChangeReport => ({
  ...report,
  changed: [row.id],
  targets: [row.target],
  from: { [stateOf(row)]: 1 },
  unknown: row.may_have_arrived === null ? [] : [row.id],
});

/** The latest opening of an item in an editor. */
function openEdit(connection: Connection, id: number): { token: number; who: string; opened: Opened } | undefined {
  const row = connection.get<{ id: number; who: string; detail: string | null }>(
    `SELECT id, who, detail FROM history INDEXED BY history_item WHERE item_id = ? AND item_id IS NOT NULL AND event = 'editing'
     ORDER BY id DESC LIMIT 1`,
    id,
  );
  return row?.detail == null ? undefined : { token: row.id, who: row.who, opened: JSON.parse(row.detail) as Opened };
}

/** Items that are open in an editor, with the cause they are to go back to. */
export function openEdits(connection: Connection): { id: number; group: number | undefined }[] {
  return connection
    .all<{ id: number }>(
      `SELECT item.id FROM review_group CROSS JOIN item INDEXED BY item_review ON item.state = ${REVIEW} AND item.review_group = review_group.id
       WHERE review_group.reason = 'editing' AND review_group.items > 0`,
    )
    .map(({ id }) => ({ id, group: orUndefined(openEdit(connection, id)?.opened.group ?? null) }));
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
