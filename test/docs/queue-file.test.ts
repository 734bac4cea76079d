import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, expect, test } from '@jest/globals';

import { systemClock } from '../../src/core/nouns/clock.js';
import { OUTCOMES, REVIEW_REASONS, STATES, TARGET_STATES } from '../../src/core/nouns/item.js';
import { LEAST_FREE_BYTES, RESERVE_BYTES } from '../../src/core/store/sqlite/file/reserve.js';
import { APPLICATION_ID, SCHEMA_VERSION } from '../../src/core/store/sqlite/sql/schema.js';
import { openSqliteStore } from '../../src/core/store/sqlite/store.js';
import { raw } from '../core/store/sqlite/support.js';
import { ROOT } from '../support/source-graph.js';
import { keepDirectory, removeDirectory } from '../support/temp.js';
import { item } from '../core/store/conformance/harness.js';

const page = readFileSync(join(ROOT, 'docs', 'queue-file.md'), 'utf8');

/** A file with one target, thrown away at once: the columns of its views and the names of its tables. */
let file: { columns: Record<string, string[]>; tables: string[]; docExample: number };

beforeAll(async () => {
  const directory = keepDirectory();
  const path = join(directory, 'queue.db');
  const store = openSqliteStore({
    path,
    mode: 'create',
    clock: systemClock,
    uid: process.getuid?.(),
    allowNetworkDisk: false,
  });
  await store.enqueue([item()], { now: 0, ifQueued: 'append' });
  file = raw(path, (db) => {
    const names = (type: string): string[] =>
      db
        .prepare('SELECT name FROM sqlite_schema WHERE type = ? AND name NOT LIKE ? ORDER BY name')
        .pluck()
        .all(type, 'sqlite%') as string[];
    const columns = Object.fromEntries(
      names('view').map((view) => [
        view,
        db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(view) as string[],
      ]),
    );
    const tables = names('table');
    db.exec(`UPDATE queue SET default_target = 1; CREATE TABLE app_activity (id INTEGER PRIMARY KEY, name TEXT)`);
    const [example] = /(?<=```sql\n)[^`]*/.exec(section('outbox'))!;
    const statements = example.split(';\n').filter((sql) => sql.trim() !== '');
    for (const sql of statements.slice(0, -1)) db.exec(sql);
    return { columns, tables, docExample: db.prepare(statements.at(-1)!).pluck().get() as number };
  });
  await store.close();
  removeDirectory(directory);
});

/** Text of the section whose title begins with `name`. */
function section(name: string): string {
  const found = page.split('\n## ').find((text) => text.replaceAll('`', '').startsWith(name));
  return found ?? '';
}

/** The names in the first column of a section's table. */
function documented(name: string): string[] {
  const rows = section(name)
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
}

test.each(['outbox', 'items', 'attempts', 'status'])(
  'the page names every column of the view %s, and no other',
  (view) => {
    expect(documented(view).toSorted()).toEqual(file.columns[view]!.toSorted());
  },
);

test('the page names every table', () => {
  expect(documented('Tables').toSorted()).toEqual(file.tables.toSorted());
  expect(Object.keys(file.columns).toSorted()).toEqual(['attempts', 'items', 'outbox', 'status']);
});

test('the example of the page works as it is written', () => {
  expect(file.docExample).toBe(2);
});

test.each([
  ['items', STATES],
  ['items', REVIEW_REASONS],
  ['attempts', OUTCOMES],
  ['status', TARGET_STATES],
])('the section %s lists %j', (name, values) => {
  expect(section(name)).toContain(values.map((value) => `\`${value}\``).join(', '));
});

test('the page tells the numbers that the code has', () => {
  expect(page).toContain(`\`PRAGMA application_id\` is ${APPLICATION_ID} `);
  expect(page).toContain(`\`PRAGMA user_version\` is ${SCHEMA_VERSION}.`);
  expect(page).toContain(`\`.reserve\` (${RESERVE_BYTES / 1024 / 1024} MiB`);
  expect(LEAST_FREE_BYTES).toBe(4 * 1024 * 1024);
});
