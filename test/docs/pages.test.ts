/** The pages for users: every command line on them exists, every link leads somewhere, and the five minutes are run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { mistakes, wordsOf } from '../support/command-line.js';
import { runProcess } from '../support/process.js';
import { startServer } from '../support/rest-server.js';
import { ROOT } from '../support/source-graph.js';

const pages = [
  ...readdirSync(ROOT).map((name) => join(ROOT, name)),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join(ROOT, 'docs', name)),
].filter((file) => file.endsWith('.md'));
const textOf = (file: string): string => readFileSync(file, 'utf8');

/** Command lines: of code blocks, and of code in sentences and tables. A placeholder (`…`, `[…]`) ends one. */
function commandLines(text: string): string[] {
  const found = text.matchAll(/(?:^ {4}(?:.*[$;&|] *)?|^\$ |`)syncq ([a-z-][^`\n|&;<>]*)/gm);
  return [...found].map(([, line = '']) => line.split(/ #|…|\[|\\$/)[0] ?? '');
}

const lines = pages.flatMap((file) =>
  commandLines(textOf(file)).map((line) => [`${relative(ROOT, file)}: syncq ${line.trim()}`, line] as const),
);

describe('the pages', () => {
  test('show many command lines', () => {
    expect(lines.length).toBeGreaterThan(100);
  });

  test('show commands and flags that exist', () => {
    expect(lines.flatMap(([place, line]) => mistakes(wordsOf(line)).map((fault) => `${place}: ${fault}`))).toEqual([]);
  });

  test('name source files that are there', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).concat(
      readdirSync(join(ROOT, 'bench')),
      readdirSync(join(ROOT, 'scripts')),
    );
    // comparison.md names files of other projects.
    const own = pages.filter((file) => !file.endsWith('comparison.md'));
    const named = own.flatMap((file) =>
      [...textOf(file).matchAll(/`(?:src\/|bench\/|scripts\/)?([\w./-]+\.(?:ts|mjs))`/g)].map(
        ([, name = '']) => [relative(ROOT, file), name] as const,
      ),
    );
    const gone = named.filter(
      ([, name]) =>
        !existsSync(join(ROOT, name)) &&
        !files.some((file) => `/${file}`.endsWith(`/${name}`)) &&
        !existsSync(join(ROOT, 'test', name)),
    );
    expect(named.length).toBeGreaterThan(40);
    expect(gone).toEqual([]);
  });

  test('link to files that are there', () => {
    const dead = pages.flatMap((file) =>
      [...textOf(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)]
        .map(([, link = '']) => link)
        .filter((link) => !existsSync(join(dirname(file), link)))
        .map((link) => `${relative(ROOT, file)}: ${link}`),
    );
    expect(dead).toEqual([]);
  });
});

/** Times of the page (`09:12`) and of the program (ISO) are of no interest. */
const withoutTimes = (text: string): string =>
  text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)|\b\d\d:\d\d\b/g, 'T');

describe('the five minutes of the README', () => {
  const [, block = ''] = /## Five minutes\n(.*?)\n## /s.exec(textOf(join(ROOT, 'README.md'))) ?? [];
  const steps = [...block.matchAll(/^ {4}\$ syncq ([^\n#]*)[^\n]*\n((?: {4}[^$\n].*\n?)*)/gm)].map(
    ([, line = '', output = '']) => ({ line: line.trim(), output: output.replaceAll(/^ {4}/gm, '').trim() }),
  );

  test('hold eleven commands', () => {
    expect(steps.map(({ line }) => line.split(' ')[0])).toEqual(
      'target enqueue enqueue run status watch status inspect edit retry status'.split(' '),
    );
  });

  test('are what happens, against a server that was away and refuses a phone number', async () => {
    const server = await startServer({
      answer: ({ body }) =>
        body.toString().includes('47O99')
          ? { status: 422, body: { detail: 'phone must be digits' } }
          : { status: 200, body: {} },
    });
    await server.stop();
    for (const { line, output } of steps) {
      const words = wordsOf(line.replace('https://api.example.org/v1', server.url));
      // In the story the network is back now. A watch would go on, so a run does what it does, here and after the retry.
      if (words[0] === 'watch') await server.start();
      const argv = words[0] === 'watch' ? ['run'] : words;
      const { stdout, code } = await runProcess(argv, { env: { SYNC_TOKEN: 'secret' } });
      for (const shown of output.split('\n').filter((text) => text !== ''))
        expect(withoutTimes(stdout).split('\n')).toContain(withoutTimes(shown));
      if (words[0] === 'run') expect(code).toBe(4);
      if (words[0] === 'retry') expect((await runProcess(['run'], { env: { SYNC_TOKEN: 'secret' } })).code).toBe(0);
    }
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /activities',
      'PATCH /activities/42',
      'PATCH /activities/42',
    ]);
  });
});
