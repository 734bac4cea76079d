/** Reads a file that a person named, in chunks, and says why it cannot be read. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { QueueError, isQueueError } from '../nouns/errors.js';

const CHUNK_BYTES = 1024 * 1024;

/** Opens a file for reading. @throws {QueueError} code 'usage': it cannot be read, or is a directory */
export function openToRead(path: string): number {
  try {
    const file = openSync(path, 'r');
    if (!fstatSync(file).isDirectory()) return file;
    closeSync(file);
  } catch (error) {
    throw fileError(path, error);
  }
  throw new QueueError('usage', `${path} is a directory; nothing was stored`);
}

/**
 * Reads a file (a pipe blocks) in chunks of one shared buffer, each valid until the next is taken.
 *
 * @param from byte to start at, whatever was read of it before; null = where the last reading ended
 */
export function* readChunks(fd: number, chunkBytes = CHUNK_BYTES, from: number | null = null): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  for (let position = from; ;) {
    const count = readSync(fd, buffer, 0, chunkBytes, position);
    if (count === 0) return;
    if (position !== null) position += count;
    yield buffer.subarray(0, count);
  }
}

/** The refusal of a named file that cannot be read, by what the system said; any other error is handed back. */
export function fileError(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (typeof code !== 'string' || isQueueError(error)) return error;
  const what = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
  return new QueueError('usage', `the file ${path} ${what}; nothing was stored`, { cause: error });
}
