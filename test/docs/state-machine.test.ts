/** docs/state-machine.md and its appendix against the rules. UPDATE_DOCS=1 writes the appendix. */
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

const APPENDIX = join(ROOT, 'docs', 'appendix', 'state-machine.md');
const IS_UPDATE = process.env['UPDATE_DOCS'] === '1';
const page = readFileSync(join(ROOT, 'docs', 'state-machine.md'), 'utf8');

type Table = readonly (readonly string[])[];

/** States and outcomes as code; `pending, own wait` and words of our own as they are. */
function cell(text: string, isName: boolean): string {
  return text === '-' || text === '' || !isName || /[ (,]/.test(text) ? text : `\`${text}\``;
}

/** Heads of columns that are no names of states. */
const PLAIN_HEADS = new Set(['outcome', 'again', 'held']);

function markdown(table: Table): string {
  const [head = [], ...rows] = table;
  const line = (cells: readonly string[]): string => `|${cells.map((text) => ` ${text} `).join('|')}|`;
  const rowLines = rows.map((row) => line(row.map((text) => cell(text, text !== 'unreadable' && text !== 'refused'))));
  const headLine = line(head.map((text) => cell(text, !PLAIN_HEADS.has(text))));
  return [headLine, `|${head.map(() => '---|').join('')}`, ...rowLines].join('\n');
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
  return [['outcome', ...TARGET_ROW_STATES], ...rows];
}

function unreadableTable(): string[][] {
  const unreadable = { holdKind: 'unreadable' as const };
  const rows = ENDS.map((end) => [
    end.name,
    transition('suspect', end, AFTER_THE_HOLD, unreadable),
    transition('suspect', end, BEFORE_THE_HOLD, unreadable),
    transition('misconfigured', end, AFTER_THE_HOLD, unreadable),
    transition('misconfigured', end, BEFORE_THE_HOLD, unreadable),
  ]);
  return [['outcome', 'suspect', 'suspect, late end', 'held', 'held, late end'], ...rows];
}

function itemTable(): string[][] {
  const rows = ENDS.map((end) => {
    const { first, again, last } = itemTransitions(end);
    return [end.name, first, again, last];
  });
  return [['outcome', 'the first time', 'again', 'at the limit'], ...rows];
}

const appendixOf = (people: Table): string => `# State machine: every transition

Generated from the rules by [a test](../../test/docs/state-machine.test.ts), with \`UPDATE_DOCS=1\`. The words are those of
[the page](../state-machine.md). \`-\` = nothing changes.

## Items

What an attempt's end does to its item. *Again*: it failed before, and another item was answered since. *At the limit*: likewise, with
nine counted failures of ten and four deaths of a runner in a row. *Own wait*: the item's backoff; without it the item is due as soon as
its target may be sent to.

${markdown(itemTable())}

What people and the clock do to an item in each state:

${markdown(people)}

## Targets

What an attempt's end does to a target, by the state that it finds. *Longer*: the hold begins again, twice as long if the server named
no time. For \`throttled\`, \`unavailable\` and \`auth\` the attempt is a tester's: it began after the hold's time was over.

${markdown(targetTable(AFTER_THE_HOLD))}

A request that was already under way when the present state began:

${markdown(targetTable(BEFORE_THE_HOLD))}

A target that is \`suspect\` since an unreadable answer, and one that is held for it (\`misconfigured\`):

${markdown(unreadableTable())}
`;

describe('docs/state-machine.md', () => {
  test('has an appendix with every transition of items and targets', async () => {
    const appendix = appendixOf(await peopleTable());
    if (IS_UPDATE) writeFileSync(APPENDIX, appendix);
    expect(readFileSync(APPENDIX, 'utf8')).toBe(appendix);
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
