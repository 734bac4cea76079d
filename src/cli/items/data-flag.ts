/** Reads the value of `-d`: JSON, `@file`, or `-` for stdin; always the exact bytes. */
import { closeSync, openSync, readSync } from 'node:fs';
import { fileError } from '../../core/files/read-file.js';

/**
 * @param mostBytes reading stops one byte beyond, so that the size check refuses a larger payload
 * @param stdin read only for `-`
 */
export async function readData(
  text: string,
  mostBytes: number,
  stdin: AsyncIterable<Uint8Array>,
): Promise<Uint8Array | string> {
  if (text === '-') return readStream(stdin, mostBytes + 1);
  if (text.startsWith('@')) return readFile(text.slice(1), mostBytes + 1);
  return text;
}

async function readStream(stream: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

/** A loop, because one read of a FIFO (`-d @<(command)`) gives only what has been written so far. */
function readFile(path: string, limit: number): Uint8Array {
  try {
    const file = openSync(path, 'r');
    try {
      const chunks: Uint8Array[] = [];
      let size = 0;
      while (size < limit) {
        const chunk = Buffer.allocUnsafe(Math.min(65_536, limit - size));
        const count = readSync(file, chunk, 0, chunk.length, null);
        if (count === 0) break;
        chunks.push(chunk.subarray(0, count));
        size += count;
      }
      return Buffer.concat(chunks);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw fileError(path, error);
  }
}
