/** What `inspect` shows: a list by filters, or items by their ids; values are masked unless a person asks for them. */
import { compileSensitive, EVERYTHING, maskJson } from '../core/config/sensitive.js';
import type { ItemDetail } from '../core/item.js';
import type { DocumentOptions, Mask } from '../render/item-document.js';
import { itemDocument } from '../render/item-document.js';
import { itemPage } from '../render/item.js';
import type { JsonObject } from '../render/json.js';
import { itemTable, listDocument } from '../render/list.js';
import type { Look } from '../render/style.js';
import type { FilterFlags } from './filters.js';
import { filterOf, hasFilter } from './filters.js';
import type { CliQueue } from './open-queue.js';
import { refuseNotFound, itemWords } from './usage.js';

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
}

export async function listItems(opened: CliQueue, flags: ListFlags, look: Look, by: By): Promise<Shown> {
  const { queue } = opened;
  const limit = flags.limit ?? DEFAULT_LIMIT;
  const plain = !hasFilter(flags) && flags.after === undefined;
  const page = plain
    ? await queue.attention(limit)
    : await queue.list(filterOf(flags, look.now), {
        limit,
        ...(flags.after === undefined ? {} : { after: flags.after }),
      });
  const options: DocumentOptions = { now: look.now, mask: maskOf(opened, flags.reveal) };
  const ids = page.items.map(({ id }) => id);
  const details = flags.payload && ids.length > 0 ? (await queue.inspect(ids)).items : undefined;
  if (details !== undefined && flags.reveal) await recordReveal(opened, ids, by);
  const document = listDocument(page, options);
  const more = page.next === undefined ? [] : [`more: --after ${page.next}`];
  return {
    document:
      details === undefined ? document : { ...document, items: details.map((item) => itemDocument(item, options)) },
    lines: await itemTable(page.items, look),
    talk: [...(page.items.length === 0 ? [plain ? 'nothing is unfinished' : 'nothing matches'] : []), ...more],
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
  if (items.length === 0)
    refuseNotFound(
      ids.length === 0 ? 'no ids are given' : `there is no ${itemWords(ids)} in ${opened.queue.location}`,
      'See what there is: syncq inspect --state all',
    );
  const mask = maskOf(opened, reveal);
  const withPayload = items.filter((item) => item.payload !== undefined).map(({ id }) => id);
  if (reveal && withPayload.length > 0) await recordReveal(opened, withPayload, by);
  const options: DocumentOptions = { now: look.now, mask };
  const documents = items.map((item) => itemDocument(item, options));
  return {
    document: ids.length === 1 ? (documents[0] ?? {}) : { items: documents, missing: [...missing] },
    lines: joinPages(items, look, mask),
    talk: missing.length === 0 ? [] : [`there is no ${itemWords(missing)}`],
    missing,
  };
}

function joinPages(items: readonly ItemDetail[], look: Look, mask: Mask): string[] {
  return items.flatMap((item, index) => [...(index === 0 ? [] : ['', '']), ...itemPage(item, look, mask)]);
}

/** Without a config nobody has said what is harmless: then every value is hidden. */
export function maskOf({ config, maskAll }: CliQueue, reveal: boolean): Mask {
  if (reveal) return (bytes) => bytes;
  const patterns = maskAll ? EVERYTHING : compileSensitive(config.sensitive);
  return (bytes) => maskJson(bytes, patterns);
}

/** Who looked at sensitive values, and of which item: part of the history. */
async function recordReveal({ queue }: CliQueue, ids: readonly number[], { who, command, reason }: By): Promise<void> {
  for (const item of ids) {
    await queue.record({ item, target: undefined, who, command, event: 'revealed', reason, detail: undefined });
  }
}
