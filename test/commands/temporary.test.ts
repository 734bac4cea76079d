/** What a command keeps in the directory for temporary files is gone when a signal ends it. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { loadSqlite } from '../../src/core/store/sqlite/file/driver.js';
import { runProcess, startProcess, type ProcessOptions, type RunningProcess } from '../support/process.js';
import { tempDirectory, testHome } from '../support/temp.js';
import { until } from '../support/until.js';

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

function world(): { temporary: string; options: ProcessOptions } {
  const temporary = tempDirectory();
  writeFileSync(join(testHome().cwd, 'syncq.json'), '{"targets":{"api":{"baseUrl":"http://127.0.0.1:1"}}}');
  return { temporary, options: { env: { TMPDIR: temporary } } };
}

/** A table beside so many bytes that copying them takes a moment. */
function appFile(): string {
  const path = join(tempDirectory(), 'app.db');
  const db = new (loadSqlite())(path);
  db.exec(`CREATE TABLE sync_queue (id INTEGER, timestamp INTEGER, operation TEXT, entity TEXT, entity_id TEXT, payload TEXT, retries INTEGER, error TEXT);
    INSERT INTO sync_queue WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
      SELECT i, 1700000000000 + i, 'create', 'a', 'b', '{}', 0, NULL FROM n;
    CREATE TABLE pictures (bytes BLOB);
    INSERT INTO pictures WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT zeroblob(1000000) FROM n;`);
  db.close();
  return path;
}

const endOf = async (
  program: RunningProcess,
  signal: NodeJS.Signals,
  temporary: string,
): Promise<[number, string[]]> => {
  const { code } = await program.kill(signal);
  return [code, readdirSync(temporary)];
};

describe.each(SIGNALS)('%s', (signal, code) => {
  test('while another program’s table is copied leaves nothing', async () => {
    const { temporary, options } = world();
    const program = startProcess(['import', '--sqlite', appFile()], options);
    await until(() => readdirSync(temporary).length > 0);
    expect(await endOf(program, signal, temporary)).toEqual([code, []]);
  });

  test('inside a view that never ends, and never gives a row, ends the program and leaves nothing', async () => {
    const { temporary, options } = world();
    const app = appFile();
    const db = new (loadSqlite())(app);
    db.exec(`CREATE VIEW silent AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
      SELECT i AS id, i AS timestamp, 'create' AS operation, 'a' AS entity, i AS entity_id, '{}' AS payload, 0 AS retries FROM n WHERE i < 0`);
    db.close();
    const program = startProcess(['import', '--sqlite', app, '--table', 'silent'], options);
    await until(() => readdirSync(temporary).length > 0);
    await until(() => readdirSync(temporary).length === 0);
    // It is counting from now on, for ever.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await endOf(program, signal, temporary)).toEqual([code, []]);
  });

  test('while an editor has the payload ends the editor, leaves nothing, and gives the item back', async () => {
    const { temporary, options } = world();
    await runProcess(['enqueue', 'POST', '/a', '-d', '{"phone":"4711"}'], options);
    const editor = join(tempDirectory(), 'editor');
    writeFileSync(editor, '#!/bin/sh\necho open >&2\nexec sleep 60\n', { mode: 0o700 });
    const env = { ...options.env, EDITOR: editor };
    const program = startProcess(['edit', '1'], { env });
    await program.waitForStderr('open');
    expect(readdirSync(temporary)).toHaveLength(1);
    expect(await endOf(program, signal, temporary)).toEqual([code, []]);
    expect((await runProcess(['inspect', '1', '--json'], options)).json()).toMatchObject({ state: 'pending' });
  });
});

test('a table that was copied has no name any more while its rows are stored', async () => {
  const { temporary, options } = world();
  const program = startProcess(['import', '--sqlite', appFile()], options);
  await until(() => readdirSync(temporary).length > 0);
  await until(() => readdirSync(temporary).length === 0);
  expect((await program.ended).code).toBe(0);
});

test('an export that a signal ends leaves no part of its file', async () => {
  const { options } = world();
  const lines = Array.from({ length: 4000 }, () => `{"method":"POST","path":"/a","payload":"${'x'.repeat(2000)}"}\n`);
  await runProcess(['enqueue', '--from', '-', '-q'], { ...options, stdin: lines.join('') });
  const to = tempDirectory();
  const program = startProcess(['export', '--output', join(to, 'all.bundle')], options);
  await until(() => readdirSync(to).length > 0);
  expect(await endOf(program, 'SIGTERM', to)).toEqual([143, []]);
});
