/** Stores bulk input: one JSON object a line, from a file, a stream or lines in memory. */
import type { Clock } from '../nouns/clock.js';
import { BulkReader, type Rejected } from '../input/bulk-reader.js';
import { openBulk, type BulkSource } from '../input/bulk-source.js';
import type { DraftContext } from '../input/draft.js';
import type { Store } from '../store/store.js';

export interface EnqueueFromOptions {
  /** Store the good lines and list the bad ones. Default: the first bad line is refused. */
  partial?: boolean;
  /**
   * Commit batch by batch, as lines arrive; what was stored before a refused line stays. Default: one transaction for all
   * lines, at most `limits.batchLines` of them; a source that can be read only once is copied to a private temporary file
   * first.
   */
  stream?: boolean;
  /** Called with the number of lines read so far; awaited, so that it can let timers and signals run. */
  onLines?: (count: number) => void | Promise<void>;
}

export interface EnqueueFromReport {
  /** Ids of the first and the last item; undefined when there is none. */
  firstId: number | undefined;
  lastId: number | undefined;
  /** Items of this input that are in the queue now, `duplicates` included. */
  count: number;
  /** Items that were there already: the same key with the same content. */
  duplicates: number;
  /** Refused lines in their order; none without `partial`. */
  rejected: Rejected[];
}

export interface BulkDeps {
  context: DraftContext;
  store: Pick<Store, 'bulk' | 'enqueue'>;
  clock: Clock;
}

/** @throws {QueueError} what is wrong with the source or with a line, with its number */
export async function enqueueFrom(
  source: BulkSource,
  { partial = false, stream = false, onLines }: EnqueueFromOptions,
  { context, store, clock }: BulkDeps,
): Promise<EnqueueFromReport> {
  const opened = await openBulk(source, !stream);
  try {
    const reader = new BulkReader(opened, { context, partial, stream, onLines });
    const stored = stream
      ? await storeEach(reader, store, clock)
      : await store.bulk(reader, { now: () => clock.now(), onConflict: reader.onConflict });
    // A key conflict is found only when its batch is stored, after the lines that could not be read.
    return { ...stored, rejected: reader.rejected.toSorted((a, b) => a.line - b.line) };
  } finally {
    opened.close();
  }
}

/** One commit a batch. */
async function storeEach(
  reader: BulkReader,
  store: BulkDeps['store'],
  clock: Clock,
): Promise<Omit<EnqueueFromReport, 'rejected'>> {
  const sum: Omit<EnqueueFromReport, 'rejected'> = { firstId: undefined, lastId: undefined, count: 0, duplicates: 0 };
  for await (const batch of reader) {
    for (const { id, duplicate } of await store.enqueue(batch, {
      now: clock.now(),
      ifQueued: 'append',
      onConflict: reader.onConflict,
    })) {
      sum.firstId ??= id;
      sum.lastId = id;
      sum.count += 1;
      if (duplicate) sum.duplicates += 1;
    }
  }
  return sum;
}
