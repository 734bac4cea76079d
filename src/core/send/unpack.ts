/** Unpacks compressed answers within bounds. syncq asks for none, but some servers and caches compress all the same. */
import type * as Zlib from 'node:zlib';
import type { ExchangeEnd } from './exchange.js';

/** Most unpacked bytes; an answer that grows larger stays as it came. */
const MOST_UNPACKED = 256 * 1024;

/** The answer with its body unpacked and without `content-encoding`; as it came where that fails. */
export async function unpacked(end: ExchangeEnd): Promise<ExchangeEnd> {
  if (end.kind !== 'answer' || end.body.length === 0) return end;
  const coding = [end.headers['content-encoding'] ?? ''].flat().join().trim().toLowerCase();
  if (!/^(?:x-)?gzip$|^deflate$|^br$/.test(coding)) return end;
  try {
    const body = unpack(await import('node:zlib'), coding, end.body, end.isComplete);
    const { 'content-encoding': _unpacked, ...headers } = end.headers;
    return { ...end, headers, body };
  } catch {
    return end;
  }
}

/** A body that was cut gives what can be read of it. */
function unpack(zlib: typeof Zlib, coding: string, body: Buffer, isComplete: boolean): Buffer {
  const bound = { maxOutputLength: MOST_UNPACKED };
  if (coding === 'br') {
    const { BROTLI_OPERATION_FINISH, BROTLI_OPERATION_FLUSH } = zlib.constants;
    const finishFlush = isComplete ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH;
    return zlib.brotliDecompressSync(body, { ...bound, finishFlush });
  }
  const options = { ...bound, finishFlush: isComplete ? zlib.constants.Z_FINISH : zlib.constants.Z_SYNC_FLUSH };
  if (coding !== 'deflate') return zlib.gunzipSync(body, options);
  try {
    return zlib.inflateSync(body, options);
  } catch {
    // Some servers send raw deflate under this name.
    return zlib.inflateRawSync(body, options);
  }
}
