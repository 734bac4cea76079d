import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { buildConnector } from 'undici';
import { systemClock } from '../../../src/core/nouns/clock.js';
import { directConnector, tunnelConnector } from '../../../src/core/send/connector.js';
import type { Connector } from '../../../src/core/send/connector.js';
import { failureOf } from '../../../src/core/send/failure.js';
import { optionsOf, requestOf, senderFor, startHttp, startRaw, targetOf } from './support.js';
import { keep } from './wire.js';

const options = {
  build: buildConnector,
  secureContext: undefined,
  timeoutMs: 300,
  denyPrivate: false,
  clock: systemClock,
};

function errorOf(connect: Connector, hostname: string, port: number, protocol = 'http:'): Promise<unknown> {
  return new Promise((resolve) => {
    const { signal } = new AbortController();
    const target = { hostname, host: `${hostname}:${String(port)}`, protocol, port: String(port), signal };
    connect(target, (...[error, socket]) => {
      socket?.destroy();
      resolve(error);
    });
  });
}

test('a name that resolves to a private address is refused at the moment of connecting', async () => {
  const server = keep(await startRaw(() => undefined));
  const patient = { ...options, timeoutMs: 5000 };
  expect(await errorOf(directConnector(patient), 'localhost', server.port)).toBeNull();
  const error = await errorOf(directConnector({ ...patient, denyPrivate: true }), 'localhost', server.port);
  expect(failureOf(error, false, 'localhost')).toMatchObject({ kind: 'misconfigured', code: 'forbidden-address' });
  expect(server.connections()).toBe(1);
});

/** A name that only its address tells to be of this machine, and that address: most hosts files have one for the host itself. */
async function privateName(): Promise<{ name: string; address: string } | undefined> {
  for (const name of [hostname(), 'ip6-localhost', 'ip6-loopback']) {
    const found = await lookup(name, { all: true }).catch(() => []);
    const [first, ...others] = new Set(found.map(({ address }) => address));
    if (name.startsWith('localhost') || first === undefined || others.length > 0) continue;
    if (/^(?:127\.|::1$)/.test(first) && (await canListen(first))) return { name, address: first };
  }
  return undefined;
}

/** ::1 may be in the hosts file where there is no IPv6. */
async function canListen(address: string): Promise<boolean> {
  const server = await startHttp(() => undefined, address).catch(() => undefined);
  await server?.close();
  return server !== undefined;
}
const PRIVATE = await privateName();

(PRIVATE === undefined ? describe.skip : describe)('a name of this machine', () => {
  test('gets nothing from a target that refuses such addresses', async () => {
    let requests = 0;
    const server = keep(
      await startHttp((_request, response) => {
        requests += 1;
        response.end();
      }, PRIVATE?.address),
    );
    const target = targetOf(`http://${PRIVATE?.name}:${String(server.port)}`, { insecureHttp: true, proxy: false });
    for (const denyPrivate of [false, true]) {
      const sender = await senderFor({ ...target, denyPrivate });
      const result = await sender.send(requestOf(), optionsOf());
      await sender.close();
      expect(result).toMatchObject(
        denyPrivate ? { kind: 'misconfigured', code: 'forbidden-address' } : { kind: 'response' },
      );
    }
    expect(requests).toBe(1);
  });
});

test('a proxy that never answers is given up after the connect timeout', async () => {
  const proxy = keep(await startRaw(() => undefined));
  const connect = tunnelConnector(
    { url: new URL(proxy.url), authorization: undefined, variable: 'HTTP_PROXY' },
    options,
  );
  const started = performance.now();
  const error = await errorOf(connect, 'api.test', 443, 'https:');
  expect(failureOf(error, false, 'api.test')).toMatchObject({
    kind: 'unreachable',
    message: 'no connection to api.test: the proxy opened no tunnel in time (ABORT_ERR)',
  });
  expect(performance.now() - started).toBeLessThan(2000);
});
