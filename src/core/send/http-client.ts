/**
 * Loads undici's client without the rest of the package: fetch, WebSocket, caches and mocks would add 80 ms to every
 * `run`, and a second parser that is compiled in the background and keeps the process from ending for 140 ms (Node 20).
 */
import type { Client, Pool, buildConnector } from 'undici';

export interface HttpClient {
  Client: typeof Client;
  Pool: typeof Pool;
  buildConnector: typeof buildConnector;
}

/** @throws whatever keeps the package from being loaded: it is not there, or no file can be opened */
export async function loadHttpClient(): Promise<HttpClient> {
  const [client, pool, connect] = await Promise.all([
    import('undici/lib/dispatcher/client.js'),
    import('undici/lib/dispatcher/pool.js'),
    import('undici/lib/core/connect.js'),
  ]);
  return { Client: client.default, Pool: pool.default, buildConnector: connect.default };
}
