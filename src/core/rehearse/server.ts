/**
 * A local server that answers by a script, so that a policy can be tried before production. Binds to the loopback
 * interface only, keeps no payload, and checks that the sender uses idempotency keys correctly.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import type { Clock } from '../nouns/clock.js';
import { QueueError } from '../nouns/errors.js';
import { KeyBook } from './key-book.js';
import type { Action, Step } from './script.js';
import { Playback } from './script.js';

/** One request as a line of the journal. Contains no payload and no credential. */
export interface JournalEntry {
  /** Counted from 1. */
  n: number;
  /** Epoch ms of its arrival. */
  at: number;
  method: string;
  path: string;
  /** Value of the idempotency header; undefined = none. */
  key: string | undefined;
  bytes: number;
  /** Lower-case hex. */
  sha256: string;
  contentType: string | undefined;
  /** True when it carried an Authorization header; its value is not kept. */
  authorized: boolean;
  /** Step of the script, counted from 1; undefined = the script was not asked (stored answer, probe, violation). */
  step: number | undefined;
  /** Its status, or what was done to its connection. */
  answer: number | 'drop' | 'reset' | 'hang';
  /** True when it got the stored answer of an earlier request with the same key. */
  replayed: boolean;
  /** How the sender broke the rules: the key was used with another request, or a write had no key. */
  violation: 'key-reused' | 'no-key' | undefined;
}

export interface RehearsalSummary {
  requests: number;
  /** Requests that had an effect: one per key at most. */
  effects: number;
  /** Stored answers given again. */
  replayed: number;
  violations: number;
  /** Requests per answer, e.g. `201: 20`. */
  answers: Record<string, number>;
}

export interface RehearsalOptions {
  /** 0 = a free one. */
  port: number;
  /** At least one step. */
  steps: readonly Step[];
  clock: Clock;
  /** Default `Idempotency-Key`. */
  idempotencyHeader?: string;
  /** Called for every request when its answer is decided, before it is sent. */
  onRequest?: (entry: JournalEntry) => void;
}

export interface Rehearsal {
  /** e.g. `http://127.0.0.1:41234`. */
  readonly url: string;
  summary(): RehearsalSummary;
  /** Cuts all connections. */
  close(): Promise<void>;
}

/** Methods without a key and outside the script: probes. */
const PROBES: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** @throws {QueueError} code 'usage' when the port cannot be used */
export async function startRehearsal(options: RehearsalOptions): Promise<Rehearsal> {
  const rehearsal = new RehearsalServer(options);
  await rehearsal.listen();
  return rehearsal;
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

type Reply = { kind: 'answer'; answer: Answer; delayMs: number } | { kind: 'drop' | 'reset' | 'hang' };
type Verdict = Pick<JournalEntry, 'step' | 'replayed' | 'violation'> & { reply: Reply; endKey: boolean };

class RehearsalServer implements Rehearsal {
  readonly #options: RehearsalOptions;
  readonly #keyHeader: string;
  readonly #playback: Playback;
  readonly #keys = new KeyBook();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #summary: RehearsalSummary = { requests: 0, effects: 0, replayed: 0, violations: 0, answers: {} };
  readonly #closed = new AbortController();

  constructor(options: RehearsalOptions) {
    this.#options = options;
    this.#keyHeader = (options.idempotencyHeader ?? 'Idempotency-Key').toLowerCase();
    this.#playback = new Playback(options.steps);
    this.#server = createServer((request, response) => void this.#serve(request, response));
    // The script decides how long an answer takes.
    this.#server.requestTimeout = 0;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    const { port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(
          new QueueError('usage', `port ${port} cannot be used (${error.code ?? 'unknown error'})`, {
            hint: 'name another with --port, or leave it out for a free one',
            cause: error,
          }),
        );
      });
      this.#server.listen(port, '127.0.0.1', resolve);
    });
  }

  summary(): RehearsalSummary {
    return { ...this.#summary, answers: { ...this.#summary.answers } };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = this.#options.clock.now();
    const body = await digestBody(request);
    if (body === undefined) return;
    const method = request.method ?? '';
    const path = request.url ?? '';
    const key = headerText(request.headers[this.#keyHeader]);
    const verdict = this.#decide(method, key, fingerprintOf(method, path, body.sha256), body.bytes);
    this.#record({
      n: this.#summary.requests + 1,
      at,
      method,
      path,
      key,
      ...body,
      contentType: request.headers['content-type'],
      authorized: request.headers.authorization !== undefined,
      step: verdict.step,
      answer: verdict.reply.kind === 'answer' ? verdict.reply.answer.status : verdict.reply.kind,
      replayed: verdict.replayed,
      violation: verdict.violation,
    });
    await this.#give(verdict.reply, response);
    if (verdict.endKey && key !== undefined) this.#endKey(key, verdict.reply);
  }

  #decide(method: string, key: string | undefined, fingerprint: string, bytes: number): Verdict {
    const asked = { step: undefined, replayed: false, violation: undefined, endKey: false };
    if (key === undefined) {
      if (PROBES.has(method)) return { ...asked, reply: answerOf(200, 0, {}) };
      return { ...asked, violation: 'no-key', reply: problem(400, 'this write has no idempotency key') };
    }
    const known = this.#keys.begin(key, fingerprint);
    switch (known.kind) {
      case 'stored':
        return { ...asked, replayed: true, reply: answerOf(known.status, 0, accepted(key, bytes)) };
      case 'busy':
        return {
          ...asked,
          reply: problem(409, 'the first request with this key is still being answered', { 'retry-after': '1' }),
        };
      case 'other-request':
        return {
          ...asked,
          violation: 'key-reused',
          reply: problem(422, 'this idempotency key came before with another request'),
        };
      case 'new': {
        const { step, number } = this.#playback.next(this.#options.clock.monotonic());
        return { ...asked, step: number, endKey: true, reply: replyOf(step.action, key, bytes, number) };
      }
    }
  }

  /** Only a 2xx is stored: an outage or a refusal must not become the permanent answer. */
  #endKey(key: string, reply: Reply): void {
    const isEffect = reply.kind === 'answer' && reply.answer.status < 300;
    this.#keys.end(key, isEffect ? reply.answer.status : undefined);
  }

  #record(entry: JournalEntry): void {
    const summary = this.#summary;
    summary.requests += 1;
    if (entry.replayed) summary.replayed += 1;
    if (entry.violation !== undefined) summary.violations += 1;
    if (entry.step !== undefined && typeof entry.answer === 'number' && entry.answer < 300) summary.effects += 1;
    summary.answers[String(entry.answer)] = (summary.answers[String(entry.answer)] ?? 0) + 1;
    this.#options.onRequest?.(entry);
  }

  async #give(reply: Reply, response: ServerResponse): Promise<void> {
    const { socket } = response;
    if (socket === null) return;
    if (reply.kind === 'drop') socket.end();
    else if (reply.kind === 'reset') socket.resetAndDestroy();
    else if (reply.kind === 'answer') {
      if (reply.delayMs > 0) await this.#options.clock.sleep(reply.delayMs, this.#closed.signal);
      if (socket.destroyed) return;
      const { status, headers, body } = reply.answer;
      response.writeHead(status, {
        ...headers,
        ...(isBodiless(status) ? {} : { 'content-length': String(body.length) }),
      });
      response.end(body);
    }
  }
}

function replyOf(action: Action, key: string, bytes: number, step: number): Reply {
  switch (action.kind) {
    case 'status': {
      const wait = action.retryAfterMs;
      const headers: Record<string, string> =
        wait === undefined ? {} : { 'retry-after': String(Math.ceil(wait / 1000)) };
      const { status } = action;
      if (status < 300) return answerOf(status, 0, accepted(key, bytes));
      return problem(status, `answered by step ${step} of the rehearsal script`, headers);
    }
    case 'slow':
      return answerOf(200, action.delayMs, accepted(key, bytes));
    default:
      return { kind: action.kind };
  }
}

/** The same write gets the same id from every rehearsal. */
function accepted(key: string, bytes: number): Record<string, unknown> {
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 12), receivedBytes: bytes };
}

function answerOf(status: number, delayMs: number, document: Record<string, unknown>): Reply {
  const bodiless = isBodiless(status);
  return {
    kind: 'answer',
    delayMs,
    answer: {
      status,
      headers: bodiless ? {} : { 'content-type': 'application/json' },
      body: bodiless ? Buffer.alloc(0) : Buffer.from(JSON.stringify(document)),
    },
  };
}

/** RFC 9457. */
function problem(status: number, detail: string, headers: Record<string, string> = {}): Reply {
  const body = isBodiless(status) ? '' : JSON.stringify({ type: 'about:blank', status, detail });
  const answer = {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: Buffer.from(body),
  };
  return { kind: 'answer', delayMs: 0, answer };
}

function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** Undefined when the client disconnected early. The bytes are not kept. */
async function digestBody(request: IncomingMessage): Promise<{ bytes: number; sha256: string } | undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch {
    return undefined;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Cut short: a rehearsal of a hundred thousand writes keeps that many digests. */
function fingerprintOf(method: string, path: string, bodySha256: string): string {
  return createHash('sha256').update(`${method} ${path} ${bodySha256}`).digest('base64url').slice(0, 22);
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
