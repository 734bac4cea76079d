/** The support desk: from "it is stuck" to "it is delivered", with what it leaves behind. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { loadSqlite } from '../../src/core/store/sqlite/file/driver.js';
import { makeVersion1 } from '../support/older-queue.js';
import type { CliResult } from '../support/cli.js';
import { runCli } from '../support/cli.js';
import type { RestServer } from '../support/rest-server.js';
import { startServer } from '../support/rest-server.js';
import { PROGRAM } from '../support/process.js';
import { testHome } from '../support/temp.js';

const syncq = (...argv: string[]): Promise<CliResult> => runCli(...argv);

function writeConfig(server: RestServer, more: object = {}): void {
  const config = { targets: { crm: { baseUrl: server.url } }, sensitive: ['phone'], ...more };
  writeFileSync(join(testHome().cwd, 'syncq.json'), JSON.stringify(config), { mode: 0o600 });
}

/** Refuses what is no phone number, in the words of the framework. */
function phoneServer(detail?: (body: string) => string): Promise<RestServer> {
  return startServer({
    answer: ({ body }) => {
      const { phone } = JSON.parse(body.toString()) as { phone: unknown };
      if (/^\d+$/.test(String(phone))) return { status: 200 };
      const problem = { type: 'about:blank', title: detail?.(String(phone)) ?? 'phone must be digits', status: 422 };
      return { status: 422, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify(problem) };
    },
  });
}

/** Thirty people, every third with a letter in the number. */
async function enqueueThirty(withEntity: boolean): Promise<void> {
  const lines = Array.from({ length: 30 }, (_, index) => {
    const n = index + 1;
    const phone = n % 3 === 0 ? `4O${n}` : `47${n}`;
    const entity = withEntity ? `"entity":"person/${n}",` : '';
    return `{"method":"POST","path":"/people/${n}",${entity}"payload":{"n": ${n}, "phone":"${phone}", "big":9007199254740993}}`;
  });
  const file = join(testHome().cwd, 'in.ndjson');
  writeFileSync(file, lines.join('\n'));
  expect((await syncq('enqueue', '--from', file)).code).toBe(0);
}

async function enqueuePerson(phone: string, entity = 'person/7'): Promise<void> {
  const stored = await syncq('enqueue', 'PUT', `/${entity}`, '--entity', entity, '-d', `{"phone":"${phone}","n":1.0}`);
  expect(stored.code).toBe(0);
}

describe('thirty items, every third refused', () => {
  test('are one cause; one is mended and delivered, its story is told, and the rest is ended', async () => {
    const server = await phoneServer();
    writeConfig(server);
    await enqueueThirty(true);
    expect((await syncq('run')).code).toBe(3);

    const status = await syncq('status');
    expect(status.stdout.split('\n')[0]).toBe('10 need you');
    expect(status.stdout).toContain(
      '10\tcrm\trejected\t422\tcreate\t3\tphone must be digits\tsyncq inspect --like 3\n',
    );
    expect((await syncq('inspect', '--like', '3', '--json')).json().items).toHaveLength(10);

    const page = await syncq('inspect', '3');
    expect(page.stdout).toContain('the server refused it (422, phone must be digits)');
    expect(page.stdout).toContain('  syncq edit 3\n  syncq retry 3\n  syncq discard 3\n');
    expect(page.stdout).not.toContain('4O3');

    const edited = await syncq('edit', '3', '--set', '/phone=4799', '--because', 'a letter O');
    expect(edited).toMatchObject({ code: 0 });
    expect(edited.stdout).toBe(
      'item 3 is edited (/phone); it has a new idempotency key\nit is still in review; to send it: syncq retry 3\n',
    );
    expect(edited.stderr).toContain('/phone was a string and is a number now');
    expect((await syncq('retry', '3')).code).toBe(0);
    expect((await syncq('run')).code).toBe(0);
    expect(server.requests.at(-1)!.body.toString()).toBe('{"n": 3, "phone":4799, "big":9007199254740993}');
    const keys = server.requests
      .filter(({ path }) => path === '/people/3')
      .map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(2);

    const told = (await syncq('history', '3')).stdout.split('\n').map((line) => line.split('\t').slice(2).join(' '));
    expect(told.filter((line) => line !== '').map((line) => line.replace(/after [\d.]+ m?s/, 'after N'))).toEqual([
      'enqueue stored it: POST /people/3 for crm, about person/3',
      expect.stringMatching(/^run \d+ attempt 1: the server refused it \(422, phone must be digits, after N\)$/),
      expect.stringMatching(/ edited it \(\/phone\), with a new idempotency key: a letter O$/),
      expect.stringMatching(/ put it back in line$/),
      expect.stringMatching(/^run \d+ attempt 2: the server accepted it \(200, after N\)$/),
    ]);

    expect((await syncq('retry', '--status', '422', '--dry-run', '--json')).json()).toMatchObject({
      count: 9,
      groups: [{ count: 9, status: 422, message: 'phone must be digits' }],
    });
    const ended = await syncq('discard', '--state', 'review', '--yes', '--json');
    expect([ended.code, ended.json().count]).toEqual([0, 9]);
    expect((await syncq('status')).stdout.split('\n')[0]).toBe('all delivered');
  });

  test('without entity the first one blocks what is behind it, and status says so and what would help', async () => {
    writeConfig(await phoneServer());
    await enqueueThirty(false);
    expect((await syncq('run')).code).toBe(3);
    const { stdout } = await syncq('status');
    expect(stdout.split('\n')[0]).toBe('1 needs you, 27 wait behind it');
    expect(stdout).toContain('syncq inspect 3\n');
    expect((await syncq('inspect', '4')).stdout).toContain('Deal with item 3 first\n  syncq inspect 3\n');
    expect((await syncq('discard', '3', '--yes')).code).toBe(0);
    expect((await syncq('run')).json).toBeDefined();
    expect((await syncq('inspect', '6')).stdout).toContain('in review');
  });

  test('two sentences are two causes, ids and numbers in them are not', async () => {
    writeConfig(
      await phoneServer((phone) =>
        phone.length > 3 ? `phone ${phone.length} of person ${phone.slice(2)} is too long` : 'phone must be digits',
      ),
    );
    await enqueueThirty(true);
    await syncq('run');
    const groups = (await syncq('status', '--json')).json().reviewGroups;
    expect(groups.map(({ count }: { count: number }) => count)).toEqual([7, 3]);
  });
});

describe('commands that end items', () => {
  test('need --yes where nobody can be asked, and change nothing without it', async () => {
    writeConfig(await phoneServer());
    await enqueueThirty(true);
    await syncq('run');
    for (const argv of [
      ['discard', '--all'],
      ['complete', '--all', '--because', 'seen it'],
      ['erase', '--entity', 'person/3'],
    ]) {
      const refused = await syncq(...argv);
      expect([argv[0], refused.code]).toEqual([argv[0], 2]);
      expect(refused.stderr).toContain('nothing was changed');
      expect((await syncq(...argv, '--json')).json().error.code).toBe('confirm-needed');
    }
    expect((await syncq('status', '--json')).json().counts.review).toBe(10);
  });

  test('count by cause in a dry run', async () => {
    writeConfig(await phoneServer());
    await enqueueThirty(true);
    await syncq('run');
    expect((await syncq('discard', '--all', '--dry-run')).stdout).toBe(
      '10 items would be discarded\n10 in review at crm: rejected (422), phone must be digits\n',
    );
  });

  test('say what they left alone, and end with 5 when nothing was there', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('471');
    await syncq('run');
    const refused = await syncq('discard', '1', '99', '--yes', '--json');
    expect([refused.code, refused.json()]).toEqual([
      5,
      expect.objectContaining({
        count: 0,
        skipped: [
          { id: 1, reason: 'it is completed, which is final' },
          { id: 99, reason: 'there is no such item' },
        ],
      }),
    ]);
  });

  test('complete tells the history how it is known', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    await syncq('run');
    const asText = await syncq('complete', '1', '--reason', 'found it', '--because', 'x', '--yes');
    expect([asText.code, asText.stderr]).toEqual([2, expect.stringContaining('To say why, write --because TEXT.')]);
    expect((await syncq('complete', '1', '--because', ' ', '--yes')).code).toBe(2);
    expect((await syncq('complete', '1')).code).toBe(2);
    expect((await syncq('complete', '1', '--because', 'found it as 88-17', '--yes')).stdout).toBe(
      'item 1 is completed\n',
    );
    expect((await syncq('history', '1')).stdout).toMatch(/marked it as completed: found it as 88-17\n$/);
    expect((await syncq('status')).stdout.split('\n')[0]).toBe('all delivered');
  });
});

describe('edit', () => {
  /** The editor notes which file it was given. */
  const withEditor = (script: string, ...argv: string[]): Promise<CliResult> => {
    const editor = join(testHome().home, 'editor.sh');
    writeFileSync(editor, `echo "$1" >> '${testHome().home}/opened'\n${script}\n`);
    return runCli(...argv, { env: { EDITOR: `sh '${editor}'` } });
  };
  const leftOpen = (): string[] =>
    readFileSync(join(testHome().home, 'opened'), 'utf8')
      .split('\n')
      .filter((file) => file !== '' && existsSync(file));
  const state = async (): Promise<unknown> => {
    const item = (await syncq('inspect', '1', '--json', '--reveal')).json();
    return [item.state, item.reviewReason, item.payload];
  };

  test('in an editor saves what was typed in the layout it came in', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    await syncq('run');
    const edited = await withEditor(`sed -i 's/4O1/471/' "$1"`, 'edit', '1', '--because', 'typo');
    expect([edited.code, edited.stdout]).toEqual([
      0,
      'item 1 is edited (payload); it has a new idempotency key\nit is still in review; to send it: syncq retry 1\n',
    ]);
    expect(await state()).toEqual(['review', 'rejected', { phone: '471', n: 1 }]);
    expect((await syncq('inspect', '1', '--json', '--reveal')).stdout).toContain('{"phone":"471","n":1.0}');
    expect((await syncq('history', '1')).stdout).toMatch(
      /opened it in an editor: typo\n.*edited it \(payload\), with a new idempotency key: typo\n/,
    );
  });

  test('puts the item back when nothing was changed', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    const kept = await withEditor('true', 'edit', '1', '--json');
    expect([kept.code, kept.json()]).toEqual([0, { id: 1, edited: false, fields: [] }]);
    expect(await state()).toEqual(['pending', null, { phone: '4O1', n: 1 }]);
    expect(leftOpen()).toEqual([]);
  });

  test('refuses what an editor saved in another encoding, and puts the item back', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    const refused = await withEditor(String.raw`printf '{"phone":"J\370rn"}' > "$1"`, 'edit', '1', '--json');
    expect([refused.code, refused.json().error.message]).toEqual([2, expect.stringContaining('not valid UTF-8')]);
    expect(await state()).toEqual(['pending', null, { phone: '4O1', n: 1 }]);
  });

  test('says so when the editor cannot be started, and puts the item back', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    const refused = await runCli('edit', '1', '--json', { env: { EDITOR: 'no-such-editor' } });
    expect([refused.code, refused.json().error]).toEqual([
      2,
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('could not be started') as unknown }),
    ]);
    expect(await state()).toEqual(['pending', null, { phone: '4O1', n: 1 }]);
  });

  test('keeps what was typed when the item was freed meanwhile', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    const database = join(testHome().cwd, 'syncq.db');
    // As somebody else's `retry 1` would.
    const free = `"${process.execPath}" "${PROGRAM}" retry 1 --queue "${database}" >/dev/null`;
    const refused = await withEditor(`${free}; sed -i 's/4O1/471/' "$1"`, 'edit', '1', '--json');
    const [file = ''] = leftOpen();
    expect([refused.code, refused.json().error.hint]).toEqual([2, expect.stringContaining(file)]);
    expect(readFileSync(file, 'utf8')).toContain('"471"');
    expect(await state()).toEqual(['pending', null, { phone: '4O1', n: 1 }]);
    rmSync(dirname(file), { recursive: true });
  });

  test('refuses what is no JSON, and puts the item back', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    const refused = await withEditor(`sed -i 's/}//' "$1"`, 'edit', '1');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('payload is not valid JSON')]);
    expect(refused.stderr).not.toContain('4O1');
    expect(await state()).toEqual(['pending', null, { phone: '4O1', n: 1 }]);
    const [file = ''] = leftOpen();
    expect(refused.stderr).toContain(file);
    rmSync(dirname(file), { recursive: true });
  });

  test('an editor that ends with an error changes nothing and ends with 2', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('471');
    const failed = await withEditor('exit 1', 'edit', '1');
    expect([failed.code, failed.stderr]).toEqual([
      2,
      expect.stringContaining('the editor ended with an error; item 1 is as it was'),
    ]);
    expect((await syncq('inspect', '1', '--json')).json()).toMatchObject({ state: 'pending', attempts: [] });
  });

  test('a killed editor leaves the item as it was, and nothing of it in the temporary directory', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    const killed = await withEditor('kill -9 $$', 'edit', '1', '--json');
    expect([killed.code, killed.json().error.message]).toEqual([
      4,
      expect.stringMatching(/SIGKILL.*is as it was, and what was typed is removed/),
    ]);
    expect(await state()).toEqual(['pending', null, { phone: '4O1', n: 1 }]);
    expect(leftOpen()).toEqual([]);
  });

  test('never takes an item to another target, and refuses secrets and what is not there', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    for (const argv of [
      ['--path', 'https://evil.example/x'],
      ['--path', '/../x'],
      ['-H', 'Authorization: Bearer x'],
      ['--set', '/a/b=1'],
    ]) {
      const refused = await syncq('edit', '1', ...argv, '--json');
      expect([argv[1], refused.code, refused.json().error.code]).toEqual([argv[1], 2, 'bad-item']);
    }
    expect((await syncq('edit', '11', '--set', '/n=2', '--json')).json().error).toMatchObject({
      code: 'not-found',
      hint: expect.stringContaining('Did you mean item 1?'),
    });
    expect((await syncq('edit', '1', '--set', '/n=1.0', '--json')).code).toBe(5);
  });

  test('changes path, headers and the whole payload', async () => {
    const server = await phoneServer();
    writeConfig(server);
    await enqueuePerson('4O1');
    const edited = await syncq(
      'edit',
      '1',
      '--path',
      '/p/8?x=1',
      '-H',
      'X-App: field',
      '-d',
      '{"phone":"1"}',
      '--json',
    );
    expect(edited.json()).toMatchObject({
      edited: true,
      fields: ['path', 'header x-app', 'payload'],
      state: 'pending',
      next: 'no-runner',
    });
    await syncq('run');
    expect(server.requests[0]).toMatchObject({
      path: '/p/8?x=1',
      headers: { 'x-app': 'field' },
      body: Buffer.from('{"phone":"1"}'),
    });
  });
});

/** Files beside the queue that hold these bytes. */
function filesWith(marker: string): string[] {
  const { cwd } = testHome();
  return readdirSync(cwd).filter(
    (name) => name.startsWith('syncq.db') && readFileSync(join(cwd, name)).includes(marker),
  );
}

describe('what is to be forgotten', () => {
  /** Items whose payloads are written, moved and grown on many pages; one person is marked. */
  async function manyItems(server: RestServer): Promise<void> {
    writeConfig(server);
    const lines = Array.from({ length: 240 }, (_, n) => {
      const [entity, mark] = n % 20 === 0 ? ['person/7', 'MARKED-SECRET'] : [`other/${n % 7}`, 'plain'];
      const size = [10, 900, 5000][n % 3] ?? 0;
      return JSON.stringify({
        method: 'POST',
        path: `/p/${n}`,
        entity,
        payload: { phone: n % 60 === 0 ? 'x' : '1', text: `${mark}${mark.repeat(size / 10)}` },
      });
    });
    writeFileSync(join(testHome().cwd, 'in.ndjson'), lines.join('\n'));
    await syncq('enqueue', '--from', join(testHome().cwd, 'in.ndjson'));
    await syncq('run');
  }

  const echoServer = (): Promise<RestServer> =>
    startServer({
      answer: ({ body }) => {
        const { phone, text } = JSON.parse(body.toString()) as { phone: string; text: string };
        return phone === 'x'
          ? { status: 422, body: { title: `what is ${text.slice(0, 13)}`, text } }
          : { status: 200, body: { text } };
      },
    });

  test('erase leaves no byte of it in any file of the queue, and a tombstone', async () => {
    await manyItems(await echoServer());
    await syncq('edit', '1', '--set', '/phone=MARKED-SECRET', '--because', 'MARKED-SECRET is wrong');
    writeFileSync(join(testHome().cwd, 'syncq.db.v1'), 'MARKED-SECRET');
    expect(filesWith('MARKED-SECRET')).toContain('syncq.db.v1');
    expect(filesWith('MARKED-SECRET')).toContain('syncq.db');
    const shown = await syncq('erase', '--entity', 'person/7', '--dry-run');
    expect(shown.stdout).toMatch(
      /would be removed\n\d+ items not delivered yet: would be discarded\nwould be removed: .*syncq\.db\.v1/,
    );
    const erased = await syncq('erase', '--entity', 'person/7', '--yes', '--json');
    expect(erased.json()).toMatchObject({
      count: 12,
      cleared: true,
      revisions: 1,
      copiesRemoved: [expect.stringContaining('.v1')],
    });
    expect(filesWith('MARKED-SECRET')).toEqual([]);
    expect(filesWith('plainplain')).not.toEqual([]);
    const item = (await syncq('inspect', '1', '--json')).json();
    expect(item).toMatchObject({
      state: 'discarded',
      payloadBytes: expect.any(Number),
      entity: { type: 'person', id: '7' },
    });
    expect((await syncq('inspect', '1')).stdout).toContain('its bytes were removed');
    expect((await syncq('edit', '1', '--set', '/a=1', '--json')).json().error.code).toBe('bad-item');
    expect((await syncq('history', '1')).stdout).toMatch(/erased what it held\n$/);
    expect((await syncq('erase', '--entity', 'person/7', '--yes')).code).toBe(5);
  });

  test('prune leaves no byte of what it removed, and spares what is in review or pending', async () => {
    const server = await echoServer();
    await manyItems(server);
    writeConfig(server, { retention: { completed: '0s' } });
    const before = (await syncq('status', '--json')).json().counts;
    expect(before.review).toBeGreaterThan(0);
    expect((await syncq('prune')).code).toBe(2);
    expect((await syncq('prune', '--dry-run', '--json')).json()).toMatchObject({ dryRun: true });
    await syncq('prune', '--yes');
    const kept = (await syncq('status', '--json')).json().counts;
    expect(kept).toEqual({ ...before, completed: 0 });
    expect(filesWith('MARKED-SECRET')).not.toEqual([]);
    await syncq('discard', '--state', 'all', '--yes');
    await syncq('prune', '--yes');
    expect(filesWith('MARKED-SECRET')).toEqual([]);
    expect(filesWith('plainplain')).toEqual([]);
    expect((await syncq('prune', '--yes')).code).toBe(5);
    expect((await syncq('inspect', '2')).code).toBe(5);
  });

  test('what prune removed still answers wait and history, by id and by key', async () => {
    writeConfig(await startServer(), { retention: { completed: '1ms' } });
    for (const key of ['k1', 'k2'])
      await syncq('enqueue', 'PUT', '/a', '--entity', `a/${key}`, '--key', key, '-d', '1');
    await syncq('discard', '2', '--yes');
    await syncq('run');
    await new Promise((resolve) => setTimeout(resolve, 5));
    // The run may have carried out the rule already.
    await syncq('prune', '--yes');
    expect((await syncq('inspect', '1', '2')).code).toBe(5);
    for (const which of [['1'], ['--key', 'k1']]) {
      const { code, json } = await syncq('wait', ...which, '--json');
      const why = expect.stringMatching(/^completed, and removed at .* by the retention rules$/);
      expect({ code, ...json() }).toEqual({
        code: 0,
        done: true,
        failed: false,
        items: [{ id: 1, state: 'completed', why }],
      });
    }
    expect((await syncq('wait', '2')).code).toBe(3);
    expect((await syncq('wait', '3')).code).toBe(5);
    const { code, json } = await syncq('history', '1', '--json');
    expect({ code, ...json() }).toMatchObject({
      code: 0,
      history: [{ item: 1, event: 'removed', detail: { state: 'completed', idempotencyKey: 'k1' } }],
    });
    expect((await syncq('history', '2')).stdout).toMatch(
      /discarded it\n.*removed it .*: it was discarded, its key is k2\n$/,
    );
    expect((await syncq('history', '3')).code).toBe(5);
  });

  test('prune removes payloads alone when only that rule is given', async () => {
    const server = await echoServer();
    writeConfig(server, { retention: { payloads: '1ms' } });
    await syncq('enqueue', 'POST', '/a', '-d', '{"phone":"1","text":"MARKED-SECRET"}', '--key', 'k-1');
    await syncq('run');
    await syncq('prune', '--yes');
    expect(filesWith('MARKED-SECRET')).toEqual([]);
    expect((await syncq('inspect', '1', '--json')).json()).toMatchObject({ state: 'completed', payloadBytes: 36 });
    const again = await syncq('enqueue', 'POST', '/a', '-d', '{"phone":"1","text":"MARKED-SECRET"}', '--key', 'k-1');
    expect([again.code, again.stdout]).toEqual([0, '1\n']);
  });

  test('run carries the rules out by itself, and not again within the hour', async () => {
    const server = await echoServer();
    writeConfig(server, { retention: { completed: '1ms' } });
    const done = async (): Promise<unknown> => (await syncq('status', '--json')).json().counts.completed;
    await syncq('enqueue', 'POST', '/a', '-d', '{"phone":"1","text":"a"}');
    await syncq('run');
    await syncq('run');
    expect(await done()).toBe(0);
    await syncq('enqueue', 'POST', '/a', '-d', '{"phone":"1","text":"b"}');
    await syncq('run');
    await syncq('run');
    expect(await done()).toBe(1);
  });

  test('prune without rules says how to give them', async () => {
    writeConfig(await echoServer());
    await syncq('enqueue', 'POST', '/a');
    const refused = await syncq('prune', '--yes', '--json');
    expect(refused.json().error).toMatchObject({ code: 'usage', hint: expect.stringContaining('retention') });
  });
});

describe('a cause', () => {
  /** Persons are named by the server only: no payload has their names. */
  const named = (phone: string): string => `the number of ${phone.endsWith('1') ? 'Kari Nordmann' : 'Ola'} is wrong`;

  async function twoRefused(title: string): Promise<void> {
    const server = await startServer({
      answer: ({ body }) => {
        const { phone } = JSON.parse(body.toString()) as { phone: string };
        const problem = { type: 'about:blank', title, status: 422, detail: named(phone) };
        return { status: 422, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify(problem) };
      },
    });
    writeConfig(server);
    await enqueuePerson('4O1', 'person/1');
    await enqueuePerson('4O2', 'person/2');
    await syncq('run');
  }

  test('has the words of its title where the details of its items differ', async () => {
    await twoRefused('Phone must be digits');
    const { reviewGroups } = (await syncq('status', '--json')).json();
    expect(reviewGroups).toEqual([expect.objectContaining({ count: 2, firstId: 1, message: 'Phone must be digits' })]);
    expect((await syncq('inspect', '1', '--json')).json().why).toContain(
      '(422, Phone must be digits: the number of Kari Nordmann is wrong)',
    );
    const dry = (await syncq('retry', '2', '--dry-run', '--json')).json();
    expect(dry).toMatchObject({ count: 1, dryRun: true, groups: [{ count: 1, message: 'Phone must be digits' }] });
    expect((await syncq('retry', '2', '--dry-run')).stdout).toBe(
      '1 item would go on\n1 in review at crm: rejected (422), Phone must be digits\n',
    );
  });

  test('has two groups where the title says nothing', async () => {
    await twoRefused('Validation failed');
    expect((await syncq('status', '--json')).json().reviewGroups).toHaveLength(2);
  });

  test('forgets the words of an item that is erased, also when it had left before', async () => {
    const server = await phoneServer();
    writeConfig(server, { sensitive: [] });
    const enqueue = (entity: string): Promise<CliResult> =>
      syncq('enqueue', 'PUT', `/${entity}`, '--entity', entity, '-d', '{"phone":"4O"}');
    await enqueue('person/1');
    await syncq('run');
    const words = "UPDATE review_group SET message = 'Kari Nordmann'; UPDATE attempt SET message = 'Kari Nordmann'";
    const database = join(testHome().cwd, 'syncq.db');
    const db = new (loadSqlite())(database);
    db.exec(words);
    db.close();
    await enqueue('person/2');
    await syncq('run');
    const db2 = new (loadSqlite())(database);
    db2.exec(`UPDATE review_group SET message = 'Kari Nordmann'`);
    db2.close();
    await syncq('edit', '1', '--set', '/phone="47"');
    await syncq('retry', '1');
    await syncq('run');
    expect((await syncq('status')).stdout).toContain('Kari Nordmann');
    expect((await syncq('erase', '--entity', 'person/1', '--yes')).code).toBe(0);
    expect((await syncq('status', '--json')).json().reviewGroups).toEqual([
      expect.objectContaining({ count: 1, message: 'phone must be digits' }),
    ]);
    expect(readFileSync(database)).not.toContain('Nordmann');
  });
});

describe('looking', () => {
  test('a reveal is recorded, and what is sensitive is hidden everywhere else', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O-hidden');
    await syncq('run');
    await syncq('edit', '1', '--set', '/phone=4O-other');
    const outputs = [
      await syncq('inspect', '1'),
      await syncq('inspect', '--payload', '--json'),
      await syncq('history', '1', '--json'),
      await syncq('status', '--json'),
      await syncq('discard', '--all', '--dry-run'),
    ];
    for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toMatch(/4O-(hidden|other)/);
    expect((await syncq('inspect', '1', '--reveal')).stdout).toContain('4O-other');
    expect((await syncq('history', '--json')).json().history.at(-1)).toMatchObject({ item: 1, event: 'revealed' });
  });

  test('a value that a server quotes is hidden too: in its sentence, under other keys, in what an edit replaced', async () => {
    const server = await startServer({
      answer: ({ body }) => {
        const { phone } = JSON.parse(body.toString()) as { phone: string };
        return {
          status: 422,
          body: { message: `no ${phone} here`, errors: [{ msg: `no ${phone} here`, input: phone }] },
        };
      },
    });
    writeConfig(server);
    await enqueuePerson('4O-hidden');
    const run = await syncq('run');
    await syncq('edit', '1', '--set', '/phone=4O-other');
    const outputs = [
      run,
      await syncq('inspect', '1'),
      await syncq('inspect', '1', '--json'),
      await syncq('inspect', '--payload', '--json'),
      await syncq('inspect'),
      await syncq('history', '1'),
      await syncq('status', '--json'),
      await syncq('retry', '--all', '--dry-run'),
    ];
    for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toMatch(/4O-(hidden|other)/);
    expect(outputs[1]!.stdout).toContain('(422, no *** here)');
    expect((await syncq('inspect', '1', '--reveal')).stdout).toContain('"input":"4O-hidden"');
  });

  test('history without an id is what people did, from a time on', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    await syncq('pause', 'crm', '--because', 'release');
    await syncq('resume', 'crm');
    await syncq('discard', '1', '--yes', '--because', 'entered twice');
    const lines = (await syncq('history')).stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[3]);
    expect(lines).toEqual(['paused crm: release', 'resumed crm', 'discarded item 1: entered twice']);
    expect((await syncq('history', '--since', '0ms')).stdout).toBe('');
    expect((await syncq('history', '--limit', '1', '--json')).json()).toMatchObject({
      more: true,
      history: [{ event: 'discarded' }],
    });
    expect((await syncq('history', '11', '--json')).json().error).toMatchObject({ code: 'not-found' });
  });

  test('status --ages is a table in a pipe, and numbers in JSON', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1');
    await enqueuePerson('472');
    expect((await syncq('status', '--ages')).stdout).toBe(
      'all\twaiting\t2\t2\t.\t.\t.\t.\t.\t.\t.\ncrm\twaiting\t2\t2\t.\t.\t.\t.\t.\t.\t.\n',
    );
    expect((await syncq('status', '--ages', '--json')).json().ages[1]).toMatchObject({
      target: 'crm',
      kind: 'waiting',
      count: 2,
      atLeast: false,
    });
  });

  test('a list has the columns and the order that were asked for', async () => {
    writeConfig(await phoneServer());
    await enqueuePerson('4O1', 'person/1');
    await enqueuePerson('4O22', 'person/2');
    expect((await syncq('inspect', '--columns', 'entity,id,bytes', '--sort', 'bytes:desc')).stdout).toBe(
      'person/2\t2\t24\nperson/1\t1\t23\n',
    );
    await enqueuePerson('401', 'person/3');
    await syncq('run');
    expect((await syncq('inspect', '--state', 'all', '--columns', 'id,status', '--sort', 'id')).stdout).toBe(
      '1\t422\n2\t422\n3\t200\n',
    );
  });
});

test('a dry run renews no older queue file', async () => {
  writeConfig(await phoneServer(), { retention: { completed: '1s' } });
  const path = join(testHome().cwd, 'syncq.db');
  makeVersion1(path);
  const before = readFileSync(path);
  const asked = [
    ['retry', '--all'],
    ['discard', '--all'],
    ['complete', '--all', '--because', 'there'],
    ['erase', '--entity', 'a/1'],
    ['prune'],
  ];
  for (const argv of asked) expect((await syncq(...argv, '--dry-run')).code).not.toBe(6);
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(existsSync(`${path}.v1`)).toBe(false);
});

describe('edit by filters', () => {
  test('shows the first change, then edits each item; a second run finds nothing to do', async () => {
    const server = await phoneServer();
    writeConfig(server);
    await enqueueThirty(true);
    await syncq('run');
    const asNumber = await syncq('edit', '--like', '3', '--set', '/phone=471', '--dry-run');
    expect(asNumber.stdout).toContain('mind: /phone was a string and is a number now');
    const one = await syncq('inspect', '6');
    expect(one.stderr).toContain('others are in review for the same cause: syncq inspect --like 6');
    const edit = ['edit', '--like', '3', '--set', '/phone="471"', '--set', '/country=NO'];
    const shown = await syncq(...edit, '--dry-run');
    expect([shown.code, shown.stdout]).toEqual([
      0,
      '10 items would be edited\nthe change, at item 3:\n  /phone: *** -> *** (changed)\n  /country: (none) -> "NO"\n',
    ]);
    expect((await syncq(...edit)).code).toBe(2);
    const done = await syncq(...edit, '--yes', '--because', 'typed with a letter O');
    expect(done.code).toBe(0);
    expect(done.stdout).toContain('items 3, 6, 9, 12, 15, 18, 21, 24, 27, 30 are edited (/phone, /country)');
    expect(done.stdout).toContain('to send them: syncq retry --like 3');
    expect((await syncq('history', '30')).stdout).toContain('typed with a letter O');
    const again = await syncq(...edit, '--yes', '--json');
    expect([again.code, again.json()]).toMatchObject([5, { edited: [], same: 10 }]);
    expect((await syncq('retry', '--like', '3')).code).toBe(0);
    expect((await syncq('run')).code).toBe(0);
    expect(server.requests.filter(({ body }) => body.toString().includes('"country":"NO"'))).toHaveLength(10);
  });

  test('leaves out what cannot be edited, and what the server may already have', async () => {
    writeConfig(
      await startServer({ answer: ({ path }) => (path.includes('lost') ? { reset: true } : { status: 422 }) }),
    );
    await syncq('enqueue', 'POST', '/a', '-d', '{"n":1}', '--entity', 'a/1');
    await syncq('enqueue', 'POST', '/b', '-d', 'plain', '--entity', 'b/1', '--content-type', 'text/plain');
    await syncq('enqueue', 'POST', '/lost', '-d', '{"n":1}', '--entity', 'c/1');
    await syncq('run');
    const done = await syncq('edit', '--state', 'review', '--state', 'pending', '--set', '/n=2', '--yes', '--json');
    const { edited, skipped } = done.json() as { edited: number[]; skipped: { id: number; reason: string }[] };
    expect(edited).toEqual([1]);
    expect(skipped.map(({ id, reason }) => [id, reason])).toEqual([
      [2, 'item 2 has no JSON payload, so no value of it can be set'],
      [3, 'attempt 1 may have arrived; edit it alone'],
    ]);
  });

  test('refuses an id with filters, an editor, and a dry run of one item', async () => {
    writeConfig(await startServer());
    await syncq('enqueue', 'POST', '/a', '-d', '{"n":1}');
    expect((await syncq('edit', '1', '--like', '1', '--set', '/n=2')).code).toBe(2);
    expect((await syncq('edit', '--state', 'pending')).code).toBe(2);
    expect((await syncq('edit', '1', '--set', '/n=2', '--dry-run')).code).toBe(2);
    expect((await syncq('edit')).code).toBe(2);
  });
});

describe('--behind', () => {
  test('chooses what waits for an item, in lists and in commands', async () => {
    writeConfig(await phoneServer());
    for (const phone of ['4O1', '471', '472']) await enqueuePerson(phone);
    await enqueuePerson('473', 'person/8');
    await syncq('run');
    const ids = async (...flags: string[]): Promise<unknown> =>
      ((await syncq('inspect', '--json', ...flags)).json() as { items: { id: number }[] }).items.map(({ id }) => id);
    expect(await ids('--behind', '1')).toEqual([2, 3]);
    expect(await ids('--behind', '2')).toEqual([3]);
    expect(await ids('--behind', '4')).toEqual([]);
    expect(await ids('--state', 'blocked')).toEqual([2, 3]);
    expect((await syncq('inspect', '--behind', '99')).code).toBe(5);
    const shown = await syncq('discard', '1', '--dry-run');
    expect(shown.stdout).toContain('items 2, 3, waiting behind, go on then\n');
    expect((await syncq('discard', '--behind', '1', '--yes', '--because', 'the lane is given up')).stdout).toBe(
      'items 2, 3 are discarded\n',
    );
    expect((await syncq('retry', '--behind', '99')).code).toBe(5);
    await enqueuePerson('474');
    expect((await syncq('discard', '1', '--yes')).stdout).toBe(
      'item 1 is discarded\nitem 5, waiting behind, goes on now\n',
    );
  });
});

describe('target set and target remove', () => {
  test('change the config, write the history, and refuse to remove what unfinished items name', async () => {
    writeConfig(await startServer());
    expect((await syncq('target', 'set', 'crm', 'retry.max=4')).code).toBe(0);
    expect(existsSync(join(testHome().cwd, 'syncq.db'))).toBe(false);
    await syncq('enqueue', 'POST', '/a', '-d', '{}');
    const set = await syncq('target', 'set', 'crm', 'retry.max=5', '--because', 'slow server', '--json');
    expect(set.json()).toMatchObject({ name: 'crm', changed: ['retry.max'] });
    const refused = await syncq('target', 'remove', 'crm');
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('1 unfinished item of the queue names crm'),
    ]);
    await syncq('run');
    expect((await syncq('target', 'remove', 'crm', '--because', 'closed')).code).toBe(0);
    const lines = (await syncq('history')).stdout;
    expect(lines).toContain('changed settings of crm (retry.max): slow server');
    expect(lines).toContain('removed from the config: crm: closed');
    expect((await syncq('target', 'remove', 'crm')).code).toBe(2);
  });
});
