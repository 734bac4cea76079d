import { afterEach, describe, expect, test } from '@jest/globals';
import type { LookupAddress } from 'node:dns';
import { systemClock } from '../../../src/core/nouns/clock.js';
import { prepareTransport } from '../../../src/core/send/dispatcher.js';
import { probe } from '../../../src/core/send/probe.js';
import type { ProbeOptions } from '../../../src/core/send/probe.js';
import type { ProbeResult } from '../../../src/core/send/result.js';
import type { TargetConfig } from '../../../src/core/nouns/target.js';
import {
  pem,
  pemPath,
  rulesOf,
  startHttp,
  startHttps,
  startOnBlockedPort,
  startProxy,
  startRaw,
  targetOf,
} from './support.js';

const open: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

function keep<T extends { close(): Promise<unknown> }>(thing: T): T {
  open.push(thing);
  return thing;
}

async function probeOf(
  target: TargetConfig,
  options: ProbeOptions = {},
  signal = new AbortController().signal,
): Promise<ProbeResult> {
  const transport = await prepareTransport(target, { env: {}, clock: systemClock });
  try {
    return await probe(target, transport, { clock: systemClock, version: '0.0.0-test', signal }, options);
  } finally {
    if (transport.kind === 'ready') await transport.destroy();
  }
}

const ca = { ca: pemPath('ca.pem'), cert: undefined, key: undefined };

test('a server is seen on a port that browsers refuse, too', async () => {
  const server = keep(await startOnBlockedPort((_request, response) => response.end()));
  const health = { method: 'GET' as const, path: '/health' };
  expect(await probeOf(targetOf(server.url, { probe: health }))).toMatchObject({ kind: 'reachable', status: 200 });
});

describe('a person asks', () => {
  const credential = ['authorization', 'Bearer good'] as const;
  const guarded = (seen: string[] = []) =>
    startHttp((request, response) => {
      seen.push(`${String(request.method)} ${String(request.url)} ${String(request.headers.authorization)}`);
      response.statusCode = request.headers.authorization === 'Bearer good' ? 200 : 401;
      if (request.url === '/odd') response.statusCode = 404;
      response.end();
    });

  test('it asks with the credential and without: HEAD of the base URL, or what the probe names', async () => {
    const seen: string[] = [];
    const server = keep(await guarded(seen));
    const health = { method: 'GET' as const, path: '/health' };
    const ask = { mode: 'request', credential } as const;
    const accepted = { kind: 'reachable', status: 200, credential: 'accepted' };
    expect(await probeOf(targetOf(`${server.url}/v1`), ask)).toMatchObject(accepted);
    expect(await probeOf(targetOf(`${server.url}/v1`, { probe: health }), ask)).toMatchObject(accepted);
    expect(seen).toEqual([
      'HEAD /v1 Bearer good',
      'HEAD /v1 undefined',
      'GET /v1/health Bearer good',
      'GET /v1/health undefined',
    ]);
  });

  test('a refused and a missing credential are told, as the target reads statuses', async () => {
    const server = keep(await guarded());
    const host = new URL(server.url).host;
    const bad = ['authorization', 'Bearer bad'] as const;
    expect(await probeOf(targetOf(server.url), { mode: 'request', credential: bad })).toMatchObject({
      kind: 'misconfigured',
      code: 'auth',
      message: `${host} does not accept the credential (401)`,
    });
    expect(await probeOf(targetOf(server.url), { mode: 'request' })).toMatchObject({
      code: 'auth',
      message: `${host} wants a credential (401): name one in "auth" of the target`,
    });
    const outcomes = rulesOf({ '404': 'auth', '401': 'rejected' });
    expect(await probeOf(targetOf(`${server.url}/odd`, { outcomes }), { mode: 'request' })).toMatchObject({
      code: 'auth',
    });
    expect(await probeOf(targetOf(server.url, { outcomes }), { mode: 'request' })).toMatchObject({ kind: 'reachable' });
  });

  test('a rule about a header says what an answer to a probe means; one about the body never fits', async () => {
    const server = keep(
      await startHttp((_, response) => response.writeHead(403, { 'x-token': 'Expired' }).end('{"code":1}')),
    );
    const found = (outcomes: unknown): Promise<ProbeResult> =>
      probeOf(targetOf(server.url, { outcomes: rulesOf(outcomes) }), { mode: 'request' });
    expect(await found([{ header: { 'X-Token': 'Expired' }, means: 'auth' }])).toMatchObject({ code: 'auth' });
    expect(await found([{ header: { 'X-Token': 'New' }, means: 'auth' }])).toMatchObject({ kind: 'reachable' });
    expect(await found([{ body: { '/code': 1 }, means: 'auth' }])).toMatchObject({ kind: 'reachable' });
  });

  test('a path that answers anybody leaves open whether the credential is accepted', async () => {
    const server = keep(await startHttp((_, response) => response.end()));
    expect(await probeOf(targetOf(server.url), { mode: 'request', credential })).toMatchObject({
      kind: 'reachable',
      status: 200,
      credential: 'unknown',
    });
  });

  test('any other answer leaves open whether the credential is accepted', async () => {
    const server = keep(await guarded());
    expect(await probeOf(targetOf(`${server.url}/odd`), { mode: 'request', credential })).toMatchObject({
      kind: 'reachable',
      status: 404,
      credential: 'unknown',
    });
  });

  test.each([
    [
      404,
      '{"detail":"Not found."}',
      { kind: 'reachable', doubt: expect.stringContaining('404 (Not found.) to its base URL') },
    ],
    [
      400,
      '{"message":"a tenant is missing"}',
      { kind: 'reachable', doubt: expect.stringContaining('(a tenant is missing)') },
    ],
    [
      400,
      '<html><title>400 No required SSL certificate was sent</title></html>',
      { kind: 'misconfigured', code: 'client-certificate', message: expect.stringContaining('"tls"') },
    ],
    [
      500,
      '{"message":"database is down"}',
      { kind: 'unreachable', message: expect.stringContaining('500 (database is down)') },
    ],
  ])('an answer of %d with %s says no more than is known', async (status, body, finding) => {
    const server = keep(await startHttp((_request, response) => response.writeHead(status).end(body)));
    expect(await probeOf(targetOf(server.url), { mode: 'request' })).toMatchObject(finding);
  });

  test('a probe path that answers 404 is a wrong setting', async () => {
    const server = keep(await startHttp((_request, response) => response.writeHead(404).end()));
    const target = targetOf(server.url, { probe: { method: 'HEAD', path: '/health' } });
    expect(await probeOf(target, { mode: 'request' })).toMatchObject({ kind: 'misconfigured', code: 'bad-probe' });
  });

  test('of a long answer only the beginning is read', async () => {
    const server = keep(
      await startHttp((request, response) => {
        response.writeHead(404);
        if (request.method === 'HEAD') return void response.end();
        response.write('the page is gone\n');
        response.write('x'.repeat(10 * 1024 * 1024));
      }),
    );
    const { doubt } = (await probeOf(targetOf(server.url), { mode: 'request' })) as { doubt?: string };
    expect(doubt).toContain('(the page is gone)');
  });

  test('a runner sends no credential, whatever it was given', async () => {
    const seen: string[] = [];
    const server = keep(await guarded(seen));
    await probeOf(targetOf(server.url, { probe: { method: 'HEAD', path: '/health' } }), { credential });
    expect(seen).toEqual(['HEAD /health undefined']);
  });
});

describe('a connection is the probe', () => {
  test('something listens: reachable, and nothing is sent', async () => {
    let bytes = 0;
    const server = keep(await startRaw((socket) => socket.on('data', (chunk: Buffer) => (bytes += chunk.length))));
    expect(await probeOf(targetOf(server.url))).toMatchObject({ kind: 'reachable', status: undefined });
    expect(server.connections()).toBe(1);
    expect(bytes).toBe(0);
  });

  test('nobody listens', async () => {
    const server = await startRaw(() => undefined);
    await server.close();
    expect(await probeOf(targetOf(server.url))).toMatchObject({ kind: 'unreachable', code: 'ECONNREFUSED' });
  });

  test('with a proxy, the proxy is asked for', async () => {
    const proxy = keep(await startProxy(() => 200));
    expect(await probeOf(targetOf('https://api.test', { proxy: proxy.url }))).toMatchObject({ kind: 'reachable' });
    expect(proxy.connections()).toBe(1);
    expect(proxy.seen).toEqual([]);
  });

  test('wrong settings are told without a look', async () => {
    expect(await probeOf(targetOf('http://api.test'))).toMatchObject({ kind: 'misconfigured', code: 'insecure-http' });
  });

  test('a private address is refused when it connects', async () => {
    const server = keep(await startRaw(() => undefined));
    const target = targetOf(`https://api.test:${String(server.port)}`, { denyPrivate: true });
    const lookup = (): Promise<LookupAddress[]> => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    const transport = await prepareTransport(target, { env: {}, clock: systemClock, lookup });
    const deps = { clock: systemClock, version: '0', signal: new AbortController().signal };
    for (const mode of ['auto', 'tls', 'request'] as const) {
      const result = await probe(target, transport, deps, { mode });
      expect(result).toMatchObject({ kind: 'misconfigured', code: 'forbidden-address' });
    }
    expect(server.connections()).toBe(0);
  });
});

describe('mode tls', () => {
  test.each([
    ['server.pem', 'reachable', undefined],
    ['expired.pem', 'misconfigured', 'CERT_HAS_EXPIRED'],
    ['self-signed.pem', 'misconfigured', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('%s is %s', async (certificate, kind, code) => {
    const server = keep(await startHttps({ key: pem('server.key'), cert: pem(certificate) }, () => undefined));
    const result = await probeOf(targetOf(server.url, { tls: ca }), { mode: 'tls' });
    expect(result).toMatchObject({ kind, ...(code === undefined ? {} : { code }) });
  });

  test('the tunnel of a proxy is part of the way', async () => {
    const server = keep(await startHttps({ key: pem('server.key'), cert: pem('server.pem') }, () => undefined));
    const proxy = keep(await startProxy(() => 200));
    const target = targetOf(`https://api.test:${String(server.port)}`, { tls: ca, proxy: proxy.url });
    expect(await probeOf(target, { mode: 'tls' })).toMatchObject({ kind: 'reachable' });
    expect(proxy.seen).toEqual([`CONNECT api.test:${String(server.port)}`]);
  });

  test('a handshake that never ends', async () => {
    const server = keep(await startRaw(() => undefined));
    const target = targetOf(server.url.replace('http:', 'https:'));
    expect(await probeOf(target, { mode: 'tls', timeoutMs: 200 })).toMatchObject({
      kind: 'unreachable',
      code: 'timeout',
    });
  });
});

describe('a request is the probe', () => {
  const health = { method: 'GET', path: '/health' } as const;

  test.each([
    [200, 'reachable'],
    [204, 'reachable'],
    [401, 'reachable'],
    [404, 'reachable'],
    [405, 'reachable'],
    [500, 'reachable'],
    [304, 'reachable'],
    [502, 'unreachable'],
    [503, 'unreachable'],
    [504, 'unreachable'],
    [511, 'unreachable'],
  ])('%d is %s, after one request', async (status, kind) => {
    const seen: string[] = [];
    const server = keep(
      await startHttp((request, response) => {
        seen.push(`${String(request.method)} ${String(request.url)}`);
        response.writeHead(status, { 'retry-after': '0' }).end();
      }),
    );
    expect(await probeOf(targetOf(`${server.url}/v1`, { probe: health }))).toMatchObject({ kind });
    expect(seen).toEqual(['GET /v1/health']);
  });

  test('neither credential nor headers of the target go with it', async () => {
    let headers: object = {};
    const server = keep(
      await startHttp((request, response) => {
        headers = request.headers;
        response.end();
      }),
    );
    const target = targetOf(server.url, {
      probe: { method: 'HEAD', path: '/' },
      headers: { 'x-tenant': 'a' },
      auth: { kind: 'bearer', token: { env: 'S' } },
    });
    expect(await probeOf(target)).toMatchObject({ kind: 'reachable', status: 200 });
    expect(headers).toMatchObject({ 'user-agent': 'syncq/0.0.0-test' });
    expect(headers).not.toHaveProperty('x-tenant');
    expect(headers).not.toHaveProperty('authorization');
  });

  test.each([
    ['http://portal.test/login', 'unreachable'],
    ['/login', 'reachable'],
    ['http://[', 'reachable'],
  ])('a redirect to %s is %s, and not followed', async (location, kind) => {
    const seen: (string | undefined)[] = [];
    const server = keep(
      await startHttp((request, response) => {
        seen.push(request.url);
        response.writeHead(302, { location }).end();
      }),
    );
    expect(await probeOf(targetOf(server.url, { probe: health }))).toMatchObject({ kind });
    expect(seen).toEqual(['/health']);
  });

  test.each([
    ['application/json', 'unreachable'],
    ['text/html; charset=utf-8', 'reachable'],
    [undefined, 'reachable'],
  ])('a web page where %s is expected is %s', async (contentType, kind) => {
    const server = keep(
      await startHttp((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>');
      }),
    );
    const expected = contentType === undefined ? undefined : { status: undefined, contentType };
    expect(await probeOf(targetOf(server.url, { probe: health, expect: expected }))).toMatchObject({ kind });
  });

  test.each(['hangs', 'hangs in the body'])('a server that %s', async (how) => {
    const server = keep(
      await startHttp((_request, response) => {
        if (how === 'hangs in the body') response.write('x');
      }),
    );
    const started = performance.now();
    const result = await probeOf(targetOf(server.url, { probe: health }), { timeoutMs: 300 });
    expect(result).toMatchObject(how === 'hangs' ? { kind: 'unreachable', code: 'timeout' } : { kind: 'reachable' });
    expect(performance.now() - started).toBeLessThan(3000);
  });

  test('a dropped connection is not tried again', async () => {
    let requests = 0;
    const server = keep(
      await startHttp((request) => {
        requests += 1;
        request.socket.destroy();
      }),
    );
    const result = await probeOf(targetOf(server.url, { probe: health }));
    expect(result).toMatchObject({ kind: 'unreachable', code: 'UND_ERR_SOCKET' });
    expect(requests).toBe(1);
  });

  test('a wrong certificate', async () => {
    const server = keep(await startHttps({ key: pem('server.key'), cert: pem('expired.pem') }, () => undefined));
    expect(await probeOf(targetOf(server.url, { tls: ca, probe: health }))).toMatchObject({
      kind: 'misconfigured',
      code: 'CERT_HAS_EXPIRED',
    });
  });

  test('through a proxy, in absolute form', async () => {
    const proxy = keep(await startProxy(() => 200));
    const target = targetOf('http://api.test/v1', { insecureHttp: true, proxy: proxy.url, probe: health });
    expect(await probeOf(target)).toMatchObject({ kind: 'reachable', status: 200 });
    expect(proxy.seen).toEqual(['GET http://api.test/v1/health']);
  });

  test('it ends at once when it is stopped', async () => {
    const server = keep(await startHttp(() => undefined));
    const controller = new AbortController();
    setTimeout(() => {
      controller.abort();
    }, 50);
    const result = await probeOf(targetOf(server.url, { probe: health }), {}, controller.signal);
    expect(result).toMatchObject({ kind: 'unreachable', code: 'aborted' });
    expect(result.durationMs).toBeLessThan(2000);
  });
});

describe('what is on the way to the server', () => {
  const credential = ['authorization', 'Bearer good'] as const;

  test.each([
    ['a web page', 200, { 'content-type': 'text/html' }, 'a login page? if it is the server itself, set expect'],
    ['a redirect to another host', 302, { location: 'http://portal.test/' }, 'a login page? if it is'],
  ])('%s over plain http is told to a person in the words of a run', async (_what, status, headers, words) => {
    const portal = keep(
      await startHttp((_request, response) => {
        response.writeHead(status, headers).end();
      }),
    );
    const target = targetOf('http://api.test/v1', { insecureHttp: true, proxy: portal.url });
    for (const probe of [undefined, { method: 'GET' as const, path: '/health' }]) {
      const found = await probeOf({ ...target, probe }, { mode: 'request', credential });
      expect(found).toMatchObject({ kind: 'unreachable', code: 'captive-portal' });
      expect(found).toHaveProperty(
        'message',
        expect.stringContaining(`between here and the server answered: ${words}`),
      );
    }
  });

  test.each(['http://api.test', 'https://api.test'])(
    'a proxy that wants a login for %s is named, not the API',
    async (url) => {
      const proxy = keep(await startProxy(() => 407));
      const target = targetOf(url, { insecureHttp: true, proxy: proxy.url });
      const found = await probeOf(target, { mode: 'request', credential });
      expect(found).toMatchObject({ kind: 'misconfigured', code: 'proxy-login' });
      expect(found).toHaveProperty(
        'message',
        expect.stringContaining(`the proxy ${new URL(proxy.url).host} wants a login`),
      );
      expect(found).toHaveProperty('message', expect.not.stringContaining('auth'));
      // Where nobody looks on, the proxy's answer says that it can be reached: an attempt finds out the rest.
      const health = { method: 'GET' as const, path: '/health' };
      expect(await probeOf({ ...target, probe: health })).toMatchObject({ kind: 'reachable' });
    },
  );

  test('an unreadable answer is told in the words of a run', async () => {
    const server = keep(await startRaw((socket) => socket.once('data', () => socket.end('SSH-2.0-x\r\n'))));
    expect(await probeOf(targetOf(server.url), { mode: 'request' })).toMatchObject({
      kind: 'unreachable',
      message: `the answer of ${new URL(server.url).host} cannot be read: it is not HTTP`,
    });
  });
});
