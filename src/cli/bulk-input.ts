/** Reads bulk input in chunks and hands it on in batches, so that a file of any length takes the memory of a small one. */
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueueError, isQueueError } from '../core/errors.js';
import { parseBulkLine } from '../core/input/bulk.js';
import type { DraftContext } from '../core/input/draft.js';
import type { Line } from '../core/input/ndjson.js';
import { LineSplitter, readChunks } from '../core/input/ndjson.js';
import type { NewItem } from '../core/item.js';

/** Items of one batch at most; a batch also ends with its chunk of the input. */
const BATCH_ITEMS = 1000;

export interface Rejected {
  line: number;
  message: string;
}

export interface BulkOptions {
  context: DraftContext;
  /** Store the good lines and report the bad ones, instead of refusing all at the first bad one. */
  partial: boolean;
  /** What is safe when a line is refused, e.g. `nothing was stored`. */
  safe: string;
  /** Lines that are taken; undefined = any number. */
  mostLines?: number | undefined;
  onLines?: ((count: number) => void) | undefined;
}

export interface BulkInput {
  batches: AsyncIterable<NewItem[]>;
  /** Filled while the batches are read; with `partial` only. */
  rejected: readonly Rejected[];
}

/** Batches of checked items. @throws {QueueError} while reading: 'bad-item', 'too-large' and so on, with the line's number */
export function readBulk(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, options: BulkOptions): BulkInput {
  const rejected: Rejected[] = [];
  return { batches: batchesOf(chunks, options, rejected), rejected };
}

async function* batchesOf(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: BulkOptions,
  rejected: Rejected[],
): AsyncGenerator<NewItem[]> {
  const splitter = new LineSplitter(options.context.limits.lineBytes);
  let seen = 0;
  const parse = function* (lines: readonly Line[]): Generator<NewItem[]> {
    for (let from = 0; from < lines.length; from += BATCH_ITEMS) {
      const batch = lines.slice(from, from + BATCH_ITEMS).flatMap((line) => parseLine(line, options, rejected));
      if (batch.length > 0) yield batch;
    }
    seen += lines.length;
    if (options.mostLines !== undefined && seen > options.mostLines) refuseLength(options.mostLines);
    options.onLines?.(splitter.lineCount);
  };
  for await (const chunk of chunks) yield* parse(splitter.push(chunk));
  yield* parse(splitter.end());
  if (seen === 0) {
    throw new QueueError('bad-item', 'the input is empty; nothing was stored', {
      hint: 'Give one JSON object a line.',
    });
  }
}

function refuseLength(most: number): never {
  throw new QueueError('too-large', `the input has more than ${most} lines; nothing was stored`, {
    hint: 'Store it in parts, or with --stream, which commits as lines arrive.',
  });
}

function parseLine(line: Line, { context, partial, safe }: BulkOptions, rejected: Rejected[]): NewItem[] {
  try {
    return [parseBulkLine(line, context)];
  } catch (error) {
    if (!isQueueError(error)) throw error;
    if (partial) {
      rejected.push({ line: line.number, message: error.message });
      return [];
    }
    throw new QueueError(error.code, `line ${line.number}: ${error.message}; ${safe}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

/**
 * The chunks of a file, or of stdin for `-`. Files are read in 1 MiB blocks; a pipe gives what it has.
 *
 * @param whole everything is stored in one transaction: a pipe is then copied aside first, because whoever fills it may
 *              take hours, and nobody else could write to the queue in that time
 * @throws {QueueError} code 'usage' for a file that cannot be read
 */
export async function* bulkChunks(
  from: string,
  stdin: AsyncIterable<Uint8Array>,
  whole: boolean,
): AsyncGenerator<Uint8Array> {
  if (from === '-' && !whole) {
    yield* stdin;
    return;
  }
  const file = from === '-' ? await copyAside(stdin) : openFile(from);
  try {
    yield* readChunks(file);
  } catch (error) {
    throw fileError(from, error);
  } finally {
    closeSync(file);
  }
}

/** A nameless private file with all of the stream in it; it is gone when it is closed, also by a crash. */
async function copyAside(stream: AsyncIterable<Uint8Array>): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'syncq-'));
  const path = join(directory, 'input');
  const file = openSync(path, 'wx+', 0o600);
  rmSync(directory, { recursive: true });
  let position = 0;
  try {
    for await (const chunk of stream) {
      for (let done = 0; done < chunk.length;) {
        const count = writeSync(file, chunk, done, chunk.length - done, position);
        done += count;
        position += count;
      }
    }
  } catch (error) {
    closeSync(file);
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    throw new QueueError('disk-full', `no room in ${tmpdir()} to take the input aside; nothing was stored`, {
      hint: 'Make room, set TMPDIR, give a file instead of -, or commit as lines arrive with --stream.',
      cause: error,
    });
  }
  return file;
}

function openFile(path: string): number {
  try {
    const file = openSync(path, 'r');
    if (!fstatSync(file).isDirectory()) return file;
    closeSync(file);
  } catch (error) {
    throw fileError(path, error);
  }
  throw new QueueError('usage', `${path} is a directory; nothing was stored`);
}

/** A file named on the command line that cannot be read. */
export function fileError(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (typeof code !== 'string' || isQueueError(error)) return error;
  const what = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
  return new QueueError('usage', `the file ${path} ${what}; nothing was stored`, { cause: error });
}
