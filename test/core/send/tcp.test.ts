import { afterEach, describe, expect, test } from '@jest/globals';
import type { LookupAddress } from 'node:dns';
import { connect, createServer, isIP } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { platform } from 'node:os';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../../src/core/nouns/clock.js';
import { failureOf } from '../../../src/core/send/failure.js';
import { probe } from '../../../src/core/send/probe.js';
import { connectTcp } from '../../../src/core/send/tcp.js';
import type { Lookup, TcpOptions } from '../../../src/core/send/tcp.js';
import { createSender } from '../../../src/core/send/send.js';
import type { Sender } from '../../../src/core/send/send.js';
import type { TargetConfig } from '../../../src/core/nouns/target.js';
import { optionsOf, pem, pemPath, requestOf, startHttp, startHttps, startProxy, targetOf } from './support.js';
import { keep } from './wire.js';

/** A name that has these addresses. */
const nameOf = (...addresses: string[]): Lookup => {
  const found = addresses.map((address): LookupAddress => ({ address, family: isIP(address) }));
  return () => Promise.resolve(found);
};

const GOOD = '127.0.0.1';
/** Nothing listens there. */
const REFUSED = '127.0.0.3';
const HOLE = '127.0.0.2';

/**
 * A black hole: a listener that accepts nobody, with a full line of those that wait. Linux then drops whoever knocks, and
 * that one knocks again after 1 s.
 *
 * @param openAfterMs when it begins to accept; undefined = never
 */
async function blackHole(port: number, openAfterMs?: number): Promise<void> {
  const wait = openAfterMs === undefined ? '' : `, ${String(openAfterMs)}`;
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     require('node:net').createServer().listen({ port: ${String(port)}, host: '${HOLE}', backlog: 1 }, () => {
       parentPort.postMessage('up');
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0${wait});
     });`,
    { eval: true },
  );
  keep({ close: () => worker.terminate() });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  for (let isFull = false; !isFull;) {
    const socket = connect(port, HOLE).on('error', () => undefined);
    keep({ close: () => Promise.resolve(socket.destroy()) });
    isFull = await Promise.race([
      new Promise<false>((resolve) => socket.once('connect', () => resolve(false))),
      systemClock.sleep(100).then(() => true),
    ]);
  }
}

/** A port on which `GOOD` listens. */
async function listener(): Promise<{ port: number; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket)).listen(0, GOOD);
  await new Promise((resolve) => server.once('listening', resolve));
  keep({
    close: async () => {
      server.close();
      for (const socket of accepted) socket.destroy();
    },
  });
  return { port: (server.address() as AddressInfo).port, accepted };
}

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** The address that won and how long it took, or the error. */
async function race(
  port: number,
  lookup: Lookup,
  changes: Partial<TcpOptions> = {},
  signal = new AbortController().signal,
): Promise<{ address: string | undefined; error: unknown; ms: number }> {
  const started = performance.now();
  const options = { timeoutMs: 5000, denyPrivate: false, clock: systemClock, lookup, ...changes };
  const end = await connectTcp('api.test', port, options, signal).then(
    (socket) => {
      sockets.push(socket);
      return { address: socket.remoteAddress, error: undefined };
    },
    (error: unknown) => ({ address: undefined, error }),
  );
  return { ...end, ms: performance.now() - started };
}

/** What is open in this process: sockets, and attempts to connect. */
const openSockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => /^TCP(?:Socket|Connect)/.test(name)).length;

test('of one address, the socket is as undici makes its own', async () => {
  const { port } = await listener();
  const { address, ms } = await race(port, nameOf(GOOD));
  expect(address).toBe(GOOD);
  expect(ms).toBeLessThan(200);
  expect(sockets[0]?.readableHighWaterMark).toBe(64 * 1024);
});

test('a number is not looked up', async () => {
  const { port } = await listener();
  const lookup = (): never => {
    throw new Error('looked up');
  };
  const options = { timeoutMs: 1000, denyPrivate: false, clock: systemClock, lookup };
  const socket = await connectTcp(GOOD, port, options, new AbortController().signal);
  sockets.push(socket);
  expect(socket.remotePort).toBe(port);
});

test('families take turns, each address is tried once, and sixteen of them at most', async () => {
  const { port } = await listener();
  const many = Array.from({ length: 20 }, (_, at) => `127.0.1.${String(at + 1)}`);
  const { error } = await race(port, nameOf(...many, ...many, '::1', '::1'));
  const tried = (error as AggregateError).errors.map(({ address }: { address: string }) => address);
  // Where there is no IPv6, its failure says least and stands last.
  expect(new Set(tried)).toEqual(new Set([...many.slice(0, 15), '::1']));
  expect(tried).toHaveLength(16);
});

test('an address that refuses is followed by the next at once, also when only the last one is good', async () => {
  const { port } = await listener();
  const refusing = Array.from({ length: 15 }, (_, at) => `127.0.1.${String(at + 1)}`);
  const { address, ms } = await race(port, nameOf(...refusing, GOOD));
  expect(address).toBe(GOOD);
  expect(ms).toBeLessThan(240);
});

test('a refusal says more than that there is no way, or no answer', async () => {
  const { port } = await listener();
  const { error } = await race(port, nameOf('fd00:dead::1', REFUSED));
  expect(failureOf(error, false, 'api.test')).toMatchObject({
    code: 'ECONNREFUSED',
    message: 'no connection to api.test: connection refused (ECONNREFUSED)',
  });
});

test('a name that is not resolved in time says so', async () => {
  const { error, ms } = await race(1, () => new Promise(() => undefined), { timeoutMs: 100 });
  expect(failureOf(error, false, 'api.test')).toMatchObject({ kind: 'unreachable', code: 'EAI_AGAIN' });
  expect(ms).toBeLessThan(1000);
});

test('a name without an address, and one that is not there', async () => {
  expect((await race(1, nameOf())).error).toMatchObject({ code: 'ENOTFOUND' });
  const missing = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
  expect((await race(1, () => Promise.reject(missing))).error).toBe(missing);
});

test('no address is tried when one of them is private and that is not allowed', async () => {
  const { port, accepted } = await listener();
  const { error } = await race(port, nameOf('8.8.8.8', GOOD), { denyPrivate: true });
  expect(failureOf(error, false, 'api.test')).toMatchObject({
    kind: 'misconfigured',
    message: 'api.test is 127.0.0.1, a private address, and "denyPrivate" is set',
  });
  expect(accepted).toEqual([]);
});

test('what is given up before it began connects to nothing', async () => {
  const { port, accepted } = await listener();
  expect((await race(port, nameOf(GOOD), {}, AbortSignal.abort())).error).toMatchObject({ message: 'aborted' });
  const during = new AbortController();
  const lookup: Lookup = () => {
    during.abort();
    return nameOf(GOOD)('');
  };
  expect((await race(port, lookup, {}, during.signal)).error).toMatchObject({ message: 'aborted' });
  await systemClock.sleep(50);
  expect(accepted).toEqual([]);
});

// Elsewhere there is one address of loopback only, and a full line is not silent.
(platform() === 'linux' ? describe : describe.skip)('beside an address that never answers', () => {
  test.each([
    [HOLE, GOOD],
    [GOOD, HOLE],
    [REFUSED, HOLE, GOOD],
    [HOLE, REFUSED, GOOD],
    [HOLE, 'fd00:dead::1', REFUSED, GOOD],
  ])('a good one is found within the stagger: %s, %s', async (...addresses) => {
    const { port } = await listener();
    await blackHole(port);
    const before = openSockets();
    const { address, ms } = await race(port, nameOf(...addresses));
    expect(address).toBe(GOOD);
    expect(ms).toBeLessThan(700);
    await systemClock.sleep(20);
    // The winner, and the server's end of it.
    expect(openSockets()).toBe(before + 2);
  });

  test('a slow address is not given up for one that is dead', async () => {
    const { port } = await listener();
    for (const addresses of [
      [HOLE, REFUSED],
      [REFUSED, HOLE],
    ]) {
      const other = port + (addresses[0] === HOLE ? 0 : 1);
      await blackHole(other, 400);
      const { address, ms } = await race(other, nameOf(...addresses));
      expect(address).toBe(HOLE);
      expect(ms).toBeGreaterThan(500);
    }
  });

  test('all dead: it ends at the deadline, says so, and leaves no socket', async () => {
    const { port } = await listener();
    await blackHole(port);
    const before = openSockets();
    const { error, ms } = await race(port, nameOf(HOLE), { timeoutMs: 400 });
    expect(failureOf(error, false, 'api.test')).toEqual({
      kind: 'unreachable',
      code: 'UND_ERR_CONNECT_TIMEOUT',
      message: 'no connection to api.test: no connection within 0.4 s (UND_ERR_CONNECT_TIMEOUT)',
    });
    expect(ms).toBeGreaterThan(390);
    expect(ms).toBeLessThan(1000);
    const refused = await race(port, nameOf(HOLE, REFUSED), { timeoutMs: 400 });
    expect(failureOf(refused.error, false, 'api.test').code).toBe('ECONNREFUSED');
    await systemClock.sleep(20);
    expect(openSockets()).toBe(before);
  });

  test('given up while it connects, it leaves no socket', async () => {
    const { port } = await listener();
    await blackHole(port);
    const before = openSockets();
    const stop = new AbortController();
    const ended = race(port, nameOf(HOLE, GOOD), {}, stop.signal);
    await systemClock.sleep(100);
    stop.abort();
    expect((await ended).ms).toBeLessThan(240);
    await systemClock.sleep(300);
    expect(openSockets()).toBe(before);
  });

  const open = async (target: TargetConfig, lookup: Lookup): Promise<Sender> =>
    keep(await createSender(target, { env: {}, clock: systemClock, version: '0', lookup }));
  const probeOf = (to: Sender, target: TargetConfig, mode: 'auto' | 'tls' | 'request'): Promise<unknown> => {
    const deps = { clock: systemClock, version: '0', signal: new AbortController().signal };
    return probe(target, to.transport, deps, { mode });
  };
  const ca = { ca: pemPath('ca.pem'), cert: undefined, key: undefined };

  test('requests and every kind of probe get through, with TLS for the name', async () => {
    const names: unknown[] = [];
    const server = keep(
      await startHttps({ key: pem('server.key'), cert: pem('server.pem') }, (request, response) => {
        names.push((request.socket as { servername?: unknown }).servername);
        response.end();
      }),
    );
    await blackHole(server.port);
    const target = targetOf(`https://api.test:${String(server.port)}`, { tls: ca, concurrency: 1 });
    const to = await open(target, nameOf(HOLE, GOOD));
    for (let sent = 0; sent < 2; sent += 1) {
      expect(await to.send(requestOf(), optionsOf())).toMatchObject({ kind: 'response', response: { status: 200 } });
    }
    expect(server.connections()).toBe(1);
    for (const mode of ['auto', 'tls', 'request'] as const) {
      expect(await probeOf(to, target, mode)).toMatchObject({ kind: 'reachable' });
    }
    expect(new Set(names)).toEqual(new Set(['api.test']));
  });

  test.each([
    ['http', 'http'],
    ['http', 'https'],
    ['https', 'http'],
    ['https', 'https'],
  ])('an %s proxy is reached for %s', async (kind, scheme) => {
    const proxy = keep(
      await startProxy(() => 200, kind === 'https' ? { key: pem('server.key'), cert: pem('server.pem') } : undefined),
    );
    await blackHole(proxy.port);
    const server = keep(
      await startHttps({ key: pem('server.key'), cert: pem('server.pem') }, (_request, response) => response.end()),
    );
    const target = targetOf(`${scheme}://api.test:${String(server.port)}`, {
      tls: ca,
      insecureHttp: true,
      proxy: `${kind}://api.test:${String(proxy.port)}`,
    });
    const to = await open(target, nameOf(HOLE, GOOD));
    expect(await to.send(requestOf(), optionsOf())).toMatchObject({ kind: 'response', response: { status: 200 } });
    expect(await probeOf(to, target, 'auto')).toMatchObject({ kind: 'reachable' });
    expect(proxy.seen).toHaveLength(1);
  });

  test('a sender that is destroyed gives up connecting', async () => {
    const { port } = await listener();
    await blackHole(port);
    const before = openSockets();
    const to = await open(targetOf(`http://api.test:${String(port)}`, { insecureHttp: true }), nameOf(HOLE));
    const ended = to.send(requestOf(), optionsOf());
    await systemClock.sleep(50);
    await to.destroy();
    expect(await ended).toMatchObject({ kind: 'unreachable' });
    await systemClock.sleep(20);
    expect(openSockets()).toBe(before);
  });

  test('"connectTimeout" is the bound, and the message says so', async () => {
    const server = keep(await startHttp((_request, response) => response.end()));
    await blackHole(server.port);
    const url = `http://api.test:${String(server.port)}`;
    const target = targetOf(url, { insecureHttp: true, connectTimeoutMs: 300 });
    const to = await open(target, nameOf(HOLE));
    const message = `no connection to ${new URL(url).host}: no connection within 0.3 s (UND_ERR_CONNECT_TIMEOUT)`;
    expect(await to.send(requestOf(), optionsOf())).toMatchObject({ kind: 'unreachable', message });
    expect(await probeOf(to, target, 'auto')).toMatchObject({ kind: 'unreachable', message });
  });
});
