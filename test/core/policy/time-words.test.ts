import { spawnSync } from 'node:child_process';

import { expect, test } from '@jest/globals';

import { ROOT } from '../../support/source-graph.js';

import { absolute, moment, relative, span } from '../../../src/core/policy/time-words.js';

const local = (day: number, hours: number, minutes: number, seconds = 0): number =>
  new Date(2026, 10, day, hours, minutes, seconds).getTime();
const NOW = local(23, 12, 0);

test.each([
  [local(23, 9, 12), '09:12'],
  [local(23, 23, 59), '23:59'],
  [local(22, 23, 59), 'Sun 23:59'],
  [local(20, 18, 2), 'Fri 18:02'],
  [local(24, 0, 0), 'Tue 00:00'],
  [local(17, 12, 1), 'Tue 12:01'],
  [local(17, 11, 0), '2026-11-17 11:00'],
  [new Date(2027, 0, 2, 3, 4).getTime(), '2027-01-02 03:04'],
  [9e15, 'an unknown time'],
])('the moment %i is said as %s', (at, words) => {
  expect(moment(at, { now: NOW, terminal: true })).toBe(words);
});

test.each([
  ['UTC', '2026-11-23T08:12:05+00:00'],
  ['Europe/Oslo', '2026-11-23T09:12:05+01:00'],
  ['America/St_Johns', '2026-11-23T04:42:05-03:30'],
  ['Asia/Kathmandu', '2026-11-23T13:57:05+05:45'],
])('away from a terminal a moment has the offset of %s', (zone, words) => {
  const code = `import { moment } from './dist/core/policy/time-words.js';
    console.log(moment(Date.UTC(2026, 10, 23, 8, 12, 5), { now: 0, terminal: false }))`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: ROOT,
    env: { ...process.env, TZ: zone },
    encoding: 'utf8',
  });
  expect(stdout).toBe(`${words}\n`);
});

test.each([
  [-5, '0 ms'],
  [0, '0 ms'],
  [850, '850 ms'],
  [999.7, '1000 ms'],
  [1000, '1 s'],
  [1250, '1.2 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [125_000, '2 min 5 s'],
  [3_600_000, '1 h'],
  [12_000_000, '3 h 20 min'],
  [187_200_000, '2 d 4 h'],
])('a span of %d ms is %s', (ms, words) => {
  expect(span(ms)).toBe(words);
});

test.each([
  [0, 'just now'],
  [-999, 'just now'],
  [-180_000, '3 min ago'],
  [5000, 'in 5 s'],
  [-59_999, '59 s ago'],
  [7_200_000, 'in 2 h'],
  [-172_800_000, '2 d ago'],
])('%d ms away is %s', (distance, words) => {
  expect(relative(NOW + distance, NOW)).toBe(words);
});

test('a whole moment holds date and seconds', () => {
  expect(absolute(local(3, 4, 5, 6))).toBe('2026-11-03 04:05:06');
});
