import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { loadSqlite } from '../../src/core/store/sqlite/file/driver.js';
import { runCli } from '../support/cli.js';
import { runProcess, type ProcessResult } from '../support/process.js';
import { startServer } from '../support/rest-server.js';
import { tempDirectory, testHome } from '../support/temp.js';

function configFor(url: string): string {
  const file = join(tempDirectory(), 'config.json');
  const targets = { production: { baseUrl: url } };
  writeFileSync(file, JSON.stringify({ targets, sensitive: ['phone', 'name', 'email'] }), { mode: 0o600 });
  return file;
}

/** Person 7 and 8 register; the server refuses one, with the number in its answer. */
async function fieldQueue(): Promise<{ config: string; queue: string; common: string[] }> {
  const server = await startServer({
    answer: ({ body, path }) =>
      path.includes('refuse')
        ? { status: 422, body: { message: `phone ${JSON.parse(body.toString()).phone} of Kari Hansen is taken` } }
        : { status: 201, body: { id: 1, name: JSON.parse(body.toString()).name } },
  });
  const config = configFor(server.url);
  const queue = join(tempDirectory(), 'field.db');
  const common = ['--config', config, '--queue', queue];
  const people = [
    { name: 'Ola Nordmann', phone: '91234567', email: 'ola.nordmann@example.no', age: 41 },
    { name: 'Kari Hansen', phone: '98765432', email: 'kari@example.no', age: 39 },
  ];
  for (const person of people) {
    const args = [
      'enqueue',
      'POST',
      `/person/${person.phone}?mail=${encodeURIComponent(person.email)}`,
      '-d',
      JSON.stringify(person),
      '--entity',
      `person/${person.phone}`,
    ];
    await runCli(...args, '--tag', `caller:${person.phone}`, ...common);
    await runCli(
      'enqueue',
      'PUT',
      `/refuse/${person.phone}`,
      '-d',
      JSON.stringify({ note: `call ${person.name}`, phone: person.phone }),
      ...common,
    );
  }
  await runCli('run', ...common);
  return { config, queue, common };
}

const itemsOf = async (queue: string, config: string): Promise<any[]> =>
  (await runCli('export', '--queue', queue, '--config', config)).ndjson();

describe('syncq export and import', () => {
  test.each(['-wal', '-journal', '.lock'])('never write over the queue or a file beside it: %s', async (suffix) => {
    const { queue, common } = await fieldQueue();
    const before = readdirSync(join(queue, '..')).sort();
    const out = await runCli('export', '-o', `${join(queue, '..')}/./field.db${suffix}`, '--json', ...common);
    expect([out.code, out.json().error.message]).toEqual([
      2,
      expect.stringMatching(/(belongs to the queue itself|exists already); nothing was written/),
    ]);
    expect(readdirSync(join(queue, '..')).sort()).toEqual(before);
  });

  test('move a queue whole, and twice is once', async () => {
    const { config, queue } = await fieldQueue();
    const bundle = join(tempDirectory(), 'queue.bundle');
    const out = await runCli('export', '--output', bundle, '--json', '--queue', queue, '--config', config);
    expect([out.code, out.json()]).toEqual([
      0,
      {
        file: bundle,
        format: 'bundle',
        count: 4,
        bytes: statSync(bundle).size,
        sha256: expect.any(String),
        redacted: false,
      },
    ]);
    expect([statSync(bundle).mode & 0o777, readdirSync(join(bundle, '..'))]).toEqual([0o600, ['queue.bundle']]);
    const other = join(tempDirectory(), 'other.db');
    const first = await runCli('import', bundle, '--as-paused', '--json', '--queue', other, '--config', config);
    expect([first.code, first.json()]).toEqual([
      0,
      { firstId: 1, lastId: 4, count: 4, duplicates: 0, skipped: 0, redacted: false, paused: ['production'] },
    ]);
    const again = await runCli('import', bundle, '--json', '--queue', other, '--config', config);
    expect(again.json()).toMatchObject({ count: 4, duplicates: 4, firstId: 1, lastId: 4 });
    expect((await runCli('import', bundle, '--queue', other, '--config', config)).stderr).toContain(
      '0 items imported, 4 were there already\n',
    );
    expect(await itemsOf(other, config)).toEqual(await itemsOf(queue, config));
    const details = async (file: string): Promise<any> =>
      (await runCli('inspect', '2', '--json', '--queue', file, '--config', config)).json();
    const [before, after] = [await details(queue), await details(other)];
    expect(after).toMatchObject({ attempts: before.attempts, reviewReason: 'rejected', lastError: before.lastError });
  });

  test('--redact leaves no sensitive value in any format, and pauses what is imported from it', async () => {
    const { config, common } = await fieldQueue();
    const directory = tempDirectory();
    for (const format of ['bundle', 'ndjson', 'curl']) {
      const file = join(directory, format);
      expect((await runCli('export', '--redact', '--format', format, '-o', file, ...common)).code).toBe(0);
      expect(readFileSync(file, 'utf8')).not.toMatch(/ola|nordmann|kari|hansen|91234567|98765432|example\.no/i);
    }
    const other = join(tempDirectory(), 'other.db');
    const { json } = await runCli('import', join(directory, 'bundle'), '--json', '--queue', other, '--config', config);
    expect(json()).toMatchObject({ count: 4, redacted: true, paused: ['production'] });
    const [first, refused] = await itemsOf(other, config);
    expect(first.path).toMatch(new RegExp(`^/person/${first.payload.phone}\\?mail=[a-z]+\\.[a-z]+%40[a-z]+\\.test$`));
    expect(first).toMatchObject({
      entity: { type: 'person', id: first.payload.phone },
      tags: [`caller:${first.payload.phone}`],
      state: 'completed',
    });
    // Of the server's sentence nothing sensitive was kept in the first place; the answer itself has stand-ins.
    expect(refused.lastError.message).toMatch(/^phone \*\*\* of \w+ \w+ is taken$/);
  });

  test('the same --redact-key gives the same stand-ins, a new one others', async () => {
    const { common } = await fieldQueue();
    const env = { MY_KEY: 'x'.repeat(32) };
    const [a, b, c] = [
      await runCli('export', '--redact', '--redact-key', 'MY_KEY', ...common, { env }),
      await runCli('export', '--redact', '--redact-key', 'MY_KEY', ...common, { env }),
      await runCli('export', '--redact', ...common),
    ];
    expect(a.stdout).toBe(b.stdout);
    expect(a.stdout).not.toBe(c.stdout);
    expect(
      (await runCli('export', '--redact', '--redact-key', 'MY_KEY', '--json', '-o', 'x', ...common)).json().error,
    ).toMatchObject({ code: 'usage' });
  });

  test('ndjson is enqueued again with the same bytes, and in the same queue it changes nothing', async () => {
    const { config, queue, common } = await fieldQueue();
    const { stdout } = await runCli('export', ...common);
    const file = join(tempDirectory(), 'lines.ndjson');
    writeFileSync(file, stdout);
    expect((await runCli('enqueue', '--from', file, '--json', ...common)).json()).toMatchObject({
      count: 4,
      duplicates: 4,
    });
    const other = join(tempDirectory(), 'other.db');
    await runCli('enqueue', '--from', file, '--queue', other, '--config', config);
    const shas = (items: any[]): string[] => items.map(({ payloadSha256 }) => payloadSha256);
    expect(shas(await itemsOf(other, config))).toEqual(shas(await itemsOf(queue, config)));
  });

  test('filters and ids choose items', async () => {
    const { common } = await fieldQueue();
    const ids = async (...argv: string[]): Promise<number[]> =>
      (await runCli('export', ...argv, ...common)).ndjson().map(({ id }) => id);
    expect(await ids()).toEqual([1, 2, 3, 4]);
    expect(await ids('--state', 'review')).toEqual([2]);
    expect(await ids('3', '1')).toEqual([1, 3]);
    expect(await ids('--all')).toEqual([1, 2, 3, 4]);
    expect((await runCli('export', '--all', '3', ...common)).code).toBe(2);
    expect((await runCli('export', '--tag', 'none', ...common)).code).toBe(5);
    const none = join(tempDirectory(), 'none.bundle');
    expect((await runCli('export', '--tag', 'none', '--output', none, '--json', ...common)).json()).toMatchObject({
      file: null,
      count: 0,
    });
    expect(existsSync(none)).toBe(false);
  });

  test('never write over what is there, as backup does not', async () => {
    const { queue, common } = await fieldQueue();
    const kept = join(tempDirectory(), 'kept');
    writeFileSync(kept, 'kept');
    const link = join(tempDirectory(), 'link');
    symlinkSync(kept, link);
    for (const taken of [queue, kept, link]) {
      const before = readFileSync(taken);
      const answers = [];
      for (const argv of [
        ['export', '-o', taken],
        ['export', '--format', 'ndjson', '-o', taken],
        ['backup', taken],
      ]) {
        const { code, json } = await runCli(...argv, '--json', ...common);
        answers.push({ code, ...json().error });
      }
      expect(answers[0]).toMatchObject({ code: 'usage', message: `${taken} exists already; nothing was written` });
      expect(answers).toEqual([answers[0], answers[0], answers[0]]);
      expect(readFileSync(taken).equals(before)).toBe(true);
    }
  });

  /** As on a terminal; what the program prints there is its own. */
  function onTerminal(...argv: string[]): Promise<ProcessResult> {
    const preload = join(testHome().home, 'terminal.cjs');
    writeFileSync(
      preload,
      `const value = Object.assign(process.stdout, { isTTY: true, columns: 80, getWindowSize: () => [80, 24] });
      Object.defineProperty(process, 'stdout', { value, configurable: true });`,
    );
    return runProcess(argv, { env: { NODE_OPTIONS: `--require ${preload}` } });
  }

  test('show no sensitive value on a terminal, unless somebody asks for it; what leaves as it is is recorded', async () => {
    const server = await startServer({ answer: () => ({ status: 422, body: 'no such phone: 47999001' }) });
    const config = { targets: { api: { baseUrl: server.url } }, sensitive: ['phone'] };
    writeFileSync(join(testHome().cwd, 'syncq.json'), JSON.stringify(config), { mode: 0o600 });
    for (const n of [1, 2])
      await runCli('enqueue', 'PUT', `/a/${n}`, '--entity', `a/${n}`, '-d', '{"phone":"47999001","n":1.0}');
    await runCli('run');
    const history = async (): Promise<object[]> =>
      (await runCli('history', '--json')).json().history.filter(({ event }: { event: string }) => event === 'exported');
    for (const format of ['ndjson', 'curl']) {
      const shown = await onTerminal('export', '--format', format);
      expect(shown.stdout).toContain('{"phone":"***","n":1.0}');
      expect(shown.stdout).not.toContain('47999001');
      expect(shown.stderr).toContain('--reveal');
    }
    await runCli('export', '--redact');
    expect(await history()).toEqual([]);
    const masked = join(testHome().cwd, 'masked');
    writeFileSync(masked, (await onTerminal('export')).stdout);
    expect((await runCli('enqueue', '--from', masked)).code).toBe(2);
    expect((await onTerminal('export', '--reveal', '1')).stdout).toContain('"phone":"47999001"');
    expect((await runCli('export')).stdout).toContain('"phone":"47999001"');
    const file = join(testHome().cwd, 'all.bundle');
    await runCli('export', '-o', 'all.bundle');
    expect(await history()).toMatchObject([
      { who: expect.any(String), what: 'exported 1 item (ndjson) to a terminal (export)', detail: { ids: [1] } },
      { what: 'exported 2 items (ndjson) to a pipe (export)' },
      { what: `exported 2 items (bundle) to ${file} (export)` },
    ]);
    // A config that cannot be read tells nobody what is harmless; the queue may be taken all the same.
    writeFileSync(join(testHome().cwd, 'syncq.json'), '{"queue": "./syncq.db", nonsense', { mode: 0o600 });
    const queue = join(testHome().cwd, 'syncq.db');
    expect((await onTerminal('export', '--queue', queue)).stdout).toContain('{"phone":"***","n":"***"}');
    const taken = await runCli('export', '--queue', queue);
    expect(taken.stdout).toContain('47999001');
    expect(taken.stderr).toContain('this export is not in the history');
  });

  test('the queue stays as it is', async () => {
    const { queue, common } = await fieldQueue();
    const digest = (): string => createHash('sha256').update(readFileSync(queue)).digest('hex');
    const before = digest();
    await runCli('export', '--redact', ...common);
    expect(digest()).toBe(before);
  });

  test.each([
    [['export', '--json'], 'usage', '--json tells about a file'],
    [['export', '--format', 'bundle'], 'usage', 'a bundle goes into a file'],
    [['export', '1', '--state', 'review'], 'usage', 'ids and filters'],
    [['export', '--output', '/nowhere/at/all'], 'unwritable', 'cannot be written'],
    [['import'], 'usage', 'nothing is named'],
    [['import', '/nowhere/at/all'], 'usage', 'does not exist; nothing was stored'],
    [['import', 'x', '--sqlite', 'y'], 'usage', 'given together'],
  ])('refuse %j', async (argv, code, message) => {
    const { common } = await fieldQueue();
    const result = await runCli(...argv, ...common, ...(argv.includes('bundle') ? [] : ['--json']));
    if (argv.includes('bundle')) expect(result.stderr).toContain(message);
    else expect(result.json().error).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe('syncq import --sqlite', () => {
  const ROWS = 1000;

  function appFile(): string {
    const path = join(tempDirectory(), 'app.db');
    const db = new (loadSqlite())(path);
    db.pragma('journal_mode = WAL');
    db.exec(`CREATE TABLE sync_queue (id INTEGER PRIMARY KEY, timestamp INTEGER, operation_type TEXT, entity_type TEXT, entity_id TEXT,
      payload TEXT, retry_count INTEGER, last_error TEXT)`);
    const insert = db.prepare('INSERT INTO sync_queue VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    db.transaction(() => {
      for (let n = 1; n <= ROWS; n++) {
        const kind = ['CREATE', 'update', 'DELETE'][n % 3]!;
        // Ids run against time: the order is that of the timestamps.
        insert.run(
          ROWS - n + 1,
          1_700_000_000_000 + n * 1000,
          kind,
          'activity',
          `a ${n % 50}`,
          kind === 'DELETE' ? null : `{ "n":${n} }`,
          n % 4,
          n % 4 === 0 ? null : `HTTP 503 try ${n}`,
        );
      }
    })();
    db.close();
    return path;
  }

  const traces = (path: string): string =>
    readdirSync(join(path, '..'))
      .map((name) => {
        const file = join(path, '..', name);
        return `${name} ${statSync(file).mtimeMs} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
      })
      .join('\n');

  test('takes over 1,000 rows once, in order, with their retry counts and errors; the app’s file is not touched', async () => {
    const config = configFor('https://api.example.org/v1');
    const path = appFile();
    const before = traces(path);
    const common = ['--queue', join(tempDirectory(), 'queue.db'), '--config', config];
    const first = await runCli('import', '--sqlite', path, '--table', 'sync_queue', '--as-paused', '--json', ...common);
    expect([first.code, first.json()]).toEqual([
      0,
      { firstId: 1, lastId: ROWS, count: ROWS, duplicates: 0, skipped: 0, redacted: false, paused: ['production'] },
    ]);
    const second = await runCli('import', '--sqlite', path, '--map', 'mobile-sync-queue', '--json', ...common);
    expect(second.json()).toMatchObject({ count: ROWS, duplicates: ROWS, firstId: 1, lastId: ROWS });
    expect(traces(path)).toBe(before);
    const lines = (await runCli('export', ...common)).ndjson();
    expect(lines.map(({ createdAt }) => Date.parse(createdAt))).toEqual(
      Array.from({ length: ROWS }, (_, n) => 1_700_000_001_000 + n * 1000),
    );
    expect(lines.map(({ retryCount }) => retryCount)).toEqual(Array.from({ length: ROWS }, (_, n) => (n + 1) % 4));
    expect(lines.slice(0, 4)).toMatchObject([
      {
        method: 'PUT',
        path: '/activity/a%201',
        entity: { type: 'activity', id: 'a 1' },
        payload: { n: 1 },
        payloadBytes: 9,
        lastError: { status: 503, message: 'HTTP 503 try 1' },
      },
      { method: 'DELETE', path: '/activity/a%202', contentType: null, lastError: { message: 'HTTP 503 try 2' } },
      { method: 'POST', path: '/activity', operation: 'create', lastError: { message: 'HTTP 503 try 3' } },
      { method: 'PUT', lastError: null, retryCount: 0 },
    ]);
    expect(new Set(lines.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(ROWS);
  });

  test('reads another table by a mapping of one’s own', async () => {
    const path = join(tempDirectory(), 'app.db');
    const db = new (loadSqlite())(path);
    db.exec(`CREATE TABLE "my outbox" (uid TEXT, at TEXT, verb TEXT, endpoint TEXT, body BLOB, done INTEGER);
      INSERT INTO "my outbox" VALUES ('u2', '2026-03-05 14:30:01', 'put', '/b?x=1', x'00ff', 0), ('u1', '2026-03-05 14:30:00', 'post', '/a', x'7b7d', 0), ('u0', '2026-01-01', 'post', '/c', NULL, 1)`);
    db.close();
    const map = join(tempDirectory(), 'map.json');
    writeFileSync(map, JSON.stringify({
      order: ['at'], key: '{uid}', skip: { from: '{done}', values: ['1'] },
      fields: { target: 'production', method: '{verb}', path: '{endpoint:path}', payload: '{body}', contentType: 'application/octet-stream', createdAt: '{at}', idempotencyKey: '{uid}' },
    })); // prettier-ignore
    const common = ['--queue', join(tempDirectory(), 'queue.db'), '--config', configFor('https://api.example.org/v1')];
    const { json } = await runCli(
      'import',
      '--sqlite',
      path,
      '--table',
      'my outbox',
      '--map',
      map,
      '--json',
      ...common,
    );
    expect(json()).toMatchObject({ count: 2, skipped: 1 });
    expect((await runCli('export', ...common)).ndjson()).toMatchObject([
      {
        idempotencyKey: 'u1',
        method: 'POST',
        path: '/a',
        createdAt: '2026-03-05T14:30:00.000Z',
        payload: '{}',
      },
      { idempotencyKey: 'u2', method: 'PUT', path: '/b?x=1', payload: 'AP8=', payloadEncoding: 'base64' },
    ]);
  });

  test.each([
    ['a missing table', ['--table', 'nothing'], 'has no table nothing', 'sync_queue'],
    ['a row that fits no rule', [], 'row 1: method has no rule for "UPSERT"; nothing was stored', '"map" of method'],
    ['a missing mapping', ['--map', '/nowhere.json'], 'the file /nowhere.json does not exist', undefined],
  ])('refuses %s', async (_name, argv, message, hint) => {
    const path = join(tempDirectory(), 'app.db');
    const db = new (loadSqlite())(path);
    db.exec(`CREATE TABLE sync_queue (id INTEGER, timestamp INTEGER, operation_type TEXT, entity_type TEXT, entity_id TEXT, payload TEXT, retry_count INTEGER, last_error TEXT);
      INSERT INTO sync_queue VALUES (1, 1, 'UPSERT', 'a', 'b', '{}', 0, NULL)`);
    db.close();
    const common = ['--queue', join(tempDirectory(), 'queue.db'), '--config', configFor('https://api.example.org/v1')];
    const { code, json } = await runCli('import', '--sqlite', path, ...argv, '--json', ...common);
    expect(code).toBe(2);
    expect(json().error.message).toContain(message);
    if (hint !== undefined) expect(json().error.hint).toContain(hint);
  });

  test('refuses a view that has no end, and leaves alone a value that is too large to be read', async () => {
    const path = join(tempDirectory(), 'app.db');
    const db = new (loadSqlite())(path);
    db.exec(`CREATE TABLE sync_queue (id INTEGER, timestamp INTEGER, operation_type TEXT, entity_type TEXT, entity_id TEXT, payload BLOB, retry_count INTEGER, last_error TEXT, photo BLOB);
      INSERT INTO sync_queue VALUES (1, 1, 'create', 'a', 'b', '{}', 0, NULL, zeroblob(2000000)), (2, 2, 'create', 'a', 'c', zeroblob(2000000), 0, NULL, NULL);
      CREATE VIEW small AS SELECT * FROM sync_queue WHERE id = 1;
      CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT i AS id, i AS timestamp, 'create' AS operation_type, 'a' AS entity_type, i AS entity_id, '{}' AS payload, 0 AS retry_count FROM n`);
    db.close();
    const common = ['--queue', join(tempDirectory(), 'queue.db'), '--config', configFor('https://api.example.org/v1')];
    const imported = async (table: string): Promise<{ code: number; answer: any }> => {
      const { code, json } = await runCli('import', '--sqlite', path, '--table', table, '--json', ...common);
      return { code, answer: json() };
    };
    expect(await imported('endless')).toMatchObject({
      code: 2,
      answer: {
        error: { message: expect.stringMatching(/"endless" in .* has more than 10000000 rows; nothing was stored/) },
      },
    });
    expect(await imported('sync_queue')).toMatchObject({
      code: 2,
      answer: {
        error: {
          code: 'too-large',
          message: 'row 2: the value of payload is larger than 1048576 bytes; nothing was stored',
        },
      },
    });
    expect(await imported('small')).toMatchObject({ code: 0, answer: { count: 1 } });
  }, 30_000);

  test('refuses a mapping that is not UTF-8', async () => {
    const map = join(tempDirectory(), 'map.json');
    writeFileSync(map, '{"key":"{id}","fields":{"method":"POST","path":"/a","entity":"p\xf8/{id}"}}', 'latin1');
    const { code, json } = await runCli(
      'import',
      '--sqlite',
      appFile(),
      '--map',
      map,
      '--table',
      'sync_queue',
      '--json',
    );
    expect([code, json().error.message]).toEqual([2, expect.stringContaining('is not UTF-8 text; nothing was stored')]);
  });

  test.each([
    ['entity_id', "CAST(x'4af8' AS TEXT)", 'row 1: a column that is used holds what is not valid UTF-8'],
    ['entity_type', "x'4af8'", 'row 1: a column that is used holds what is not valid UTF-8'],
    ['payload', "CAST(x'224af822' AS TEXT)", 'row 1: payload is not valid JSON: not valid UTF-8'],
    ['last_error', "CAST(x'4af8' AS TEXT)", undefined],
    ['entity_id', 'char(65533)', undefined],
  ])('of bytes that are not UTF-8 in %s: %s', async (column, value, message) => {
    const path = join(tempDirectory(), 'app.db');
    const db = new (loadSqlite())(path);
    db.exec(`CREATE TABLE sync_queue (id INTEGER, timestamp INTEGER, operation_type TEXT, entity_type, entity_id TEXT, payload TEXT, retry_count INTEGER, last_error TEXT);
      INSERT INTO sync_queue VALUES (1, 1, 'create', 'a', 'b', '{}', 0, NULL); UPDATE sync_queue SET ${column} = ${value}`);
    db.close();
    const common = ['--queue', join(tempDirectory(), 'queue.db'), '--config', configFor('https://api.example.org/v1')];
    const { code, json } = await runCli('import', '--sqlite', path, '--json', ...common);
    expect(code).toBe(message === undefined ? 0 : 2);
    if (message !== undefined) expect(json().error.message).toContain(message);
    else expect((await runCli('inspect', '--json', ...common)).json().items).toHaveLength(1);
  });
});
