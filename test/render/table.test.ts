import { describe, expect, test } from '@jest/globals';

import type { Look } from '../../src/render/style.js';
import { PLAIN_STYLE, wantsColour } from '../../src/render/style.js';
import type { Column } from '../../src/render/table.js';
import { fitWidths, renderTable } from '../../src/render/table.js';
import { textWidth } from '../../src/render/printable.js';

const COLUMNS: Column[] = [{ title: 'ID', align: 'right' }, { title: 'PATH', flexible: true }, { title: 'STATE' }];
const look = (columns: number, terminal = true): Look => ({
  terminal,
  columns,
  style: PLAIN_STYLE,
  now: 0,
  suggest: (text) => text,
});
const ROWS = [
  ['7', '/activities/7', 'due'],
  ['1041', '/activities/1041/photos/of/the/whole/site', 'review'],
];

describe('a table on a terminal', () => {
  test('is aligned, with a header', async () => {
    expect(await renderTable(COLUMNS, ROWS, look(80))).toEqual([
      '  ID  PATH                                       STATE',
      '   7  /activities/7                              due',
      '1041  /activities/1041/photos/of/the/whole/site  review',
    ]);
  });

  test('is cut to the width where it may be cut', async () => {
    expect(await renderTable(COLUMNS, ROWS, look(40))).toEqual([
      '  ID  PATH                        STATE',
      '   7  /activities/7               due',
      '1041  /activities/1041/photos/o…  review',
    ]);
  });

  test('stays aligned beside wide characters, and shows hostile ones', async () => {
    const lines = await renderTable(COLUMNS, [['1', '日本', 'due'], ['2', '\x1b[2J\n', 'due']], look(80)); // prettier-ignore
    expect(lines).toEqual(['ID  PATH       STATE', ' 1  日本       due', ' 2  \\x1b[2J\\n  due']);
  });

  test('uses all of a wide terminal and never more', async () => {
    const long = [['1', 'x'.repeat(500), 'review']];
    for (const columns of [60, 80, 200]) {
      const [, row] = await renderTable(COLUMNS, long, look(columns));
      expect(textWidth(row!)).toBe(columns);
    }
  });

  test('without rows is nothing at all', async () => {
    expect(await renderTable(COLUMNS, [], look(80))).toEqual([]);
  });

  test('colours the finished cell, so that colours change no width', async () => {
    const paint = (text: string): string => `<${text}>`;
    const lines = await renderTable(COLUMNS, [[{ text: '1', paint }, 'a', { text: 'due', paint }]], look(80));
    expect(lines[1]).toContain('<due>');
  });
});

test('a table in a pipe is tab-separated, uncut, without header; a tab within a cell becomes visible', async () => {
  const rows = [...ROWS, ['8', 'a\tb\nc', 'due']];
  expect(await renderTable(COLUMNS, rows, look(20, false))).toEqual([
    '7\t/activities/7\tdue',
    '1041\t/activities/1041/photos/of/the/whole/site\treview',
    '8\ta\\tb\\nc\tdue',
  ]);
});

test.each([
  [[10, 20], [true, true], 80, [10, 20]],
  [[10, 50], [true, true], 42, [10, 30]],
  [[40, 40], [true, true], 42, [20, 20]],
  [[40, 40], [false, true], 42, [40, 6]],
  [[40, 40], [false, false], 42, [40, 40]],
])('widths %j (flexible: %j) within %i are %j', (natural, flexible, columns, expected) => {
  expect(fitWidths(natural, flexible, columns)).toEqual(expected);
});

describe('colour', () => {
  const facts = { refused: false, noColor: undefined, forceColor: undefined, term: 'xterm', terminal: true };
  test.each([
    ['on a terminal', {}, true],
    ['not in a pipe', { terminal: false }, false],
    ['not with --no-color', { refused: true, forceColor: '1' }, false],
    ['not with NO_COLOR, whatever its value', { noColor: '0' }, false],
    ['with an empty NO_COLOR', { noColor: '' }, true],
    ['not with NO_COLOR beside FORCE_COLOR', { noColor: '1', forceColor: '1' }, false],
    ['with FORCE_COLOR in a pipe', { terminal: false, forceColor: '1' }, true],
    ['not with FORCE_COLOR=0', { forceColor: '0' }, false],
    ['not on a dumb terminal', { term: 'dumb' }, false],
  ])('%s', (_name, change, expected) => {
    expect(wantsColour({ ...facts, ...change })).toBe(expected);
  });
});
