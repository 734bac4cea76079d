/** The playbook has a section for whatever a support person can meet, and tells nobody to type what does not exist. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { OUTCOMES, REVIEW_REASONS, TARGET_STATES } from '../src/core/nouns/item.js';
import { whatHelps } from '../src/core/policy/help-for-item.js';
import { ROOT } from './support/source-graph.js';

const text = readFileSync(join(ROOT, 'docs/support-playbook.md'), 'utf8');

/** Chapter, then name, then the text of its section or of its row in the table. */
const chapters = new Map(
  text.split(/^## /m).map((chapter) => {
    const [title = '', ...rest] = chapter.split('\n');
    const sections = rest.join('\n').split(/^### /m).slice(1);
    const rows = rest.filter((line) => line.startsWith('| `')).map((line) => line.slice(2));
    const parts = title === 'Review reasons' ? sections : rows;
    return [title, new Map(parts.map((part) => [/^`(\w+)`/.exec(part)?.[1] ?? '', part]))] as const;
  }),
);

describe.each([
  ['Review reasons', REVIEW_REASONS],
  ['Outcomes', OUTCOMES],
  ['Target states', TARGET_STATES],
] as const)('%s', (chapter, names) => {
  test('have a section each, and there are no others', () => {
    expect([...(chapters.get(chapter)?.keys() ?? [])].sort()).toEqual([...names].sort());
  });

  test.each(names)('%s: what it means, what to check, what to type', (name) => {
    const part = chapters.get(chapter)?.get(name) ?? '';
    if (chapter === 'Review reasons')
      for (const word of ['**Means:**', '**Check:**', '**Type:**']) expect(part).toContain(word);
    else expect(part).toMatch(/^`\w+` \| [^|]{9,} \| [^|]+ \| [^|]+ \|$/);
  });
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
    const section = chapters.get('Review reasons')?.get(reviewReason) ?? '';
    expect(whatHelps({ ...item, reviewReason })?.commands.some((command) => section.includes(command))).toBe(true);
  }
});
