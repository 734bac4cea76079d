/** What `discard` and `complete` share: find the items, ask with the count by cause, change exactly those, report. */
import type { Actor, ChangeReport, Filter, Queue } from '../../core/index.js';
import { arrivedWords } from '../../core/policy/item-words.js';
import { quote } from '../../core/policy/why.js';
import type { JsonObject } from '../../render/json.js';
import { oneLine } from '../../render/printable.js';
import { reviewGroupsDocument } from '../../render/status-document.js';
import { confirmed } from '../program/confirm.js';
import { countWords, itemWords } from '../program/usage.js';

export interface EndOptions {
  kind: 'discard' | 'complete';
  by: Actor;
  yes: boolean;
  dryRun: boolean;
  json: boolean;
}

export interface Ended {
  document: JsonObject;
  lines: string[];
  /** True when there was nothing to change. */
  nothing: boolean;
}

const WORDS = {
  discard: { done: 'discarded', ask: 'Discard' },
  complete: { done: 'completed', ask: 'Mark as completed' },
} as const;

/** @throws {QueueError} code 'confirm-needed' */
export async function endItems(queue: Queue, filter: Filter, options: EndOptions): Promise<Ended> {
  const { kind, by, dryRun, yes, json } = options;
  const { done, ask } = WORDS[kind];
  const shown = await queue.desk[kind](filter, { dryRun: true, by });
  const sending = shown.skipped.filter(({ state }) => state === 'sending').map(({ id }) => id);
  const count = shown.changed.length;
  const freed = await freedBy(queue, shown.changed);
  if (dryRun || count + sending.length === 0) return answer(shown, kind, dryRun, freedLines(freed, 'then'));
  const go = await confirmed({
    lines: [...causeLines(shown), ...unknownLines(shown), ...freedLines(freed, 'then'), `${ask} ${countWords(count)}`],
    would: `${countWords(count)} would be ${done}`,
    yes,
    json,
  });
  if (!go) return { document: {}, lines: ['nothing was changed'], nothing: true };
  // Exactly the items that were shown, even if others arrived meanwhile.
  const report = await queue.desk[kind]({ ids: [...shown.changed, ...sending] }, { dryRun: false, by });
  const left = shown.skipped.filter(({ state }) => state !== 'sending');
  return answer(
    { ...report, skipped: [...left, ...report.skipped], missing: shown.missing },
    kind,
    false,
    freedLines(freed, 'now'),
  );
}

/** Most ended items whose lanes are looked at; more are only counted by `status`. */
const MOST_LANES = 50;

/** Items that wait behind these and are not among them. */
async function freedBy(queue: Queue, ended: readonly number[]): Promise<number[]> {
  const freed = new Set<number>();
  for (const id of ended.slice(0, MOST_LANES)) {
    const { items } = await queue.list({ behind: id }, { limit: 1000 });
    for (const item of items) freed.add(item.id);
  }
  for (const id of ended) freed.delete(id);
  return [...freed].sort((a, b) => a - b);
}

function freedLines(freed: readonly number[], when: string): string[] {
  return freed.length === 0
    ? []
    : [`${itemWords(freed)}, waiting behind, ${freed.length === 1 ? 'goes' : 'go'} on ${when}`];
}

function answer(report: ChangeReport, kind: EndOptions['kind'], dry: boolean, freed: readonly string[]): Ended {
  const { done } = WORDS[kind];
  const { changed, groups, missing } = report;
  const skipped = [...report.skipped, ...missing.map((id) => ({ id, reason: 'there is no such item' }))];
  const head = dry
    ? `${countWords(changed.length)} would be ${done}`
    : changed.length === 0
      ? `nothing was ${done}`
      : `${itemWords(changed)} ${changed.length === 1 ? 'is' : 'are'} ${done}`;
  return {
    document: {
      [done]: [...changed],
      count: changed.length,
      skipped: skipped.map(({ id, reason }) => ({ id, reason })),
      unknown: [...report.unknown],
      groups: reviewGroupsDocument(groups),
      ...(dry ? { dryRun: true } : {}),
    },
    lines: [
      head,
      ...(dry ? causeLines(report) : []),
      ...unknownLines(report),
      ...freed,
      ...skipped.slice(0, 20).map(({ id, reason }) => oneLine(`item ${id} is left alone: ${reason}`)),
      ...(skipped.length > 20 ? [`and ${skipped.length - 20} more are left alone`] : []),
    ],
    nothing: changed.length === 0,
  };
}

/** Most causes that are listed; the question must stay visible. */
const MOST_CAUSES = 15;

/** Items per cause; pending items have none. */
export function causeLines({ groups, from }: Pick<ChangeReport, 'groups' | 'from'>): string[] {
  const causes = groups.map(({ count, target, reason, status, message, ...group }) =>
    oneLine(
      `${count} in review at ${target}: ${reason}${status === 0 ? '' : ` (${status})`}${arrivedWords(group)}, ${quote(message)}`,
    ),
  );
  const { pending = 0 } = from;
  const rest = groups.slice(MOST_CAUSES).reduce((sum, { count }) => sum + count, 0);
  return [
    ...causes.slice(0, MOST_CAUSES),
    ...(rest === 0 ? [] : [`${rest} more in review, for other reasons`]),
    ...(pending === 0 ? [] : [`${pending} pending`]),
  ];
}

function unknownLines({ unknown }: ChangeReport): string[] {
  if (unknown.length === 0) return [];
  return [
    `${itemWords(unknown)} may have arrived: the server may have ${unknown.length === 1 ? 'it' : 'them'} already`,
  ];
}
