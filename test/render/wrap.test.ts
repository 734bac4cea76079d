import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { textWidth } from '../../src/render/printable.js';
import { wrapText } from '../../src/render/wrap.js';

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
