import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { loadSqlite } from '../../src/core/store/sqlite/file/driver.js';
import { runCli } from '../support/cli.js';
import { startProcess } from '../support/process.js';
import type { Answer, ReceivedRequest, RestServer, Script } from '../support/rest-server.js';
import { startServer } from '../support/rest-server.js';
import { tempDirectory, testHome } from '../support/temp.js';

interface Field {
  production: RestServer;
  staging: RestServer;
  queue: string;
  config: string;
  common: string[];
}

const accept = (request: ReceivedRequest): Answer => ({
  status: 201,
  body: { id: request.n, name: JSON.parse(request.body.toString() || '{}').name ?? null },
});

/** Seven items to production, of three lanes; the fourth is refused, so that the fifth waits behind it. */
async function field(staging: Script = accept, more: Record<string, unknown> = {}): Promise<Field> {
  const production = await startServer({
    answer: (request) => (request.path === '/refused' ? { status: 422, body: { message: 'no' } } : accept(request)),
  });
  const stagingServer = await startServer({ answer: staging });
  const config = join(tempDirectory(), 'config.json');
  const targets = { production: { baseUrl: production.url }, staging: { baseUrl: stagingServer.url, ...more } };
  writeFileSync(config, JSON.stringify({ defaultTarget: 'production', targets, sensitive: ['phone'] }), {
    mode: 0o600,
  });
  const queue = join(tempDirectory(), 'queue.db');
  const common = ['--queue', queue, '--config', config];
  const writes = [['/one', 'a'], ['/two', 'b'], ['/three', 'a'], ['/refused', 'b'], ['/behind', 'b'], ['/six', 'c'], ['/seven', 'a']]; // prettier-ignore
  for (const [path, lane] of writes)
    await runCli(
      'enqueue',
      'POST',
      path!,
      '-d',
      JSON.stringify({ name: path, phone: '91234567' }),
      '--entity',
      `thing/${lane}`,
      ...common,
    );
  await runCli('run', ...common);
  return { production, staging: stagingServer, queue, config, common };
}

/** Every row of every table, to the byte. */
function tablesOf(queue: string): string {
  const db = new (loadSqlite())(queue, { readonly: true });
  const hash = createHash('sha256');
  const names = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).all() as {
    name: string;
  }[];
  for (const { name } of names)
    hash.update(name).update(JSON.stringify(db.prepare(`SELECT * FROM "${name}"`).raw().all()));
  db.close();
  return hash.digest('hex');
}

const ledgers = (): string[] => {
  const directory = join(testHome().queue, '..');
  return existsSync(directory)
    ? readdirSync(directory).filter((name) => name.startsWith('replay-') && name.endsWith('.db'))
    : [];
};

const paths = (server: RestServer): string[] => server.requests.map(({ path }) => path);
const keysOf = (server: RestServer): string[] =>
  server.requests.map(({ headers }) => String(headers['idempotency-key']));

describe('syncq replay', () => {
  test('sends all seven to staging in order under other keys, none to production, and leaves the queue to the byte', async () => {
    const { production, staging, queue, common } = await field();
    const sentBefore = production.requests.length;
    const before = tablesOf(queue);
    const { code, json } = await runCli('replay', '--to', 'staging', '--all', '--json', ...common);
    expect(paths(staging)).toEqual(['/one', '/two', '/three', '/refused', '/behind', '/six', '/seven']);
    expect(production.requests).toHaveLength(sentBefore);
    expect(new Set([...keysOf(staging), ...keysOf(production)]).size).toBe(7 + sentBefore);
    expect(tablesOf(queue)).toBe(before);
    expect(staging.requests.map(({ body }) => body.toString())).toEqual(
      ['one', 'two', 'three', 'refused', 'behind', 'six', 'seven'].map((name) =>
        JSON.stringify({ name: `/${name}`, phone: '91234567' }),
      ),
    );
    expect(json()).toMatchObject({
      target: 'staging',
      chosen: 7,
      sent: 7,
      same: 5,
      new: 1,
      differs: 1,
      noAnswer: 0,
      skipped: 0,
      remaining: 0,
      stopped: 'done',
      itemsAre: 'all',
    });
    // Production refused what staging takes: that is a difference, too.
    expect(json().items.map(({ id, verdict }: any) => [id, verdict])).toEqual([[1, 'same'], [2, 'same'], [3, 'same'], [4, 'differs'], [5, 'new'], [6, 'same'], [7, 'same']]); // prettier-ignore
    expect(code).toBe(3);
    expect(ledgers()).toHaveLength(1);
    expect(json().ledger).toContain(ledgers()[0]);
    expect(statSync(json().ledger).mode & 0o777).toBe(0o600);
  });

  test('reports a staging 500 where production said 201, and ends with 3', async () => {
    const { common } = await field((request) =>
      request.path === '/six'
        ? { status: 500, body: { message: 'boom' } }
        : request.path === '/refused'
          ? { status: 400 }
          : accept(request),
    );
    const { code, json } = await runCli('replay', '--to', 'staging', '--all', '--json', ...common);
    expect(code).toBe(3);
    expect(json()).toMatchObject({ same: 5, new: 1, differs: 1 });
    expect(json().items[5]).toMatchObject({
      id: 6,
      verdict: 'differs',
      original: { status: 201 },
      replay: { status: 500, message: 'boom' },
    });
    expect(json().groups).toContainEqual({
      operation: 'create',
      original: 201,
      replay: 500,
      verdict: 'differs',
      count: 1,
      firstId: 6,
    });
  });

  test('ends with 0 when every answer is of the class of the original’s, or 2xx where there is none', async () => {
    const { common } = await field((request) =>
      request.path === '/refused' ? { status: 400, body: { message: 'no' } } : { ...accept(request), status: 200 },
    );
    const { code, stdout } = await runCli('replay', '--to', 'staging', '--all', ...common);
    expect(code).toBe(0);
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      'replayed to staging: 6 as before, 1 new (the original has no answer yet); 7 answered now, 0 in an earlier replay',
      '5\tcreate\t201\t200\tsame',
      '1\tcreate\t422\t400\tsame',
      '1\tcreate\t-\t200\tnew',
    ]);
  });

  test('tells differences of the bodies, but not of ids and times, and hides what is sensitive', async () => {
    const answer = (request: ReceivedRequest): Answer =>
      request.path === '/refused'
        ? { status: 422, body: { message: 'no' } }
        : { status: 201, body: { id: 99 + request.n, name: 'other', phone: '40000000', updatedAt: 'now', list: [1] } };
    const { common, config } = await field(answer);
    const first = (await runCli('replay', '--to', 'staging', '1', '--json', ...common)).json();
    expect([first.same, first.bodyDiffers]).toEqual([1, 1]);
    expect(first.items[0].body).toEqual([
      { path: '/name', kind: 'changed', original: '"/one"', replay: '"other"' },
      { path: '/phone', kind: 'added', original: null, replay: '***' },
      { path: '/list', kind: 'added', original: null, replay: '[1]' },
    ]);
    writeFileSync(config, readFileSync(config, 'utf8').replace('{', '{"replay":{"ignore":["list"]},'), { mode: 0o600 });
    expect((await runCli('replay', '--to', 'staging', '1', '--json', ...common)).json().items[0].body).toHaveLength(2);
    const paths = (items: any): string[] => items.items[0].body.map(({ path }: any) => path);
    expect(
      paths(
        (
          await runCli('replay', '--to', 'staging', '1', '--json', '--ignore', 'name', '--ignore', '/list', ...common)
        ).json(),
      ),
    ).toEqual(['/phone']);
    expect(paths((await runCli('replay', '--to', 'staging', '1', '--json', '--exact', ...common)).json())).toContain(
      '/id',
    );
  });

  test('hides what is sensitive also where a server quotes it, and names ids that are not there', async () => {
    const quoting = ({ body }: ReceivedRequest): Answer => {
      const { phone } = JSON.parse(body.toString()) as { phone: string };
      return { status: 500, body: { message: `no room for ${phone}`, was: { number: phone } } };
    };
    const { common } = await field(quoting);
    const report = join(tempDirectory(), 'report.html');
    const first = await runCli('replay', '--to', 'staging', '1', '99', '--json', '--report', report, ...common);
    expect(first.json()).toMatchObject({
      differs: 1,
      missing: [99],
      items: [{ replay: { message: 'no room for ***' } }],
    });
    const plain = await runCli('replay', '--to', 'staging', '1', '99', ...common);
    expect(plain.stderr).toContain('there is no item 99');
    for (const text of [first.stdout, plain.stdout, readFileSync(report, 'utf8')])
      expect(text).not.toContain('91234567');
    const none = await runCli('replay', '--to', 'staging', '99', ...common);
    expect([none.code, none.stdout]).toEqual([5, 'nothing was replayed: no item matches\n']);
    expect((await runCli('replay', '--to', 'staging', '99', '--dry-run', ...common)).stderr).toContain('no item 99');
  });

  test('skips what was replayed, and --again starts anew under new keys', async () => {
    const { staging, common } = await field();
    await runCli('replay', '--to', 'staging', '1', '2', ...common);
    const { json } = await runCli('replay', '--to', 'staging', '--all', '--json', ...common);
    expect(json()).toMatchObject({ sent: 5, earlier: 2, chosen: 7, same: 5, new: 1 });
    expect(json().items.map(({ earlier }: any) => earlier)).toEqual([true, true, false, false, false, false, false]);
    expect(paths(staging)).toHaveLength(7);
    expect((await runCli('replay', '--to', 'staging', '--all', '--again', '--json', ...common)).json()).toMatchObject({
      sent: 7,
      earlier: 0,
    });
    expect(new Set(keysOf(staging)).size).toBe(14);
  });

  test('takes an earlier answer only for the same request: what a corrected command changes is sent, under another key', async () => {
    const { staging, common } = await field((request) =>
      request.path === '/wrong' ? { status: 404, body: { message: 'no such place' } } : accept(request),
    );
    const again = (...changes: string[]): ReturnType<typeof runCli> =>
      runCli('replay', '--to', 'staging', '1', ...changes, ...common);
    const first = await again('--map-path', '/one=/wrong');
    expect(first.stdout).toContain('404');
    const dry = await again('--map-path', '/one=/right', '--dry-run', '--json');
    expect(dry.json().requests[0].skipped).toBeNull();
    const corrected = await again('--map-path', '/one=/right');
    expect(corrected.stdout).toContain('1 as before; 1 answered now, 0 in an earlier replay');
    const headed = await again('--map-path', '/one=/right', '--set-header', 'X-A: 1', '--set-header', 'X-B: 2');
    expect(headed.stdout).toContain('1 answered now, 0 in an earlier replay');
    expect(paths(staging)).toEqual(['/wrong', '/right', '/right']);
    expect(new Set(keysOf(staging)).size).toBe(3);
    // Each of them has its own answer for good, in whatever order its headers are given.
    const back = await again('--map-path', '/one=/wrong', '--json');
    expect(back.json()).toMatchObject({ sent: 0, earlier: 1, differs: 1, items: [{ replay: { status: 404 } }] });
    const same = await again('--set-header', 'X-B: 2', '--set-header', 'X-A: 1', '--map-path', '/one=/right');
    expect(same.stdout).toContain('1 as before; 0 answered now, 1 in an earlier replay');
    expect(staging.requests).toHaveLength(3);
  });

  test('forgets answers of a record that does not say what they were answers to', async () => {
    const { staging, common } = await field();
    const { json } = await runCli('replay', '--to', 'staging', '1', '--json', ...common);
    const db = new (loadSqlite())(json().ledger);
    db.exec('CREATE TABLE sent (item_key TEXT PRIMARY KEY); DROP TABLE answer');
    db.close();
    expect((await runCli('replay', '--to', 'staging', '1', '--json', ...common)).json()).toMatchObject({ sent: 1 });
    expect(new Set(keysOf(staging)).size).toBe(1);
  });

  test('tells where a redirect leads, without what is sensitive in it', async () => {
    const { common } = await field(() => ({
      status: 302,
      headers: { location: 'https://login.example.org/phone/91234567?token=geheim' },
      body: { message: 'moved' },
    }));
    const [html, json] = ['html', 'json'].map((kind) => join(tempDirectory(), `r.${kind}`)) as [string, string];
    const { stdout } = await runCli('replay', '--to', 'staging', '1', '--report', html, ...common);
    await runCli('replay', '--to', 'staging', '1', '--report', json, ...common);
    const words = 'the server redirects to https://login.example.org/phone/***';
    expect(stdout).toContain(`item 1 POST /one: 201 -> 302: ${words}`);
    for (const text of [readFileSync(html, 'utf8'), readFileSync(json, 'utf8')]) {
      expect(text).toContain(words);
      expect(text).not.toMatch(/91234567|geheim/);
    }
  });

  test('keeps the order of each lane while lanes go side by side', async () => {
    const { staging, common } = await field(async (request) => {
      await new Promise((resolve) => setTimeout(resolve, request.path === '/one' ? 150 : 30));
      return accept(request);
    });
    await runCli('replay', '--to', 'staging', '--all', '--concurrency', '3', ...common);
    expect(staging.mostInFlight).toBe(3);
    for (const lane of [
      ['/one', '/three', '/seven'],
      ['/two', '/refused', '/behind'],
    ]) {
      // prettier-ignore
      const requests = staging.requests.filter(({ path }) => lane.includes(path));
      expect(requests.map(({ path }) => path)).toEqual(lane);
      for (const [at, request] of requests.entries())
        expect(request.at).toBeGreaterThanOrEqual(requests[at - 1]?.answeredAt ?? 0);
    }
  });

  test('maps paths, sets headers, keeps to a rate', async () => {
    const { staging, common } = await field();
    const { json } = await runCli(
      'replay',
      '--to',
      'staging',
      '1',
      '2',
      '3',
      '--rate',
      '10/s',
      '--map-path',
      '/o=/x',
      '--map-path',
      '/one=/api/v2',
      '--set-header',
      'X-Trace: me',
      '--json',
      ...common,
    );
    expect(staging.requests[2]!.at - staging.requests[0]!.at).toBeGreaterThanOrEqual(190);
    expect(paths(staging)).toEqual(['/api/v2', '/two', '/three']);
    expect(staging.requests[0]!.headers['x-trace']).toBe('me');
    expect(json().items[0]).toMatchObject({ path: '/one', sentPath: '/api/v2' });
  });

  test('uses the credential of staging, and no other', async () => {
    const { staging, common } = await field(accept, { auth: { bearer: { env: 'STAGING' } } });
    await runCli('replay', '--to', 'staging', '1', ...common, { env: { STAGING: 'for-staging' } });
    expect(staging.requests[0]!.headers.authorization).toBe('Bearer for-staging');
  });

  test('--dry-run lists the requests and makes nothing', async () => {
    const { staging, common } = await field();
    const { code, json } = await runCli(
      'replay',
      '--to',
      'staging',
      '--all',
      '--map-path',
      '/one=/uno',
      '--dry-run',
      '--json',
      ...common,
    );
    expect([code, staging.requests.length, ledgers()]).toEqual([0, 0, []]);
    expect(json()).toMatchObject({ target: 'staging', count: 7, skipped: 0 });
    expect(json().requests[0]).toEqual({
      id: 1,
      operation: 'create',
      method: 'POST',
      url: `${staging.url}/uno`,
      payloadBytes: 34,
      skipped: null,
    });
  });

  test('lists items whose payload is gone as skipped', async () => {
    const { staging, queue, common } = await field();
    const db = new (loadSqlite())(queue);
    db.exec(`UPDATE item SET payload_bytes = length(payload), payload = NULL WHERE id = 3`);
    db.close();
    const { json } = await runCli('replay', '--to', 'staging', '--all', '--json', ...common);
    expect(json()).toMatchObject({
      sent: 6,
      skipped: 1,
      remaining: 0,
      skips: [{ id: 3, reason: 'its payload was removed' }],
    });
    expect(paths(staging)).not.toContain('/three');
  });

  test('writes a report for people and one for programs', async () => {
    const { common } = await field((request) =>
      request.path === '/six' ? { status: 500, body: { message: '<script>alert(1)</script>' } } : accept(request),
    );
    const directory = tempDirectory();
    const [html, json] = [join(directory, 'r.html'), join(directory, 'r.json')];
    await runCli('replay', '--to', 'staging', '--all', '--report', html, ...common);
    await runCli('replay', '--to', 'staging', '--all', '--report', json, ...common);
    const text = readFileSync(html, 'utf8');
    expect(text).toContain('<svg');
    expect(text).toContain('&#60;script&#62;alert(1)&#60;/script&#62;');
    expect(text).not.toMatch(/<script|<link|<img|src=|url\(|https?:\/\/(?!127\.0\.0\.1)/);
    expect(statSync(html).mode & 0o777).toBe(0o600);
    const document = JSON.parse(readFileSync(json, 'utf8'));
    expect(document.summary).toMatchObject({ chosen: 7, differs: 2, earlier: 7 });
    expect(document.items).toHaveLength(7);
  });

  test('waits when the server asks for it, and asks again under the same key', async () => {
    let asked = 0;
    const { staging, common } = await field((request) =>
      asked++ === 0 ? { status: 429, headers: { 'retry-after': '1' } } : accept(request),
    );
    const { json } = await runCli('replay', '--to', 'staging', '1', '2', '--json', ...common);
    expect(json()).toMatchObject({ sent: 2, same: 2 });
    expect(paths(staging)).toEqual(['/one', '/one', '/two']);
    expect(new Set(keysOf(staging)).size).toBe(2);
  });

  test('stops when staging cannot be reached, and goes on later', async () => {
    const { staging, common } = await field();
    await staging.stop();
    const down = await runCli('replay', '--to', 'staging', '--all', '--json', ...common);
    expect([down.code, down.json().stopped, down.json().remaining]).toEqual([4, 'unreachable', 7]);
    await staging.start();
    expect((await runCli('replay', '--to', 'staging', '--all', '--json', ...common)).json()).toMatchObject({
      sent: 7,
      remaining: 0,
    });
  });

  test('stops when staging refuses the credential, instead of asking for each item', async () => {
    const { staging, common } = await field(() => ({ status: 401 }));
    const { code, json } = await runCli('replay', '--to', 'staging', '--all', '--json', ...common);
    expect([code, json().stopped, staging.requests.length]).toEqual([3, 'auth', 1]);
  });

  test('an item without an answer counts as not replayed', async () => {
    const { staging, common } = await field((request) => (request.path === '/two' ? { reset: true } : accept(request)));
    const { code, json } = await runCli('replay', '--to', 'staging', '1', '2', '3', '--json', ...common);
    expect([code, json().noAnswer, json().remaining, json().items[1].verdict]).toEqual([3, 1, 1, 'no-answer']);
    staging.setAnswer(accept);
    expect((await runCli('replay', '--to', 'staging', '1', '2', '3', '--json', ...common)).json()).toMatchObject({
      sent: 1,
      earlier: 2,
      same: 3,
    });
    expect(new Set(keysOf(staging)).size).toBe(3);
  });

  test('goes on after Ctrl-C where it was', async () => {
    const { staging, queue, common } = await field(async (request) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return accept(request);
    });
    const before = tablesOf(queue);
    const running = startProcess(['replay', '--to', 'staging', '--all', '--json', ...common]);
    await staging.waitFor(2);
    const { code, json } = await running.kill('SIGINT');
    expect([code, json().stopped, Number(json().sent) + Number(json().remaining)]).toEqual([130, 'signal', 7]);
    expect(json().remaining).toBeGreaterThan(0);
    const rest = (await runCli('replay', '--to', 'staging', '--all', '--json', ...common)).json();
    expect(rest).toMatchObject({ sent: json().remaining, earlier: json().sent, remaining: 0 });
    expect(paths(staging)).toEqual(['/one', '/two', '/three', '/refused', '/behind', '/six', '/seven']);
    expect(tablesOf(queue)).toBe(before);
  });

  test.each([
    [
      'a target marked as production',
      ['--to', 'staging', '--all'],
      { production: true },
      'confirm-needed',
      'is marked as production',
    ],
    [
      'where the originals went',
      ['--to', 'production', '--all'],
      {},
      'confirm-needed',
      'items of this queue were delivered to http://127.0.0.1',
    ],
    ['an unknown target', ['--to', 'stagign', '--all'], {}, 'unknown-target', 'no target "stagign"'],
    ['no choice of items', ['--to', 'staging'], {}, 'usage', 'nothing says which items'],
    ['ids and filters', ['--to', 'staging', '1', '--state', 'review'], {}, 'usage', 'said twice'],
    [
      'a credential in a header',
      ['--to', 'staging', '--all', '--set-header', 'Authorization: x'],
      {},
      'bad-item',
      'credential',
    ],
    ['a path rule without =', ['--to', 'staging', '--all', '--map-path', '/x'], {}, 'usage', 'maps no path'],
    ['a rate that is none', ['--to', 'staging', '--all', '--rate', 'fast'], {}, 'usage', '--rate'],
    ['a report of another kind', ['--to', 'staging', '--all', '--report', 'x.pdf'], {}, 'usage', '--report'],
  ])('refuses %s, and sends nothing', async (_name, argv, more, code, message) => {
    const { production, staging, common } = await field(accept, more);
    const sentBefore = production.requests.length;
    const result = await runCli('replay', ...argv, '--json', ...common);
    expect([result.code, result.json().error.code]).toEqual([2, code]);
    expect(result.json().error.message).toContain(message);
    expect([production.requests.length, staging.requests.length, ledgers()]).toEqual([sentBefore, 0, []]);
  });

  test('refuses the origin of the originals under another name and by its URL, unless told otherwise', async () => {
    const { production, common } = await field();
    const { json } = await runCli('replay', '--to', `${production.url}/copy`, '1', '--json', ...common);
    expect(json().error).toMatchObject({ code: 'confirm-needed', hint: expect.stringContaining('--allow-production') });
    expect(
      (await runCli('replay', '--to', `${production.url}/copy`, '1', '--allow-production', '--json', ...common)).json(),
    ).toMatchObject({ sent: 1 });
    expect(production.requests.at(-1)!.path).toBe('/copy/one');
  });

  test('a redacted bundle, imported elsewhere, replays the same methods, paths and shapes', async () => {
    const { queue, config, staging, production, common } = await field();
    const bundle = join(tempDirectory(), 'q.bundle');
    await runCli('export', '--redact', '-o', bundle, ...common);
    expect(readFileSync(bundle, 'utf8')).not.toContain('91234567');
    const other = ['--queue', join(tempDirectory(), 'other.db'), '--config', config];
    await runCli('import', bundle, ...other);
    await runCli('replay', '--to', 'staging', '--all', ...other);
    const shape = (body: Buffer): string => body.toString().replace(/\d/g, '0');
    const copies = staging.requests.map(({ method, path, body }) => [method, path, shape(body)]);
    await runCli('replay', '--to', 'staging', '--all', '--queue', queue, '--config', config);
    const originals = staging.requests.slice(7).map(({ method, path, body }) => [method, path, shape(body)]);
    expect(copies).toEqual(originals);
    expect(staging.requests[0]!.body.toString()).not.toContain('91234567');
    expect((await runCli('replay', '--to', production.url, '--all', '--json', ...other)).json().error.code).toBe(
      'confirm-needed',
    );
  });
});
