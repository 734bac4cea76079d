/** The way of items through the commands: stored, sent, refused, looked at, sent again. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { openQueue } from '../../src/core/index.js';
import type { CliResult } from '../support/cli.js';
import { runCli } from '../support/cli.js';
import type { RestServer } from '../support/rest-server.js';
import { startServer } from '../support/rest-server.js';
import { testHome } from '../support/temp.js';

const env = { TOKEN: 't0ken' };
const syncq = (...argv: string[]): Promise<CliResult> => runCli(...argv, { env });

function writeConfig(server: RestServer, target: object = {}): void {
  const config = {
    targets: { api: { baseUrl: server.url, auth: { bearer: { env: 'TOKEN' } }, ...target } },
    sensitive: ['phone'],
  };
  writeFileSync(join(testHome().cwd, 'syncq.json'), JSON.stringify(config), { mode: 0o600 });
}

/** 422 for what goes to /people, 200 for the rest. */
async function pickyServer(): Promise<RestServer> {
  return startServer({
    answer: ({ path }) =>
      path.startsWith('/people')
        ? { status: 422, body: { error: 'phone must be digits', phone: '12a' } }
        : { status: 200 },
  });
}

describe('enqueue', () => {
  test('prints the bare id and nothing else, and touches no network', async () => {
    const server = await startServer();
    writeConfig(server);
    expect(await syncq('enqueue', 'PUT', '/a', '-d', '{"n":1.0}')).toMatchObject({
      code: 0,
      stdout: '1\n',
      stderr: '',
    });
    expect(server.connections).toBe(0);
    expect(existsSync(join(testHome().cwd, 'syncq.db'))).toBe(true);
  });

  test('answers the id that is already there for the same key, and refuses other content under it', async () => {
    writeConfig(await startServer());
    const argv = ['enqueue', 'PUT', '/a', '-d', '{}', '--key', 'k-1'];
    expect((await syncq(...argv)).stdout).toBe('1\n');
    expect(await syncq(...argv)).toMatchObject({
      code: 0,
      stdout: '1\n',
      stderr: 'item 1 was there already: nothing new was stored\n',
    });
    expect((await syncq(...argv, '--json')).json()).toMatchObject({
      items: [{ id: 1, duplicate: true }],
      duplicates: 1,
    });
    const other = await syncq('enqueue', 'PUT', '/b', '-d', '{}', '--key', 'k-1', '--json');
    expect([other.code, other.json().error.code]).toEqual([2, 'key-conflict']);
  });

  test('--if-queued replace says which item made room, and when none did', async () => {
    writeConfig(await startServer());
    const argv = ['enqueue', 'PUT', '/a', '--entity', 'a/1', '--if-queued', 'replace', '-d'];
    expect((await syncq(...argv, '1')).stderr).toBe('item 1 is new: there was none that could be replaced\n');
    expect((await syncq(...argv, '2')).stderr).toBe('item 1 is discarded in favour of item 2\n');
  });

  test('--from stores all lines or none', async () => {
    writeConfig(await startServer());
    const file = join(testHome().cwd, 'items.ndjson');
    writeFileSync(file, '{"method":"POST","path":"/1","payload":{"n":9007199254740993}}\n{"method":"POST"}\n');
    const refused = await syncq('enqueue', '--from', file, '--json');
    expect(refused.json().error).toMatchObject({
      code: 'bad-item',
      message: 'line 2: path is missing; nothing was stored',
    });
    expect((await syncq('status', '--json')).json().counts.pending).toBe(0);

    const partial = await syncq('enqueue', '--from', file, '--partial', '--json');
    expect(partial.code).toBe(3);
    expect(partial.json()).toEqual({
      firstId: 1,
      lastId: 1,
      count: 1,
      duplicates: 0,
      rejected: [{ line: 2, message: 'path is missing' }],
    });
    expect((await syncq('inspect', '1', '--json')).stdout).toContain('"payload": {"n":9007199254740993}');
  });
});

describe('a refused item', () => {
  test('can be seen, understood and sent on', async () => {
    const server = await pickyServer();
    writeConfig(server);
    await syncq('enqueue', 'POST', '/people', '--entity', 'person/7', '-d', '{"phone":"12a","name":"Ada"}');
    await syncq('enqueue', 'PATCH', '/people/7', '--entity', 'person/7', '-d', '{}');
    await syncq('enqueue', 'POST', '/notes', '-d', '{}');

    const run = await syncq('run', '--json');
    expect(run.code).toBe(3);
    expect(run.json()).toMatchObject({
      attempts: 2,
      delivered: 1,
      failed: 1,
      review: 1,
      remaining: { due: 0, waiting: 0, blocked: 1, held: 0 },
      stopped: 'drained',
    });

    const status = await syncq('status');
    expect(status.stdout.split('\n')[0]).toBe('1 needs you, 1 waits behind it');
    expect((await syncq('status', '--check', '--quiet')).code).toBe(3);
    expect((await syncq('status', '--check')).stderr).toBe('1 in review (allowed 0)\n');

    const item = (await syncq('inspect', '1', '--json')).json();
    expect(item).toMatchObject({
      state: 'review',
      reviewReason: 'rejected',
      payload: { phone: '***', name: 'Ada' },
      payloadMasked: true,
    });
    expect(item.why).toMatch(/^in review since \S+T\S+: the server refused it \(422, phone must be digits\)$/);
    expect(item.attempts[0].response.body).not.toContain('12a');
    expect((await syncq('inspect', '2')).stdout).toContain('why: waiting behind item 1, which is in review since');

    const revealed = await syncq('inspect', '1', '--reveal', '--json');
    expect(revealed.json().payload.phone).toBe('12a');
    const queue = await openQueue({ queue: join(testHome().cwd, 'syncq.db'), mode: 'read' });
    const history = await queue.history({ item: 1 });
    await queue.close();
    expect(history.filter(({ event }) => event === 'revealed')).toMatchObject([{ item: 1, command: 'inspect' }]);

    server.setAnswer({ status: 200 });
    const retry = await syncq('retry', '--all', '--json');
    expect(retry.json()).toEqual({ retried: [1], count: 1, skipped: [], next: 'no-runner' });
    expect((await syncq('retry', '1')).stdout).toMatch(/no runner is alive: syncq run\n$/);
    const again = await syncq('run');
    expect(again).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(server.requests.map(({ path }) => path)).toEqual(['/people', '/notes', '/people', '/people/7']);
    expect(server.requests[0]!.headers['idempotency-key']).toBe(server.requests[2]!.headers['idempotency-key']);
    expect((await syncq('status')).stdout.split('\n')[0]).toBe('all delivered');
  });

  test('is what cron is told of, in one line', async () => {
    writeConfig(await pickyServer());
    await syncq('enqueue', 'POST', '/people', '-d', '{}');
    const run = await syncq('run');
    expect(run.stdout).toMatch(
      /^\S+Z review item 1 \(POST \/people to api\): rejected \(422\): phone must be digits\n$/,
    );
    expect(run.stderr).toBe('');
  });

  test('counts by cause before it is retried', async () => {
    writeConfig(await pickyServer());
    for (const id of ['1', '2']) await syncq('enqueue', 'POST', '/people', '--entity', `person/${id}`, '-d', '{}');
    await syncq('run');
    const dry = await syncq('retry', '--all', '--dry-run', '--json');
    expect(dry.json()).toMatchObject({ count: 2, next: null, groups: [{ count: 2, reason: 'rejected', status: 422 }] });
    expect((await syncq('retry', '--all', '--dry-run')).stdout).toMatch(
      /^2 items would go on\n2 in review at api: rejected \(422\), phone must be digits\n$/,
    );
    expect((await syncq('status', '--json')).json().counts.review).toBe(2);
  });
});

describe('run', () => {
  test('--events prints one object a line, the report last', async () => {
    writeConfig(await startServer());
    await syncq('enqueue', 'POST', '/notes', '-d', '{}');
    const lines = (await syncq('run', '--events', '--json')).ndjson();
    expect(lines.map(({ event }) => event)).toEqual(expect.arrayContaining(['sending', 'delivered', undefined]));
    expect(lines.at(-1)).toMatchObject({ delivered: 1, stopped: 'drained' });
    for (const { event, at } of lines) if (event !== undefined) expect(at).toMatch(/^\d{4}-.*Z$/);
  });

  test('--dry-run lists the requests and sends nothing', async () => {
    const server = await startServer();
    writeConfig(server);
    await syncq('enqueue', 'POST', '/notes', '-d', '{}');
    expect((await syncq('run', '--dry-run')).stdout).toBe(`1\tapi\tPOST\t${server.url}/notes\t2\n`);
    expect((await syncq('run', '--dry-run', '--json')).json()).toMatchObject({ count: 1, more: false });
    await syncq('enqueue', 'POST', '/notes', '-d', '{}');
    expect((await syncq('run', '--dry-run', '--limit', '1', '--json')).json()).toMatchObject({ count: 1, more: true });
    expect(server.connections).toBe(0);
  });

  test('ends with 4 while the server cannot be reached, and items lose nothing', async () => {
    const server = await startServer();
    writeConfig(server);
    await server.stop();
    await syncq('enqueue', 'POST', '/notes', '-d', '{}');
    expect((await syncq('run')).code).toBe(4);
    expect((await syncq('status')).stdout).toMatch(
      /^1 waits: api is offline since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d\n/,
    );
    expect((await syncq('inspect', '1', '--json')).json()).toMatchObject({
      state: 'pending',
      held: 'offline',
      retryCount: 0,
    });
    await server.start();
    expect((await syncq('run')).code).toBe(0);
  });
});

describe('pause and resume', () => {
  test('hold a target and an entity, and let them go', async () => {
    writeConfig(await startServer());
    await syncq('enqueue', 'POST', '/notes', '--entity', 'note/1', '-d', '{}');
    expect((await syncq('pause', 'api', '--because', 'release', '--json')).json()).toEqual({
      paused: ['api'],
      count: 1,
      until: null,
    });
    expect((await syncq('run')).code).toBe(4);
    expect((await syncq('status')).stdout).toMatch(/^1 waits: api is paused since \S+T\S+: release\n/);
    expect((await syncq('resume', 'api', '--json')).json()).toEqual({ resumed: ['api'], count: 1, next: 'no-runner' });

    await syncq('pause', '--entity', 'note/1', '--for', '2h');
    expect((await syncq('inspect', '1', '--json')).json()).toMatchObject({ held: 'paused' });
    const held = await syncq('run', '--json');
    expect([held.code, held.json()]).toMatchObject([
      4,
      { stopped: 'held', held: [{ target: 'api', state: 'paused', reason: 'only entity note/1' }] },
    ]);
    await syncq('resume', '--all');
    expect((await syncq('run')).code).toBe(0);
    for (const what of [['api'], ['--entity', 'note/1'], ['--all']]) {
      const again = await syncq('resume', ...what);
      expect([again.code, again.stdout]).toEqual([5, 'nothing was paused or held\n']);
    }
  });
});

test('a command that an answer suggests names the queue and the config that were named', async () => {
  writeConfig(await startServer());
  const own = ['--queue', './own.db', '--config', './syncq.json'];
  await syncq('enqueue', 'POST', '/notes', '-d', '{}', ...own);
  await syncq('pause', 'api', ...own);
  const resumed = await syncq('resume', 'api', ...own);
  expect(resumed.stdout).toContain('no runner is alive: syncq run --queue ./own.db --config ./syncq.json\n');
});

describe('wait', () => {
  test('ends with 0, 3 or 4', async () => {
    writeConfig(await pickyServer());
    await syncq('enqueue', 'POST', '/notes', '-d', '{}', '--key', 'k-1');
    const early = await syncq('wait', '1', '--timeout', '10ms', '--json');
    expect([early.code, early.json()]).toMatchObject([4, { done: false }]);
    await syncq('enqueue', 'POST', '/people', '-d', '{}');
    await syncq('run');
    expect((await syncq('wait', '--key', 'k-1')).code).toBe(0);
    expect((await syncq('wait', '1', '2')).code).toBe(3);
    expect((await syncq('wait', '9')).code).toBe(5);
  });
});

describe('inspect', () => {
  test('lists what needs attention, filters, and tells of ids that are not there', async () => {
    writeConfig(await pickyServer());
    await syncq('enqueue', 'POST', '/notes', '-d', '{}', '--tag', 'north');
    await syncq('enqueue', 'POST', '/people', '-d', '{}', '--delay', '1h');
    expect((await syncq('inspect')).stdout.split('\n').map((line) => line.split('\t').slice(0, 2))).toEqual([['1', 'due'], ['2', 'waiting'], ['']]); // prettier-ignore
    expect((await syncq('inspect', '--tag', 'north', '--json')).json().items.map(({ id }: any) => id)).toEqual([1]);
    expect((await syncq('inspect', '--state', 'review', '--json')).json().items).toEqual([]);
    const some = await syncq('inspect', '1', '9', '--json');
    expect(some.code).toBe(5);
    expect(some.json()).toMatchObject({ items: [{ id: 1 }], missing: [9] });
  });

  test('--state all lists ended items too, newest first, page by page', async () => {
    writeConfig(await pickyServer());
    await syncq('enqueue', 'POST', '/notes', '--entity', 'note/1', '-d', '{}');
    await syncq('enqueue', 'POST', '/people', '--entity', 'person/1', '-d', '{}');
    await syncq('enqueue', 'POST', '/people', '--entity', 'person/2', '-d', '{}');
    await syncq('run');
    await syncq('discard', '3', '--yes');
    await syncq('enqueue', 'PUT', '/notes/1', '--entity', 'note/1', '-d', '{}');
    const list = async (...argv: string[]): Promise<any> => (await syncq('inspect', '--json', ...argv)).json();
    const states = (page: any): unknown[] => page.items.map(({ id, state }: any) => [id, state]);

    const all = await list('--state', 'all');
    expect(states(all)).toEqual([[4, 'pending'], [3, 'discarded'], [2, 'review'], [1, 'completed']]); // prettier-ignore
    expect(all.total).toBe(4);
    const first = await list('--state', 'all', '--limit', '3');
    expect([first.items.length, first.next]).toEqual([3, 2]);
    expect(states(await list('--state', 'all', '--after', '2'))).toEqual([[1, 'completed']]);
    expect(states(await list('--state', 'all', '--entity', 'note/1'))).toEqual([[1, 'completed'], [4, 'pending']]); // prettier-ignore
    expect(states(await list('--state', 'all', '--search', 'notes'))).toEqual([[4, 'pending'], [1, 'completed']]); // prettier-ignore
    expect(states(await list())).toEqual([[2, 'review'], [4, 'pending']]); // prettier-ignore
  });
});

describe('a dry run', () => {
  test('of a held target lists nothing and says where to look', async () => {
    const server = await startServer();
    await server.stop();
    await syncq('target', 'add', 'api', server.url);
    await syncq('enqueue', 'POST', '/notes', '-d', '{}');
    expect((await syncq('run', '--dry-run')).stdout).toContain('/notes');
    await syncq('run');
    const held = await syncq('run', '--dry-run');
    expect([held.code, held.stdout]).toEqual([0, '']);
    expect(held.stderr).toBe('nothing is due; what waits, and for what: syncq status\n');
  });
});

describe('a target that nobody knows', () => {
  test('is bad input: no watch stays for it, no dry run calls it empty', async () => {
    writeConfig(await startServer());
    await syncq('enqueue', 'POST', '/notes', '-d', '{}');
    for (const argv of [['run'], ['run', '--dry-run'], ['watch']]) {
      const refused = await syncq(...argv, '--target', 'nope');
      expect([argv, refused.code, refused.stdout]).toEqual([argv, 2, '']);
      expect(refused.stderr).toBe('error: there is no target nope\nhint: syncq target list\n');
    }
  });
});

describe('the last run', () => {
  test('that status and the metrics tell of is an empty one too, once things are mended', async () => {
    writeConfig(await pickyServer());
    await syncq('enqueue', 'POST', '/people', '-d', '{}');
    expect((await syncq('run')).code).toBe(3);
    expect((await syncq('status', '--openmetrics')).stdout).toContain('syncq_last_run_exit_code 3\n');
    await syncq('complete', '1', '--yes', '--because', 'by hand');
    expect((await syncq('run')).code).toBe(0);
    expect((await syncq('status', '--openmetrics')).stdout).toContain('syncq_last_run_exit_code 0\n');
    expect((await syncq('status')).stdout).toMatch(/last run: .* exit 0\n/);
  });
});

describe('targets', () => {
  test('are added, tested, renamed and listed', async () => {
    const server = await startServer();
    const added = await syncq('target', 'add', 'api', server.url, '--bearer', 'env:TOKEN', '--json');
    expect(added.json()).toMatchObject({ name: 'api', created: true, default: true, test: { reachable: true } });
    expect((await syncq('target', 'test', 'api')).stdout).toMatch(
      /^api is reachable: it answered 200 after \d+ ms; that does not tell whether it accepts the credential\n$/,
    );
    server.setAnswer(({ headers }) => ({ status: headers.authorization === undefined ? 401 : 200 }));
    expect((await syncq('target', 'test', 'api')).stdout).toMatch(
      /^api is reachable: it answered 200 after \d+ ms, and accepts the credential\n$/,
    );
    server.setAnswer({ status: 401 });
    const refused = await syncq('target', 'test', 'api', '--json');
    expect([refused.code, refused.json()]).toMatchObject([3, { reachable: false, credential: 'refused' }]);
    server.setAnswer({ status: 200 });
    await syncq('enqueue', 'POST', '/notes', '-d', '{}');
    expect((await syncq('target', 'rename', 'api', 'live', '--json')).json()).toEqual({
      from: 'api',
      to: 'live',
      renamedIn: ['queue', 'config'],
    });
    expect((await syncq('target', 'list', '--json')).json().targets).toMatchObject([
      { name: 'live', baseUrl: server.url, default: true, pending: 1 },
    ]);
    await server.stop();
    expect((await syncq('target', 'test', 'live')).code).toBe(4);
    expect((await runCli('target', 'test', 'live', { env: {} })).code).toBe(3);
  });

  test('name the rules that take a first attempt’s refusal for a delivery', async () => {
    const rule = { body: { '/code': 159 }, means: 'delivered', onlyRepeat: false };
    writeConfig(await startServer(), { outcomes: [{ status: 409, means: 'conflict' }, rule] });
    await syncq('enqueue', 'POST', '/notes', '-d', '{}');
    const note = 'targets.api.outcomes[1] takes an answer to a first attempt for a delivery ("onlyRepeat": false)';
    expect((await syncq('target', 'test', 'api')).stdout.split('\n').slice(1)).toEqual([note, '']);
    expect((await syncq('target', 'test', 'api', '--json')).json()).toMatchObject({ notes: [note] });
    const doctor = await syncq('doctor');
    expect([doctor.code, doctor.stdout]).toEqual([0, expect.stringContaining(`note: ${note}`)]);
  });

  test('whose base URL changed are held until somebody accepts it', async () => {
    const [old, now] = [await startServer({ answer: { status: 503 } }), await startServer()];
    writeConfig(old);
    await syncq('enqueue', 'POST', '/notes', '-d', '{}');
    await syncq('run');
    writeConfig(now);
    expect((await syncq('run')).code).toBe(3);
    expect(now.requests).toHaveLength(0);
    expect((await syncq('target', 'accept', 'api', '--json')).json()).toMatchObject({ accepted: ['api'] });
    expect((await syncq('run')).code).toBe(0);
    expect(now.requests).toHaveLength(1);
  });
});
