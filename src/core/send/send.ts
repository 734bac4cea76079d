/** Sends a stored write exactly once and says what happened on the wire. Never retries, never throws. */
import { RESPONSE_EXCERPT_BYTES, type ResponseExcerpt, type StoredRequest } from '../nouns/item.js';
import { reasonOf } from '../policy/reasons.js';
import { span } from '../policy/time-words.js';
import type { TargetConfig } from '../nouns/target.js';
import type { AwaitedOptions } from './awaited-client.js';
import { cleanLine } from './clean-text.js';
import { conceal } from './conceal-credential.js';
import { DeadlineWatch } from './deadline.js';
import { prepareTransport } from './dispatcher.js';
import type { PreparedTransport, Problem, Transport, TransportDeps } from './dispatcher.js';
import { Exchange, RESPONSE_READ_LIMIT } from './exchange.js';
import type { ExchangeEnd } from './exchange.js';
import { BAD_REQUEST, failureOf, type Failure } from './failure.js';
import { isTunnelLogin, loginOf } from './proxy.js';
import { headerBuilder, redirectPath, requestPath } from './request.js';
import { unpacked } from './unpack.js';
import type { HeaderList } from './request.js';
import type { SendOptions, SendResult } from './result.js';

export interface SenderDeps extends TransportDeps {
  /** syncq's version, for the User-Agent. */
  version: string;
  /** Most requests that the caller has in flight at once; more connections are useless. Default: no bound. */
  concurrency?: number;
}

export interface Sender {
  /** Why every `send` ends as `misconfigured`; undefined when the target can be sent to. */
  readonly problem: Problem | undefined;
  /** What a probe of the same target needs. */
  readonly transport: PreparedTransport;
  /**
   * One attempt: one request on the wire, plus one more for a 307/308 under the same base URL. Ends within
   * `target.timeoutMs` plus the time that the body needs at `target.minRate`.
   */
  send(request: StoredRequest, options: SendOptions): Promise<SendResult>;
  /** Lets requests in flight end, then closes the connections. */
  close(): Promise<void>;
  /** Ends requests in flight (`no-answer`) and closes the connections. */
  destroy(): Promise<void>;
}

/** Response headers that help to explain an answer. `date` is kept where it gives a Retry-After date its meaning. */
const KEPT_HEADERS = [
  'content-type',
  'content-encoding',
  'retry-after',
  'location',
  'etag',
  'x-request-id',
  'request-id',
  'x-correlation-id',
] as const;
const HEADER_VALUE_LIMIT = 512;

const BAD_PATH = 'its path leads out of the base URL, or holds %2F without "encodedSlash"';

/** Never rejects: a misconfigured target makes a sender whose every answer says what to fix. */
export async function createSender(target: TargetConfig, deps: SenderDeps): Promise<Sender> {
  const transport = await prepareTransport(target, deps, Math.min(deps.concurrency ?? Infinity, target.concurrency));
  if (transport.kind === 'broken') return brokenSender(transport);
  const { clock } = deps;
  const watch = new DeadlineWatch(clock);
  const keepsRaw = looksInside(target);
  const buildHeaders = headerBuilder(target, `syncq/${deps.version}`);
  const exchange = (options: ExchangeOptions): Promise<ExchangeEnd> =>
    new Promise((resolve) => {
      const running = new Exchange(options, (end) => {
        watch.remove(running);
        resolve(end);
      });
      watch.add(running);
      const { path, method, headers, body } = options;
      const request: AwaitedOptions = { path, method, headers, body, awaiting: running };
      transport.dispatcher.dispatch(request, running);
    });

  const send = async (request: StoredRequest, options: SendOptions): Promise<SendResult> => {
    const started = clock.monotonic();
    const took = (): number => Math.max(0, Math.round(clock.monotonic() - started));
    if (options.signal.aborted) return { ...STOPPED, durationMs: took() };
    if (request.fault !== undefined) return { ...unsendable(request.fault), durationMs: took() };
    const path = requestPath(transport.base, transport.basePath, request.path, target.encodedSlash);
    if (path === undefined) return { ...unsendable(BAD_PATH), durationMs: took() };
    const built = buildHeaders(request, options.credential);
    if ('refused' in built) return { ...unsendable(built.refused), durationMs: took() };
    const body = bufferOf(request.payload);
    const bodyMs = ((body?.length ?? 0) / target.minRate) * 1000;
    const outgoing: ExchangeOptions = {
      path,
      method: request.method,
      headers: built.headers,
      body,
      deadline: started + target.timeoutMs + bodyMs,
      signal: options.signal,
      keepBytes: keepsRaw ? RESPONSE_READ_LIMIT : RESPONSE_EXCERPT_BYTES,
    };
    let end = await exchange(outgoing);
    const next = followed(transport, path, end);
    // The body goes a second time.
    if (next !== undefined) end = await exchange({ ...outgoing, path: next, deadline: outgoing.deadline + bodyMs });
    const redirectedTo = next === undefined ? undefined : transport.base.origin + next;
    end = await unpacked(end);
    const result = resultOf(end, redirectedTo, { transport, keepsRaw, sentBytes: body?.length ?? 0 }, took());
    return conceal(result, options.credential);
  };

  return {
    problem: undefined,
    transport,
    send,
    async close() {
      await transport.close();
      watch.stop();
    },
    async destroy() {
      watch.stop();
      await transport.destroy();
    },
  };
}

interface ExchangeOptions {
  path: string;
  method: StoredRequest['method'];
  headers: HeaderList;
  body: Buffer | null;
  deadline: number;
  signal: AbortSignal;
  keepBytes: number;
}

function brokenSender(transport: Extract<PreparedTransport, { kind: 'broken' }>): Sender {
  const { problem } = transport;
  const done = (): Promise<void> => Promise.resolve();
  return {
    problem,
    transport,
    send: () => Promise.resolve({ kind: 'misconfigured', ...problem, durationMs: 0 }),
    close: done,
    destroy: done,
  };
}

/** True when the target's rules look at more than the status. */
function looksInside({ outcomes }: TargetConfig): boolean {
  return outcomes.some(({ body, header }) => body !== undefined || header !== undefined);
}

/** The bytes as undici wants them, without a copy. */
function bufferOf(payload: Uint8Array | undefined): Buffer | null {
  if (payload === undefined) return null;
  return Buffer.isBuffer(payload) ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** Path to go on to when the answer is a 307 or 308 to the same origin and under the base path (contract, section 5). */
function followed(transport: Transport, from: string, end: ExchangeEnd): string | undefined {
  if (end.kind !== 'answer' || (end.status !== 307 && end.status !== 308)) return undefined;
  const location = headerText(end.headers['location']);
  return location === undefined ? undefined : redirectPath(transport.base, transport.basePath, from, location);
}

function resultOf(
  end: ExchangeEnd,
  redirectedTo: string | undefined,
  { transport, keepsRaw, sentBytes }: { transport: Transport; keepsRaw: boolean; sentBytes: number },
  durationMs: number,
): SendResult {
  switch (end.kind) {
    case 'answer': {
      const { headers, body, isComplete } = end;
      const login = end.status === 407 ? loginOf(transport, false) : undefined;
      return {
        kind: 'response',
        response: excerptOf(end),
        redirectedTo,
        durationMs,
        ...(keepsRaw && { raw: { headers, body, complete: isComplete } }),
        ...(login !== undefined && { proxyLogin: login }),
      };
    }
    case 'failure': {
      const login = isTunnelLogin(end.error) ? loginOf(transport, true) : undefined;
      if (login !== undefined)
        return { kind: 'response', response: NO_TUNNEL, redirectedTo, durationMs, proxyLogin: login };
      return { ...failureOf(end.error, end.isSent, transport.base.host, transport.proxy?.url.host), durationMs };
    }
    case 'timeout':
    case 'aborted':
      return { ...cutShort(end, sentBytes, transport, durationMs), durationMs };
  }
}

/** A proxy that wants a login for its tunnel: the same 407 as on a request. */
const NO_TUNNEL: ResponseExcerpt = { status: 407, headers: {}, body: Buffer.alloc(0), complete: true };

const STOPPED = {
  kind: 'no-answer',
  isSent: false,
  code: 'aborted',
  message: 'stopped by syncq before an answer came',
} as const satisfies Failure;

function cutShort(
  { kind, isSent, unsentBytes }: Extract<ExchangeEnd, { kind: 'timeout' | 'aborted' }>,
  bodyBytes: number,
  { base: { host } }: Transport,
  durationMs: number,
): Failure {
  const limit = span(durationMs);
  if (kind === 'timeout' && !isSent)
    return { kind: 'unreachable', code: 'timeout', message: `no connection to ${host} within ${limit}` };
  // The headers went first.
  const handedOver = `${String(Math.max(0, bodyBytes - unsentBytes))} of ${String(bodyBytes)} bytes of the body`;
  const isWhole = unsentBytes === 0;
  if (kind === 'aborted') {
    const { message } = STOPPED;
    return {
      ...STOPPED,
      isSent,
      message: isWhole ? message : `${message}, with ${handedOver} handed over after ${limit}`,
    };
  }
  const silence = `no answer from ${host} within ${limit}`;
  if (bodyBytes === 0) return { kind: 'no-answer', isSent, code: 'timeout', message: silence };
  return {
    kind: 'no-answer',
    isSent,
    code: 'timeout',
    message: isWhole
      ? `${silence}; all ${String(bodyBytes)} bytes of the body had been handed over`
      : reasonOf('thinLink', `${limit} with ${handedOver} handed over: the link to ${host} is too thin or broken`),
  };
}

function unsendable(reason: string): Failure {
  return { kind: 'misconfigured', code: BAD_REQUEST, message: `this request cannot be sent: ${reason}` };
}

type Answer = Extract<ExchangeEnd, { kind: 'answer' }>;

function excerptOf(end: Answer): ResponseExcerpt {
  const headers: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = headerText(end.headers[name]);
    if (value !== undefined) headers[name] = cleanLine(value, HEADER_VALUE_LIMIT);
  }
  const date = headers['retry-after'] === undefined ? undefined : headerText(end.headers['date']);
  if (date !== undefined) headers['date'] = cleanLine(date, HEADER_VALUE_LIMIT);
  const { status, body, isComplete } = end;
  if (body.length <= RESPONSE_EXCERPT_BYTES) return { status, headers, body, complete: isComplete };
  return { status, headers, body: Buffer.from(body.subarray(0, RESPONSE_EXCERPT_BYTES)), complete: false };
}

/** The first value of a repeated header. Some servers send raw UTF-8, which undici reads as Latin-1. */
function headerText(value: string | string[] | undefined): string | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  if (first === undefined || !/[\u0080-\u00ff]/.test(first)) return first;
  const text = Buffer.from(first, 'latin1').toString('utf8');
  return text.includes('\ufffd') ? first : text;
}
