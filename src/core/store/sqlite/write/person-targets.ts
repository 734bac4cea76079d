/** Carries out people's commands on targets and entities: pause, resume, accept a changed base URL, rename. */
import { emptyReport } from '../../../nouns/change-report.js';
import { QueueError } from '../../../nouns/errors.js';
import type { TargetRow } from '../../../nouns/target.js';
import { acceptTarget as acceptMove, isMoved, resumeTarget } from '../../../policy/person-commands.js';
import type { ChangeReport, PauseScope } from '../../store.js';
import type { Change } from './person-change.js';
import type { Connection } from '../file/connection.js';
import { markHeadsOf } from './waits-and-deadlines.js';
import { appendHistory } from '../read/history.js';
import { moveOf } from '../read/recipients.js';
import { orNull, SELECT_TARGETS, targetParameters, toTarget, UPDATE_TARGET, type TargetColumns } from '../sql/rows.js';

function targetsOf(connection: Connection, scope: { target: string } | 'all'): TargetRow[] {
  const targets = connection.all<TargetColumns>(SELECT_TARGETS).map(toTarget);
  if (scope === 'all') return targets;
  const found = targets.filter(({ name }) => name === scope.target);
  if (found.length > 0) return found;
  throw new QueueError('not-found', `the queue has no target ${scope.target}`, { hint: 'syncq target list' });
}

function update(connection: Connection, target: TargetRow, change: Partial<TargetRow> = {}): void {
  if (Object.keys(change).length > 0) connection.run(UPDATE_TARGET, ...targetParameters({ ...target, ...change }));
}

export function pause(change: Change, what: PauseScope, until: number | undefined): ChangeReport {
  const { connection, by, now } = change;
  const values = [now, orNull(until), orNull(by.reason), by.who];
  const report = emptyReport();
  if (typeof what === 'object' && 'entity' in what) {
    const { type, id: key } = what.entity;
    connection.run('INSERT INTO entity (type, key) VALUES (?, ?) ON CONFLICT DO NOTHING', type, key);
    const entity = connection.get<{ id: number }>('SELECT id FROM entity WHERE type = ? AND key = ?', type, key);
    if (entity === undefined) return report;
    connection.run(
      'UPDATE entity SET paused_at = ?, paused_until = ?, paused_reason = ?, paused_by = ? WHERE id = ?',
      ...values,
      entity.id,
    );
    markHeadsOf(change, entity.id);
    report.names.push(`${type}/${key}`);
  } else {
    for (const { id, name } of targetsOf(connection, what)) {
      connection.run(
        'UPDATE target SET paused_at = ?, paused_until = ?, paused_reason = ?, paused_by = ? WHERE id = ?',
        ...values,
        id,
      );
      report.names.push(name);
    }
  }
  for (const name of report.names) noteTarget(change, name, 'paused');
  return report;
}

/** Ends a pause or an automatic hold; the next send is the test. */
export function resume(change: Change, what: PauseScope): ChangeReport {
  const { connection, now } = change;
  const report = emptyReport();
  const clear = 'paused_at = NULL, paused_until = NULL, paused_reason = NULL, paused_by = NULL';
  if (what === 'all' || (typeof what === 'object' && 'entity' in what)) {
    const entities =
      what === 'all'
        ? connection.all<{ id: number; type: string; key: string }>(
            'SELECT id, type, key FROM entity INDEXED BY entity_paused WHERE paused_at IS NOT NULL',
          )
        : connection.all<{ id: number; type: string; key: string }>(
            'SELECT id, type, key FROM entity WHERE type = ? AND key = ? AND paused_at IS NOT NULL',
            what.entity.type,
            what.entity.id,
          );
    for (const entity of entities) {
      connection.run(`UPDATE entity SET ${clear} WHERE id = ?`, entity.id);
      markHeadsOf(change, entity.id);
      report.names.push(`${entity.type}/${entity.key}`);
    }
  }
  if (what === 'all' || 'target' in what) {
    for (const target of targetsOf(connection, what)) {
      const held = isMoved(target);
      if (held) report.stillHeld.push({ name: target.name, reason: target.reason ?? '' });
      const ended = resumeTarget(target, now);
      if (ended === undefined && target.paused === undefined) continue;
      connection.run(`UPDATE target SET ${clear} WHERE id = ?`, target.id);
      update(connection, target, ended);
      report.names.push(target.name);
    }
  }
  for (const name of report.names) noteTarget(change, name, 'resumed');
  return report;
}

/** Accepts the new base URL: items that were sent to the old one may go to the new one. */
export function acceptTarget(change: Change, name: string, baseUrl: string | undefined): ChangeReport {
  const { connection, now } = change;
  const [target] = targetsOf(connection, { target: name });
  if (target === undefined) return emptyReport();
  const move = moveOf(connection, target.id, baseUrl);
  update(connection, target, { ...acceptMove(target, now), boundTo: baseUrl });
  noteTarget(change, name, 'accepted', move);
  return { ...emptyReport(), names: [name] };
}

export function renameTarget(change: Change, from: string, to: string): ChangeReport {
  const { connection } = change;
  const [target] = targetsOf(connection, { target: from });
  if (target === undefined) return emptyReport();
  if (connection.get('SELECT 1 FROM target WHERE name = ?', to) !== undefined) {
    throw new QueueError('usage', `the queue already has a target ${to}; nothing was renamed`, {
      hint: 'choose another name',
    });
  }
  connection.run('UPDATE target SET name = ? WHERE id = ?', to, target.id);
  noteTarget(change, to, 'renamed', { from });
  return { ...emptyReport(), names: [to] };
}

function noteTarget(
  { connection, by, now }: Change,
  name: string,
  event: string,
  detail?: Record<string, unknown>,
): void {
  appendHistory(connection, {
    at: now,
    item: undefined,
    target: name,
    who: by.who,
    command: by.command,
    event,
    reason: by.reason,
    detail,
  });
}
