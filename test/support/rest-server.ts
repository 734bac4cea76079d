/**
 * A real HTTP server whose answers a test scripts, down to the socket: resets, silence, half a body. It keeps every
 * request it received, and that journal is the truth about what was delivered.
 */
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { afterEach } from '@jest/globals';

/** A request as it arrived, whole. */
export interface ReceivedRequest {
  /** Counted from 1 over the life of the server, in the order in which the requests' heads arrived. */
  n: number;
  method: string;
  /** With the query, as sent. */
  path: string;
  /** Names in lower case. */
  headers: IncomingHttpHeaders;
  /** Names and values as sent, alternating. */
  rawHeaders: readonly string[];
  /** The exact bytes. */
  body: Buffer;
  /** Monotonic milliseconds (performance.now) at which the head arrived. */
  at: number;
  /** Monotonic milliseconds at which the server was done with it; undefined while it has not answered. */
  answeredAt: number | undefined;
  /** Status sent; undefined for a connection that was cut or hangs. */
  status: number | undefined;
}

export type Answer =
  | {
      status: number;
      headers?: Record<string, string | string[]>;
      /** An object is sent as JSON. */
      body?: string | Uint8Array | Readonly<Record<string, unknown>> | readonly unknown[];
      /** Wait before the first byte. Default 0. */
      delayMs?: number;
      /** Announce the whole body, send only this many bytes of it, then cut the connection. */
      truncateAfter?: number;
    }
  /** Close the connection in good order, without an answer. */
  | { drop: true; delayMs?: number }
  /** Cut the connection with a TCP reset. */
  | { reset: true; delayMs?: number }
  /** Never answer; the connection stays open until the client or `close` ends it. */
  | { hang: true }
  /** These bytes instead of an HTTP answer, then close. */
  | { raw: string; delayMs?: number };

export type Script = (request: ReceivedRequest) => Answer | Promise<Answer>;

export interface RestServer {
  /** Base URL without a trailing slash, e.g. `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly port: number;
  /** Every request that arrived whole, in order of arrival; survives `stop` and `start`. */
  readonly requests: readonly ReceivedRequest[];
  /** Connections accepted so far: more than there are requests when somebody only probes. */
  readonly connections: number;
  /** The most requests that were unanswered at the same time. */
  readonly mostInFlight: number;
  setAnswer(answer: Script | Answer): void;
  /** Resolves once `count` requests have arrived. Rejects after `timeoutMs` (default 10 s). */
  waitFor(count: number, timeoutMs?: number): Promise<void>;
  /** Cuts all connections and refuses new ones, as a machine that went offline. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): Promise<void>;
  /** As `stop`; called by itself after each test. */
  close(): Promise<void>;
}

export interface ServerOptions {
  /** Default: 200 with an empty JSON object. */
  answer?: Script | Answer;
  /** Default: a free one. */
  port?: number;
}

const OK: Answer = { status: 200, body: {} };
const running = new Set<RestServer>();

afterEach(async () => {
  await Promise.all([...running].map((server) => server.close()));
});

export async function startServer(options: ServerOptions = {}): Promise<RestServer> {
  const state = new ScriptedServer(options.answer ?? OK, options.port ?? 0);
  await state.start();
  running.add(state);
  return state;
}

class ScriptedServer implements RestServer {
  readonly requests: ReceivedRequest[] = [];
  connections = 0;
  mostInFlight = 0;
  port: number;
  #answer: Script;
  #server: Server | undefined;
  #arrivals = 0;
  #inFlight = 0;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();

  constructor(answer: Script | Answer, port: number) {
    this.#answer = toScript(answer);
    this.port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  setAnswer(answer: Script | Answer): void {
    this.#answer = toScript(answer);
  }

  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((request, response) => void this.#serve(request, response));
    // The scripts decide how long anything takes.
    server.requestTimeout = 0;
    server.on('connection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async close(): Promise<void> {
    running.delete(this);
    await this.stop();
  }

  async waitFor(count: number, timeoutMs = 10_000): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (this.requests.length < count) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`${this.requests.length} of ${count} requests arrived within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.add(check);
      check();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = performance.now();
    this.#arrivals += 1;
    const n = this.#arrivals;
    this.#inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight);
    response.on('close', () => {
      this.#inFlight -= 1;
    });
    const body = await readBody(request);
    if (body === undefined) return;
    const received: ReceivedRequest = {
      n,
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body,
      at,
      answeredAt: undefined,
      status: undefined,
    };
    this.#record(received);
    let answer: Answer;
    try {
      answer = await this.#answer(received);
    } catch (error) {
      answer = { status: 599, body: `the script threw: ${String(error)}` };
    }
    await give(answer, received, response);
  }

  /** Bodies may end in another order than heads arrive; the journal keeps that of the heads. */
  #record(received: ReceivedRequest): void {
    const after = this.requests.findIndex(({ n }) => n > received.n);
    this.requests.splice(after < 0 ? this.requests.length : after, 0, received);
    for (const check of [...this.#waiting]) check();
  }
}

function toScript(answer: Script | Answer): Script {
  return typeof answer === 'function' ? answer : () => answer;
}

/** Undefined when the client went away in the middle. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

async function give(answer: Answer, received: ReceivedRequest, response: ServerResponse): Promise<void> {
  if ('hang' in answer) return;
  if (answer.delayMs !== undefined && answer.delayMs > 0) await pause(answer.delayMs);
  const socket = response.socket;
  if (socket === null || socket.destroyed) return;
  received.answeredAt = performance.now();
  if ('drop' in answer) socket.end();
  else if ('reset' in answer) socket.resetAndDestroy();
  else if ('raw' in answer) socket.end(answer.raw);
  else await respond(answer, received, response, socket);
}

async function respond(
  answer: Extract<Answer, { status: number }>,
  received: ReceivedRequest,
  response: ServerResponse,
  socket: Socket,
): Promise<void> {
  received.status = answer.status;
  const { bytes, type } = encode(answer.body);
  const bodiless = answer.status === 204 || answer.status === 304;
  response.writeHead(answer.status, {
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(bodiless ? {} : { 'content-length': String(bytes.length) }),
    ...answer.headers,
  });
  if (answer.truncateAfter === undefined) {
    response.end(bytes);
    return;
  }
  // Head and part of the body must have left before the connection is cut.
  await new Promise<void>((resolve) => {
    response.flushHeaders();
    response.write(bytes.subarray(0, answer.truncateAfter), () => {
      resolve();
    });
  });
  socket.end();
}

function encode(body: Extract<Answer, { status: number }>['body']): { bytes: Uint8Array; type: string | undefined } {
  if (body === undefined) return { bytes: new Uint8Array(), type: undefined };
  if (typeof body === 'string') return { bytes: Buffer.from(body), type: 'text/plain; charset=utf-8' };
  if (body instanceof Uint8Array) return { bytes: body, type: 'application/octet-stream' };
  return { bytes: Buffer.from(JSON.stringify(body)), type: 'application/json' };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
