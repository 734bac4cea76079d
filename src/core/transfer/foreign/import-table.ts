/** Takes the rows of another program's queue table into a queue: in order, with their retry counts and errors. */
import { QueueError, isQueueError } from '../../nouns/errors.js';
import type { DraftContext } from '../../input/draft.js';
import type { Archive, ArchivedItem, ArchivedTarget, StoreReport } from '../../store/archive.js';
import { openForeignTable } from '../../store/doors/foreign-table.js';
import type { Actor } from '../../store/store.js';
import type { Mapping } from './mapping.js';
import { rowReader, type RowReader } from './rows.js';
import type { Row } from './template.js';

const BATCH_ITEMS = 500;

/** The table as `store/doors/foreign-table.ts` reads it. */
export interface Table {
  readonly columns: readonly string[];
  readonly count: number;
  rows(order: readonly string[]): Iterable<Row>;
}

export interface TableImport {
  table: Table;
  /** Its name, part of the derived keys. */
  name: string;
  mapping: Mapping;
  context: DraftContext;
  asPaused: boolean;
  by: Actor;
  /** Awaited, so that it may let the program hear signals. */
  onProgress?: (done: number, total: number) => void | Promise<void>;
}

/** Reads the table of an app's file, which is opened through a private copy and never changed. */
export async function importAppTable(
  archive: Archive,
  path: string,
  options: Omit<TableImport, 'table'>,
): Promise<StoreReport & { skipped: number }> {
  const table = await openForeignTable(path, options.name);
  try {
    return await importTable(archive, { ...options, table });
  } finally {
    table.close();
  }
}

/** @throws {QueueError} usage: the mapping does not fit the table; bad-item: a row, with its number; nothing was stored */
export async function importTable(archive: Archive, options: TableImport): Promise<StoreReport & { skipped: number }> {
  const { table, mapping, context, by } = options;
  const { uuid } = await archive.identity();
  const reader = rowReader({ mapping, columns: table.columns, context, namespace: `${uuid}/${options.name}` });
  const targets: ArchivedTarget[] = [...context.targets].map(([name, { order }]) => ({
    name,
    order,
    implicitBaseUrl: undefined,
    boundTo: undefined,
    delivered: false,
  }));
  const progress = { skipped: 0 };
  const report = await archive.store(batchesOf(options, reader, targets, progress), {
    targets,
    // What the app itself has sent is not in its table.
    recipients: [],
    pause: options.asPaused ? 'imported with --as-paused' : undefined,
    by,
    now: context.now,
    detail: { table: options.name },
  });
  return { ...report, skipped: progress.skipped };
}

async function* batchesOf(
  { table, mapping, onProgress }: TableImport,
  reader: RowReader,
  targets: ArchivedTarget[],
  progress: { skipped: number },
): AsyncGenerator<ArchivedItem[]> {
  let batch: ArchivedItem[] = [];
  let number = 0;
  for (const row of table.rows(orderOf(mapping, table.columns))) {
    number += 1;
    const found = inRow(number, () => reader.read(row));
    if (found === undefined) {
      progress.skipped += 1;
      continue;
    }
    const { item, implicitBaseUrl } = found;
    if (implicitBaseUrl !== undefined && !targets.some(({ name }) => name === item.target)) {
      targets.push({ name: item.target, order: 'entity', implicitBaseUrl, boundTo: undefined, delivered: false });
    }
    batch.push(item);
    if (batch.length < BATCH_ITEMS) continue;
    yield batch;
    await onProgress?.(number, table.count);
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Of each entry `a|b` the first column that is there; an entry of which none is there gives no order. */
function orderOf({ order }: Mapping, columns: readonly string[]): string[] {
  return order.flatMap((entry) => {
    const names = entry.split('|').map((name) => name.trim().toLowerCase());
    const found = names
      .map((name) => columns.find((column) => column.toLowerCase() === name))
      .find((column) => column !== undefined);
    return found === undefined ? [] : [found];
  });
}

function inRow<T>(number: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isQueueError(error)) throw error;
    throw new QueueError(
      error.code,
      `row ${number}: ${error.message}; nothing was stored`,
      error.hint === undefined ? { cause: error } : { hint: error.hint, cause: error },
    );
  }
}
