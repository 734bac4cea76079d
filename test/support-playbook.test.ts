/** The playbook has a row or a section for whatever a support person can meet, and tells nobody to type what does not exist. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { OUTCOMES, REVIEW_REASONS, TARGET_STATES } from '../src/core/nouns/item.js';
import { whatHelps } from '../src/core/policy/help-for-item.js';
import { ROOT } from './support/source-graph.js';

const text = readFileSync(join(ROOT, 'docs/support-playbook.md'), 'utf8');

type Kind = 'in review' | 'attempt' | 'target';

/** Sections that walk through a situation, by kind and name: `### In review: \`rejected\``. */
const walks = new Map(
  text
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [, kind = '', name = ''] = /^([\w ]+): `(\w+)`\n/.exec(section) ?? [];
      return [`${kind.toLowerCase()} ${name}`, section.split(/^## /m)[0] ?? ''] as const;
    }),
);

/** Rows of the table of what one sees; a row may be about two kinds and about several names. */
const rows = (text.split('| what you see | what it means | what to check | what to type |\n')[1] ?? '')
  .split('\n\n')[0]!
  .split('\n')
  .slice(1)
  .map((line) => line.slice(1, -1).split(' | '));

const situations = rows.flatMap((row) => {
  const [, kinds = '', names = ''] = /^ (in review|attempt|target|attempt or target): (.*)/.exec(row[0] ?? '') ?? [];
  return kinds
    .split(' or ')
    .flatMap((kind) => [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => ({ kind: kind as Kind, name, row })));
});

/** All that the page says about a situation: its row and, if there is one, its walk. */
function saidOf(kind: Kind, name: string): string {
  const row = situations.find((one) => one.kind === kind && one.name === name)?.row ?? [];
  return [...row, walks.get(`${kind} ${name}`) ?? ''].join('\n');
}

describe.each([
  ['in review', REVIEW_REASONS],
  ['attempt', OUTCOMES],
  ['target', TARGET_STATES],
] as const)('%s', (kind, names) => {
  test('has a row for each, and there are no others', () => {
    const found = situations.filter((one) => one.kind === kind).map(({ name }) => name);
    expect(found.sort()).toEqual([...names].sort());
  });

  test.each(names)('%s: what it means, what to check, what to type', (name) => {
    const row = situations.find((one) => one.kind === kind && one.name === name)?.row ?? [];
    expect(row.map((cell) => cell.trim() !== '')).toEqual([true, true, true, true]);
    const isElsewhere = row.some((cell) => /\]\(#(walks|target-)/.test(cell));
    expect(walks.has(`${kind === 'attempt' ? 'target' : kind} ${name}`)).toBe(isElsewhere);
  });
});

test.each([...walks])('the walk through %s says what it means, what to check and what to type', (_name, section) => {
  for (const part of ['**Means:**', '**Check:**', '**Type:**']) expect(section).toContain(part);
});

const commands = new Set(
  readdirSync(join(ROOT, 'src/commands'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.replace(/\.ts$/, '').replaceAll(/[\\/]/g, ' ')),
);

/** The source of a command, with the filters that several share. */
function flagsOf(command: string): string {
  const files = [
    `src/commands/${command.replaceAll(' ', '/')}.ts`,
    'src/cli/items/filters.ts',
    'src/cli/items/choose-items.ts',
    'src/cli/items/because-flag.ts',
  ];
  return files.map((file) => readFileSync(join(ROOT, file), 'utf8')).join('\n');
}

function commandIn(line: string): string | undefined {
  const words = line.split(' ').slice(1);
  return [words.slice(0, 2).join(' '), words[0] ?? ''].find((name) => commands.has(name));
}

test('every command in it exists, with its flags', () => {
  const lines = [...text.matchAll(/`(syncq [^`]+)`|^ {4}(syncq .*?)(?: {2,}#.*)?$/gm)].map(([, inline, block]) =>
    (inline ?? block ?? '').trim(),
  );
  expect(lines.length).toBeGreaterThan(40);
  const wrong = lines.filter((line) => {
    const command = commandIn(line);
    if (command === undefined) return true;
    const flags = [...line.matchAll(/--([a-z-]+)/g)].map(([, flag]) => flag ?? '');
    return flags.some((flag) => !new RegExp(`(?:^|[\\s{'])${flag}'?: `).test(flagsOf(command)));
  });
  expect(wrong).toEqual([]);
});

test('what the page of an item offers to type is what the playbook says for its reason', () => {
  const item = { id: 1041, state: 'review' as const, target: 'production', entity: undefined, waitingOn: undefined };
  for (const reviewReason of REVIEW_REASONS) {
    const section = saidOf('in review', reviewReason);
    expect(whatHelps({ ...item, reviewReason })?.commands.some((command) => section.includes(command))).toBe(true);
  }
});
