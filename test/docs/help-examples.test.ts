/** The examples in the help of the commands: every flag in them is one of the command, with a value that it takes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

import { ROOT } from '../support/source-graph.js';

interface ManifestFlag {
  type: 'boolean' | 'option';
  char?: string;
  options?: string[];
}
interface ManifestCommand {
  examples?: (string | { command: string })[];
  flags: Record<string, ManifestFlag>;
}

const { commands } = JSON.parse(readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, ManifestCommand>;
};

/** Each run of syncq in an example, as [command id, words]. */
function runsIn(example: string): [string, string[]][] {
  return [...example.matchAll(/<%= config\.bin %> ([^|;&]+)/g)].map(([, line = '']) => {
    const words = (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
    const [first = '', second = ''] = words;
    return [`${first}:${second}` in commands ? `${first}:${second}` : first, words];
  });
}

function mistakes(id: string, words: readonly string[]): string[] {
  const command = commands[id];
  if (command === undefined) return [`no command ${id}`];
  return words.flatMap((word, at) => {
    const [, name, glued] = /^--([a-z-]+)(?:=(.*))?$/.exec(word) ?? [];
    if (name === undefined) return [];
    const flag = command.flags[name];
    if (flag === undefined) return [`no flag --${name}`];
    const value = glued ?? words[at + 1] ?? '';
    const isTaken = flag.type === 'boolean' || flag.options === undefined || flag.options.includes(value);
    return isTaken ? [] : [`--${name} takes no ${value}`];
  });
}

const runs = Object.values(commands).flatMap(({ examples = [] }) =>
  examples.flatMap((example) => runsIn(typeof example === 'string' ? example : example.command)),
);

test('there are examples', () => {
  expect(runs.length).toBeGreaterThan(60);
});

test.each(runs.map(([id, words]) => [words.join(' '), id, words] as const))('%s', (_line, id, words) => {
  expect(mistakes(id, words)).toEqual([]);
});
