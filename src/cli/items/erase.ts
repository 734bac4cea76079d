/** The question and the answer of `erase`. */
import type { Actor, Entity, EraseReport, Queue } from '../../core/index.js';
import type { JsonObject } from '../../render/json.js';
import { oneLine } from '../../render/printable.js';
import { confirmed } from '../program/confirm.js';
import { countWords, itemWords } from '../program/usage.js';

export interface EraseOptions {
  by: Actor;
  yes: boolean;
  dryRun: boolean;
  json: boolean;
}

export interface Erased {
  document: JsonObject;
  lines: string[];
  talk: string[];
  nothing: boolean;
}

/** @throws {QueueError} 'confirm-needed', or 'busy' while an item about it is being sent */
export async function eraseEntity(queue: Queue, entity: Entity, options: EraseOptions): Promise<Erased> {
  const { by, yes, dryRun, json } = options;
  const name = oneLine(`${entity.type}/${entity.id}`);
  const shown = await queue.desk.erase(entity, { dryRun: true, by });
  if (dryRun) return answer(shown, entity, name, true);
  // Nothing to ask about, but the write-ahead log may still hold what an earlier call removed.
  if (shown.items.length === 0)
    return answer(await queue.desk.erase(entity, { dryRun: false, by }), entity, name, false);
  const what = `what ${countWords(shown.items.length)} ${shown.items.length === 1 ? 'holds' : 'hold'} about ${name}`;
  const would = `${what} would be removed for good`;
  const go = await confirmed({
    lines: [...effects(shown, 'would be '), `Remove ${what}, for good`],
    would,
    yes,
    json,
  });
  if (!go) return { document: {}, lines: ['nothing was changed'], talk: [], nothing: true };
  return answer(await queue.desk.erase(entity, { dryRun: false, by }), entity, name, false);
}

/** @param would `would be ` before it is done */
function effects({ discarded, unknown, copies }: EraseReport, would: '' | 'would be '): string[] {
  return [
    ...(discarded.length === 0 ? [] : [`${countWords(discarded.length)} not delivered yet: ${would}discarded`]),
    ...(unknown.length === 0
      ? []
      : [`${itemWords(unknown)} may have arrived: the server may have ${unknown.length === 1 ? 'it' : 'them'}`]),
    ...copies.map((path) => oneLine(`${would}removed: ${path}, the queue as it was before an upgrade`)),
  ];
}

function answer(report: EraseReport, entity: Entity, name: string, dry: boolean): Erased {
  const { items, discarded, attempts, revisions, copies, cleared } = report;
  const nothing = items.length === 0;
  const head = nothing
    ? `the queue holds nothing about ${name}`
    : `what ${itemWords(items)} ${items.length === 1 ? 'holds' : 'hold'} about ${name} ${dry ? 'would be' : 'is'} removed`;
  return {
    document: {
      entity: { type: entity.type, id: entity.id },
      erased: [...items],
      count: items.length,
      discarded: [...discarded],
      attempts,
      revisions,
      copiesRemoved: [...copies],
      cleared,
      ...(dry ? { dryRun: true } : {}),
    },
    lines: [head, ...(nothing ? [] : effects(report, dry ? 'would be ' : ''))],
    talk: cleared
      ? []
      : [
          'another program was reading all the while, so the log (-wal) still holds the old bytes: they go when it ends, or with the same command later',
        ],
    nothing,
  };
}
