/** Turns a target's settings into a connection pool, or into one sentence that says what to fix. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { Dispatcher, Pool, buildConnector } from 'undici';
import { loadHttpClient } from './http-client.js';
import type { Clock } from '../nouns/clock.js';
import type { TargetConfig } from '../nouns/target.js';
import { isLoopbackHost } from '../check/loopback.js';
import { FORBIDDEN_ADDRESS, isPrivateAddress } from './address.js';
import { awaitedClient } from './awaited-client.js';
import { cleanLine } from './clean-text.js';
import { directConnector, plainHost, portOf, tunnelConnector } from './connector.js';
import type { Connector, ConnectorOptions, ProxyEndpoint } from './connector.js';
import { proxyFor } from './proxy.js';
import type { Environment } from './proxy.js';
import { connectTcp } from './tcp.js';
import type { Lookup } from './tcp.js';

/** Why nothing can be sent to a target until a person changes something. Holds no secret. */
export interface Problem {
  code: string;
  message: string;
}

/** The network side of one target: one per target; `close` it when done. */
export interface Transport {
  kind: 'ready';
  base: URL;
  /** Path of the base URL without a trailing slash; empty for a bare origin. */
  basePath: string;
  dispatcher: Dispatcher;
  /** Makes one connection as the pool does (proxy, TLS); for probes. */
  connect: Connector;
  /** A bare TCP connection to the server, or to the proxy when there is one. */
  openSocket(signal: AbortSignal): Promise<Socket>;
  proxy: ProxyEndpoint | undefined;
  /** Lets requests in flight end. */
  close(): Promise<void>;
  /** Ends requests in flight, and connecting. */
  destroy(): Promise<void>;
}

export type PreparedTransport = Transport | { kind: 'broken'; problem: Problem };

/** Most bytes of all response headers together. */
export const RESPONSE_HEADER_LIMIT = 64 * 1024;
/**
 * An idle connection is closed after this long when the server names no time. Servers close theirs after 5 s (Node),
 * 60 s (nginx) or more: we must be the first, or a request meets a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 3_000;
/** How long before the time that the server names (`Keep-Alive: timeout=5`) we close. */
const KEEP_ALIVE_THRESHOLD_MS = 1_000;

export interface TransportDeps {
  /** The process's environment, for the proxy variables and NODE_TLS_REJECT_UNAUTHORIZED. */
  env: Environment;
  clock: Clock;
  /** How names are looked up; default: the system's way. */
  lookup?: Lookup;
}

/**
 * Prepares a target: reads the PEM files, touches no network. Never rejects: wrong settings come back as a problem.
 *
 * @param connections open at once, at most; default: the target's concurrency
 */
export async function prepareTransport(
  target: TargetConfig,
  { env, clock, lookup }: TransportDeps,
  connections = target.concurrency,
): Promise<PreparedTransport> {
  const base = checkedBase(target, env);
  if (!(base instanceof URL)) return { kind: 'broken', problem: base };
  const choice = proxyFor(base, target.proxy, env);
  if (choice.kind === 'bad') return broken('bad-proxy', choice.message);
  const secureContext = await loadTls(target.tls);
  if (secureContext !== undefined && 'code' in secureContext) return { kind: 'broken', problem: secureContext };
  const proxy = choice.kind === 'proxy' ? choice : undefined;
  if (target.denyPrivate && proxy !== undefined && isIP(plainHost(base)) === 0) {
    const what = `"denyPrivate" cannot be kept: the proxy ${proxy.url.host} looks up ${base.hostname} itself`;
    return broken(FORBIDDEN_ADDRESS, `${what}; set "proxy": false or unset "denyPrivate"`);
  }
  const undici = await loadHttpClient().catch(reasonOf);
  if (typeof undici === 'string')
    return broken('no-client', `the HTTP client cannot be loaded (${undici}): start again`);
  const options: ConnectorOptions = {
    build: undici.buildConnector,
    secureContext,
    timeoutMs: Math.min(target.connectTimeoutMs, target.timeoutMs),
    // The proxy itself may well have a private address.
    denyPrivate: target.denyPrivate && proxy === undefined,
    clock,
    lookup,
  };
  const route = routeOf(base, proxy, options);
  const closing = new AbortController();
  // One listener per connection attempt is intended; it is not a leak.
  setMaxListeners(0, closing.signal);
  const connect: buildConnector.connector = (to, callback) => {
    route.connect({ ...to, signal: closing.signal }, callback);
  };
  const isWaiting = (): boolean => pool.stats.queued > 0;
  const pool = new undici.Pool(route.origin, {
    ...poolOptions(connections),
    factory: (origin, clientOptions) => awaitedClient(undici.Client, origin, { ...clientOptions, connect }, isWaiting),
  });
  return {
    kind: 'ready',
    base,
    basePath: base.pathname.replace(/\/+$/, ''),
    dispatcher: route.viaProxy === undefined ? pool : throughProxy(pool, base, route.viaProxy),
    connect: route.connect,
    openSocket: (signal) => {
      const hop = proxy?.url ?? base;
      return connectTcp(plainHost(hop), portOf(hop), options, signal);
    },
    proxy,
    close: () => pool.close(),
    destroy: () => {
      const ended = pool.destroy();
      closing.abort();
      return ended;
    },
  };
}

function poolOptions(connections: number): Pool.Options {
  return {
    connections: Math.max(1, connections),
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveTimeoutThreshold: KEEP_ALIVE_THRESHOLD_MS,
    keepAliveMaxTimeout: 30_000,
    maxHeaderSize: RESPONSE_HEADER_LIMIT,
    // The attempt's own deadline covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
}

interface Route {
  origin: string;
  connect: Connector;
  /** Set when requests themselves go to the proxy (plain http), in absolute form. */
  viaProxy: ProxyEndpoint | undefined;
}

function routeOf(base: URL, proxy: ProxyEndpoint | undefined, options: ConnectorOptions): Route {
  if (proxy === undefined) return { origin: base.origin, connect: directConnector(options), viaProxy: undefined };
  if (base.protocol === 'https:') {
    return { origin: base.origin, connect: tunnelConnector(proxy, options), viaProxy: undefined };
  }
  // A tunnel to port 80 is refused by most proxies, so plain http is asked for in absolute form (RFC 9112, 3.2.2).
  return { origin: proxy.url.origin, connect: directConnector(options), viaProxy: proxy };
}

function throughProxy(pool: Pool, base: URL, proxy: ProxyEndpoint): Dispatcher {
  const extra: [string, string][] = [['host', base.host]];
  if (proxy.authorization !== undefined) extra.push(['proxy-authorization', proxy.authorization]);
  return pool.compose((dispatch) => (options, handler) => {
    const headers = Object.fromEntries([...headerPairs(options.headers), ...extra]);
    return dispatch({ ...options, path: base.origin + options.path, headers }, handler);
  });
}

/** undici's own clients give headers as a record (ours), a flat list or pairs (its fetch). */
function headerPairs(headers: Dispatcher.DispatchOptions['headers']): [string, string | string[]][] {
  if (headers === null || headers === undefined) return [];
  const pairs: [string, unknown][] = Array.isArray(headers)
    ? headers.flatMap((name, at): [string, unknown][] => (at % 2 === 0 ? [[name, headers[at + 1]]] : []))
    : Symbol.iterator in headers
      ? [...headers]
      : Object.entries(headers);
  return pairs.filter((pair): pair is [string, string | string[]] => pair[1] !== undefined);
}

function checkedBase(target: TargetConfig, env: Environment): URL | Problem {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    return problem(
      'tls-off',
      'NODE_TLS_REJECT_UNAUTHORIZED=0 turns certificate checks off: unset it; a private authority belongs in "tls": { "ca" }',
    );
  }
  if (!URL.canParse(target.baseUrl)) return problem('bad-base-url', `the base URL of ${target.name} is not a URL`);
  const base = new URL(target.baseUrl);
  if (base.protocol !== 'https:' && base.protocol !== 'http:') {
    return problem('bad-base-url', `the base URL of ${target.name} is neither http nor https`);
  }
  if (base.username !== '' || base.password !== '' || base.search !== '' || base.hash !== '') {
    return problem('bad-base-url', `the base URL of ${target.name} holds a user, a query or a fragment: take it out`);
  }
  if (base.protocol === 'http:' && !target.insecureHttp && !isLoopbackHost(base.hostname)) {
    return problem(
      'insecure-http',
      `${base.host} would be reached by plain http: use https, or set "insecureHttp": true`,
    );
  }
  if (target.denyPrivate && (isPrivateAddress(base.hostname) || isLoopbackHost(base.hostname))) {
    return problem(FORBIDDEN_ADDRESS, `${base.hostname} is a private address, and "denyPrivate" is set`);
  }
  return base;
}

async function loadTls(tls: TargetConfig['tls']): Promise<SecureContext | Problem | undefined> {
  if (tls === undefined) return undefined;
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    return problem('bad-tls', 'a client certificate needs both "cert" and "key"');
  }
  const ca = await readPem(tls.ca, 'ca', (pem) => new X509Certificate(pem));
  const cert = await readPem(tls.cert, 'cert', (pem) => new X509Certificate(pem));
  const key = await readPem(tls.key, 'key', (pem) => createPrivateKey(pem));
  for (const file of [ca, cert, key]) if (file !== undefined && 'code' in file) return file;
  const bytes = (file: typeof ca): Buffer | undefined => (file !== undefined && 'pem' in file ? file.pem : undefined);
  try {
    return createSecureContext({ ca: bytes(ca), cert: bytes(cert), key: bytes(key) });
  } catch (error) {
    return problem('bad-tls', `the client certificate cannot be used with its key: ${reasonOf(error)}`);
  }
}

async function readPem(
  path: string | undefined,
  what: string,
  check: (pem: Buffer) => unknown,
): Promise<{ pem: Buffer } | Problem | undefined> {
  if (path === undefined) return undefined;
  try {
    const pem = await readFile(path);
    check(pem);
    return { pem };
  } catch (error) {
    return problem('bad-tls', `"tls": { "${what}" } cannot be used: ${path}: ${reasonOf(error)}`);
  }
}

/** Node's code for system and OpenSSL errors; those texts hold no file contents. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return cleanLine(typeof code === 'string' ? code : String(message), 120);
}

function problem(code: string, message: string): Problem {
  return { code, message };
}

function broken(code: string, message: string): PreparedTransport {
  return { kind: 'broken', problem: problem(code, message) };
}
