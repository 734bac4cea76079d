import { describe, expect, test } from '@jest/globals';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Method } from '../../../src/core/nouns/item.js';
import type { RunningServer } from './support.js';
import { optionsOf, requestOf, startHttp, startRaw, targetOf } from './support.js';
import { keep, rawServer, recorder, responseOf, sendTo, sender } from './wire.js';

describe('what goes out', () => {
  test('the bytes, the path under the base URL, the key and the content type are those of the item', async () => {
    const server = await recorder();
    const to = await sender(targetOf(`${server.url}/v1`));
    const payload = new Uint8Array(Buffer.from('xx{"n": 1.0,"n":9007199254740993}\n')).subarray(2);
    await to.send(requestOf({ path: '/things?a=b%20c', payload }), optionsOf());
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({
      method: 'POST',
      url: '/v1/things?a=b%20c',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': '0198c000-0000-7000-8000-000000000001',
        'accept-encoding': 'identity',
        'user-agent': 'syncq/0.0.0-test',
        'content-length': String(payload.length),
      },
    });
    expect(server.seen[0]?.body.equals(payload)).toBe(true);
  });

  test("the item's headers win over the target's, and syncq's own over both", async () => {
    const server = await recorder();
    const headers = { 'x-tenant': 'target', 'x-app': 'target', 'accept-encoding': 'gzip' };
    const to = await sender(targetOf(server.url, { headers, idempotencyHeader: 'X-Key' }));
    const item = { 'x-tenant': 'item', 'x-key': 'forged', 'content-type': 'text/forged' };
    await to.send(requestOf({ headers: item }), optionsOf({ credential: ['authorization', 'Bearer abc'] }));
    expect(server.seen[0]?.headers).toMatchObject({
      'x-tenant': 'item',
      'x-app': 'target',
      'x-key': '0198c000-0000-7000-8000-000000000001',
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      authorization: 'Bearer abc',
    });
  });

  test('a write without payload has neither body nor content type', async () => {
    const server = await recorder(204, {}, '');
    const to = await sender(targetOf(server.url));
    const result = await to.send(
      requestOf({ method: 'DELETE', payload: undefined, contentType: undefined }),
      optionsOf(),
    );
    expect(responseOf(result)).toMatchObject({ status: 204, complete: true });
    expect(server.seen[0]?.headers['content-type']).toBeUndefined();
    expect(server.seen[0]?.body).toHaveLength(0);
  });

  test('an implicit target is sent no credential', async () => {
    const server = await recorder();
    const to = await sender(targetOf(server.url, { implicit: true }));
    await to.send(requestOf(), optionsOf({ credential: ['authorization', 'Bearer abc'] }));
    expect(server.seen[0]?.headers.authorization).toBeUndefined();
  });

  test.each<[Method, number]>([
    ['GET', 200],
    ['HEAD', 200],
    ['PUT', 200],
    ['PATCH', 304],
    ['OPTIONS', 204],
    ['MKCOL', 201],
    ['MOVE', 204],
    ['LOCK', 200],
    ['PROPPATCH', 207],
  ])('%s works and answers %d', async (method, status) => {
    const server = await recorder(status, {}, '');
    const to = await sender(targetOf(server.url));
    const result = await to.send(requestOf({ method, payload: undefined, contentType: undefined }), optionsOf());
    expect(responseOf(result)).toMatchObject({ status, complete: true });
  });

  test.each([
    ['/../admin'],
    ['/a/%2e%2E/b'],
    ['/a%2f..'],
    ['/a\\b'],
    ['things'],
    ['/a#b'],
    ['/a\r\nx: y'],
    ['/a\u0000'],
  ])('the path %j is not sent', async (path) => {
    const server = await recorder();
    const to = await sender(targetOf(`${server.url}/v1`));
    expect(await to.send(requestOf({ path }), optionsOf())).toMatchObject({
      kind: 'misconfigured',
      code: 'bad-request',
    });
    expect(server.connections()).toBe(0);
  });

  test('%2F is sent as it is where the target says so, and never leads out of the base path', async () => {
    const server = await recorder();
    const to = await sender({ ...targetOf(`${server.url}/v1`), encodedSlash: true });
    const path = '/projects/group%2Fproject';
    expect(responseOf(await to.send(requestOf({ path }), optionsOf())).status).toBe(200);
    expect(server.seen[0]?.url).toBe(`/v1${path}`);
    for (const out of ['/a%2f..%2fb', '/%2e%2e%2Fb', '/a%5cb'])
      expect(await to.send(requestOf({ path: out }), optionsOf())).toMatchObject({ kind: 'misconfigured' });
    const strict = await sender(targetOf(server.url));
    expect(await strict.send(requestOf({ path }), optionsOf())).toMatchObject({ kind: 'misconfigured' });
  });

  test.each([['//elsewhere.test/x'], ['/a b'], ['/ä?q=ü'], ['?only=query'], ['']])(
    'the path %j stays on the server',
    async (path) => {
      const server = await recorder();
      const to = await sender(targetOf(`${server.url}/v1`));
      expect(responseOf(await to.send(requestOf({ path }), optionsOf())).status).toBe(200);
      expect(server.seen[0]?.url).toBe(`/v1${encodeURI(path)}`);
    },
  );

  test.each([
    [{ 'x-a': 'b\r\nx-evil: 1' }],
    [{ 'x a': 'b' }],
    [{ host: 'elsewhere.test' }],
    [{ Authorization: 'Bearer forged' }],
  ])('the header %j is not sent', async (headers) => {
    const server = await recorder();
    const to = await sender(targetOf(server.url));
    const result = await to.send(requestOf({ headers: headers as unknown as Record<string, string> }), optionsOf());
    expect(result).toMatchObject({ kind: 'misconfigured', code: 'bad-request' });
    expect(server.seen).toHaveLength(0);
  });
});

describe('one attempt is one request', () => {
  test.each([500, 502, 503, 429, 401])('an answer of %d is not repeated', async (status) => {
    const server = await recorder(status, { 'retry-after': '0' });
    const to = await sender(targetOf(server.url));
    for (const method of ['POST', 'PUT', 'DELETE', 'GET'] as const) await to.send(requestOf({ method }), optionsOf());
    expect(server.seen.map((request) => request.method)).toEqual(['POST', 'PUT', 'DELETE', 'GET']);
  });

  test.each<Method>(['POST', 'PUT', 'DELETE', 'GET'])(
    '%s is not repeated when the connection drops',
    async (method) => {
      let requests = 0;
      const server = keep(
        await startHttp((request) => {
          requests += 1;
          request.socket.destroy();
        }),
      );
      const to = await sender(targetOf(server.url));
      expect(await to.send(requestOf({ method }), optionsOf())).toMatchObject({ kind: 'no-answer' });
      expect(requests).toBe(1);
    },
  );

  test('connections are used again', async () => {
    const server = await recorder();
    const to = await sender(targetOf(server.url));
    for (let round = 0; round < 20; round += 1) await to.send(requestOf(), optionsOf());
    // Two, because undici gives a connection free a moment after it hands over the answer.
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  test('a target with concurrency 1 has one connection', async () => {
    const server = await recorder();
    const to = await sender(targetOf(server.url, { concurrency: 1 }));
    const sends = Array.from({ length: 5 }, () => to.send(requestOf(), optionsOf()));
    for (const result of await Promise.all(sends)) expect(responseOf(result).status).toBe(200);
    expect(server.connections()).toBe(1);
  });

  test('a connection that the server closed while idle is replaced, not counted as an unknown outcome', async () => {
    let sockets = 0;
    const server = keep(
      await startRaw((socket) => {
        sockets += 1;
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
          setTimeout(() => socket.end(), 20);
        });
      }),
    );
    const to = await sender(targetOf(server.url));
    await to.send(requestOf(), optionsOf());
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(responseOf(await to.send(requestOf(), optionsOf())).status).toBe(200);
    expect(sockets).toBe(2);
  });
});

describe('redirects', () => {
  async function redirecting(
    location: (port: number) => string,
    status = 307,
  ): Promise<RunningServer & { urls: string[] }> {
    const urls: string[] = [];
    const server = await startHttp((request, response) => {
      urls.push(`${String(request.method)} ${String(request.url)}`);
      request.resume().on('end', () => {
        if (request.url === '/v1/things') response.writeHead(status, { location: location(server.port) }).end('moved');
        else response.end('arrived');
      });
    });
    return keep(Object.assign(server, { urls }));
  }

  test.each([
    [307, '/v1/new?x=1'],
    [308, 'new?x=1'],
  ])('a %d to %s is followed once, with method and body', async (status, location) => {
    const server = await redirecting(() => location, status);
    const result = await sendTo(`${server.url}/v1`);
    expect(result).toMatchObject({
      kind: 'response',
      redirectedTo: `${server.url}/v1/new?x=1`,
      response: { status: 200 },
    });
    expect(server.urls).toEqual(['POST /v1/things', 'POST /v1/new?x=1']);
  });

  test('a place that is written in UTF-8 is read so, and one in Latin-1 as well', async () => {
    const utf8 = Buffer.from('/v1/Jørgen').toString('latin1');
    const server = await redirecting(() => utf8);
    expect(await sendTo(`${server.url}/v1`)).toMatchObject({ redirectedTo: `${server.url}/v1/J%C3%B8rgen` });
    const other = await redirecting(() => utf8, 302);
    expect(responseOf(await sendTo(`${other.url}/v1`)).headers).toMatchObject({ location: '/v1/Jørgen' });
    const latin1 = await redirecting(() => '/v1/Jørgen', 302);
    expect(responseOf(await sendTo(`${latin1.url}/v1`)).headers).toMatchObject({ location: '/v1/Jørgen' });
  });

  test('a second redirect is the answer', async () => {
    const server = keep(
      await startHttp((request, response) => {
        request.resume();
        response.writeHead(307, { location: `${String(request.url)}x` }).end();
      }),
    );
    expect(await sendTo(server.url)).toMatchObject({
      redirectedTo: `${server.url}/thingsx`,
      response: { status: 307 },
    });
  });

  test.each([
    ['another path', () => '/v2/things'],
    ['out of the base path', () => '/v1/%2e%2e/v2'],
    ['a name that only begins alike', () => '/v1x/things'],
    ['another port', (port: number) => `http://127.0.0.1:${String(port === 1 ? 2 : 1)}/v1/things2`],
    ['another host', (port: number) => `http://localhost:${String(port)}/v1/things2`],
    ['a user', (port: number) => `http://a:b@127.0.0.1:${String(port)}/v1/things2`],
    ['nonsense', () => 'http://['],
  ])('a 307 to %s is not followed', async (_what, location) => {
    const server = await redirecting(location);
    const result = await sendTo(`${server.url}/v1`);
    expect(result).toMatchObject({ kind: 'response', redirectedTo: undefined, response: { status: 307 } });
    expect(server.urls).toEqual(['POST /v1/things']);
  });

  test.each([301, 302, 303])('a %d is not followed', async (status) => {
    const server = await redirecting(() => '/v1/new', status);
    expect(responseOf(await sendTo(`${server.url}/v1`))).toMatchObject({ status, headers: { location: '/v1/new' } });
    expect(server.urls).toHaveLength(1);
  });
});

describe('answers', () => {
  test('few headers are kept, cut and cleaned', async () => {
    const server = await recorder(422, {
      'content-type': 'application/json',
      'x-request-id': 'r'.repeat(2000),
      etag: 'a\tb',
      'set-cookie': 'session=1',
      date: 'x',
      'x-other': 'y',
    });
    const { headers } = responseOf(await sendTo(server.url));
    expect(Object.keys(headers).sort()).toEqual(['content-type', 'etag', 'x-request-id']);
    expect(headers['x-request-id']).toHaveLength(512);
    expect(headers['etag']).toBe('a b');
  });

  test('a body above the excerpt is cut, and its connection used again', async () => {
    const server = await recorder(200, {}, 'a'.repeat(50_000));
    const to = await sender(targetOf(server.url, { concurrency: 1 }));
    for (let round = 0; round < 2; round += 1) {
      const response = responseOf(await to.send(requestOf(), optionsOf()));
      expect(response.body).toHaveLength(8192);
      expect(response.complete).toBe(false);
    }
    expect(server.connections()).toBe(1);
  });

  test('an endless body ends at the cap, with its status, and so does its connection', async () => {
    let closed = (): void => undefined;
    const isClosed = new Promise<void>((resolve) => (closed = resolve));
    let written = 0;
    const server = keep(
      await startHttp((_request, response) => {
        const chunk = Buffer.alloc(65_536, 97);
        const more = (): void => {
          while (!response.destroyed && response.write(chunk)) written += chunk.length;
          response.once('drain', more);
        };
        response.on('close', closed);
        more();
      }),
    );
    expect(responseOf(await sendTo(server.url))).toMatchObject({ status: 200, complete: false });
    await isClosed;
    expect(written).toBeLessThan(16 * 1024 * 1024);
  });

  test('50 bodies of 50 MB do not grow the memory', async () => {
    const body = Buffer.alloc(50 * 1024 * 1024, 97);
    const server = keep(await startHttp((_request, response) => response.end(body)));
    const to = await sender(targetOf(server.url));
    await to.send(requestOf(), optionsOf());
    const before = process.memoryUsage();
    for (let round = 0; round < 50; round += 1) await to.send(requestOf(), optionsOf());
    const after = process.memoryUsage();
    expect(after.rss - before.rss).toBeLessThan(100 * 1024 * 1024);
  });

  test('a gzip bomb is kept as it came, and named', async () => {
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024));
    const server = keep(
      await startHttp((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)),
    );
    const response = responseOf(await sendTo(server.url));
    expect(response.headers['content-encoding']).toBe('gzip');
    expect(Buffer.from(response.body).equals(bomb.subarray(0, 8192))).toBe(true);
  });

  const problem = JSON.stringify({ title: 'phone must be digits', filler: 'x'.repeat(3000) });

  test.each([
    ['gzip', gzipSync(problem), true],
    ['X-GZIP', gzipSync(problem), true],
    ['br', brotliCompressSync(problem), true],
    ['deflate', deflateSync(problem), true],
    ['deflate', deflateRawSync(problem), true],
    ['zstd', Buffer.from('anything'), false],
    ['gzip', Buffer.from('no gzip at all'), false],
  ])('a body in %s is unpacked if it can be', async (coding, body, isUnpacked) => {
    const server = keep(
      await startHttp((_request, response) => response.writeHead(422, { 'content-encoding': coding }).end(body)),
    );
    const response = responseOf(await sendTo(server.url));
    expect(response.headers['content-encoding']).toBe(isUnpacked ? undefined : coding);
    expect(Buffer.from(response.body).equals(isUnpacked ? Buffer.from(problem) : body)).toBe(true);
    expect(response.complete).toBe(true);
  });

  test('a packed body that is cut gives its beginning', async () => {
    const noise = Array.from({ length: 40_000 }, (_, n) => ((n * 7919) % 9973).toString(36)).join('');
    const body = gzipSync(`{"title":"phone must be digits","filler":"${noise}"}`);
    const server = keep(
      await startHttp((_request, response) => response.writeHead(422, { 'content-encoding': 'gzip' }).end(body)),
    );
    const response = responseOf(await sendTo(server.url));
    expect(Buffer.from(response.body).toString()).toMatch(/^\{"title":"phone must be digits"/);
    expect(response).toMatchObject({ complete: false, body: { length: 8192 } });
  });

  test.each([
    ['breaks off', 'HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{"id":', 201],
    ['ends a chunk badly', 'HTTP/1.1 500 Oops\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloXX', 500],
  ])('a body that %s leaves the status known', async (_what, bytes, status) => {
    const server = await rawServer((socket) => socket.end(bytes));
    expect(responseOf(await sendTo(server.url))).toMatchObject({ status, complete: false });
  });

  test('a body that stalls ends at the deadline, with its status', async () => {
    const server = await rawServer((socket) => socket.write('HTTP/1.1 422 No\r\ncontent-length: 9\r\n\r\nhal'));
    const response = responseOf(await sendTo(server.url, { timeoutMs: 300 }));
    expect(response).toMatchObject({ status: 422, complete: false });
    expect(Buffer.from(response.body).toString()).toBe('hal');
  });

  test('a body without length or end marker is whole when the server closes', async () => {
    const server = await rawServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nall of it'));
    expect(responseOf(await sendTo(server.url))).toMatchObject({ status: 200, complete: true });
  });

  test('103 Early Hints and 102 are passed over', async () => {
    const bytes =
      'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n';
    const server = await rawServer((socket) => socket.write(bytes));
    expect(responseOf(await sendTo(server.url)).status).toBe(201);
  });
});
