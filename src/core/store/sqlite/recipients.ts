/**
 * Which servers may have writes of this queue, also those that its targets have left. `target.bound_to` knows only where
 * a target leads now; where it led before, and what an import brought along, is in the history, which nothing removes.
 */
import { serverOf } from '../../check/origin.js';
import type { Recipient } from '../archive.js';
import type { Connection } from './connection.js';
import { orUndefined } from './rows.js';

/** SQL, true for a target of which an item was completed, whether the item is still there or not. */
export const HAS_DELIVERED = '(tally.completed > 0 OR tally.last_completed_at IS NOT NULL)';

/** Detail of the event that takes a target to another server. */
export interface Move extends Record<string, unknown> {
  from: string;
  /** Null = where the config of the next runner has it. */
  to: string | null;
  /** Something was delivered under this target before it moved. */
  delivered: boolean;
}

/** What to record when a target is bound to another base URL; undefined when it leads to the same server as before. */
export function moveOf(connection: Connection, target: number, to: string | undefined): Move | undefined {
  const row = connection.get<{ bound_to: string | null; delivered: number }>(
    `SELECT bound_to, ${HAS_DELIVERED} AS delivered FROM target JOIN tally ON tally.target_id = target.id WHERE target.id = ?`,
    target,
  );
  const from = row?.bound_to ?? undefined;
  if (from === undefined || (to !== undefined && serverOf(from) === serverOf(to))) return undefined;
  return { from, to: to ?? null, delivered: row?.delivered === 1 };
}

/** Everyone who has, or may have, writes of this queue; each server once for every reason. */
export function readRecipients(connection: Connection): Recipient[] {
  const all = [...movedFrom(connection), ...presentOnes(connection), ...importedOnes(connection)];
  return [...new Map(all.map((one) => [keyOfRecipient(one), one])).values()];
}

/** The same for two that say the same. */
export function keyOfRecipient({ baseUrl, target, why }: Recipient): string {
  return JSON.stringify([baseUrl ?? null, target, why]);
}

interface TargetColumns {
  name: string;
  bound_to: string | null;
  implicit_base_url: string | null;
}

function presentOnes(connection: Connection): Recipient[] {
  return targetsWhere(connection, HAS_DELIVERED).map(({ name, bound_to, implicit_base_url }) => ({
    baseUrl: bound_to ?? orUndefined(implicit_base_url),
    target: name,
    why: 'delivered',
  }));
}

function movedFrom(connection: Connection): Recipient[] {
  return details(connection, ['moved', 'accepted']).flatMap(({ target, detail }) =>
    detail['delivered'] === true && typeof detail['from'] === 'string'
      ? [{ baseUrl: detail['from'], target: target ?? '', why: 'delivered' as const }]
      : [],
  );
}

/** An import that did not note who had the items (before there was such a note) leaves every bound server in doubt. */
function importedOnes(connection: Connection): Recipient[] {
  const imports = details(connection, ['imported']).map(({ detail }) => detail['recipients']);
  const noted = imports.flatMap((list) => (Array.isArray(list) ? (list as Partial<Recipient>[]) : []));
  const doubtful = imports.every((list) => Array.isArray(list))
    ? []
    : targetsWhere(connection, `bound_to IS NOT NULL AND NOT ${HAS_DELIVERED}`);
  return [
    ...noted.map(({ baseUrl, target = '', why = 'untold' }) => ({ baseUrl: baseUrl ?? undefined, target, why })),
    ...doubtful.map(({ name, bound_to }) => ({ baseUrl: orUndefined(bound_to), target: name, why: 'untold' as const })),
  ];
}

function targetsWhere(connection: Connection, condition: string): TargetColumns[] {
  return connection.all<TargetColumns>(
    `SELECT name, bound_to, implicit_base_url FROM target JOIN tally ON tally.target_id = target.id WHERE ${condition} ORDER BY target.id`,
  );
}

/** Of events about no item. */
function details(
  connection: Connection,
  events: readonly string[],
): { target: string | undefined; detail: Record<string, unknown> }[] {
  return connection
    .all<{ target: string | null; detail: string | null }>(
      `SELECT target, detail FROM history WHERE item_id IS NULL AND event IN (${events.map(() => '?').join(', ')}) ORDER BY id`,
      ...events,
    )
    .map(({ target, detail }) => ({
      target: orUndefined(target),
      detail: detail === null ? {} : (JSON.parse(detail) as Record<string, unknown>),
    }));
}
