/** Real servers on loopback, and the smallest target and request that can be sent to them. */
import { readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { ServerOptions } from 'node:https';
import { connect, createServer as createTcp } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../src/core/nouns/clock.js';
import { parseConfig } from '../../../src/core/config/validate.js';
import type { StoredRequest } from '../../../src/core/nouns/item.js';
import type { SendOptions } from '../../../src/core/send/result.js';
import type { Sender } from '../../../src/core/send/send.js';
import { createSender } from '../../../src/core/send/send.js';
import type { TargetConfig } from '../../../src/core/nouns/target.js';

export interface RunningServer {
  port: number;
  url: string;
  /** Connections accepted so far. */
  connections(): number;
  close(): Promise<void>;
}

export function pemPath(name: string): string {
  return fileURLToPath(new URL(`./certs/${name}`, import.meta.url));
}

export function pem(name: string): Buffer {
  return readFileSync(pemPath(name));
}

export function startHttp(handler: RequestListener, host = '127.0.0.1'): Promise<RunningServer> {
  return listen(createHttp(handler), 'http', 0, host);
}

/** On a port that browsers refuse to connect to: the first of some that is free. */
export async function startOnBlockedPort(handler: RequestListener): Promise<RunningServer> {
  for (const port of [6669, 6668, 6667, 6666, 6665, 10_080, 5061, 5060]) {
    const server = await listen(createHttp(handler), 'http', port).catch(() => undefined);
    if (server !== undefined) return server;
  }
  throw new Error('none of the ports is free');
}

export function startHttps(options: ServerOptions, handler: RequestListener): Promise<RunningServer> {
  return listen(createHttps(options, handler), 'https');
}

/** A server that speaks whatever `onSocket` writes. */
export function startRaw(onSocket: (socket: Socket) => void): Promise<RunningServer> {
  return listen(createTcp(onSocket), 'http');
}

async function listen(server: Server, scheme: string, on = 0, host = '127.0.0.1'): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  let count = 0;
  server.on('connection', (socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(on, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${scheme}://127.0.0.1:${String(port)}`,
    connections: () => count,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Proxy on loopback: CONNECT and absolute form. Every name leads to 127.0.0.1, as a proxy's own DNS would have it. */
export async function startProxy(
  answer: (seen: { line: string; authorization: string | undefined }) => number,
  tls?: ServerOptions,
): Promise<RunningServer & { seen: string[] }> {
  const seen: string[] = [];
  const onRequest: RequestListener = (request, response) => {
    const line = `${String(request.method)} ${String(request.url)}`;
    seen.push(line);
    const status = answer({ line, authorization: request.headers['proxy-authorization'] });
    const url = new URL(String(request.url));
    response.writeHead(status, { 'x-request-id': String(request.headers.host) }).end(`via proxy to ${url.host}`);
  };
  const server = tls === undefined ? createHttp(onRequest) : createHttps(tls, onRequest);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const line = `CONNECT ${String(request.url)}`;
    seen.push(line);
    const status = answer({ line, authorization: request.headers['proxy-authorization'] });
    if (status === 0) {
      socket.destroy();
      return;
    }
    socket.on('error', () => undefined);
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${String(status)} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(String(request.url).split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
  });
  return Object.assign(await listen(server, tls === undefined ? 'http' : 'https'), { seen });
}

/** What the config makes of `outcomes`. */
export function rulesOf(outcomes: unknown): TargetConfig['outcomes'] {
  const document = { targets: { api: { baseUrl: 'https://api.example.org', outcomes } } };
  return parseConfig(document, { source: undefined, baseDir: '/' }).targets.get('api')?.outcomes ?? [];
}

export function targetOf(baseUrl: string, changes: Partial<TargetConfig> = {}): TargetConfig {
  return {
    name: 'production',
    baseUrl,
    auth: undefined,
    headers: {},
    retry: { max: 10, baseMs: 5000, factor: 3, capMs: 21_600_000 },
    patienceMs: 259_200_000,
    probe: undefined,
    timeoutMs: 5000,
    connectTimeoutMs: 10_000,
    minRate: 4096,
    concurrency: 4,
    ratePerSecond: undefined,
    order: 'entity',
    outcomes: [],
    expect: undefined,
    onUnknown: 'retry',
    idempotencyHeader: 'Idempotency-Key',
    breaker: 20,
    insecureHttp: false,
    encodedSlash: false,
    denyPrivate: false,
    proxy: undefined,
    tls: undefined,
    production: false,
    implicit: false,
    ...changes,
  };
}

export function requestOf(changes: Partial<StoredRequest> = {}): StoredRequest {
  return {
    method: 'POST',
    path: '/things',
    headers: {},
    contentType: 'application/json',
    payload: Buffer.from('{"n":9007199254740993}'),
    idempotencyKey: '0198c000-0000-7000-8000-000000000001',
    ...changes,
  };
}

export function optionsOf(changes: Partial<SendOptions> = {}): SendOptions {
  return { signal: new AbortController().signal, credential: undefined, ...changes };
}

export function senderFor(target: TargetConfig, env: Record<string, string> = {}): Promise<Sender> {
  return createSender(target, { env, clock: systemClock, version: '0.0.0-test' });
}
