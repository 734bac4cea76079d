/** `inspect`: a list by filters, or items by their ids; sensitive values are masked unless a person reveals them. */
import type { Hide } from '../../core/privacy/hide-values.js';
import { hideValuesOf } from '../../core/privacy/hide-values.js';
import type { SensitivePatterns } from '../../core/nouns/sensitive.js';
import { compileSensitive, EVERYTHING, maskJson } from '../../core/privacy/sensitive.js';
import type { ItemDetail } from '../../core/nouns/item.js';
import type { DocumentOptions, Mask } from '../../render/item-document.js';
import { itemDocument } from '../../render/item-document.js';
import { itemPage } from '../../render/item.js';
import type { JsonObject } from '../../render/json.js';
import { itemTable, listDocument, sortItems } from '../../render/list.js';
import type { Look } from '../../render/style.js';
import type { FilterFlags } from './filters.js';
import { filterOf, hasFilter } from './filters.js';
import { columnsOf, sortOf } from './list-flags.js';
import { nearIdHint } from './near-ids.js';
import type { CliQueue } from '../queue/open-queue.js';
import { refuseNotFound, itemWords } from '../program/usage.js';

const DEFAULT_LIMIT = 50;

export interface Shown {
  document: JsonObject;
  lines: string[];
  talk: string[];
}

interface By {
  who: string;
  command: string;
  reason: string | undefined;
}

export interface ListFlags extends FilterFlags {
  limit?: number | undefined;
  after?: number | undefined;
  payload: boolean;
  reveal: boolean;
  columns?: string | undefined;
  sort?: string | undefined;
}

/** Most items that a sorted list reads. */
const MOST_SORTED = 1_000;

export async function listItems(opened: CliQueue, flags: ListFlags, look: Look, by: By): Promise<Shown> {
  const { queue } = opened;
  const limit = flags.limit ?? DEFAULT_LIMIT;
  const plain = !hasFilter(flags) && flags.after === undefined;
  const columns = flags.columns === undefined ? undefined : columnsOf(flags.columns);
  const sort = flags.sort === undefined ? undefined : sortOf(flags.sort);
  const wanted = sort === undefined ? limit : Math.max(limit, MOST_SORTED);
  const found = plain
    ? await queue.attention(wanted)
    : await queue.list(filterOf(flags, look.now), {
        limit: wanted,
        ...(flags.after === undefined ? {} : { after: flags.after }),
      });
  const isPart = sort !== undefined && (found.next !== undefined || (found.total ?? 0) > found.items.length);
  const page =
    sort === undefined
      ? found
      : { ...found, items: sortItems(found.items, sort, look.now).slice(0, limit), next: undefined };
  const options: DocumentOptions = { now: look.now, mask: maskOf(opened, flags.reveal) };
  const ids = page.items.map(({ id }) => id);
  const details = flags.payload && ids.length > 0 ? (await queue.inspect(ids)).items : undefined;
  if (details !== undefined && flags.reveal) await recordReveal(opened, ids, by);
  const hides = await hidesOf(opened, details ?? [], flags.reveal);
  const document = listDocument(page, options);
  const more = page.next === undefined ? [] : [`more: --after ${page.next}`];
  return {
    document:
      details === undefined
        ? document
        : { ...document, items: details.map((item) => itemDocument(item, { ...options, hide: hides.get(item.id) })) },
    lines: await itemTable(page.items, look, columns),
    talk: [
      ...(isPart ? [`sorted are the first ${found.items.length} that match; a filter makes them fewer`] : []),
      ...(page.items.length === 0 ? [plain ? 'nothing is unfinished' : 'nothing matches'] : []),
      ...more,
    ],
  };
}

export interface ShowOptions {
  reveal: boolean;
  look: Look;
  by: By;
}

/** @throws {QueueError} code 'not-found' when none of the ids exists */
export async function showItems(
  opened: CliQueue,
  ids: readonly number[],
  { reveal, look, by }: ShowOptions,
): Promise<Shown & { missing: number[] }> {
  const { items, missing } = await opened.queue.inspect(ids);
  if (items.length === 0) {
    const [only] = ids.length === 1 ? ids : [];
    refuseNotFound(
      ids.length === 0 ? 'no ids are given' : `there is no ${itemWords(ids)} in ${opened.queue.location}`,
      only === undefined ? 'See what there is: syncq inspect --state all' : await nearIdHint(opened.queue, only),
    );
  }
  const mask = maskOf(opened, reveal);
  const withPayload = items.filter((item) => item.payload !== undefined).map(({ id }) => id);
  if (reveal && withPayload.length > 0) await recordReveal(opened, withPayload, by);
  const options: DocumentOptions = { now: look.now, mask };
  const hides = await hidesOf(opened, items, reveal);
  const documents = items.map((item) => itemDocument(item, { ...options, hide: hides.get(item.id) }));
  return {
    document: ids.length === 1 ? (documents[0] ?? {}) : { items: documents, missing: [...missing] },
    lines: joinPages(items, look, mask, hides),
    talk: [...(missing.length === 0 ? [] : [`there is no ${itemWords(missing)}`]), ...(await alikeLine(opened, items))],
    missing,
  };
}

/** Points from one item in review to the others with the same cause. */
async function alikeLine({ queue }: CliQueue, items: readonly ItemDetail[]): Promise<string[]> {
  const [item] = items.length === 1 ? items : [];
  if (item?.state !== 'review') return [];
  const alike = (await queue.list({ like: item.id }, { limit: 2 })).items.length > 1;
  return alike ? [`others are in review for the same cause: syncq inspect --like ${item.id}`] : [];
}

function joinPages(items: readonly ItemDetail[], look: Look, mask: Mask, hides: ReadonlyMap<number, Hide>): string[] {
  return items.flatMap((item, index) => [
    ...(index === 0 ? [] : ['', '']),
    ...itemPage(item, look, { mask, hide: hides.get(item.id) }),
  ]);
}

/** Without a config nobody has said what is harmless, so every value is masked. */
export function patternsOf({ config, maskAll }: Pick<CliQueue, 'config' | 'maskAll'>): SensitivePatterns {
  return maskAll ? EVERYTHING : compileSensitive(config.sensitive);
}

function maskOf(opened: CliQueue, reveal: boolean): Mask {
  if (reveal) return (bytes) => bytes;
  const patterns = patternsOf(opened);
  return (bytes) => maskJson(bytes, patterns);
}

/** Includes the values from before an edit, because answers may still quote them. */
async function hidesOf(
  opened: CliQueue,
  items: readonly ItemDetail[],
  reveal: boolean,
): Promise<ReadonlyMap<number, Hide>> {
  if (reveal || opened.config.sensitive.length === 0) return new Map();
  const patterns = patternsOf(opened);
  const older = new Map<number, (Uint8Array | undefined)[]>();
  for (const { id, revision } of items) {
    if (revision === 0) continue;
    const [whole] = await opened.queue.archive.scan({ ids: [id] }, { after: id - 1, upTo: id, limit: 1 });
    older.set(id, whole?.revisions.map(({ payload }) => payload) ?? []);
  }
  return new Map(items.map(({ id, payload }) => [id, hideValuesOf([payload, ...(older.get(id) ?? [])], patterns)]));
}

/** Records in the history who revealed sensitive values of which item. */
async function recordReveal({ queue }: CliQueue, ids: readonly number[], { who, command, reason }: By): Promise<void> {
  for (const item of ids) {
    await queue.record({ item, target: undefined, who, command, event: 'revealed', reason, detail: undefined });
  }
}
