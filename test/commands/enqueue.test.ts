/** What `enqueue` refuses: what it says of it, what is stored all the same, and that nothing is made for it. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import type { CliResult } from '../support/cli.js';
import { runCli } from '../support/cli.js';
import { runProcess } from '../support/process.js';
import { testHome } from '../support/temp.js';

const syncq = (...argv: string[]): Promise<CliResult> => runCli(...argv);

const line = (key: string | undefined, payload: number): string =>
  JSON.stringify({ method: 'POST', path: '/a', ...(key === undefined ? {} : { key }), payload });

/** A file of these lines in the working directory. */
function input(...lines: string[]): string {
  const file = join(testHome().cwd, 'in.ndjson');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

function writeConfig(): void {
  const config = { targets: { api: { baseUrl: 'http://127.0.0.1:1' } } };
  writeFileSync(join(testHome().cwd, 'syncq.json'), JSON.stringify(config), { mode: 0o600 });
}

describe('two lines with one key and other content', () => {
  const lines = [line('k1', 1), '', line(undefined, 2), line('k1', 3), line('k2', 4)];

  test('are refused by their numbers, and no item is named that is nowhere', async () => {
    writeConfig();
    const refused = await syncq('enqueue', '--from', input(...lines), '--json');
    expect(refused.code).toBe(2);
    expect(refused.json().error).toMatchObject({
      code: 'key-conflict',
      message: 'line 4: the key k1 already belongs to line 1, which has other content; nothing was stored',
      hint: 'use another key for another write',
    });
    expect((await syncq('inspect', '--json')).json().items).toEqual([]);
  });

  test('are found in a pipe as well, however far they are apart', async () => {
    writeConfig();
    const between = Array.from({ length: 2500 }, (_, n) => line(`between-${n}`, n));
    const given = [line('k0', 0), line('k1', 1), ...between, line('k1', 2)].join('\n');
    const refused = await runProcess(['enqueue', '--from', '-'], { stdin: given });
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('line 2503: the key k1 already belongs to line 2, which has other content'),
    ]);
  });

  test('with --partial, the second is reported and the others are stored', async () => {
    writeConfig();
    const partial = await syncq('enqueue', '--from', input(...lines, '{'), '--partial', '--json');
    expect(partial.code).toBe(3);
    expect(partial.json()).toMatchObject({
      count: 3,
      rejected: [
        { line: 4, message: 'the key k1 already belongs to line 1, which has other content' },
        { line: 6, message: expect.stringContaining('is not a JSON object') },
      ],
    });
    expect((await syncq('status', '--json')).json().counts.pending).toBe(3);
  });

  test('with --stream, the second ends it; what was stored before is named by its item', async () => {
    writeConfig();
    expect((await syncq('enqueue', '--from', input(line('k1', 1)))).code).toBe(0);
    const refused = await syncq('enqueue', '--from', input(line(undefined, 1), line('k1', 2)), '--stream', '--json');
    expect(refused.json().error.message).toBe(
      'line 2: the key k1 already belongs to item 1, which has other content; the batches before it are stored',
    );
  });

  test('with the same content are one item', async () => {
    writeConfig();
    const stored = await syncq('enqueue', '--from', input(line('k1', 1), line('k1', 1)), '--json');
    expect(stored.json()).toMatchObject({ count: 2, duplicates: 1, firstId: 1, lastId: 1, rejected: [] });
  });
});

describe('a line whose key an item has', () => {
  test('is told with its number and the item', async () => {
    writeConfig();
    await syncq('enqueue', '--from', input(line('k1', 1)));
    const refused = await syncq('enqueue', '--from', input(line('k2', 1), line('k1', 2)), '--json');
    expect(refused.json().error.message).toBe(
      'line 2: the key k1 already belongs to item 1, which has other content; nothing was stored',
    );
    const partial = await syncq('enqueue', '--from', input(line('k1', 2), line('k1', 3)), '--partial', '--json');
    expect(partial.json()).toMatchObject({
      count: 0,
      rejected: [
        { line: 1, message: 'the key k1 already belongs to item 1, which has other content' },
        { line: 2, message: 'the key k1 already belongs to item 1, which has other content' },
      ],
    });
  });
});

describe('a write that is refused', () => {
  const isThere = (): boolean =>
    readdirSync(testHome().home, { recursive: true }).some((name) => /\.db|syncq\.db/.test(String(name)));
  const bad = line(undefined, 1).replace('/a', 'a');

  test.each<[string, () => string[]]>([
    ['without a target', () => ['POST', '/x', '-d', '1']],
    ['of what is no JSON', () => ['POST', 'http://127.0.0.1:1/a', '-d', '{']],
    ['to a named file', () => ['POST', '/x', '--queue', join(testHome().cwd, 'deep', 'q.db')]],
    ['in a file', () => ['--from', input(line(undefined, 1))]],
    ['in a file that is not there', () => ['--from', 'none.ndjson']],
    ['in a file, streamed', () => ['--from', input(line(undefined, 1)), '--stream']],
  ])('%s leaves no queue behind', async (_name, argv) => {
    const refused = await syncq('enqueue', ...argv());
    expect(refused.code).toBe(2);
    expect(isThere()).toBe(false);
    expect(existsSync(join(testHome().cwd, 'deep'))).toBe(false);
    expect((await syncq('status')).stdout).toContain('No queue yet');
  });

  test('far behind in a file leaves none either, and with --partial none when no line is good', async () => {
    writeConfig();
    const queue = join(testHome().cwd, 'syncq.db');
    const good = Array.from({ length: 3000 }, (_, n) => line(undefined, n));
    expect((await syncq('enqueue', '--from', input(...good, bad))).stderr).toContain('line 3001: path must start');
    expect(existsSync(queue)).toBe(false);
    const partial = await syncq('enqueue', '--from', input(bad, bad), '--partial', '--json');
    expect([partial.code, partial.json()]).toEqual([3, expect.objectContaining({ count: 0, firstId: null })]);
    expect(partial.json().rejected).toHaveLength(2);
    expect(existsSync(queue)).toBe(false);
    expect((await syncq('enqueue', '--from', input(bad, good[0]!), '--partial')).code).toBe(3);
    expect(existsSync(queue)).toBe(true);
  });

  test('the first good one makes the queue', async () => {
    writeConfig();
    expect(await syncq('enqueue', 'POST', '/x', '-d', '1')).toMatchObject({ code: 0, stdout: '1\n' });
    expect(await runProcess(['enqueue', 'POST', '/x', '-d', '-'], { stdin: '2' })).toMatchObject({ code: 0 });
    expect((await syncq('status', '--json')).json().counts.pending).toBe(2);
  });

  test('from stdin makes none, and is read once', async () => {
    const refused = await runProcess(['enqueue', 'POST', '/x', '-d', '-'], { stdin: '2' });
    expect([refused.code, isThere()]).toEqual([2, false]);
    writeConfig();
    expect(await runProcess(['enqueue', 'POST', '/x', '-d', '-'], { stdin: '2' })).toMatchObject({ code: 0 });
  });
});
