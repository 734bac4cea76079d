/** How a connection to a target comes about: directly or through a proxy's tunnel, and what its failure looks like. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { buildConnector } from 'undici';
import { guardedLookup } from './address.js';

type Connector = buildConnector.connector;
type BuildConnector = (options: buildConnector.BuildOptions) => Connector;

/** The proxy answered the request for a tunnel with something else than a 2xx: nothing was sent to the target. */
export class TunnelRefused extends Error {
  override readonly name = 'TunnelRefused';
  readonly proxyStatus: number;

  constructor(proxyStatus: number) {
    super(`the proxy answered ${String(proxyStatus)}`);
    this.proxyStatus = proxyStatus;
  }
}

export interface ConnectorOptions {
  build: BuildConnector;
  /** CA, client certificate and key; undefined = the built-in authorities. */
  secureContext: SecureContext | undefined;
  /** Bound on TCP connect and TLS handshake (each, when there is a proxy), ms. */
  timeoutMs: number;
  /** Refuse names that resolve to a private address. */
  denyPrivate: boolean;
}

export interface ProxyEndpoint {
  url: URL;
  authorization: string | undefined;
}

/** Connects straight to the host; TLS is always verified, whatever the process's environment says. */
export function directConnector(options: ConnectorOptions): Connector {
  const connect = options.build({
    timeout: options.timeoutMs,
    rejectUnauthorized: true,
    ...(options.secureContext === undefined ? {} : { secureContext: options.secureContext }),
    ...(options.denyPrivate ? { lookup: guardedLookup } : {}),
  });
  return (target, callback) => {
    connect(target, (...[error, socket]) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      // A TLS alert after the handshake (TLS 1.3: our client certificate is refused) is followed by the end of the
      // stream, and undici would report that. Destroyed at once, the socket keeps the alert as its reason.
      socket.on('error', (reason: Error) => socket.destroy(reason));
      callback(null, socket);
    });
  };
}

/** Asks the proxy for a tunnel (CONNECT, RFC 9110, section 9.3.6) and speaks TLS with the target inside it. */
export function tunnelConnector(proxy: ProxyEndpoint, options: ConnectorOptions): Connector {
  // The proxy resolves the target's name, so the look-up cannot be guarded here.
  const secure = directConnector({ ...options, denyPrivate: false });
  return (target, callback) => {
    const fail = (error: Error): void => {
      callback(error, null);
    };
    const port = target.port === '' ? '443' : target.port;
    const host = isIP(target.hostname) === 6 ? `[${target.hostname}]` : target.hostname;
    openTunnel(proxy, `${host}:${port}`, options).then((socket) => {
      secure({ ...target, httpSocket: socket }, callback);
    }, fail);
  };
}

function openTunnel(proxy: ProxyEndpoint, authority: string, options: ConnectorOptions): Promise<Socket> {
  const isSecure = proxy.url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (isSecure ? httpsRequest : httpRequest)({
      host: proxy.url.hostname.replace(/^\[|\]$/g, ''),
      port: portOf(proxy.url),
      method: 'CONNECT',
      path: authority,
      agent: false,
      headers: {
        host: authority,
        ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
      },
      signal: AbortSignal.timeout(options.timeoutMs),
      ...(isSecure ? { rejectUnauthorized: true, secureContext: options.secureContext } : {}),
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
