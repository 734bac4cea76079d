import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import fc from 'fast-check';

import { parseAt, parseIsoTime, parseSince, parseTime } from '../../../src/core/input/time.js';
import { ROOT } from '../../support/source-graph.js';
import { tempDirectory } from '../../support/temp.js';
import { growth, refusal } from './context.js';

/** A Thursday, 14:30 local time. */
const NOW = new Date(2026, 2, 5, 14, 30).getTime();
const local = (...parts: [number, number, number, number?, number?, number?, number?]): number =>
  new Date(parts[0], parts[1] - 1, parts[2], parts[3] ?? 0, parts[4] ?? 0, parts[5] ?? 0, parts[6] ?? 0).getTime();

describe('parseTime', () => {
  test.each([
    ['2026-03-05T14:30:00Z', Date.UTC(2026, 2, 5, 14, 30)],
    ['2026-03-05T14:30:00.123Z', Date.UTC(2026, 2, 5, 14, 30, 0, 123)],
    ['2026-03-05T14:30:00.5z', Date.UTC(2026, 2, 5, 14, 30, 0, 500)],
    ['2026-03-05T14:30:00.123999999Z', Date.UTC(2026, 2, 5, 14, 30, 0, 123)],
    ['2026-03-05T14:30:00+01:00', Date.UTC(2026, 2, 5, 13, 30)],
    ['2026-03-05T14:30-0530', Date.UTC(2026, 2, 5, 20, 0)],
    ['2026-03-05 14:30+02', Date.UTC(2026, 2, 5, 12, 30)],
    ['1970-01-01T00:00Z', 0],
    ['2024-02-29T00:00Z', Date.UTC(2024, 1, 29)],
    ['2026-03-05T14:30', local(2026, 3, 5, 14, 30)],
    ['2026-03-05T14:30:15,25', local(2026, 3, 5, 14, 30, 15, 250)],
    ['2026-03-05', local(2026, 3, 5)],
    ['now', NOW],
    ['TODAY', local(2026, 3, 5)],
    ['yesterday', local(2026, 3, 4)],
    ['thursday', local(2026, 3, 5)],
    ['Thu', local(2026, 3, 5)],
    ['wed', local(2026, 3, 4)],
    ['friday', local(2026, 2, 27)],
    ['sun', local(2026, 3, 1)],
    ['08:05', local(2026, 3, 5, 8, 5)],
    ['8:05', local(2026, 3, 5, 8, 5)],
    ['23:59', local(2026, 3, 5, 23, 59)],
  ])('%s', (text, expected) => {
    expect(parseTime(text, NOW)).toBe(expected);
  });

  test.each([
    '2026-02-30',
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '2026-04-31T10:00Z',
    '2026-03-05T24:00Z',
    '2026-03-05T14:60Z',
    '2026-03-05T14:30:60Z',
    '2026-03-05T14:30+24:00',
    '2026-03-05T14:30+01:60',
    '1969-12-31',
    '20260305',
    '2026-3-5',
    '2026-W10-4',
    '05.03.2026',
    '24:00',
    '12:60',
    'tomorrow',
    'mond',
    '7d',
    '',
    ' now',
    '1772712000000',
  ])('%j is refused', (text) => {
    const error = refusal(() => parseTime(text, NOW));
    expect(error.code).toBe('usage');
    expect(error.hint).toContain('2026-03-05T14:30:00Z');
  });

  test('what Date prints is read back as the same moment', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 253_402_300_799_999 }),
        (ms) => parseIsoTime(new Date(ms).toISOString()) === ms,
      ),
    );
  });

  test('every weekday is at most six days back and at a midnight', () => {
    for (const day of ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']) {
      const at = parseTime(day, NOW);
      expect(NOW - at).toBeLessThan(7 * 86_400_000);
      expect(new Date(at).getHours()).toBe(0);
    }
  });

  test('a megabyte of text is refused in linear time', () => {
    expect(growth((n) => refusal(() => parseTime('1'.repeat(n), NOW)), 250_000)).toBeLessThan(12);
  });
});

describe('a clock change', () => {
  /** A process reads its zone once, so each zone needs a process of its own, with the sources made plain JavaScript. */
  function parsedIn(zone: string, text: string): string {
    const folder = tempDirectory();
    for (const file of ['nouns/errors', 'input/time', 'check/duration', 'check/text']) {
      const source = readFileSync(join(ROOT, 'src', 'core', `${file}.ts`), 'utf8');
      const { code } = transformSync(source, {
        swcrc: false,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      });
      mkdirSync(join(folder, dirname(file)), { recursive: true });
      writeFileSync(join(folder, `${file}.js`), code);
    }
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const script = `import('./input/time.js').then((m) => console.log(new Date(m.parseTime(process.argv[1], 0)).toISOString()))
      .catch((error) => console.log(error.message))`;
    const env = { ...process.env, TZ: zone };
    return spawnSync(process.execPath, ['-e', script, text], { cwd: folder, env, encoding: 'utf8' }).stdout.trim();
  }

  test('refuses the local times it skips', () => {
    expect(parsedIn('Europe/Oslo', '2026-03-29T02:30')).toContain('skipped by a clock change');
  });

  test('takes the first of the two moments it repeats', () => {
    expect(parsedIn('Europe/Oslo', '2026-10-25T02:30')).toBe('2026-10-25T00:30:00.000Z');
  });

  test('that skips midnight starts the day later', () => {
    expect(parsedIn('America/Sao_Paulo', '2018-11-04')).toBe('2018-11-04T03:00:00.000Z');
  });
});

describe('parseSince', () => {
  test('a duration is that long ago', () => {
    expect(parseSince('2h', NOW)).toBe(NOW - 7_200_000);
  });

  test('anything else is a time', () => {
    expect(parseSince('yesterday', NOW)).toBe(local(2026, 3, 4));
  });
});

describe('parseAt', () => {
  test('a time of day ahead is today', () => {
    expect(parseAt('23:00', NOW)).toBe(local(2026, 3, 5, 23));
  });

  test('accepts now', () => {
    expect(parseAt('now', NOW)).toBe(NOW);
  });

  test.each(['08:00', 'yesterday', 'today', 'monday'])('%s lies in the past and is refused, not guessed', (text) => {
    const error = refusal(() => parseAt(text, NOW));
    expect(error.message).toContain('is already past');
    expect(error.hint).toContain('2026-03-06T08:00');
  });

  test('accepts a full date in the past', () => {
    expect(parseAt('2020-01-01T00:00Z', NOW)).toBe(Date.UTC(2020, 0, 1));
  });
});
