import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { runCli } from '../support/cli.js';
import { startServer } from '../support/rest-server.js';
import { testHome } from '../support/temp.js';

const at = (name: string): string => join(testHome().cwd, name);

function configure(baseUrl: string, more: Record<string, unknown> = {}): void {
  writeFileSync(at('syncq.json'), JSON.stringify({ targets: { api: { baseUrl, ...more } } }));
}

async function threeItems(): Promise<void> {
  configure('http://127.0.0.1:1');
  for (const [n, data] of ['{"n":9007199254740993}', '"\\ud800"', '[1e400]'].entries()) {
    await runCli('enqueue', 'POST', '/a', '-d', data, '--entity', `a/${n % 2}`);
  }
}

describe('syncq doctor', () => {
  test('says that there is no queue yet, and makes none', async () => {
    expect(await runCli('doctor')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^No queue yet at .* \(user .*\)\n$/),
    });
    expect((await runCli('doctor', '--json')).json()).toMatchObject({ exists: false, verdict: 'sound' });
    expect(await runCli('doctor', '--queue', 'missing.db', '--json')).toMatchObject({ code: 6 });
  });

  test('of a sound queue says so first, exit 0', async () => {
    await threeItems();
    const { stdout, code } = await runCli('doctor');
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toBe(`the queue is sound: ${at('syncq.db')}`);
    expect((await runCli('doctor', '--json')).json()).toMatchObject({
      verdict: 'sound',
      findings: [],
      items: 3,
      payloads: 3,
      notSealed: 0,
      runner: null,
    });
  });

  test('exits 3 where a person is needed, and says what to do', async () => {
    await threeItems();
    chmodSync(at('syncq.db'), 0o644);
    const { stdout, code } = await runCli('doctor');
    expect(code).toBe(3);
    expect(stdout).toContain(
      `problem: others may read ${at('syncq.db')} (mode 644)\n  do:   chmod 600 ${at('syncq.db')}\n`,
    );
    expect(stdout.split('\n')[1]).toMatch(/^problem: /);
  });

  test('works with a broken config and finds it', async () => {
    await threeItems();
    writeFileSync(at('syncq.json'), '{');
    expect(await runCli('doctor', '--queue', 'syncq.db', '--json')).toMatchObject({ code: 3 });
  });

  test('exits 6 for a file that is no queue, and --save refuses it', async () => {
    writeFileSync(at('x.db'), 'x'.repeat(5000));
    const result = await runCli('doctor', '--queue', 'x.db', '--json');
    expect(result.code).toBe(6);
    expect(result.json()).toMatchObject({ verdict: 'unusable', findings: [{ code: 'not-a-queue' }] });
    expect(await runCli('doctor', '--queue', 'x.db', '--save', 'out', '--json')).toMatchObject({ code: 6 });
  });

  test('saves what another queue can take, to the byte, and finished items apart', async () => {
    await threeItems();
    const server = await startServer({ answer: ({ n }) => ({ status: n === 1 ? 200 : 422 }) });
    configure(server.url);
    await runCli('run');
    const saved = (await runCli('doctor', '--save', 'out.ndjson', '--json')).json();
    expect(saved.saved).toMatchObject({
      items: 2,
      finished: 1,
      finishedFile: at('out.ndjson.finished'),
      unreadable: [],
      altered: [],
    });
    expect(statSync(at('out.ndjson')).mode & 0o777).toBe(0o600);

    expect(await runCli('enqueue', '--queue', 'new.db', '--from', 'out.ndjson')).toMatchObject({ code: 0 });
    const content = async (queue: string): Promise<unknown[]> =>
      (await runCli('inspect', '--queue', queue, '--state', 'pending', '--state', 'review', '--json'))
        .json()
        .items.map(({ idempotencyKey, payloadSha256, entity, path }: any) => ({
          idempotencyKey,
          payloadSha256,
          entity,
          path,
        }))
        .sort((a: any, b: any) => a.idempotencyKey.localeCompare(b.idempotencyKey));
    expect(await content('new.db')).toEqual(await content('syncq.db'));
    expect(readFileSync(at('out.ndjson.finished'), 'utf8').trim().split('\n')).toHaveLength(1);
    expect(await runCli('doctor', '--save', 'out.ndjson')).toMatchObject({ code: 2 });
  });

  test('finds a base URL that moved to another host while items are half sent', async () => {
    const server = await startServer({ answer: { drop: true } });
    configure(server.url);
    await runCli('enqueue', 'POST', '/a', '-d', '1');
    await runCli('run');
    configure('https://other.example');
    const found = (await runCli('doctor', '--json')).json();
    expect(found.findings).toMatchObject([
      { code: 'base-url-changed', next: expect.stringContaining('syncq target accept api') },
    ]);
  });
});

describe('syncq backup', () => {
  test('makes a copy that everything reads and run refuses, until it is adopted on purpose', async () => {
    await threeItems();
    const made = await runCli('backup', 'copy.db');
    expect(made).toMatchObject({ code: 0, stdout: `${at('copy.db')}\n` });
    expect((await runCli('status', '--queue', 'copy.db', '--json')).json()).toMatchObject({ counts: { pending: 3 } });
    const refused = await runCli('run', '--queue', 'copy.db', '--json');
    expect(refused).toMatchObject({ code: 6 });
    expect(refused.json().error.code).toBe('queue-is-copy');
    expect(await runCli('doctor', '--queue', 'copy.db')).toMatchObject({ code: 3 });
    writeFileSync(at('more.ndjson'), '{"method":"POST","path":"/b"}');
    const warned = { code: 0, stderr: expect.stringContaining(`warning: this queue is a copy of ${at('syncq.db')} (`) };
    for (const what of [
      ['POST', '/a'],
      ['--from', 'more.ndjson'],
    ])
      expect(await runCli('enqueue', ...what, '--queue', 'copy.db')).toMatchObject(warned);

    const asked = await runCli('doctor', '--queue', 'copy.db', '--adopt', '--json');
    expect(asked).toMatchObject({ code: 2 });
    expect(asked.json().error.code).toBe('confirm-needed');
    expect(await runCli('doctor', '--queue', 'copy.db', '--adopt', '--yes')).toMatchObject({ code: 0 });
    expect(await runCli('doctor', '--queue', 'copy.db', '--adopt', '--yes')).toMatchObject({ code: 5 });
    expect((await runCli('enqueue', 'POST', '/a', '--queue', 'copy.db')).stderr).toBe('');
    expect((await runCli('run', '--queue', 'copy.db', '--json')).json()).not.toHaveProperty('error');
  });

  test('refuses a place that is taken, and a queue that is not there', async () => {
    expect(await runCli('backup', 'copy.db')).toMatchObject({ code: 5 });
    await threeItems();
    writeFileSync(at('copy.db'), '');
    expect(await runCli('backup', 'copy.db')).toMatchObject({ code: 2 });
    expect(await runCli('backup', join('no', 'such', 'place.db'))).toMatchObject({ code: 6 });
  });
});
