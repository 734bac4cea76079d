import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { textWidth } from '../../src/render/printable.js';
import type { Look } from '../../src/render/style.js';
import { PLAIN_STYLE } from '../../src/render/style.js';
import { fitScreen, hanging, wrapText } from '../../src/render/wrap.js';

test.each([
  ['', 10, ['']],
  ['one two three', 10, ['one two', 'three']],
  ['abcdefghijklmnop', 10, ['abcdefghi', 'jklmnop']],
  ['a 日本日本日本 b', 10, ['a 日本日本', '日本 b']],
])('%j in %d columns is %j', (text, columns, lines) => {
  expect(wrapText(text, columns)).toEqual(lines);
});

test('no line is too wide, and no letter is lost', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-zé日🚀]{0,30}$/u)),
      fc.integer({ min: 8, max: 60 }),
      (words, columns) => {
        const lines = wrapText(words.join(' '), columns);
        expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(columns);
        expect(lines.join('').replaceAll(' ', '')).toBe(words.join(''));
      },
    ),
  );
});

test('further lines hang under the first on a terminal, and a pipe gets one line', () => {
  const look: Look = { terminal: true, columns: 20, style: PLAIN_STYLE, now: 0, suggest: (text) => text };
  expect(hanging('why: ', 'the server refused it', look)).toEqual(['why: the server', '     refused it']);
  expect(hanging('why: ', 'the server refused it', { ...look, terminal: false })).toEqual([
    'why: the server refused it',
  ]);
});

test('a screen shows the first lines, and tells how many it has no room for', () => {
  const lines = ['answer', '', 'x'.repeat(25), 'more', 'last'];
  expect(fitScreen(lines, 20, 7)).toEqual(lines);
  // The long line takes two rows.
  expect(fitScreen(lines, 20, 6)).toEqual([...lines.slice(0, 3), '… 2 more lines: syncq status']);
  expect(fitScreen(lines, 20, 5)).toEqual([...lines.slice(0, 2), '… 3 more lines: syncq status']);
});
