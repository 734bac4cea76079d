/**
 * Lists the servers that may have writes of this queue, also former ones. `target.bound_to` is only the present server of a
 * target; former servers, and those of imported items, are in the history, which nothing removes.
 */
import { serverOf } from '../../../check/origin.js';
import type { Recipient } from '../../archive.js';
import type { Connection } from '../file/connection.js';
import { orUndefined } from '../sql/rows.js';

/** SQL, true for a target with a completed item, even if that item was pruned. */
export const HAS_DELIVERED = '(tally.completed > 0 OR tally.last_completed_at IS NOT NULL)';

/** Detail of the history event when a target changes its server. */
interface Move extends Record<string, unknown> {
  from: string;
  /** Null = the base URL in the config of the next runner. */
  to: string | null;
  /** Something was delivered to the old server. */
  delivered: boolean;
}

/** What to record when a target gets another base URL; undefined when it is the same server. */
export function moveOf(connection: Connection, target: number, to: string | undefined): Move | undefined {
  const row = connection.get<{ bound_to: string | null; delivered: number }>(
    `SELECT bound_to, ${HAS_DELIVERED} AS delivered FROM target JOIN tally ON tally.target_id = target.id WHERE target.id = ?`,
    target,
  );
  const from = row?.bound_to ?? undefined;
  if (from === undefined || (to !== undefined && serverOf(from) === serverOf(to))) return undefined;
  return { from, to: to ?? null, delivered: row?.delivered === 1 };
}

/** Every server that has, or may have, writes of this queue; once for each reason. */
export function readRecipients(connection: Connection): Recipient[] {
  const all = [...movedFrom(connection), ...presentOnes(connection), ...importedOnes(connection)];
  return [...new Map(all.map((one) => [keyOfRecipient(one), one])).values()];
}

/** Equal for equal recipients. */
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

/** An older import did not record who had its items: then every bound server may have them. */
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

/** Details of events that concern no item. */
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
