/** The examples in the help of the commands: every flag in them is one of the command, with a value that it takes. */
import { expect, test } from '@jest/globals';

import { commands, mistakes, wordsOf } from '../support/command-line.js';

/** Each run of syncq in an example, as words. */
const runsIn = (example: string): string[][] =>
  [...example.matchAll(/<%= config\.bin %> ([^|;&]+)/g)].map(([, line = '']) => wordsOf(line));

const runs = Object.values(commands).flatMap(({ examples = [] }) =>
  examples.flatMap((example) => runsIn(typeof example === 'string' ? example : example.command)),
);

test('there are examples', () => {
  expect(runs.length).toBeGreaterThan(60);
});

test.each(runs.map((words) => [words.join(' '), words] as const))('%s', (_line, words) => {
  expect(mistakes(words)).toEqual([]);
});
