import { describe, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';
import type { SendResult } from '../../../src/core/send/result.js';
import type { RunningServer } from './support.js';
import {
  optionsOf,
  pem,
  pemPath,
  requestOf,
  senderFor,
  startHttp,
  startHttps,
  startProxy,
  startRaw,
  targetOf,
} from './support.js';
import { until } from '../../support/until.js';
import { keep, rawServer, recorder, responseOf, sendTo, sender } from './wire.js';

describe('no answer: the request may have arrived', () => {
  test.each([
    ['the server closes', (socket: Socket) => socket.end(), 'UND_ERR_SOCKET'],
    ['the server resets', (socket: Socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['the answer breaks off in its headers', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nx: '), undefined],
    ['only 103 Early Hints come', (socket: Socket) => socket.end('HTTP/1.1 103 Early Hints\r\n\r\n'), 'UND_ERR_SOCKET'],
  ])('%s', async (_what, reply, code) => {
    const server = await rawServer(reply);
    const result = await sendTo(server.url);
    expect(result).toMatchObject({ kind: 'no-answer', ...(code === undefined ? {} : { code }) });
    expect(server.connections()).toBe(1);
  });

  test('nothing comes within the deadline', async () => {
    const server = await rawServer(() => undefined);
    const result = await sendTo(server.url, { timeoutMs: 250 });
    expect(result).toMatchObject({
      kind: 'no-answer',
      code: 'timeout',
      message: expect.stringMatching(/ within \d+ ms; all 22 bytes of the body had been handed over$/),
    });
    expect(result.durationMs).toBeGreaterThanOrEqual(245);
    expect(result.durationMs).toBeLessThan(2000);
  });

  test('deadlines hold for many attempts under way', async () => {
    const server = await rawServer(() => undefined);
    const to = await sender(targetOf(server.url, { timeoutMs: 300, concurrency: 8 }));
    const results: Promise<SendResult>[] = [];
    for (let round = 0; round < 8; round += 1) {
      results.push(to.send(requestOf(), optionsOf()));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const result of await Promise.all(results)) {
      expect(result).toMatchObject({ kind: 'no-answer', code: 'timeout' });
      expect(result.durationMs).toBeGreaterThanOrEqual(295);
      expect(result.durationMs).toBeLessThan(5000);
    }
  });

  test('an aborted attempt ends at once', async () => {
    const server = await rawServer(() => undefined);
    const to = await sender(targetOf(server.url));
    const controller = new AbortController();
    setTimeout(() => {
      controller.abort();
    }, 50);
    const result = await to.send(requestOf(), optionsOf({ signal: controller.signal }));
    expect(result).toMatchObject({ kind: 'no-answer', code: 'aborted' });
    expect(result.durationMs).toBeLessThan(2000);
    expect(await to.send(requestOf(), optionsOf({ signal: controller.signal }))).toMatchObject({ code: 'aborted' });
    expect(server.connections()).toBe(1);
  });

  test.each([
    ['cut short by its deadline', { timeoutMs: 200, concurrency: 4 }, undefined],
    ['cut short from outside', { concurrency: 4 }, 150],
    ['cut short on the only one there may be', { timeoutMs: 200, concurrency: 1 }, undefined],
  ])('one connection for a request %s, one for the next', async (_how, settings, abortAfterMs) => {
    const server = await rawServer(() => undefined);
    const to = await sender(targetOf(server.url, settings));
    const controller = new AbortController();
    const abort = (): void => {
      controller.abort();
    };
    if (abortAfterMs !== undefined) setTimeout(abort, abortAfterMs);
    expect(await to.send(requestOf(), optionsOf({ signal: controller.signal }))).toMatchObject({ kind: 'no-answer' });
    const next = to.send(requestOf(), optionsOf());
    await until(() => server.connections() === 2);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(server.connections()).toBe(2);
    await to.destroy();
    expect(await next).toMatchObject({ kind: 'no-answer' });
  });

  test('after some that were cut short, none waits behind another while a connection may be opened', async () => {
    const server = await rawServer(() => undefined);
    const to = await sender(targetOf(server.url, { concurrency: 2 }));
    const [first, second, rest] = [new AbortController(), new AbortController(), new AbortController()];
    const ends = [first, second].map(({ signal }) => to.send(requestOf(), optionsOf({ signal })));
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));
    await until(() => server.connections() === 2);
    await pause();
    for (const [at, cut] of [first, second].entries()) {
      cut.abort();
      await pause();
      ends.push(to.send(requestOf(), optionsOf({ signal: rest.signal })));
      await until(() => server.connections() === 3 + at);
      await pause();
      expect(server.connections()).toBe(3 + at);
    }
    rest.abort();
    for (const end of await Promise.all(ends)) expect(end).toMatchObject({ kind: 'no-answer', code: 'aborted' });
  });

  test('a sender that is being closed is closed once its last request was cut short', async () => {
    const server = await rawServer(() => undefined);
    const to = await senderFor(targetOf(server.url, { timeoutMs: 200 }));
    const result = to.send(requestOf(), optionsOf());
    await new Promise((resolve) => setTimeout(resolve, 50));
    await to.close();
    expect(await result).toMatchObject({ kind: 'no-answer', code: 'timeout' });
    expect(server.connections()).toBe(1);
  });

  test('requests that cannot be written leave the connections to those that can', async () => {
    const server = keep(await startHttp((request, response) => request.resume().on('end', () => response.end('{}'))));
    const from = await sender(targetOf(server.url, { timeoutMs: 2000, concurrency: 2 }));
    for (const headers of [{ 'x a': 'b' }, { '': 'b' }, { 'x-a': 'b\r\nx' }, { 'x a': 'b' }]) {
      expect(await from.send(requestOf({ headers }), optionsOf())).toMatchObject({
        kind: 'misconfigured',
        code: 'bad-request',
      });
    }
    expect(await from.send(requestOf(), optionsOf())).toMatchObject({ kind: 'response' });
    expect(await from.send(requestOf({ headers: { 'x a': 'b' } }), optionsOf())).toMatchObject({
      kind: 'misconfigured',
    });
    expect(await from.send(requestOf(), optionsOf())).toMatchObject({ kind: 'response' });
  });

  test('destroy ends what is under way', async () => {
    const server = await rawServer(() => undefined);
    const to = await senderFor(targetOf(server.url));
    const result = to.send(requestOf(), optionsOf());
    await until(() => server.connections() === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await to.destroy();
    expect(await result).toMatchObject({ kind: 'no-answer' });
    expect(await to.send(requestOf(), optionsOf())).toMatchObject({ kind: 'unreachable' });
  });
});

describe('unreachable: nothing was sent', () => {
  test('nobody listens', async () => {
    const server = await startHttp(() => undefined);
    await server.close();
    expect(await sendTo(server.url)).toMatchObject({
      kind: 'unreachable',
      code: 'ECONNREFUSED',
      message: `no connection to 127.0.0.1:${String(server.port)}: connection refused (ECONNREFUSED)`,
    });
  });

  test('the name does not exist', async () => {
    const result = await sendTo('https://nowhere.invalid', { proxy: false });
    expect(result).toMatchObject({ kind: 'unreachable' });
    expect((result as { code: string }).code).toMatch(/^(ENOTFOUND|EAI_AGAIN|timeout)$/);
  });

  test('the TLS handshake never ends', async () => {
    const server = keep(await startRaw(() => undefined));
    const result = await sendTo(server.url.replace('http:', 'https:'), { timeoutMs: 300 });
    expect(result).toMatchObject({ kind: 'unreachable', code: 'timeout' });
  });

  test('the connection is reset in the TLS handshake', async () => {
    const server = await rawServer((socket) => socket.resetAndDestroy());
    expect(await sendTo(server.url.replace('http:', 'https:'))).toMatchObject({
      kind: 'unreachable',
      code: 'ECONNRESET',
    });
  });

  test('a request that found no free connection before its deadline is never written', async () => {
    let requests = 0;
    const server = keep(
      await startHttp((_request, response) => {
        requests += 1;
        setTimeout(() => response.end(), 600);
      }),
    );
    const to = await sender(targetOf(server.url, { concurrency: 1, timeoutMs: 2000 }));
    const controller = new AbortController();
    const first = to.send(requestOf(), optionsOf());
    const second = to.send(requestOf(), optionsOf({ signal: controller.signal }));
    setTimeout(() => {
      controller.abort();
    }, 100);
    expect(await second).toMatchObject({ kind: 'no-answer', code: 'aborted' });
    expect(responseOf(await first).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(requests).toBe(1);
    expect(responseOf(await to.send(requestOf(), optionsOf())).status).toBe(200);
  });
});

describe('TLS', () => {
  const key = pem('server.key');

  async function secure(certificate: string, more: object = {}): Promise<RunningServer> {
    return keep(await startHttps({ key, cert: pem(certificate), ...more }, (_request, response) => response.end('{}')));
  }
  const ca = { ca: pemPath('ca.pem'), cert: undefined, key: undefined };

  test('a private authority works, and the connection is used again', async () => {
    const server = await secure('server.pem');
    const to = await sender(targetOf(server.url, { tls: ca, concurrency: 1 }));
    for (let round = 0; round < 3; round += 1)
      expect(responseOf(await to.send(requestOf(), optionsOf())).status).toBe(200);
    expect(server.connections()).toBe(1);
  });

  test.each([
    ['expired.pem', ca, 'CERT_HAS_EXPIRED', 'clock is wrong'],
    ['wrong-name.pem', ca, 'ERR_TLS_CERT_ALTNAME_INVALID', 'another name'],
    ['self-signed.pem', ca, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed'],
    ['server.pem', undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'authority unknown'],
    ['server.pem', { ...ca, ca: pemPath('other-ca.pem') }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'authority unknown'],
  ])('%s is refused: misconfigured', async (certificate, tls, code, words) => {
    const server = await secure(certificate);
    const result = await sendTo(server.url, { tls });
    expect(result).toMatchObject({ kind: 'misconfigured', code });
    expect((result as { message: string }).message).toContain(words);
    expect((result as { message: string }).message).toContain(`127.0.0.1:${String(server.port)}`);
  });

  test.each(['TLSv1.2', 'TLSv1.3'])(
    '%s: a missing client certificate is a misconfiguration, a right one works',
    async (version) => {
      const options = {
        ca: pem('ca.pem'),
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: version,
        maxVersion: version,
      };
      const server = await secure('server.pem', options);
      const refused = await sendTo(server.url, { tls: ca });
      expect(refused).toMatchObject({
        kind: 'misconfigured',
        message: expect.stringContaining('"cert", "key"'),
      });
      const tls = { ca: pemPath('ca.pem'), cert: pemPath('client.pem'), key: pemPath('client.key') };
      expect(responseOf(await sendTo(server.url, { tls })).status).toBe(200);
    },
  );

  test('plain http on the port is told', async () => {
    const server = await recorder();
    const result = await sendTo(server.url.replace('http:', 'https:'));
    expect(result).toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('does not speak TLS'),
    });
  });
});

const CREATED = 'HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}';
const withHeader = (lines: string): string => `HTTP/1.1 201 Created\r\n${lines}\r\ncontent-length: 2\r\n\r\n{}`;

describe('an answer that can be read', () => {
  test.each([
    ['behind an unasked 100', `HTTP/1.1 100 Continue\r\n\r\n${CREATED}`],
    ['behind a 100 of HTTP/1.0', `HTTP/1.0 100 Continue\r\n\r\n${CREATED}`],
    ['behind a 100 that says close', `HTTP/1.1 100 Continue\r\nconnection: close\r\n\r\n${CREATED}`],
    [
      'behind several 1xx',
      `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(3)}HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n${CREATED}`,
    ],
    ['with 60 KiB of headers', withHeader(`x-a: ${'a'.repeat(60 * 1024)}`)],
    ['with a folded header', withHeader('x-a: 1\r\n  2')],
  ])('%s, whole or byte by byte', async (_what, bytes) => {
    for (const size of [bytes.length, bytes.length > 5000 ? 997 : 1]) {
      const server = await rawServer((socket) => {
        socket.setNoDelay();
        for (let at = 0; at < bytes.length; at += size) socket.write(bytes.slice(at, at + size));
      });
      expect(responseOf(await sendTo(server.url))).toMatchObject({ status: 201, complete: true });
    }
  });

  test('the connection goes on to be used behind a 100', async () => {
    const server = keep(
      await startRaw((socket) => socket.on('data', () => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${CREATED}`))),
    );
    const to = await sender(targetOf(server.url, { concurrency: 1 }));
    for (let n = 0; n < 3; n += 1) expect(responseOf(await to.send(requestOf(), optionsOf())).status).toBe(201);
    expect(server.connections()).toBe(1);
  });
});

describe('an answer that cannot be read says what is wrong with it', () => {
  test.each([
    ['SSH-2.0-OpenSSH_9.7\r\n', 'it is not HTTP'],
    ['<html>hi</html>', 'it is not HTTP'],
    [Buffer.from([0x15, 3, 1, 0, 2, 2, 0x46]), 'it is not HTTP'],
    [withHeader('content-length: 2'), /content-length/i],
    [withHeader('content-length: 3'), /content-length/i],
    [withHeader('no colon'), /header/i],
    ['HTTP/1.1 201 Created\r\ncontent-length: 2\r\nno colon\r\n\r\n{}', /header/i],
    ['HTTP/1.1 201 Created\r\ncontent-length: two\r\n\r\n{}', /content-length/i],
    ['HTTP/1.1 201 Created\ncontent-length: 2\n\n{}', /CR/],
    ['HTTP/1.1 1000 Many\r\n\r\n', /status/i],
    ['HTTP/1.1 099 Few\r\ncontent-length: 0\r\n\r\n', 'its status is 099'],
    ['HTTP/9.9 200 OK\r\n\r\n', /version/i],
    ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 'it switches protocols (101), which was not asked for'],
    [
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n',
      'it switches protocols (101), which was not asked for',
    ],
    [withHeader(`x-a: ${'a'.repeat(70_000)}`), 'it begins with more than 64 KiB of headers'],
  ])('%j', async (bytes, words) => {
    const server = await rawServer((socket) => socket.write(bytes));
    const result = await sendTo(server.url);
    expect(result).toMatchObject({ kind: 'no-answer', code: 'unreadable', isSent: true });
    const { message } = result as Extract<SendResult, { kind: 'no-answer' }>;
    const said = message.replace(`the answer of ${new URL(server.url).host} cannot be read: `, '');
    if (typeof words === 'string') expect(said).toBe(words);
    else expect(said).toMatch(words);
  });

  test('one that breaks off is a cut, not unreadable', async () => {
    const server = await rawServer((socket) => socket.end('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nx: '));
    expect(await sendTo(server.url)).toMatchObject({ kind: 'no-answer', code: 'UND_ERR_SOCKET' });
  });
});

describe('a body over a thin link', () => {
  /** Reads so many bytes every 50 ms; answers when all are there. */
  function slowReader(bytes: number, every: number): Promise<RunningServer> {
    return startRaw((socket) => {
      socket.pause();
      let got = 0;
      const timer = setInterval(() => {
        const chunk = socket.read(Math.min(every, Math.max(1, socket.readableLength))) as Buffer | null;
        got += chunk?.length ?? 0;
        if (got >= bytes) socket.end(CREATED);
      }, 50);
      socket
        .on('readable', () => undefined)
        .on('close', () => {
          clearInterval(timer);
        });
    });
  }

  const bodyOf = (bytes: number) => requestOf({ method: 'PUT', payload: Buffer.alloc(bytes, 'x') });

  test('it gets the time that it needs at "minRate" on top of the timeout', async () => {
    const bytes = 400_000;
    const server = keep(await slowReader(bytes, 20_000));
    const to = await sender(targetOf(server.url, { timeoutMs: 300, minRate: 100_000 }));
    const result = await to.send(bodyOf(bytes), optionsOf());
    expect(responseOf(result).status).toBe(201);
    expect(result.durationMs).toBeGreaterThan(600);
  });

  test('one that is cut says how long it took and how much was handed over, and names the link', async () => {
    const bytes = 16_000_000;
    const server = keep(await startRaw((socket) => socket.pause()));
    const to = await sender(targetOf(server.url, { timeoutMs: 300, minRate: 160_000_000 }));
    const result = await to.send(bodyOf(bytes), optionsOf());
    expect(result).toMatchObject({ kind: 'no-answer', code: 'timeout', isSent: true });
    const { message } = result as Extract<SendResult, { kind: 'no-answer' }>;
    const found = /^cut after [\d.]+ m?s with (\d+) of 16000000 bytes of the body handed over: the link to /.exec(
      message,
    );
    expect(Number(found?.[1])).toBeLessThan(bytes);
    expect(result.durationMs).toBeGreaterThanOrEqual(395);
  });

  test('a server that takes all and says nothing is not the link', async () => {
    const server = keep(await startRaw((socket) => socket.resume()));
    const to = await sender(targetOf(server.url, { timeoutMs: 400, minRate: 1_000_000_000 }));
    expect(await to.send(bodyOf(1_000_000), optionsOf())).toMatchObject({
      message: expect.stringMatching(/^no answer from .*; all 1000000 bytes of the body had been handed over$/),
    });
  });

  test('a stop says how much of it was handed over', async () => {
    const server = keep(await startRaw((socket) => socket.pause()));
    const to = await sender(targetOf(server.url));
    const signal = AbortSignal.timeout(200);
    expect(await to.send(bodyOf(16_000_000), optionsOf({ signal }))).toMatchObject({
      code: 'aborted',
      isSent: true,
      message: expect.stringMatching(/^stopped by syncq .*, with \d+ of 16000000 bytes of the body handed over/),
    });
  });
});

describe('proxies', () => {
  test('https goes through a tunnel, with a login', async () => {
    const server = keep(
      await startHttps({ key: pem('server.key'), cert: pem('server.pem') }, (_request, response) => response.end('{}')),
    );
    const proxy = keep(await startProxy(({ authorization }) => (authorization === 'Basic dMO8OnA6dw==' ? 200 : 407)));
    const tls = { ca: pemPath('ca.pem'), cert: undefined, key: undefined };
    const to = await sender(targetOf(`https://api.test:${String(server.port)}`, { tls, concurrency: 1 }), {
      HTTPS_PROXY: `http://t%C3%BC:p%3Aw@127.0.0.1:${String(proxy.port)}`,
    });
    expect(responseOf(await to.send(requestOf(), optionsOf())).status).toBe(200);
    expect(responseOf(await to.send(requestOf(), optionsOf())).status).toBe(200);
    expect(proxy.seen).toEqual([`CONNECT api.test:${String(server.port)}`]);
  });

  test('plain http is asked for in absolute form', async () => {
    const proxy = keep(await startProxy(() => 200));
    const to = await sender(targetOf('http://api.test/v1', { insecureHttp: true, proxy: proxy.url }));
    const response = responseOf(await to.send(requestOf(), optionsOf()));
    expect(Buffer.from(response.body).toString()).toBe('via proxy to api.test');
    expect(response.headers['x-request-id']).toBe('api.test');
    expect(proxy.seen).toEqual(['POST http://api.test/v1/things']);
  });

  test.each(['https://api.test', 'http://api.test'])('a proxy that wants a login for %s: 407', async (url) => {
    const proxy = keep(await startProxy(() => 407));
    const variable = url.startsWith('https') ? 'HTTPS_PROXY' : 'HTTP_PROXY';
    const { host } = new URL(proxy.url);
    const begin = `the proxy ${host}`;
    const meant = `${variable}=http://USER:PASSWORD@${host}`;
    const results = [
      await sendTo(url, { insecureHttp: true, proxy: proxy.url }),
      await (
        await sender(targetOf(url, { insecureHttp: true }), { [variable]: proxy.url })
      ).send(requestOf(), optionsOf()),
      await (
        await sender(targetOf(url, { insecureHttp: true }), { [variable]: `http://me:no@${host}` })
      ).send(requestOf(), optionsOf()),
      await (
        await sender(targetOf(url, { insecureHttp: true }), { [variable.toLowerCase()]: proxy.url })
      ).send(requestOf(), optionsOf()),
    ];
    expect(results.map((result) => responseOf(result).status)).toEqual([407, 407, 407, 407]);
    expect(results.map((result) => (result.kind === 'response' ? result.proxyLogin : ''))).toEqual([
      `${begin} wants a login (407): take "proxy" out of the target and set ${meant}`,
      `${begin} wants a login (407): set ${meant}`,
      `${begin} does not accept the user and password in the environment variable ${variable} (407)`,
      `${begin} wants a login (407): set ${variable.toLowerCase()}=http://USER:PASSWORD@${host}`,
    ]);
  });

  test('a 407 from within a tunnel, or without a proxy, is not the proxy’s', async () => {
    const server = keep(
      await startHttps({ key: pem('server.key'), cert: pem('server.pem') }, (_request, response) => {
        response.writeHead(407).end();
      }),
    );
    const proxy = keep(await startProxy(() => 200));
    const tls = { ca: pemPath('ca.pem'), cert: undefined, key: undefined };
    const inside = await sendTo(`https://api.test:${String(server.port)}`, { tls, proxy: proxy.url });
    const plain = await rawServer((socket) => socket.write('HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n'));
    for (const result of [inside, await sendTo(plain.url)]) {
      expect(responseOf(result).status).toBe(407);
      expect(result).not.toHaveProperty('proxyLogin');
    }
  });

  test.each([
    [403, 'proxy-refused'],
    [502, 'proxy-refused'],
    [0, 'ECONNRESET'],
  ])('a tunnel refused with %d is no connection, and is asked for once', async (status, code) => {
    const proxy = keep(await startProxy(() => status));
    expect(await sendTo('https://api.test', { proxy: proxy.url })).toMatchObject({ kind: 'unreachable', code });
    expect(proxy.seen).toHaveLength(1);
  });

  test('no proxy there', async () => {
    const proxy = await startProxy(() => 200);
    await proxy.close();
    const proxyHost = new URL(proxy.url).host;
    expect(await sendTo('https://api.test', { proxy: proxy.url })).toMatchObject({
      kind: 'unreachable',
      code: 'ECONNREFUSED',
      message: `no connection to api.test through the proxy ${proxyHost}: connection refused (ECONNREFUSED)`,
    });
  });

  test('a proxy that never opens the tunnel', async () => {
    const proxy = keep(await startRaw(() => undefined));
    expect(await sendTo('https://api.test', { proxy: proxy.url, timeoutMs: 300 })).toMatchObject({
      kind: 'unreachable',
    });
  });

  test('"proxy": false goes direct whatever the environment says', async () => {
    const server = await recorder();
    const to = await sender(targetOf(server.url, { proxy: false }), { HTTP_PROXY: 'http://127.0.0.1:9' });
    expect(responseOf(await to.send(requestOf(), optionsOf())).status).toBe(200);
  });
});

describe('settings that cannot work', () => {
  const wrongTls = { ca: pemPath('README.md'), cert: undefined, key: undefined };
  test.each([
    ['NODE_TLS_REJECT_UNAUTHORIZED=0', 'https://api.test', {}, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'tls-off'],
    ['plain http', 'http://api.test', {}, {}, 'insecure-http'],
    ['no URL', 'api.test', {}, {}, 'bad-base-url'],
    ['another scheme', 'ftp://api.test', {}, {}, 'bad-base-url'],
    ['a password in the URL', 'https://a:b@api.test', {}, {}, 'bad-base-url'],
    ['a private literal address', 'https://10.0.0.1', { denyPrivate: true }, {}, 'forbidden-address'],
    ['a mapped literal address', 'https://[::ffff:10.8.8.8]', { denyPrivate: true }, {}, 'forbidden-address'],
    ['a NAT64 literal address', 'https://[64:ff9b::169.254.169.254]', { denyPrivate: true }, {}, 'forbidden-address'],
    ['a private address as one number', 'https://2130706433', { denyPrivate: true }, {}, 'forbidden-address'],
    ['a private address in octal', 'https://0251.0376.0251.0376', { denyPrivate: true }, {}, 'forbidden-address'],
    ['a private address in hex, short', 'https://0x0a.1', { denyPrivate: true }, {}, 'forbidden-address'],
    ['a private address with a final dot', 'https://10.0.0.1.', { denyPrivate: true }, {}, 'forbidden-address'],
    ['a private address in wide digits', 'https://１０.0.0.1', { denyPrivate: true }, {}, 'forbidden-address'],
    ['a name of this machine', 'http://localhost', { denyPrivate: true }, {}, 'forbidden-address'],
    ['one with a final dot', 'https://a.LOCALHOST.', { denyPrivate: true }, {}, 'forbidden-address'],
    ['an address with a zone', 'https://[fe80::1%25eth0]', { denyPrivate: true }, {}, 'bad-base-url'],
    [
      'a proxy that looks up names',
      'https://api.test',
      { denyPrivate: true },
      { https_proxy: 'a:secret@p:1' },
      'forbidden-address',
    ],
    ['a proxy of its own', 'https://api.test', { denyPrivate: true, proxy: 'http://p:1' }, {}, 'forbidden-address'],
    ['a missing CA file', 'https://api.test', { tls: { ...wrongTls, ca: '/nowhere/ca.pem' } }, {}, 'bad-tls'],
    ['a CA file that is none', 'https://api.test', { tls: wrongTls }, {}, 'bad-tls'],
    [
      'a certificate without key',
      'https://api.test',
      { tls: { ca: undefined, cert: pemPath('client.pem'), key: undefined } },
      {},
      'bad-tls',
    ],
    [
      "another one's key",
      'https://api.test',
      { tls: { ca: undefined, cert: pemPath('client.pem'), key: pemPath('server.key') } },
      {},
      'bad-tls',
    ],
    ['a socks proxy', 'https://api.test', { proxy: 'socks5://user:secret@127.0.0.1' }, {}, 'bad-proxy'],
    ['a proxy that is no URL', 'https://api.test', {}, { https_proxy: 'http://user:secret@[' }, 'bad-proxy'],
  ])('%s: misconfigured, nothing is sent', async (_what, url, changes, env, code) => {
    const to = await sender(targetOf(url, changes), env);
    expect(to.problem?.code).toBe(code);
    const result = await to.send(requestOf(), optionsOf());
    expect(result).toMatchObject({ kind: 'misconfigured', code });
    expect(JSON.stringify(result)).not.toContain('secret');
  });
});
