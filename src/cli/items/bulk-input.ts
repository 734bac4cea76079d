/** Reads bulk input in chunks and hands it on in batches, so that a file of any length takes the memory of a small one. */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueueError, fileFailure, isQueueError } from '../../core/nouns/errors.js';
import { parseBulkLine } from '../../core/input/bulk.js';
import type { DraftContext } from '../../core/input/draft.js';
import type { Line } from '../../core/input/ndjson.js';
import { keyConflict } from '../../core/input/key.js';
import { LineSplitter, readChunks } from '../../core/input/ndjson.js';
import { inPlace } from '../../core/check/refuse.js';
import type { NewItem } from '../../core/nouns/item.js';
import type { OnConflict } from '../../core/index.js';
import { removeTemporary, temporaryDirectory } from '../../core/files/temporary.js';

/** Items of one batch at most; a batch also ends with its chunk of the input. */
const BATCH_ITEMS = 1000;

const CHUNK_BYTES = 1024 * 1024;

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

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
  /** All of the input once more, where nothing of it is stored yet when a line is refused; undefined = it is gone. */
  again?: (() => Iterable<Uint8Array>) | undefined;
}

export interface BulkInput {
  batches: AsyncIterable<NewItem[]>;
  /** Filled while the batches are read and stored; with `partial` only. */
  rejected: readonly Rejected[];
  /** For the queue that stores the batches: told of a line whose key has other content. */
  onConflict: OnConflict;
}

/** The items of a batch, and the lines they come from. */
interface Batch {
  items: NewItem[];
  lines: number[];
  refused: Set<NewItem>;
}

/** Batches of checked items. @throws {QueueError} while reading: 'bad-item', 'too-large' and so on, with the line's number */
export function readBulk(chunks: Chunks, options: BulkOptions): BulkInput {
  const rejected: Rejected[] = [];
  let current: Batch = { items: [], lines: [], refused: new Set() };
  const batches = batchesOf(chunks, options, rejected);
  return {
    batches: (async function* () {
      for await (const batch of batches) {
        current = batch;
        if (batch.items.length > 0) yield batch.items;
      }
    })(),
    rejected,
    onConflict: (item, owner) => {
      const line = current.lines[current.items.indexOf(item)] ?? 0;
      const conflict = keyConflict(item, earlierLine(item, line, current, options) ?? owner);
      if (!options.partial) throw inPlace(`line ${line}`, conflict, options.safe);
      current.refused.add(item);
      rejected.push({ line, message: conflict.message });
    },
  };
}

/**
 * The line before `line` with the same key, as words: with all or nothing, its item is nowhere to look at. Looked for in
 * what was read before only when it is needed, so that a long input takes no memory for its keys.
 */
function earlierLine(
  { idempotencyKey: key }: NewItem,
  line: number,
  { items, lines, refused }: Batch,
  { again, context, partial }: BulkOptions,
): string | undefined {
  const near = lines[items.findIndex((item) => item.idempotencyKey === key && !refused.has(item))];
  if (near !== undefined && near < line) return `line ${near}`;
  // What --partial and --stream read before this batch is stored, and its item can be looked at.
  if (partial || again === undefined) return undefined;
  const splitter = new LineSplitter(context.limits.lineBytes);
  for (const chunk of again()) {
    const found = splitter.push(chunk).find((one) => one.number < line && keyOf(one, context) === key);
    if (found !== undefined) return `line ${found.number}`;
    if (splitter.lineCount >= line) break;
  }
  return undefined;
}

function keyOf(line: Line, context: DraftContext): string | undefined {
  try {
    return parseBulkLine(line, context).idempotencyKey;
  } catch (error) {
    if (isQueueError(error)) return undefined;
    throw error;
  }
}

async function* batchesOf(chunks: Chunks, options: BulkOptions, rejected: Rejected[]): AsyncGenerator<Batch> {
  const splitter = new LineSplitter(options.context.limits.lineBytes);
  let seen = 0;
  const parse = function* (lines: readonly Line[]): Generator<Batch> {
    for (let from = 0; from < lines.length; from += BATCH_ITEMS) {
      const batch: Batch = { items: [], lines: [], refused: new Set() };
      for (const line of lines.slice(from, from + BATCH_ITEMS)) {
        const item = parseLine(line, options, rejected);
        if (item === undefined) continue;
        batch.items.push(item);
        batch.lines.push(line.number);
      }
      yield batch;
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

function parseLine(line: Line, { context, partial, safe }: BulkOptions, rejected: Rejected[]): NewItem | undefined {
  try {
    return parseBulkLine(line, context);
  } catch (error) {
    if (!isQueueError(error)) throw error;
    if (partial) {
      rejected.push({ line: line.number, message: error.message });
      return undefined;
    }
    throw inPlace(`line ${line.number}`, error, safe);
  }
}

/** Where bulk input comes from; close it when done. */
export interface BulkSource {
  /** 1 MiB blocks of a file; a pipe gives what it has. */
  chunks(): Chunks;
  /** The same from the start, as often as wanted; undefined for what comes only once (a pipe). */
  again: (() => Iterable<Uint8Array>) | undefined;
  close(): void;
}

/**
 * A file, or stdin for `-`.
 *
 * @param whole everything is stored in one transaction: a pipe is then copied aside first, because whoever fills it may
 *              take hours, and nobody else could write to the queue in that time
 * @throws {QueueError} code 'usage' for a file that cannot be read
 */
export async function openBulk(from: string, stdin: AsyncIterable<Uint8Array>, whole: boolean): Promise<BulkSource> {
  if (from === '-' && !whole) return { chunks: () => stdin, again: undefined, close: () => undefined };
  const file = from === '-' ? await copyAside(stdin) : openFile(from);
  const read = function* (start: number | null): Generator<Uint8Array> {
    try {
      yield* readChunks(file, CHUNK_BYTES, start);
    } catch (error) {
      throw fileError(from, error);
    }
  };
  const again = fstatSync(file).isFile() ? () => read(0) : undefined;
  return { chunks: again ?? (() => read(null)), again, close: () => closeSync(file) };
}

/** A nameless private file with all of the stream in it; it is gone when it is closed, also by a crash. */
async function copyAside(stream: AsyncIterable<Uint8Array>): Promise<number> {
  const directory = temporaryDirectory('input');
  const file = openSync(join(directory, 'input'), 'wx+', 0o600);
  removeTemporary(directory);
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
    const hint = 'Make room, set TMPDIR, give a file instead of -, or commit as lines arrive with --stream.';
    throw fileFailure(error, tmpdir(), hint);
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
