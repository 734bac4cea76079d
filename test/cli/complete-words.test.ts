import { describe, expect, test } from '@jest/globals';

import type { Candidate, CommandShape, FlagShape, Unknowns } from '../../src/cli/help/complete-words.js';
import { completeWords, FILES, flagValue, splitLine } from '../../src/cli/help/complete-words.js';

const option = (more: Partial<FlagShape> = {}): FlagShape => ({
  isSwitch: false,
  char: undefined,
  description: 'd',
  options: [],
  multiple: false,
  ...more,
});
const COMMANDS: CommandShape[] = [
  {
    id: 'retry',
    summary: 'send on',
    args: ['id'],
    flags: {
      state: option({ options: ['review', 'pending'], multiple: true }),
      target: option({ multiple: true }),
      entity: option(),
      tag: option(),
      like: option(),
      queue: option(),
      all: option({ isSwitch: true, char: 'a' }),
      set: option(),
    },
  },
  { id: 'inspect', summary: 'show', args: ['id'], flags: { json: option({ isSwitch: true }) } },
  { id: 'pause', summary: 'stop', args: ['target'], flags: {} },
  { id: 'replay', summary: 'send copies', args: ['id'], flags: { to: option(), report: option() } },
  { id: 'target add', summary: 'add one', args: ['name', 'url'], flags: {} },
  { id: 'target list', summary: 'list them', args: [], flags: {} },
  { id: 'enqueue', summary: 'store', args: ['method', 'path'], flags: {} },
  { id: 'completion', summary: 'print', args: ['shell'], flags: {} },
];

const lookup = async (kind: Unknowns): Promise<Candidate[]> =>
  kind === 'file'
    ? [FILES]
    : [
        { value: `${kind}-1`, description: '' },
        { value: 'x', description: '' },
      ];

const values = async (...words: string[]): Promise<string[]> =>
  (await completeWords(words, COMMANDS, lookup)).map(({ value }) => value);

describe('what can follow', () => {
  test.each([
    [[''], ['retry', 'inspect', 'pause', 'replay', 'target', 'enqueue', 'completion']],
    [['in'], ['inspect']],
    [
      ['target', ''],
      ['add', 'list'],
    ],
    [['target', 'l'], ['list']],
    [['nonsense', ''], []],
    [
      ['retry', ''],
      ['review-id-1', 'x'],
    ],
    [['retry', '7', 're'], ['review-id-1']],
    [
      ['inspect', ''],
      ['id-1', 'x'],
    ],
    [['retry', '--st'], ['--state']],
    [['retry', '--all', '--a'], []],
    [['retry', '-a', '--a'], []],
    [['retry', '--state', 'review', '--st'], ['--state']],
    [
      ['retry', '--state', ''],
      ['review', 'pending'],
    ],
    [['retry', '--state=re'], ['--state=review']],
    [
      ['retry', '--target', ''],
      ['target-1', 'x'],
    ],
    [
      ['replay', '--to', ''],
      ['target-1', 'x'],
    ],
    [['replay', '--report', ''], [FILES.value]],
    [
      ['retry', '--entity', ''],
      ['entity-1', 'x'],
    ],
    [
      ['retry', '--tag', ''],
      ['tag-1', 'x'],
    ],
    [
      ['retry', '--like', ''],
      ['review-id-1', 'x'],
    ],
    [['retry', '--queue', ''], [':files']],
    [['retry', '--queue=/tmp'], [':files']],
    [['retry', '--set', ''], []],
    [
      ['retry', '--all', ''],
      ['review-id-1', 'x'],
    ],
    [['retry', '--', '-'], []],
    [
      ['pause', ''],
      ['target-1', 'x'],
    ],
    [
      ['enqueue', 'P'],
      ['POST', 'PUT', 'PATCH'],
    ],
    [['enqueue', 'POST', ''], []],
    [['completion', 'z'], ['zsh']],
  ])('%j is %j', async (words, expected) => {
    expect(await values(...words)).toEqual(expected);
  });
});

test.each([
  ['syncq ', ['syncq', '']],
  ['syncq retry', ['syncq', 'retry']],
  [`syncq edit 7 --set '/a b=1`, ['syncq', 'edit', '7', '--set', '/a b=1']],
  ['a "b \\" c" d\\ e', ['a', 'b " c', 'd e']],
  ['a "" ', ['a', '', '']],
])('%j is split into %j', (line, words) => {
  expect(splitLine(line)).toEqual(words);
});

test('the queue of the line is the one that candidates come from', () => {
  expect(flagValue(['retry', '--queue', '/q', ''], '--queue')).toBe('/q');
  expect(flagValue(['retry', '--queue=/q', ''], '--queue')).toBe('/q');
  expect(flagValue(['retry', '--queue'], '--queue')).toBeUndefined();
});
