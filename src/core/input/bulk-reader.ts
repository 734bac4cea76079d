/** Reads bulk input chunk by chunk and returns checked items in batches, so that a file of any length needs little memory. */
import { QueueError, isQueueError } from '../nouns/errors.js';
import type { NewItem } from '../nouns/item.js';
import type { OnConflict } from '../nouns/enqueue.js';
import { inPlace } from '../check/refuse.js';
import { parseBulkLine } from './bulk-line.js';
import type { OpenSource } from './bulk-source.js';
import type { DraftContext } from './draft.js';
import { keyConflict } from './key.js';
import { LineSplitter, type Line } from './line-splitter.js';

/** Most items of one batch; a batch also ends with its chunk of the input. */
const BATCH_ITEMS = 1000;

/** A line that was refused; the message never holds any of its payload. */
export interface Rejected {
  /** Counted from 1, blank lines included. */
  line: number;
  message: string;
}

interface BulkOptions {
  context: DraftContext;
  /** Store the good lines and report the bad ones, instead of refusing all at the first bad one. */
  partial: boolean;
  /** Each batch is committed by itself; else nothing is stored when a line is refused. */
  stream: boolean;
  /** Called with the number of lines read so far; awaited. */
  onLines?: ((count: number) => void | Promise<void>) | undefined;
}

/** Reads and checks items. `for await` gives their batches, or throws the first bad line with its number unless `partial`. */
export class BulkReader {
  /** Refused lines: filled while the batches are read and stored, with `partial` only. */
  readonly rejected: Rejected[] = [];
  readonly #source: Pick<OpenSource, 'chunks' | 'again'>;
  readonly #options: BulkOptions;
  /** Good items of the current batch and the numbers of their lines. */
  #lines = new Map<NewItem, number>();

  constructor(source: Pick<OpenSource, 'chunks' | 'again'>, options: BulkOptions) {
    this.#source = source;
    this.#options = options;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<NewItem[]> {
    const { lineBytes, batchLines } = this.#options.context.limits;
    const splitter = new LineSplitter(lineBytes);
    let seen = 0;
    for await (const lines of linesOf(this.#source.chunks, splitter)) {
      yield* this.#batches(lines);
      seen += lines.length;
      if (!this.#options.stream && seen > batchLines) refuseLength(batchLines);
      await this.#options.onLines?.(splitter.lineCount);
    }
    if (seen > 0) return;
    throw new QueueError('bad-item', 'the input is empty; nothing was stored', {
      hint: 'Give one JSON object a line.',
    });
  }

  /** For the store: called when an item's key already belongs to other content. */
  readonly onConflict: OnConflict = (item, owner) => {
    const line = this.#lines.get(item) ?? 0;
    this.#lines.delete(item);
    this.#refuse(line, keyConflict(item, this.#earlierLine(item, line) ?? owner));
  };

  *#batches(lines: readonly Line[]): Generator<NewItem[]> {
    for (let from = 0; from < lines.length; from += BATCH_ITEMS) {
      this.#lines = new Map();
      for (const line of lines.slice(from, from + BATCH_ITEMS)) this.#parse(line);
      if (this.#lines.size > 0) yield [...this.#lines.keys()];
    }
  }

  #parse(line: Line): void {
    try {
      this.#lines.set(parseBulkLine(line, this.#options.context), line.number);
    } catch (error) {
      if (!isQueueError(error)) throw error;
      this.#refuse(line.number, error);
    }
  }

  #refuse(line: number, error: QueueError): void {
    const { partial, stream } = this.#options;
    if (!partial)
      throw inPlace(`line ${line}`, error, stream ? 'the batches before it are stored' : 'nothing was stored');
    this.rejected.push({ line, message: error.message });
  }

  /**
   * The earlier line with the same key, as words. With all or nothing its item is not stored, so its id says nothing. Reads
   * the input again to find it, so that a long input needs no memory for its keys.
   */
  #earlierLine({ idempotencyKey: key }: NewItem, line: number): string | undefined {
    for (const [item, number] of this.#lines) if (item.idempotencyKey === key && number < line) return `line ${number}`;
    const { context, partial, stream } = this.#options;
    // With --partial and --stream, earlier batches are stored and their items have ids.
    if (partial || stream || this.#source.again === undefined) return undefined;
    const splitter = new LineSplitter(context.limits.lineBytes);
    for (const chunk of this.#source.again()) {
      const isSame = (one: Line): boolean => one.number < line && parseBulkLine(one, context).idempotencyKey === key;
      const found = splitter.push(chunk).find(isSame);
      if (found !== undefined) return `line ${found.number}`;
      if (splitter.lineCount >= line) break;
    }
    return undefined;
  }
}

async function* linesOf(chunks: OpenSource['chunks'], splitter: LineSplitter): AsyncGenerator<Line[]> {
  for await (const chunk of chunks) yield splitter.push(chunk);
  yield splitter.end();
}

function refuseLength(most: number): never {
  throw new QueueError('too-large', `the input has more than ${most} lines; nothing was stored`, {
    hint: 'Store it in parts, or with --stream, which commits as lines arrive; or raise limits.batchLines in the config.',
  });
}
