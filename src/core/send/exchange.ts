/** One request on the wire and the start of its answer. Counts, keeps and cuts bytes; does not interpret them. */
import type { Dispatcher } from 'undici';
import { RESPONSE_EXCERPT_BYTES } from '../nouns/item.js';
import type { Expirable } from './deadline.js';

/** Bytes of a response body that are read to reuse the connection; a longer body closes it. */
export const RESPONSE_READ_LIMIT = 64 * 1024;

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

export type ExchangeEnd =
  | { kind: 'answer'; status: number; headers: Headers; body: Buffer; isComplete: boolean }
  /** `isSent`: the request was handed to a connected socket. */
  | { kind: 'failure'; error: unknown; isSent: boolean }
  /** `unsentBytes`: of the request, still on this side of the connection. */
  | { kind: 'timeout' | 'aborted'; isSent: boolean; unsentBytes: number };

const NOTHING = Buffer.alloc(0);
const none = (): number => 0;

/**
 * A handler for undici's `dispatch`. undici calls `onRequestStart` with a connected socket in hand and writes the
 * request right after it, in the same turn: that call is the border between "not sent" and "may have been sent".
 */
export class Exchange implements Dispatcher.DispatchHandler, Expirable {
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly #keepBytes: number;
  unsentBytes = none;
  readonly #settle: (end: ExchangeEnd) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #isEnded = false;
  #status = 0;
  #headers: Headers = {};
  #chunks: Buffer[] = [];
  #keptBytes = 0;
  #readBytes = 0;

  /** @param options.keepBytes of the body, at most `RESPONSE_READ_LIMIT`; default `RESPONSE_EXCERPT_BYTES` */
  constructor(
    { deadline, signal, keepBytes }: Pick<Expirable, 'deadline' | 'signal'> & { keepBytes?: number },
    settle: (end: ExchangeEnd) => void,
  ) {
    this.deadline = deadline;
    this.signal = signal;
    this.#keepBytes = keepBytes ?? RESPONSE_EXCERPT_BYTES;
    this.#settle = settle;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It ended while waiting for a connection: nothing may be written any more.
    if (this.#isEnded) controller.abort(new Error('ended before it was sent'));
    else this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isEnded) return;
    this.#readBytes += chunk.length;
    const room = this.#keepBytes - this.#keptBytes;
    if (room > 0) {
      // Copied: the chunk is a window on the socket's whole read buffer.
      const kept = Buffer.from(chunk.length > room ? chunk.subarray(0, room) : chunk);
      this.#chunks.push(kept);
      this.#keptBytes += kept.length;
    }
    if (this.#readBytes > RESPONSE_READ_LIMIT) this.#finishAndClose(this.#answer(false));
  }

  onResponseEnd(): void {
    this.#finish(this.#answer(this.#readBytes === this.#keptBytes));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish(this.#status === 0 ? { kind: 'failure', error, isSent: this.#isSent } : this.#answer(false));
  }

  expire(): void {
    this.#cutShort('timeout');
  }

  abort(): void {
    this.#cutShort('aborted');
  }

  /** True until the request is given to a socket or abandoned. */
  get isWaiting(): boolean {
    return !this.#isEnded && !this.#isSent;
  }

  get #isSent(): boolean {
    return this.#controller !== undefined;
  }

  #cutShort(kind: 'timeout' | 'aborted'): void {
    const isSent = this.#isSent;
    this.#finishAndClose(
      this.#status === 0 ? { kind, isSent, unsentBytes: isSent ? this.unsentBytes() : 0 } : this.#answer(false),
    );
  }

  /** The status is known even if the body was cut off. */
  #answer(isComplete: boolean): ExchangeEnd {
    const [first = NOTHING, ...more] = this.#chunks;
    const body = more.length === 0 ? first : Buffer.concat(this.#chunks);
    return { kind: 'answer', status: this.#status, headers: this.#headers, body, isComplete };
  }

  /** Closes the connection: the rest of the answer is not needed. */
  #finishAndClose(end: ExchangeEnd): void {
    if (this.#isEnded) return;
    this.#finish(end);
    this.#controller?.abort(new Error('cut short'));
  }

  #finish(end: ExchangeEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#settle(end);
  }
}
