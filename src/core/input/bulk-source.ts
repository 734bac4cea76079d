/** Where bulk input comes from: a file, a stream, chunks or lines in memory. */
import { Buffer } from 'node:buffer';
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { types } from 'node:util';
import { fileError, openToRead, readChunks } from '../files/read-file.js';
import { removeTemporary, temporaryDirectory } from '../files/temporary.js';
import { fileFailure } from '../files/file-failure.js';
import { QueueError } from '../nouns/errors.js';

/** The name of a file, or what gives its content: bytes cut anywhere (a stream of a file), or strings of whole lines. */
export type BulkSource = string | Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

/** A source that is ready to be read. Close it when done. */
export interface OpenSource {
  /** Each chunk is valid until the next one is taken. */
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** All of the input once more; undefined when it can be read only once. */
  again: (() => Iterable<Uint8Array>) | undefined;
  close(): void;
}

const nothingToClose = (): void => undefined;

/**
 * Opens a source.
 *
 * @param whole true when one transaction stores all of it. A source that can be read only once (a pipe) is then copied
 *   aside first: filling it may take hours, and the transaction would keep every other writer out
 * @throws {QueueError} code 'usage' for a file that cannot be read, or for what is no source; 'disk-full'
 */
export async function openBulk(source: BulkSource, whole: boolean): Promise<OpenSource> {
  if (typeof source === 'string') {
    const opened = fromFile(openToRead(source), source);
    return opened.again !== undefined || !whole ? opened : copyAside(opened);
  }
  if (!isIterable(source) && !isAsyncIterable(source))
    refuse('is neither a file name nor an iterable of bytes or lines');
  if (isIterable(source) && (source[Symbol.iterator]() as unknown) !== source) {
    // A list, say: each call gives an iterator of its own, from the start.
    const again = (): Iterable<Uint8Array> => bytesOf(source);
    return { chunks: { [Symbol.iterator]: () => again()[Symbol.iterator]() }, again, close: nothingToClose };
  }
  const once = { chunks: laterBytesOf(source), again: undefined, close: nothingToClose };
  return whole ? copyAside(once) : once;
}

function fromFile(file: number, name: string): OpenSource {
  const read = function* (from: number | null): Generator<Uint8Array> {
    try {
      yield* readChunks(file, undefined, from);
    } catch (error) {
      throw fileError(name, error);
    }
  };
  const close = (): void => closeSync(file);
  if (!fstatSync(file).isFile()) return { chunks: read(null), again: undefined, close };
  return { chunks: { [Symbol.iterator]: () => read(0) }, again: () => read(0), close };
}

/** Moves all of a source into a nameless private file; the file is gone when it is closed, also by a crash. */
async function copyAside(source: OpenSource): Promise<OpenSource> {
  const directory = temporaryDirectory('input');
  const file = openSync(join(directory, 'input'), 'wx+', 0o600);
  removeTemporary(directory);
  try {
    for await (const chunk of source.chunks) append(file, chunk);
  } catch (error) {
    closeSync(file);
    throw error;
  } finally {
    source.close();
  }
  return fromFile(file, 'of the copied input');
}

function append(file: number, chunk: Uint8Array): void {
  try {
    for (let done = 0; done < chunk.length;) done += writeSync(file, chunk, done);
  } catch (error) {
    const hint = 'Make room, set TMPDIR, give a file instead of -, or commit as lines arrive with --stream.';
    throw fileFailure(error, tmpdir(), hint);
  }
}

function* bytesOf(source: Iterable<unknown>): Generator<Uint8Array> {
  for (const part of source) yield toBytes(part);
}

async function* laterBytesOf(source: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const part of source) yield toBytes(part);
}

function toBytes(part: unknown): Uint8Array {
  if (types.isUint8Array(part)) return part;
  if (typeof part === 'string') return Buffer.from(part.endsWith('\n') ? part : `${part}\n`);
  return refuse(`gives a value of type ${typeof part}; give bytes (Uint8Array), or lines as strings`);
}

function refuse(reason: string): never {
  throw new QueueError('usage', `source: ${reason}; nothing was stored`);
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
