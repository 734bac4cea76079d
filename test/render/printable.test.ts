import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { cut, fitted, oneLine, printable, textWidth } from '../../src/render/printable.js';

/** What a hostile server or payload may send, and what a person sees of it on one line. */
const HOSTILE: [name: string, text: string, shown: string][] = [
  ['a colour', '\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
  ['a cleared screen', '\x1b[2J\x1b[H', '\\x1b[2J\\x1b[H'],
  ['a window title (OSC 0)', '\x1b]0;owned\x07', '\\x1b]0;owned\\x07'],
  ['a link (OSC 8)', '\x1b]8;;http://evil\x1b\\x\x1b]8;;\x1b\\', '\\x1b]8;;http://evil\\x1b\\x\\x1b]8;;\\x1b\\'],
  ['the clipboard (OSC 52)', '\x1b]52;c;cm0gLXJm\x07', '\\x1b]52;c;cm0gLXJm\\x07'],
  ['a device string (DCS)', '\x1bPq#0\x1b\\', '\\x1bPq#0\\x1b\\'],
  ['an 8-bit CSI', '\x9b2J', '\\x9b2J'],
  ['a bell', '\x07', '\\x07'],
  ['an overwritten line', 'refused\rOK     ', 'refused\\rOK     '],
  ['a backspace', 'no\b\bok', 'no\\x08\\x08ok'],
  ['NUL and DEL', '\0\x7f', '\\x00\\x7f'],
  ['a second log line', 'a\nERROR fake', 'a\\nERROR fake'],
  ['a tab', 'a\tb', 'a\\tb'],
  ['a right-to-left override', 'gpj.\u202eexe', 'gpj.\\u202eexe'],
  ['direction isolates', '\u2066x\u2069', '\\u2066x\\u2069'],
  ['direction marks', '\u200e\u200f\u061c', '\\u200e\\u200f\\u061c'],
  ['separators that end lines', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['lone surrogates', '\ud800x\udc00', '\\ud800x\\udc00'],
  ['a next-line control', 'a\x85b', 'a\\x85b'],
];

describe('text for one line', () => {
  test.each(HOSTILE)('shows %s', (_name, text, shown) => {
    expect(oneLine(text)).toBe(shown);
  });

  test('is left alone when it is harmless', () => {
    for (const text of ['', 'plain', 'Zürich', '日本', 'שלום', '👩‍👩‍👧', 'e\u0301']) expect(oneLine(text)).toBe(text);
  });

  test('never holds a control character, whatever came in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // eslint-disable-next-line no-control-regex -- control characters are what this is about
        expect(oneLine(text)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/);
      }),
    );
  });
});

describe('text of several lines', () => {
  test.each(HOSTILE)('shows %s, but keeps line feeds and tabs', (_name, text, shown) => {
    expect(printable(text)).toBe(shown.replaceAll('\\n', '\n').replaceAll('\\t', '\t'));
  });
});

describe('cutting', () => {
  test.each([
    ['short', 10, 'short'],
    ['exactly ten', 11, 'exactly ten'],
    ['a longer text', 6, 'a lon…'],
    ['日本語', 6, '日本語'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
    ['👩‍👩‍👧👩‍👩‍👧', 3, '👩‍👩‍👧…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
  ])('%j to %i columns gives %j', (text, columns, expected) => {
    expect(cut(text, columns)).toBe(expected);
  });

  test('never exceeds the columns, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, columns) => {
        expect(textWidth(fitted(text, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });

  test('does not walk a megabyte for ten columns', () => {
    const text = '\x1b'.repeat(1_000_000);
    expect(fitted(text, 10)).toBe('\\x1b\\x1b\\…');
    // The least of some: any of them may be the one during which the machine does something else.
    const times = Array.from({ length: 5 }, () => {
      const started = performance.now();
      fitted(text, 10);
      return performance.now() - started;
    });
    expect(Math.min(...times)).toBeLessThan(100);
  });
});
