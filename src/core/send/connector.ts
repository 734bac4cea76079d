/** Opens a connection to a target, directly or through a proxy's tunnel, and describes its failures. */
import { request as httpRequest } from 'node:http';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { buildConnector } from 'undici';
import { CONNECT_TIMEOUT, connectTcp, failure } from './tcp.js';
import type { TcpOptions } from './tcp.js';

/** `signal` ends an attempt to connect; a TLS handshake that has begun ends by itself, or by its timeout. */
export type Connector = (
  target: buildConnector.Options & { signal: AbortSignal },
  callback: buildConnector.Callback,
) => void;
type BuildConnector = (options: buildConnector.BuildOptions) => buildConnector.connector;

/** The proxy answered the request for a tunnel with something else than a 2xx: nothing was sent to the target. */
export class TunnelRefused extends Error {
  override readonly name = 'TunnelRefused';
  readonly proxyStatus: number;

  constructor(proxyStatus: number) {
    super(`the proxy answered ${String(proxyStatus)}`);
    this.proxyStatus = proxyStatus;
  }
}

/** `timeoutMs` bounds each step by itself: look-up and TCP, the TLS handshake, the proxy's answer. */
export interface ConnectorOptions extends TcpOptions {
  build: BuildConnector;
  /** CA, client certificate and key; undefined = the built-in authorities. */
  secureContext: SecureContext | undefined;
}

export interface ProxyEndpoint {
  url: URL;
  authorization: string | undefined;
  /** The environment variable that names it; undefined = the setting "proxy". */
  variable: string | undefined;
}

/** A URL's host without the brackets of an IPv6 address. */
export function plainHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** Connects straight to the host; TLS is always verified, whatever the process's environment says. */
export function directConnector(options: ConnectorOptions): Connector {
  const secure = secureConnector(options);
  return (target, callback) => {
    const isSecure = target.protocol === 'https:';
    const port = target.port === '' ? (isSecure ? 443 : 80) : Number(target.port);
    connectTcp(target.hostname, port, options, target.signal).then(
      (socket) => {
        if (isSecure) secure({ ...target, httpSocket: socket }, callback);
        else callback(null, socket);
      },
      (error: unknown) => {
        callback(error as Error, null);
      },
    );
  };
}

/** TLS on a connected socket. */
function secureConnector({ build, timeoutMs, secureContext }: ConnectorOptions): buildConnector.connector {
  const connect = build({
    timeout: timeoutMs,
    rejectUnauthorized: true,
    ...(secureContext === undefined ? {} : { secureContext }),
  });
  return (target, callback) => {
    connect(target, (...[error, socket]) => {
      if (error !== null) {
        const isTimeout = (error as NodeJS.ErrnoException).code === CONNECT_TIMEOUT;
        const words = `no TLS handshake within ${String(timeoutMs / 1000)} s`;
        callback(isTimeout ? failure(CONNECT_TIMEOUT, words) : error, null);
        return;
      }
      // A TLS 1.3 server refuses a client certificate by an alert after the handshake, followed by the end of the
      // stream. Destroying the socket at once keeps the alert as the reason; otherwise undici reports the end.
      socket.on('error', (reason: Error) => socket.destroy(reason));
      callback(null, socket);
    });
  };
}

/** Asks the proxy for a tunnel (CONNECT, RFC 9110, section 9.3.6) and speaks TLS with the target inside it. */
export function tunnelConnector(proxy: ProxyEndpoint, options: ConnectorOptions): Connector {
  const { protocol, host, port } = proxy.url;
  const hop = { protocol, hostname: plainHost(proxy.url), host, port };
  const toProxy = directConnector(options);
  const secure = secureConnector(options);
  return (target, callback) => {
    const authority = `${isIP(target.hostname) === 6 ? `[${target.hostname}]` : target.hostname}:${target.port || '443'}`;
    toProxy({ ...hop, signal: target.signal }, (...[error, toHop]) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      openTunnel(toHop, proxy, authority, options.timeoutMs).then(
        (socket) => {
          secure({ ...target, httpSocket: socket }, callback);
        },
        (reason: unknown) => {
          callback(reason as Error, null);
        },
      );
    });
  };
}

function openTunnel(toProxy: Socket, proxy: ProxyEndpoint, authority: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      createConnection: () => toProxy,
      method: 'CONNECT',
      path: authority,
      headers: {
        host: authority,
        ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    request.once('connect', (response, socket) => {
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) {
        resolve(socket);
        return;
      }
      socket.on('error', () => undefined).destroy();
      reject(new TunnelRefused(status));
    });
    request.on('error', reject);
    request.end();
  });
}

/** The port of an http(s) URL, also where it is the scheme's default. */
export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}
