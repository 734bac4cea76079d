/** The recording for the top of the README (`npm run recording`): small, self-contained, and of commands that exist. */
import { readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { mistakes, wordsOf } from '../support/command-line.js';
import { ROOT } from '../support/source-graph.js';

const svg = readFileSync(join(ROOT, 'docs/recording.svg'), 'utf8');

/** The rows of the terminal as a reader sees them. */
const rows = [...svg.matchAll(/<text class="row"[^>]*>(.*?)<\/text>/g)].map(([, inner = '']) =>
  inner
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&'),
);
const typed = rows.filter((row) => row.startsWith('$ ')).map((row) => row.slice(2));

test('the recording is small enough for the top of a page', () => {
  expect(Buffer.byteLength(svg)).toBeLessThanOrEqual(300_000);
});

test('no row is wider than 80 columns, and no screen higher than a small terminal', () => {
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.filter((row) => row.length > 80)).toEqual([]);
  const screens = svg.split('>$</tspan>').slice(0, -1);
  expect(screens).toHaveLength(3);
  expect(screens.map((screen) => screen.split('class="row"').length - 1).filter((count) => count > 22)).toEqual([]);
});

test('it runs nothing and loads nothing', () => {
  expect(svg).not.toMatch(/<script|<foreignObject|\son\w+=|javascript:/i);
  expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
    /https?:|href|@import|@font-face|url\((?!#)/i,
  );
});

test('it names no place of the machine that recorded it', () => {
  const shown = rows.join('\n');
  expect(shown).not.toMatch(/(?<![\w.])\/(?:tmp|var|home|root|Users|private|work|usr|opt|mnt)\b/);
  expect(shown).not.toMatch(/127\.0\.0\.1|localhost|\bpid \d|@\w/);
  expect([ROOT, tmpdir(), homedir()].filter((place) => svg.includes(place))).toEqual([]);
});

test('it tells the whole story, with commands and flags that exist', () => {
  expect(typed.map((line) => line.split(' ')[1])).toEqual(
    'enqueue run status run enqueue run inspect edit retry run status'.split(' '),
  );
  expect(typed.flatMap((line) => mistakes(wordsOf(line).slice(1)))).toEqual([]);
});

test('it can be heard and held still', () => {
  expect(svg).toMatch(/<title[^>]*>[^<]+<\/title>\s*<desc[^>]*>[^<]+<\/desc>/);
  expect(svg).toContain('@media (prefers-reduced-motion:reduce){.a{animation:none}}');
  expect(svg).toContain('@media (prefers-color-scheme:dark)');
});
