/** Imports the rows of another program's queue table, in order, with their retry counts and last errors. */
import { QueueError, isQueueError } from '../../nouns/errors.js';
import { refuseSize } from '../../check/refuse.js';
import type { DraftContext } from '../../input/draft.js';
import type { Archive, ArchivedItem, ArchivedTarget, StoreReport } from '../../store/archive.js';
import { openForeignTable } from '../../store/doors/foreign-table.js';
import type { Actor } from '../../store/store.js';
import type { Mapping } from './mapping.js';
import { rowReader } from './rows.js';

/** A batch ends with the one or the other. */
const BATCH_ITEMS = 500;
const BATCH_BYTES = 16 * 1024 * 1024;

export interface TableImport {
  /** The table's name, part of the derived keys. */
  name: string;
  mapping: Mapping;
  context: DraftContext;
  asPaused: boolean;
  by: Actor;
  /** Called with the rows done and all rows; awaited, so that signals are handled meanwhile. */
  onProgress?: (done: number, total: number) => void | Promise<void>;
}

type Table = Awaited<ReturnType<typeof openForeignTable>>;

/**
 * Imports a table of another program's SQLite file, through a private copy: the file is never changed.
 *
 * @throws {QueueError} usage: the mapping does not fit the table; bad-item: a row, with its number; nothing was stored
 */
export async function importAppTable(
  archive: Archive,
  path: string,
  options: TableImport,
): Promise<StoreReport & { skipped: number }> {
  const { mapping, context, by, name, asPaused } = options;
  const table = await openForeignTable(path, name);
  try {
    const { uuid } = await archive.identity();
    const read = rowReader(mapping, table.columns, context, `${uuid}/${name}`);
    const targets = [...context.targets].map(([target, { order }]) => newTarget(target, order, undefined));
    const progress = { skipped: 0 };
    const report = await archive.store(batchesOf(table, options, read, targets, progress), {
      targets,
      // The table does not say what the app itself has sent.
      recipients: [],
      pause: asPaused ? 'imported with --as-paused' : undefined,
      by,
      now: context.now,
      detail: { table: name },
    });
    return { ...report, skipped: progress.skipped };
  } finally {
    table.close();
  }
}

function newTarget(name: string, order: ArchivedTarget['order'], implicitBaseUrl: string | undefined): ArchivedTarget {
  return { name, order, implicitBaseUrl, boundTo: undefined, delivered: false };
}

/** Reads the rows; adds implicit targets to `targets` and counts what the mapping skips. */
async function* batchesOf(
  table: Table,
  { mapping, context, onProgress }: TableImport,
  read: ReturnType<typeof rowReader>,
  targets: ArchivedTarget[],
  progress: { skipped: number },
): AsyncGenerator<ArchivedItem[]> {
  let batch: ArchivedItem[] = [];
  let bytes = 0;
  let number = 0;
  const maxBytes = context.limits.payloadBytes;
  const refuse = (column: string): never => refuseSize(`the value of ${column}`, maxBytes, 'payloadBytes');
  for (const row of table.rows(orderOf(mapping, table.columns), maxBytes, refuse)) {
    number += 1;
    const found = inRow(number, () => read(row));
    if (found === undefined) {
      progress.skipped += 1;
      continue;
    }
    const { item, implicitBaseUrl } = found;
    if (implicitBaseUrl !== undefined && !targets.some(({ name }) => name === item.target))
      targets.push(newTarget(item.target, 'entity', implicitBaseUrl));
    batch.push(item);
    bytes += item.payloadBytes ?? 0;
    if (batch.length < BATCH_ITEMS && bytes < BATCH_BYTES) continue;
    yield batch;
    await onProgress?.(number, table.count);
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

/** The first column that is there of each entry `a|b`. Skips an entry when the table has none of its columns. */
function orderOf({ order }: Mapping, columns: readonly string[]): string[] {
  return order.flatMap((entry) => {
    const names = entry.split('|').map((name) => name.trim().toLowerCase());
    return names.flatMap((name) => columns.filter((column) => column.toLowerCase() === name)).slice(0, 1);
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
