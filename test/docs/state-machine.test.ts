import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { STATES, type State } from '../../src/core/nouns/item.js';
import type { PersonCommand, Store } from '../../src/core/store/store.js';
import { changeAtStart } from '../../src/core/runner/reconcile-targets.js';
import { NOW, rowIn } from '../core/policy/settle-context.js';
import {
  AFTER_THE_HOLD,
  BEFORE_THE_HOLD,
  ENDS,
  itemTransitions,
  settledAs,
  TARGET_ROW_STATES,
  transition,
} from '../core/policy/transitions.js';
import { ROOT } from '../support/source-graph.js';
import { storeWithItemIn } from '../support/store.js';
import { tempDirectory } from '../support/temp.js';

const page = readFileSync(join(ROOT, 'docs', 'state-machine.md'), 'utf8');
const APPENDIX = join(ROOT, 'docs/appendix/state-tables.md');

/** The table behind the mark, a cell between each two bars, without its rule. */
function tableOf(mark: string): string[][] {
  const after = page.split(`<!-- ${mark} -->\n`)[1] ?? '';
  const lines = after.trimStart().split('\n');
  const rows = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('|')),
  );
  const cells = rows.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
  return cells.filter((_, index) => index !== 1);
}

/** `from --> to` of the n-th diagram. */
function arrows(n: number): string[] {
  const diagram = page.split('```mermaid\n')[n]?.split('```')[0] ?? '';
  return [...diagram.matchAll(/^\s*(\S+?) --> ([^\s:]+)/gm)]
    .map(([, from, to]) => `${from} ${to}`)
    .filter((arrow) => !arrow.includes('[*]'));
}

const COMMANDS: readonly [string, (id: number) => PersonCommand][] = [
  ['retry', (id) => ({ kind: 'retry', filter: { ids: [id] }, expires: undefined, dryRun: false })],
  ['complete', (id) => ({ kind: 'complete', filter: { ids: [id] }, dryRun: false })],
  ['discard', (id) => ({ kind: 'discard', filter: { ids: [id] }, dryRun: false })],
];

async function stateOf(store: Store, id: number): Promise<State | undefined> {
  return (await store.get([id], NOW))[0]?.state;
}

/** What each command, and a deadline that passes, makes of an item in each state: asked of a real queue. */
async function peopleTable(): Promise<string[][]> {
  const rows = COMMANDS.map(([name]) => [name]);
  const deadline = ['its deadline passes'];
  for (const state of STATES) {
    for (const [index, [, command]] of COMMANDS.entries()) {
      const { store, id, close } = await storeWithItemIn(tempDirectory(), state);
      const { changed } = await store.change(command(id), { who: 'ann', command: 'test', reason: undefined }, NOW);
      rows[index]?.push(changed.length === 0 ? 'refused' : ((await stateOf(store, id)) ?? ''));
      await close();
    }
    const { store, id, step, close } = await storeWithItemIn(tempDirectory(), state, NOW + 1_000);
    await step(NOW + 2_000);
    const after = await stateOf(store, id);
    deadline.push(after === state ? '-' : (after ?? ''));
    await close();
  }
  return [['', ...STATES], ...rows, deadline];
}

function targetTable(attempt: number): string[][] {
  const rows = ENDS.map((end) => [end.name, ...TARGET_ROW_STATES.map((state) => transition(state, end, attempt))]);
  return [['', ...TARGET_ROW_STATES], ...rows];
}

const UNREADABLE = { holdKind: 'unreadable' as const };

const TABLES: Readonly<Record<string, string[][]>> = {
  testers: targetTable(AFTER_THE_HOLD),
  late: targetTable(BEFORE_THE_HOLD),
  unreadable: [
    ['', 'suspect', 'suspect, late', 'held', 'held, late'],
    ...ENDS.map((end) => [
      end.name,
      transition('suspect', end, AFTER_THE_HOLD, UNREADABLE),
      transition('suspect', end, BEFORE_THE_HOLD, UNREADABLE),
      transition('misconfigured', end, AFTER_THE_HOLD, UNREADABLE),
      transition('misconfigured', end, BEFORE_THE_HOLD, UNREADABLE),
    ]),
  ],
};

function markdown(rows: readonly string[][]): string {
  const cells = rows.map((row) => row.map((cell) => (/^[a-z]+$/.test(cell) ? `\`${cell}\`` : cell)));
  const [head = [], ...body] = cells;
  return [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |\n`).join('');
}

/** The appendix with its tables as the policy has them now. */
const appendix = (): string =>
  readFileSync(APPENDIX, 'utf8').replaceAll(
    /(<!-- (\w+) -->\n)(?:\n(?:\|.*\n)*)?/g,
    (_, mark: string, name: string) => `${mark}\n${markdown(TABLES[name] ?? [])}`,
  );

describe('docs/appendix/state-tables.md', () => {
  test('says what an attempt’s end makes of a target', () => {
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(APPENDIX, appendix());
    expect(readFileSync(APPENDIX, 'utf8')).toBe(appendix());
    expect(readFileSync(APPENDIX, 'utf8').match(/^\|/gm)).toHaveLength(45);
  });
});

describe('docs/state-machine.md', () => {
  test('says what an attempt’s end does to its item', () => {
    const rows = ENDS.map((end) => {
      const { first, again, last } = itemTransitions(end);
      return [end.name, first, again, last];
    });
    expect(tableOf('items')).toEqual([['outcome', 'the first time', 'again', 'at the limit'], ...rows]);
  });

  test('says what people and the clock do to an item', async () => {
    expect(tableOf('people')).toEqual(await peopleTable());
  });

  test('draws the arrows of items that its tables hold, and no others', async () => {
    const bySending = ENDS.flatMap((end) => Object.values(itemTransitions(end))).map(
      (to) => `sending ${to.replace(/[ ,].*/, '')}`,
    );
    const table = await peopleTable();
    const byPeople = table.slice(1).flatMap((row) => row.slice(1).map((to, index) => `${STATES[index] ?? ''} ${to}`));
    const moved = byPeople.filter((arrow) => !/refused|-$/.test(arrow) && new Set(arrow.split(' ')).size === 2);
    expect(new Set(arrows(1))).toEqual(new Set(['pending sending', ...bySending, ...moved]));
  });

  test('draws the arrows of targets that its tables hold, what a probe and a fresh look end, and no others', () => {
    const byAttempts = TARGET_ROW_STATES.flatMap((from) =>
      ENDS.flatMap(({ outcome, crashed }) =>
        [AFTER_THE_HOLD, BEFORE_THE_HOLD].map((attempt) => [from, settledAs(from, outcome, attempt, crashed)]),
      ),
    );
    const byTesters = ENDS.map((end) => [
      'misconfigured',
      transition('misconfigured', end, AFTER_THE_HOLD, { holdKind: 'unreadable' }).replace(/,.*|^-$/, ''),
    ]).filter(([, to]) => to !== '');
    const breaker = ['online', 'misconfigured'];
    const mended = changeAtStart(
      rowIn('misconfigured', { holdKind: 'binding' }),
      'https://api.example.org/v1',
      false,
      NOW,
    );
    const all: string[][] = [
      ...byAttempts,
      ...byTesters,
      breaker,
      ['misconfigured', mended?.change.state ?? ''],
      ['offline', 'online'],
      ['misconfigured', 'online'],
    ];
    const moved = all.filter(([from, to]) => from !== to).map((pair) => pair.join(' '));
    expect(new Set(arrows(2))).toEqual(new Set(moved));
  });
});
