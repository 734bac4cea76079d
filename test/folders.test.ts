import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { parseSource, readSources, ROOT, type Source } from './support/source-graph.js';

/** Every folder of `src` and what it holds, from the top down: a folder imports only from folders below it. */
const FOLDERS: readonly (readonly [folder: string, holds: string])[] = [
  ['commands', 'what was asked: one thin class a command'],
  ['cli/help', 'help topics and shell completion'],
  ['cli/start', 'the fast start: the bundle, kept code, what oclif is lent'],
  ['cli/care', 'what `doctor` and `backup` do with their flags'],
  ['cli/move', 'what `export`, `import`, `replay` and `rehearse` do with their flags'],
  ['cli/status', 'checks for monitoring, following, ages'],
  ['cli/run', 'what surrounds `run` and `watch`: hooks, metrics, service manager, live view'],
  ['cli/schedule', 'crontab entries and service units'],
  ['cli/targets', 'what the `target` commands do, and edits of the config file'],
  ['cli/items', 'what the commands on items do: a file for each verb, and the flags they share'],
  ['cli/queue', 'the base of all commands: opens the queue with its config'],
  ['cli/program', 'the process: output, failures, exit codes, signals, environment'],
  ['render', 'how answers look: data in, text out'],
  ['core', 'the one door of the core'],
  ['core/replay', 'a queue tried against another server, and the answers compared'],
  ['core/transfer', 'export and import: bundles, NDJSON, curl, other programs’ tables; stand-ins for personal data'],
  ['core/rehearse', 'a server to rehearse against'],
  ['core/queue', 'the facade: what commands and programs can do with a queue, and the check of what they ask'],
  ['core/runner', 'the loop: claim, send, settle, claim again; retention beside it'],
  ['core/connectivity', 'whether the network and the target are back'],
  ['core/send', 'one attempt: connection, request, answer, and what the answer means'],
  ['core/store/doors', 'opens whichever store keeps a queue, and its care (doctor, backup, repair)'],
  ['core/store/sqlite', 'the SQLite store, put together; all SQL of the project is in it'],
  ['core/store/sqlite/care', 'examine, repair, back up, adopt and salvage a queue file'],
  ['core/store/sqlite/write', 'every change of items and targets, and the sender’s session'],
  ['core/store/sqlite/read', 'items, lists, counts, history and the dry run as people see them'],
  ['core/store/sqlite/file', 'the file: driver, connection, opening, locks, place, reserve, migration'],
  ['core/store/sqlite/sql', 'tables, views, the outbox trigger, codes and rows'],
  ['core/store', 'the seam: what a store owes the queue'],
  ['core/input', 'how a write gets in: bytes, paths, headers, times, bulk input, edits'],
  ['core/config', 'the config, validated'],
  ['core/privacy', 'what is hidden from people and files, in every spelling'],
  ['core/policy', 'the rules, pure: item and target state machines, outage rule, backoff, `why`'],
  ['core/json', 'JSON that keeps every byte: one scanner, and the walk, edits, layout and pointers on it'],
  ['core/files', 'files that are whole or not there, and temporary ones that do not stay'],
  ['core/check', 'readers of single values: kinds, durations, texts, nearest names, origins'],
  ['core/nouns', 'items, targets, reports, errors, the clock: the words that all others use'],
];

const BEGIN = '<!-- folders: written by test/folders.test.ts -->';
const END = '<!-- end of folders -->';
const PAGE = join(ROOT, 'docs/architecture.md');

const folderOf = (path: string): string => posix.dirname(path).replace(/^src\/?/, '');
/** Subfolders without an entry belong to the folder that holds them (`commands/target`, `core/transfer/redact`). */
function entryOf(path: string): string | undefined {
  for (let folder = folderOf(path); folder !== '.' && folder !== ''; folder = posix.dirname(folder))
    if (FOLDERS.some(([name]) => name === folder)) return folder;
  return undefined;
}

/** Folder → folders it imports from, types included. */
function arrows(sources: ReadonlyMap<string, Source>): Map<string, Set<string>> {
  const found = new Map(FOLDERS.map(([name]) => [name, new Set<string>()]));
  for (const { path, imports } of sources.values())
    for (const { file } of imports) {
      const [from, to] = [entryOf(path), file === undefined ? undefined : entryOf(file)];
      if (from !== undefined && to !== undefined && from !== to) found.get(from)?.add(to);
    }
  return found;
}

/** Imports that do not go down, each as `from -> to`. */
function upward(sources: ReadonlyMap<string, Source>): string[] {
  const rank = new Map(FOLDERS.map(([name], index) => [name, index]));
  return [...arrows(sources)].flatMap(([from, targets]) =>
    [...targets].filter((to) => rank.get(to)! < rank.get(from)!).map((to) => `${from} -> ${to}`),
  );
}

const sources = readSources(ROOT, 'src');

describe('the folders of src', () => {
  test('are all listed, and none that is not there', () => {
    const used = new Set([...sources.keys()].map(entryOf));
    expect(used).toEqual(new Set(FOLDERS.map(([name]) => name)));
  });

  test('import only from folders below them, types included, so that there is no circle', () => {
    expect(upward(sources)).toEqual([]);
  });

  test('the lowest imports nothing', () => {
    expect(arrows(sources).get('core/nouns')).toEqual(new Set());
  });

  test('only core/store knows the SQLite store', () => {
    const outside = [...sources.values()].filter(({ path }) => !path.startsWith('src/core/store/'));
    const found = outside.flatMap(({ path, imports }) =>
      imports.filter(({ file }) => file?.startsWith('src/core/store/sqlite/')).map(({ file }) => `${path} -> ${file}`),
    );
    expect(found).toEqual([]);
  });

  test('stand in docs/architecture.md with their arrows (UPDATE_DOCS=1 writes the table)', () => {
    const reading = arrows(sources);
    const names = FOLDERS.map(([name]) => name);
    const rows = FOLDERS.map(([name, holds]) => {
      const to = names.filter((other) => reading.get(name)?.has(other)).map((other) => `\`${other}\``);
      return `| \`${name}\` | ${holds} | ${to.join(', ')} |`;
    });
    const table = ['', '| folder | holds | imports from |', '|---|---|---|', ...rows, ''].join('\n');
    const page = readFileSync(PAGE, 'utf8');
    const [before = '', rest = ''] = page.split(BEGIN);
    const [found = '', after = ''] = rest.split(END);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, `${before}${BEGIN}\n${table}\n${END}${after}`);
    else expect(found.trim()).toBe(table.trim());
  });
});

describe('the check itself', () => {
  const tree = (path: string, text: string): Map<string, Source> => new Map([[path, parseSource(path, text)]]);

  test.each([
    ['src/core/policy/a.ts', "import { x } from '../store/store.js';"],
    ['src/core/policy/a.ts', "import type { x } from '../store/store.js';"],
    ['src/core/nouns/a.ts', "export type * from '../policy/why.js';"],
    ['src/core/store/store.ts', "import type { x } from './sqlite/rows.js';"],
    ['src/core/transfer/redact/a.ts', "const x = await import('../../../cli/program/output.js');"],
  ])('sees that %s goes up: %s', (path, text) => {
    expect(upward(tree(path, text))).toHaveLength(1);
  });

  test.each([
    ['src/core/store/sqlite/a.ts', "import type { x } from '../store.js';"],
    ['src/commands/target/a.ts', "import { x } from '../../cli/program/output.js';\nimport y from './b.js';"],
  ])('lets %s pass: %s', (path, text) => {
    expect(upward(tree(path, text))).toEqual([]);
  });
});
