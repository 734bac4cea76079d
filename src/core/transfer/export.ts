/** Exports items, page by page, in one of three formats. Only reads the queue. */
import type { Config } from '../nouns/config.js';
import type { Archive, ArchivedItem, ArchivedTarget } from '../store/archive.js';
import type { Filter } from '../store/store.js';
import { configOf } from '../runner/channels.js';
import type { AtomicFile } from '../files/atomic-file.js';
import { BundleWriter, type BundleHeader } from './bundle-file.js';
import { publicConfig } from './config-document.js';
import { curlCommand, type CurlTarget } from './curl.js';
import { ndjsonLine } from './ndjson.js';
import type { Redactor } from './redact/redactor.js';

export type ExportFormat = 'ndjson' | 'bundle' | 'curl';

/** Items read at a time; pages of large payloads are shorter. */
const PAGE_ITEMS = 500;

export interface ExportOptions {
  filter: Filter;
  config: Config;
  /** Changes every item before it is written; `learn`, if given, is shown all items first. */
  redactor: (Pick<Redactor, 'redact'> & Partial<Pick<Redactor, 'learn'>>) | undefined;
  /** Called with the items done and all items; awaited, so that signals are handled meanwhile. */
  onProgress?: (done: number, total: number) => void | Promise<void>;
}

/** Pages of all matching items, in the order of the log, up to the last item at the start of the walk. */
export async function* walk(archive: Archive, filter: Filter): AsyncGenerator<ArchivedItem[]> {
  const { lastId } = await archive.extent(filter);
  let after = 0;
  while (after < lastId) {
    const page = await archive.scan(filter, { after, upTo: lastId, limit: PAGE_ITEMS });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.id;
  }
}

/** Pages to export. Redacting walks twice: first to learn the sensitive values of all items. */
async function* pages(
  archive: Archive,
  { filter, redactor, onProgress }: ExportOptions,
): AsyncGenerator<ArchivedItem[]> {
  const { count } = await archive.extent(filter);
  const learns = redactor?.learn !== undefined;
  const steps = learns ? count * 2 : count;
  let done = 0;
  const advance = async (items: number): Promise<void> => {
    done += items;
    await onProgress?.(Math.floor((done * count) / Math.max(1, steps)), count);
  };
  if (learns) {
    for await (const page of walk(archive, filter)) {
      for (const item of page) redactor.learn?.(item);
      await advance(page.length);
    }
  }
  for await (const page of walk(archive, filter)) {
    yield redactor === undefined ? page : page.map((item) => redactor.redact(item));
    await advance(page.length);
  }
}

/** Writes lines or commands, a page at a time. Returns the number of items. */
export async function exportText(
  archive: Archive,
  format: 'ndjson' | 'curl',
  options: ExportOptions,
  write: (text: string) => void | Promise<void>,
): Promise<number> {
  const targets = new Map((await archive.targets()).map((target) => [target.name, target]));
  const redacted = options.redactor !== undefined;
  const line = (item: ArchivedItem): string =>
    format === 'ndjson'
      ? ndjsonLine(item, targets.get(item.target), redacted)
      : curlCommand(item, curlTarget(targets.get(item.target), item.target, options.config), redacted);
  let count = 0;
  for await (const page of pages(archive, options)) {
    await write(page.map(line).join(''));
    count += page.length;
  }
  return count;
}

/** Writes a bundle and commits the file. */
export async function exportBundle(
  archive: Archive,
  options: ExportOptions & { now: number; version: string },
  file: AtomicFile,
): Promise<BundleHeader> {
  const { uuid } = await archive.identity();
  const writer = new BundleWriter(file, {
    targets: await archive.targets(),
    config: publicConfig(options.config),
    recipients: (await archive.recipients()).map((recipient) => ({
      ...recipient,
      baseUrl: recipient.baseUrl ?? options.config.targets.get(recipient.target)?.baseUrl,
    })),
  });
  for await (const page of pages(archive, options)) for (const item of page) writer.add(item);
  const header = writer.finish({
    createdAt: options.now,
    syncq: options.version,
    queue: uuid,
    redacted: options.redactor !== undefined,
  });
  file.commit();
  return header;
}

function curlTarget(known: ArchivedTarget | undefined, name: string, config: Config): CurlTarget | undefined {
  const found = configOf({ name, implicitBaseUrl: known?.implicitBaseUrl }, config);
  return found === undefined ? undefined : { baseUrl: found.baseUrl, config: found };
}
