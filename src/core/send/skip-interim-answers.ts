/** Makes undici connections skip interim answers; without this, an unrequested `100 Continue` ends the connection. */
import type { Socket } from 'node:net';

/** An answer that arrived and cannot be parsed, with a message of our own. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer';
}

/** What is used of undici's parser (lib/dispatcher/client-h1.js); the version of undici is pinned to its minor. */
interface Parser {
  statusCode: number;
  contentLength: string;
  onHeadersComplete(status: number, isUpgrade: boolean, keepsAlive: boolean): number;
  createError(code: number, rest: Buffer): Error;
  ptr: unknown;
  llhttp: Record<'llhttp_set_lenient_keep_alive' | 'llhttp_set_lenient_headers', (ptr: unknown, on: number) => void>;
}

/**
 * undici has no setting for this and handles every other 1xx, so its parser is told that a 100 is a 102. If a later
 * undici keeps its parser elsewhere, nothing changes, and a 100 is an unreadable answer.
 */
export function skipInterim(socket: Socket): void {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  const parser = key === undefined ? undefined : (socket as unknown as Record<symbol, Parser | null>)[key];
  if (typeof parser?.onHeadersComplete !== 'function') return;
  const headersComplete = parser.onHeadersComplete.bind(parser);
  parser.onHeadersComplete = (status, isUpgrade, keepsAlive) => {
    if (status < 100) throw new UnreadableAnswer(`its status is ${String(status).padStart(3, '0')}`);
    if (status === 101) throw new UnreadableAnswer('it switches protocols (101), which was not asked for');
    return headersComplete(status === 100 ? 102 : status, isUpgrade, keepsAlive);
  };
  const createError = parser.createError.bind(parser);
  parser.createError = (code, rest) => {
    // For headers that end too early, undici would report a short body.
    if (parser.statusCode < 200) parser.contentLength = '';
    return createError(code, rest);
  };
  // The final answer follows even if the interim one is HTTP/1.0 or says "Connection: close".
  parser.llhttp.llhttp_set_lenient_keep_alive(parser.ptr, 1);
  // A folded header is one line (RFC 9112, section 5.2).
  parser.llhttp.llhttp_set_lenient_headers(parser.ptr, 1);
}
