import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { runProcess } from '../support/process.js';
import { startServer } from '../support/rest-server.js';
import { testHome } from '../support/temp.js';

const at = (name: string): string => join(testHome().cwd, name);

function configure(targets: Record<string, unknown>): void {
  writeFileSync(at('syncq.json'), JSON.stringify({ targets }), { mode: 0o600 });
}

describe('the host of a request', () => {
  test.each([
    '//evil.example/x',
    '\\\\evil.example\\x',
    '/../../x',
    '/%2e%2e/x',
    '/a%2fb',
    '/a%5cb',
    '/a#b',
    'http:evil',
    '/a\r\nhost: evil',
  ])('cannot be chosen by a path: %j is refused', async (path) => {
    configure({ api: { baseUrl: 'http://127.0.0.1:1/v1' } });
    expect(await runProcess(['enqueue', 'POST', path, '-d', '1'])).toMatchObject({ code: 2 });
  });

  test('cannot be chosen by a payload or a header', async () => {
    const [server, evil] = [await startServer(), await startServer()];
    configure({ api: { baseUrl: server.url } });
    const line = JSON.stringify({
      method: 'POST',
      path: '/a',
      payload: { url: evil.url, host: evil.url, baseUrl: evil.url, target: evil.url },
    });
    expect(await runProcess(['enqueue', '--from', '-'], { stdin: `${line}\n` })).toMatchObject({ code: 0 });
    expect(await runProcess(['enqueue', 'POST', '/a', '-H', `Host: ${evil.url}`])).toMatchObject({ code: 2 });
    expect(await runProcess(['run'])).toMatchObject({ code: 0 });
    expect([server.requests.length, evil.requests.length]).toEqual([1, 0]);
  });

  test('that moved while items are half sent is refused, until a person accepts it', async () => {
    const [first, second] = [await startServer({ answer: { drop: true } }), await startServer()];
    configure({ api: { baseUrl: first.url } });
    await runProcess(['enqueue', 'POST', '/a', '-d', '1']);
    expect(await runProcess(['run'])).toMatchObject({ code: 4 });
    configure({ api: { baseUrl: second.url } });
    expect(await runProcess(['run'])).toMatchObject({ code: 3 });
    expect(second.requests).toHaveLength(0);
    expect(await runProcess(['target', 'accept', 'api'])).toMatchObject({ code: 0 });
    expect(await runProcess(['run', '--wait', '--max-time', '20s'])).toMatchObject({ code: 0 });
    expect(second.requests).toHaveLength(1);
  }, 60_000);
});

describe('certificates', () => {
  test('are checked: with NODE_TLS_REJECT_UNAUTHORIZED=0 nothing is sent at all', async () => {
    const server = await startServer();
    configure({ api: { baseUrl: server.url.replace('http:', 'https:') } });
    await runProcess(['enqueue', 'POST', '/a', '-d', '1']);
    const { code, stdout, stderr } = await runProcess(['run'], { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
    expect(code).toBe(3);
    expect(stdout + stderr).toContain('NODE_TLS_REJECT_UNAUTHORIZED=0');
    expect(server.connections).toBe(0);
  });
});

describe('files', () => {
  test('are for their owner alone, whatever the umask', async () => {
    configure({ api: { baseUrl: (await startServer()).url } });
    const umask = process.umask(0);
    try {
      const queue = ['--queue', at('deep/er/q.db')];
      await runProcess(['enqueue', 'POST', '/a', '-d', '1', ...queue]);
      await runProcess(['run', ...queue]);
      await runProcess(['enqueue', 'POST', '/a', '-d', '1', ...queue]);
      await runProcess(['backup', at('deep/copy.db'), ...queue]);
      await runProcess(['doctor', '--save', at('deep/saved.ndjson'), ...queue]);
      await runProcess(['export', '--state', 'all', '--out', at('deep/export.ndjson'), ...queue]);
    } finally {
      process.umask(umask);
    }
    const names = [
      'deep',
      ...readdirSync(at('deep'), { recursive: true, encoding: 'utf8' }).map((name) => join('deep', name)),
    ];
    expect(names).toEqual(
      expect.arrayContaining(['deep/er/q.db', 'deep/er/q.db.lock', 'deep/copy.db', 'deep/saved.ndjson']),
    );
    const open = names.filter((name) => (statSync(at(name)).mode & 0o077) !== 0);
    expect(open).toEqual([]);
  }, 60_000);

  test('that are links are refused and stay as they are', async () => {
    configure({ api: { baseUrl: 'http://127.0.0.1:1' } });
    mkdirSync(at('other'));
    writeFileSync(at('other/victim'), 'do not touch');
    symlinkSync(at('other/victim'), at('q.db'));
    expect(await runProcess(['enqueue', 'POST', '/a', '-d', '1', '--queue', 'q.db'])).toMatchObject({ code: 6 });
    await runProcess(['enqueue', 'POST', '/a', '-d', '1', '--queue', 'real.db']);
    symlinkSync(at('other/victim'), at('copy.db'));
    expect(await runProcess(['backup', 'copy.db', '--queue', 'real.db'])).toMatchObject({ code: 2 });
    symlinkSync(at('other/victim'), at('real.db.lock.new'));
    expect(readFileSync(at('other/victim'), 'utf8')).toBe('do not touch');
  }, 60_000);
});

describe('keys that would reach into objects', () => {
  test('are payload bytes like any others, and no keys of the config', async () => {
    const server = await startServer();
    configure({ api: { baseUrl: server.url } });
    const payload = '{"__proto__":{"admin":true},"constructor":{"prototype":1}}';
    const env = { NODE_OPTIONS: '--disable-proto=throw' };
    expect(await runProcess(['enqueue', 'POST', '/a', '-d', payload], { env })).toMatchObject({ code: 0 });
    expect(await runProcess(['run'], { env })).toMatchObject({ code: 0 });
    expect(server.requests[0]?.body.toString()).toBe(payload);
    writeFileSync(
      at('syncq.json'),
      '{"targets":{"__proto__":{"baseUrl":"https://evil.example"}},"__proto__":{"queue":"/tmp/x"}}',
    );
    expect(await runProcess(['enqueue', 'POST', '/a'])).toMatchObject({ code: 2 });
  });
});
