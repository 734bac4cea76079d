import { describe, expect, test } from '@jest/globals';

import { exitCodeLines } from '../../src/cli/help/exit-codes.js';
import {
  errorCodesOf,
  EXIT,
  EXIT_CODE_TABLE,
  exitCodeOfDrain,
  exitCodeOfError,
} from '../../src/cli/program/exit-codes.js';
import { ERROR_CODES } from '../../src/core/nouns/errors.js';
import type { DrainReport } from '../../src/core/nouns/report.js';

const REPORT: DrainReport = {
  attempts: 0,
  delivered: 0,
  failed: 0,
  review: 0,
  remaining: { due: 0, waiting: 0, blocked: 0, held: 0 },
  held: [],
  durationMs: 0,
  stopped: 'drained',
  runner: undefined,
  needsPerson: false,
  tryLater: false,
};

test('every error code has the number of the contract', () => {
  expect(Object.fromEntries(ERROR_CODES.map((code) => [code, exitCodeOfError(code)]))).toEqual({
    usage: 2,
    'unknown-command': 2,
    'unknown-target': 2,
    'no-target': 2,
    'bad-config': 2,
    'bad-item': 2,
    'key-conflict': 2,
    'too-large': 2,
    'confirm-needed': 2,
    'other-runner': 4,
    busy: 4,
    'not-found': 5,
    'queue-not-found': 6,
    'queue-owner': 6,
    'not-a-queue': 6,
    corrupt: 6,
    'newer-schema': 6,
    unwritable: 6,
    'disk-full': 6,
    'queue-is-copy': 6,
    'store-unknown': 6,
    'driver-missing': 6,
    'out-of-handles': 6,
    defect: 1,
  });
});

describe('a drain ends with', () => {
  test.each<[number, string, Partial<DrainReport>, boolean]>([
    [0, 'nothing left', {}, false],
    [3, 'a person needed', { needsPerson: true }, false],
    [4, 'more to do later', { tryLater: true }, false],
    [3, 'both: 3 wins over 4', { needsPerson: true, tryLater: true }, false],
    [0, 'another runner at work', { stopped: 'other-runner', tryLater: true }, false],
    [4, 'another runner at work, and this one required', { stopped: 'other-runner' }, true],
    [4, 'its time over and items due', { stopped: 'time', remaining: { ...REPORT.remaining, due: 1 } }, false],
    [0, 'its limit reached and items due', { stopped: 'limit', remaining: { ...REPORT.remaining, due: 1 } }, false],
  ])('%i for %s', (code, _name, change, required) => {
    expect(exitCodeOfDrain({ ...REPORT, ...change }, required)).toBe(code);
  });

  test.each([
    [129, 'SIGHUP'],
    [130, 'SIGINT'],
    [143, 'SIGTERM'],
  ] as const)('%i for %s, whatever is left', (code, signal) => {
    expect(exitCodeOfDrain({ ...REPORT, stopped: 'signal', needsPerson: true }, false, signal)).toBe(code);
  });
});

describe('the printed table', () => {
  test('names every exit code and every error code once', () => {
    expect(EXIT_CODE_TABLE.flatMap(({ codes }) => codes)).toEqual(Object.values(EXIT));
    expect(Object.values(EXIT).flatMap(errorCodesOf).sort()).toEqual([...ERROR_CODES].sort());
  });

  test('fits the terminal', () => {
    for (const columns of [60, 80, 120]) {
      expect(Math.max(...exitCodeLines(columns).map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
    expect(exitCodeLines(80)).toContain('5              nothing matched (error codes: not-found)');
  });
});
