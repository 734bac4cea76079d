import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';

import { afterEach, describe, expect, test } from '@jest/globals';

import { startMetrics, type MetricsServer } from '../../src/cli/run/metrics-server.js';
import { emptyConfig } from '../../src/core/config/validate.js';
import { emptyStatus } from '../../src/core/policy/status.js';

const opened: { destroy(): unknown }[] = [];
let server: MetricsServer | undefined;

afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await server?.close();
});

async function start(address: string): Promise<number> {
  const queue = { status: async () => ({ ...emptyStatus({ queue: '/q.db', config: emptyConfig() }), headline: [] }) };
  server = await startMetrics(address, queue, 0);
  return server.port;
}

/** @returns the status and the first word of the body */
async function ask(port: number, host: string | undefined): Promise<string> {
  return await new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/metrics', setHost: false, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve(`${String(response.statusCode)} ${body.split(' ')[0] ?? ''}`));
    });
    if (host !== undefined) sent.setHeader('host', host);
    sent.on('error', reject).end();
  });
}

describe('the metrics of a watch', () => {
  test.each([
    ['127.0.0.1:0', 'localhost'],
    ['127.0.0.1:0', 'LOCALHOST:9464'],
    ['127.0.0.1:0', '127.0.0.1:9464'],
    ['127.0.0.1:0', '[::1]:9464'],
    ['0.0.0.0:0', '127.0.0.1'],
    ['0.0.0.0:0', '0.0.0.0:1'],
    ['localhost:0', 'localhost:1'],
    ['0.0.0.0:0', hostname()],
  ])('at %s are shown to who asks %s', async (address, host) => {
    expect(await ask(await start(address), host)).toBe('200 #');
  });

  test.each([
    'evil.example',
    'evil.example:9464',
    '127.0.0.1.evil.example',
    '10.1.2.3',
    'localhost.evil.example',
    '',
    'a b',
    '[',
    'evil@localhost.example',
  ])('are not shown under another name: %j', async (host) => {
    expect(await ask(await start('0'), host)).toMatch(/^(?:421 this|400 )/);
  });

  test('are shown while clients that never finish hold every connection', async () => {
    const port = await start('0');
    const ended = new Set<Socket>();
    for (let n = 0; n < 40; n += 1) {
      const socket = connect(port, '127.0.0.1');
      opened.push(socket);
      socket.on('error', () => undefined).once('close', () => ended.add(socket));
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    }
    expect(await ask(port, 'localhost')).toBe('200 #');
    expect(ended.size).toBeGreaterThanOrEqual(40 - 16);
  });

  test('are not kept from others by one that sends its headers for ever', async () => {
    const port = await start('0');
    const socket = connect(port, '127.0.0.1');
    opened.push(socket);
    const startedAt = Date.now();
    const drip = setInterval(() => socket.write('X-Slow: 1\r\n'), 100);
    const closed = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n');
    socket.resume();
    await closed;
    clearInterval(drip);
    expect(Date.now() - startedAt).toBeLessThan(9_000);
  }, 20_000);
});
