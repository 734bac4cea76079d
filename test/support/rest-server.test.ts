import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';

import { describe, expect, test } from '@jest/globals';

import { startServer } from './rest-server.js';

/** fetch errors come from another realm under Jest: they are told by their name and their cause's code. */
async function failure(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'no failure';
  } catch (error) {
    return (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).name;
  }
}

describe('startServer', () => {
  test('answers 200 unless it is told otherwise', async () => {
    const server = await startServer();
    const response = await fetch(`${server.url}/person/1`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({});
  });

  test('keeps every request: method, path with query, headers, exact bytes, order', async () => {
    const server = await startServer();
    const body = Buffer.from([0, 255, 0x7b, 0x0a]);
    await fetch(`${server.url}/a?b=%20c`, { method: 'POST', headers: { 'Idempotency-Key': 'k1' }, body });
    await fetch(`${server.url}/second`, { method: 'DELETE' });
    expect(server.requests.map(({ n, method, path }) => [n, method, path])).toEqual([
      [1, 'POST', '/a?b=%20c'],
      [2, 'DELETE', '/second'],
    ]);
    expect(server.requests[0]!.headers['idempotency-key']).toBe('k1');
    expect(server.requests[0]!.body.equals(body)).toBe(true);
    expect(server.requests[1]!.at).toBeGreaterThan(server.requests[0]!.at);
    expect(server.requests[0]!.answeredAt).toBeGreaterThanOrEqual(server.requests[0]!.at);
  });

  test('a script sees the request and decides by it', async () => {
    const server = await startServer({
      answer: ({ n, body }) => ({
        status: n === 1 ? 503 : 201,
        headers: { 'retry-after': '7' },
        body: body.toString(),
      }),
    });
    const first = await fetch(server.url, { method: 'POST', body: 'x' });
    expect([first.status, first.headers.get('retry-after'), await first.text()]).toEqual([503, '7', 'x']);
    expect((await fetch(server.url)).status).toBe(201);
    server.setAnswer({ status: 422, body: { message: 'phone must be digits' } });
    const third = await fetch(server.url);
    expect([third.status, await third.json()]).toEqual([422, { message: 'phone must be digits' }]);
  });

  test('a drop ends the connection without an answer', async () => {
    const server = await startServer({ answer: { drop: true } });
    expect(await failure(fetch(server.url, { method: 'POST', body: 'x' }))).toBe('UND_ERR_SOCKET');
    expect(server.requests.map(({ status }) => status)).toEqual([undefined]);
  });

  test('a reset is a TCP reset', async () => {
    const server = await startServer({ answer: { reset: true } });
    const socket = connect(server.port, '127.0.0.1');
    const code = await new Promise((resolve) => {
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      socket.on('end', () => resolve('end'));
      socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n');
    });
    expect(code).toBe('ECONNRESET');
  });

  test('silence lasts until the client gives up', async () => {
    const server = await startServer({ answer: { hang: true } });
    expect(await failure(fetch(server.url, { signal: AbortSignal.timeout(80) }))).toBe('TimeoutError');
    expect(server.requests).toHaveLength(1);
  });

  test('a truncated answer brings its status and a part of its body', async () => {
    const server = await startServer({ answer: { status: 200, body: 'x'.repeat(1000), truncateAfter: 10 } });
    const { status, length, whole } = await new Promise<{ status?: number; length: number; whole: boolean }>(
      (resolve) => {
        httpRequest(server.url, (response) => {
          let length = 0;
          response.on('data', (chunk: Buffer) => (length += chunk.length));
          response.on('error', () => undefined);
          response.on('close', () => resolve({ status: response.statusCode!, length, whole: response.complete }));
        }).end();
      },
    );
    expect({ status, length, whole }).toEqual({ status: 200, length: 10, whole: false });
  });

  test('raw bytes go out as they are', async () => {
    const server = await startServer({ answer: { raw: 'SSH-2.0-OpenSSH\r\n' } });
    const socket = connect(server.port, '127.0.0.1');
    let text = '';
    await new Promise((resolve) => {
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('close', resolve);
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    });
    expect(text).toBe('SSH-2.0-OpenSSH\r\n');
  });

  test('counts how many requests were unanswered at once', async () => {
    const server = await startServer({ answer: { status: 200, delayMs: 60 } });
    await Promise.all([1, 2, 3].map((id) => fetch(`${server.url}/${id}`)));
    await fetch(`${server.url}/4`);
    expect(server.mostInFlight).toBe(3);
  });

  test('stops like a machine that went offline, and comes back on the same port with its journal', async () => {
    const server = await startServer();
    const { port } = server;
    await fetch(server.url);
    await server.stop();
    expect(await failure(fetch(server.url))).toBe('ECONNREFUSED');
    await server.start();
    expect(server.port).toBe(port);
    await fetch(server.url);
    expect(server.requests.map(({ n }) => n)).toEqual([1, 2]);
  });

  test('stopping cuts a request in flight', async () => {
    const server = await startServer({ answer: { hang: true } });
    const pending = failure(fetch(server.url));
    await server.waitFor(1);
    await server.stop();
    expect(await pending).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
  });

  test('waiting for requests that never arrive says how many did', async () => {
    const server = await startServer();
    await fetch(server.url);
    await expect(server.waitFor(2, 30)).rejects.toThrow('1 of 2 requests arrived within 30 ms');
  });

  test('a connection without a request is counted and is no request', async () => {
    const server = await startServer();
    const socket = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    await fetch(server.url);
    expect(server.connections).toBe(2);
    expect(server.requests).toHaveLength(1);
    socket.destroy();
  });
});
