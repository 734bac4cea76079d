/** `edit` of all items that match a filter: shows the first change and the counts, asks, then edits one item at a time. */
import type { Actor, Filter, ItemDetail, ItemEdits, Queue } from '../../core/index.js';
import { isQueueError } from '../../core/nouns/errors.js';
import type { SensitivePatterns } from '../../core/nouns/sensitive.js';
import type { TimeView } from '../../core/policy/time-words.js';
import { arrivalWords } from '../../core/policy/item-words.js';
import type { JsonObject } from '../../render/json.js';
import { changeLines } from './change-lines.js';
import { oneLine } from '../../render/printable.js';
import { confirmed } from '../program/confirm.js';
import { countWords, itemWords } from '../program/usage.js';
import { kindLines } from './edit-answer.js';
import { nextLine } from './retry.js';

export interface EditManyOptions {
  by: Actor;
  yes: boolean;
  dryRun: boolean;
  json: boolean;
  /** The filter flags as they were typed, for the command that sends the items. */
  again: string;
  sensitive: SensitivePatterns;
  view: TimeView;
}

export interface EditedMany {
  document: JsonObject;
  lines: string[];
  /** True when there was nothing to change. */
  nothing: boolean;
}

interface Plan {
  ids: number[];
  /** How many of them are in review. */
  inReview: number;
  /** Items that have the wanted content already. */
  same: number;
  skipped: { id: number; reason: string }[];
  fields: Set<string>;
  /** The change of the first item, for people. */
  first: string[];
}

const PAGE = 200;
const MOST_SKIPPED_SHOWN = 20;

/** @throws {QueueError} code 'confirm-needed' */
export async function editMany(
  queue: Queue,
  filter: Filter,
  edits: ItemEdits,
  options: EditManyOptions,
): Promise<EditedMany> {
  const plan = await planEdits(queue, filter, edits, options.sensitive);
  const count = plan.ids.length;
  if (options.dryRun || count === 0) return answer(plan, plan.ids, options);
  const go = await confirmed({
    lines: [...planLines(plan, 'would be edited'), `Edit ${countWords(count)}`],
    would: `${countWords(count)} would be edited`,
    yes: options.yes,
    json: options.json,
  });
  if (!go) return { document: {}, lines: ['nothing was changed'], nothing: true };
  const edited: number[] = [];
  const targets = new Set<string>();
  for (const id of plan.ids) {
    const result = await orReason(() => queue.desk.edit(id, edits, options.by));
    if ('reason' in result) plan.skipped.push({ id, reason: result.reason });
    else {
      edited.push(id);
      if (result.item.state === 'pending') targets.add(result.item.target);
    }
  }
  const next = targets.size === 0 ? undefined : await queue.next([...targets]);
  const done = answer(plan, edited, options);
  return next === undefined ? done : { ...done, lines: [...done.lines, nextLine(next, options.view)] };
}

/** Works out every edit without saving any. Keeps ids only, because a filter may match a million items. */
async function planEdits(queue: Queue, filter: Filter, edits: ItemEdits, sensitive: SensitivePatterns): Promise<Plan> {
  const plan: Plan = { ids: [], inReview: 0, same: 0, skipped: [], fields: new Set(), first: [] };
  for (let after: number | undefined, more = true; more;) {
    const page = await queue.list(filter, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    const { items } = await queue.inspect(page.items.map(({ id }) => id));
    for (const item of items) await planOne(queue, item, edits, plan, sensitive);
    after = page.next;
    more = after !== undefined;
  }
  return plan;
}

async function planOne(
  queue: Queue,
  item: ItemDetail,
  edits: ItemEdits,
  plan: Plan,
  sensitive: SensitivePatterns,
): Promise<void> {
  const { id } = item;
  if (item.state === 'sending') {
    plan.skipped.push({ id, reason: 'it is being sent' });
    return;
  }
  if (item.mayHaveArrived !== undefined) {
    plan.skipped.push({ id, reason: `${arrivalWords(item.mayHaveArrived)}; edit it alone` });
    return;
  }
  const edited = await orReason(() => queue.desk.checkEdit({ item }, edits));
  if ('reason' in edited) plan.skipped.push({ id, reason: edited.reason });
  else if (edited.same) plan.same += 1;
  else {
    if (plan.ids.length === 0)
      plan.first = [...changeLines(item, edited.edit.content, sensitive), ...kindLines(edited.kinds)];
    plan.ids.push(id);
    if (item.state === 'review') plan.inReview += 1;
    for (const field of edited.edit.fields) plan.fields.add(field);
  }
}

async function orReason<T extends object>(work: () => T | Promise<T>): Promise<T | { reason: string }> {
  try {
    return await work();
  } catch (error) {
    if (!isQueueError(error)) throw error;
    return { reason: error.message.replace('; nothing was changed', '') };
  }
}

function planLines({ ids, same, skipped, first }: Plan, done: string): string[] {
  return [
    `${countWords(ids.length)} ${done}`,
    ...(first.length === 0 ? [] : [`the change, at item ${ids[0] ?? 0}:`, ...first.map((line) => `  ${line}`)]),
    ...(same === 0 ? [] : [`${countWords(same)} ${same === 1 ? 'has' : 'have'} that content already`]),
    ...skipped.slice(0, MOST_SKIPPED_SHOWN).map(({ id, reason }) => oneLine(`item ${id} is left alone: ${reason}`)),
    ...(skipped.length > MOST_SKIPPED_SHOWN ? [`and ${skipped.length - MOST_SKIPPED_SHOWN} more are left alone`] : []),
  ];
}

function answer(
  plan: Plan,
  edited: readonly number[],
  { dryRun, again }: Pick<EditManyOptions, 'dryRun' | 'again'>,
): EditedMany {
  const shown = dryRun || edited.length === 0 ? planLines(plan, dryRun ? 'would be edited' : 'were edited') : [];
  return {
    document: {
      edited: [...edited],
      count: edited.length,
      same: plan.same,
      skipped: plan.skipped.map(({ id, reason }) => ({ id, reason })),
      fields: [...plan.fields],
      ...(dryRun ? { dryRun: true } : {}),
    },
    lines:
      shown.length > 0
        ? shown
        : [
            `${itemWords(edited)} ${edited.length === 1 ? 'is' : 'are'} edited (${[...plan.fields].join(', ')}); each has a new idempotency key`,
            ...planLines({ ...plan, first: [] }, '').slice(1),
            ...(plan.inReview === 0 ? [] : [`items in review stay there; to send them: syncq retry ${again}`]),
          ],
    nothing: edited.length === 0,
  };
}
