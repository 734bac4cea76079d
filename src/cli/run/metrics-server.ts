/** Serves the queue's metrics to Prometheus while `watch` runs. */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { isLoopbackHost } from '../../core/check/loopback.js';
import { QueueError } from '../../core/nouns/errors.js';
import type { Queue, QueueEvent } from '../../core/index.js';
import type { LiveCounts } from '../../render/metrics.js';
import { openMetrics, OPENMETRICS_TYPE } from '../../render/metrics.js';
import { refuseUsage } from '../program/usage.js';

export interface MetricsServer {
  handle(event: QueueEvent): void;
  /** After a reload, another queue answers. */
  use(queue: Pick<Queue, 'status'>): void;
  /** The port it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * @param address `HOST:PORT`, or a port alone for the loopback address
 * @throws {QueueError} `usage`: no such address, or it is in use
 */
export async function startMetrics(
  address: string,
  queue: Pick<Queue, 'status'>,
  startedAt: number,
): Promise<MetricsServer> {
  const { host, port } = parseAddress(address);
  const { createServer } = await import('node:http');
  const counts = new Counts(startedAt);
  let current = queue;
  const server = createServer({ connectionsCheckingInterval: 1_000 }, (request, response) => {
    if (!isOwnName(request, host)) {
      response.writeHead(421, { 'content-type': 'text/plain' }).end(`${NOT_OURS}\n`);
      return;
    }
    if (request.method !== 'GET' || !/^\/(metrics)?(\?|$)/.test(request.url ?? '')) {
      response.writeHead(404).end();
      return;
    }
    current.status().then(
      (report) => response.writeHead(200, { 'content-type': OPENMETRICS_TYPE }).end(openMetrics(report, counts)),
      () => response.writeHead(503).end(),
    );
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  server.timeout = 10_000;
  keepNewest(server);
  await listen(server, host, port, address);
  const bound = server.address();
  return {
    handle: (event) => counts.add(event),
    use: (next) => {
      current = next;
    },
    port: bound !== null && typeof bound === 'object' ? bound.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const NOT_OURS =
  'this is not the name of this server: ask it by localhost, by its host name or by its address, or start watch with --metrics NAME:PORT';

/**
 * Against DNS rebinding: a web page may send a browser here under a name of its own, and would then read the answer.
 *
 * @param given the host that `--metrics` names
 */
function isOwnName({ headers, socket }: IncomingMessage, given: string): boolean {
  const url = `http://${headers.host ?? ''}`;
  if (!URL.canParse(url)) return false;
  const { hostname: asked } = new URL(url);
  const own = [given, hostname(), socket.localAddress?.replace('::ffff:', '')].map((name) => name?.toLowerCase());
  return isLoopbackHost(asked) || own.includes(asked.replace(/^\[|\]$/g, ''));
}

/** More connections than any scraper needs. */
const MOST_CONNECTIONS = 16;

/** Ends the oldest connection for one too many, so that clients that send nothing keep nobody out. */
function keepNewest(server: Server): void {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    if (open.size > MOST_CONNECTIONS) [...open][0]?.destroy();
  });
}

function parseAddress(address: string): { host: string; port: number } {
  const found = /^(?:(?:\[([^\]]+)\]|([^:]*)):)?(\d{1,5})$/.exec(address);
  const port = Number(found?.[3] ?? NaN);
  if (found === null || port > 65_535)
    refuseUsage(`--metrics ${address} is no HOST:PORT`, 'For instance --metrics 127.0.0.1:9464');
  const host = found[1] ?? found[2] ?? '';
  return { host: host === '' ? '127.0.0.1' : host, port };
}

function listen(server: Server, host: string, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message = `cannot listen on ${address} (${error.code ?? 'unknown error'}); nothing was sent`;
      reject(new QueueError('usage', message, { hint: 'Give --metrics another port.' }));
    });
    server.listen(port, host, () => resolve());
  });
}

class Counts implements LiveCounts {
  readonly startedAt: number;
  readonly delivered = new Map<string, number>();
  readonly failed = new Map<string, number>();
  readonly review = new Map<string, number>();

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  add(event: QueueEvent): void {
    const raise = (counts: Map<string, number>, key: string): unknown => counts.set(key, (counts.get(key) ?? 0) + 1);
    if (event.event === 'delivered') raise(this.delivered, event.target);
    if (event.event === 'retrying') raise(this.failed, `${event.target}\n${event.outcome}`);
    if (event.event === 'review') {
      raise(this.review, event.target);
      raise(this.failed, `${event.target}\n${event.reason}`);
    }
  }
}
