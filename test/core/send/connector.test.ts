import { expect, test } from '@jest/globals';
import { buildConnector } from 'undici';
import { directConnector, tunnelConnector } from '../../../src/core/send/connector.js';
import { failureOf } from '../../../src/core/send/failure.js';
import { startRaw } from './support.js';
import { keep } from './wire.js';

const options = { build: buildConnector, secureContext: undefined, timeoutMs: 300, denyPrivate: false };

function errorOf(
  connect: buildConnector.connector,
  hostname: string,
  port: number,
  protocol = 'http:',
): Promise<unknown> {
  return new Promise((resolve) => {
    connect({ hostname, host: `${hostname}:${String(port)}`, protocol, port: String(port) }, (...[error, socket]) => {
      socket?.destroy();
      resolve(error);
    });
  });
}

test('a name that resolves to a private address is refused at the moment of connecting', async () => {
  const server = keep(await startRaw(() => undefined));
  expect(await errorOf(directConnector(options), 'localhost', server.port)).toBeNull();
  const error = await errorOf(directConnector({ ...options, denyPrivate: true }), 'localhost', server.port);
  expect(failureOf(error, false, 'localhost')).toMatchObject({ kind: 'misconfigured', code: 'forbidden-address' });
  expect(server.connections()).toBe(1);
});

test('a proxy that never answers is given up after the connect timeout', async () => {
  const proxy = keep(await startRaw(() => undefined));
  const connect = tunnelConnector({ url: new URL(proxy.url), authorization: undefined }, options);
  const started = performance.now();
  const error = await errorOf(connect, 'api.test', 443, 'https:');
  expect(failureOf(error, false, 'api.test')).toMatchObject({
    kind: 'unreachable',
    message: 'no connection to api.test: the proxy opened no tunnel in time (ABORT_ERR)',
  });
  expect(performance.now() - started).toBeLessThan(2000);
});
