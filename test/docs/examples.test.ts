import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { expect, test } from '@jest/globals';
import ts from 'typescript';

import * as library from '../../src/core/index.js';
import { startServer } from '../support/rest-server.js';
import { ROOT } from '../support/source-graph.js';
import { tempDirectory } from '../support/temp.js';

interface Example {
  /** Where it stands, for the test's name. */
  place: string;
  code: string;
}

const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(ROOT, folder, name));

/** What follows `@example` in a docstring, to its end or to the next tag. */
function docstrings(file: string): Example[] {
  const found = readFileSync(file, 'utf8').matchAll(/^ *\* @example\n((?: *\*(?! @|\/).*\n)+)/gm);
  return [...found].map(([, lines = '']) => ({
    place: relative(ROOT, file),
    code: `import { openQueue } from 'syncq';\n${lines.replaceAll(/^ *\* ?/gm, '')}`,
  }));
}

/** The blocks of a page that say they are TypeScript. */
function blocks(file: string): Example[] {
  const found = readFileSync(file, 'utf8').matchAll(/^```ts\n(.*?)^```/gms);
  return [...found].map(([, code = '']) => ({ place: relative(ROOT, file), code }));
}

const examples = [
  ...filesIn('src', '.ts').flatMap(docstrings),
  ...[join(ROOT, 'README.md'), ...filesIn('docs', '.md')].flatMap(blocks),
];

test('there are examples in the docstrings and on the pages', () => {
  expect(examples.map(({ place }) => place)).toEqual(
    expect.arrayContaining(['src/core/queue/open-queue.ts', 'README.md']),
  );
});

test('every example compiles', () => {
  const text = readFileSync(join(ROOT, 'tsconfig.json'), 'utf8');
  const { options, errors } = ts.convertCompilerOptionsFromJson(JSON.parse(text).compilerOptions, ROOT);
  expect(errors).toEqual([]);
  const paths = { syncq: [join(ROOT, 'src/core/index.ts')] };
  const host = ts.createCompilerHost(options);
  const files = new Map(examples.map(({ code }, n) => [join(ROOT, 'src', `example-${n}.mts`), code]));
  const { readFile, fileExists } = host;
  host.readFile = (name) => files.get(name) ?? readFile.call(host, name);
  host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
  host.getSourceFile = (name, target) => ts.createSourceFile(name, host.readFile(name) ?? '', target);
  const program = ts.createProgram([...files.keys()], { ...options, noUnusedLocals: false, noEmit: true, paths }, host);
  const problems = [...files.keys()]
    .map((name) => program.getSourceFile(name))
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map(({ messageText, file }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
  expect(problems).toEqual([]);
});

test.each(examples)('the example of $place delivers what it enqueues', async ({ code }) => {
  const server = await startServer();
  const here = code
    .replace(/^import .* from 'syncq';$/m, '')
    .replace(/'https:\/\/api\.example\.org[^']*'/, JSON.stringify(server.url))
    .replace("'./outbox.db'", JSON.stringify(join(tempDirectory(), 'outbox.db')))
    .replace('60_000', '200');
  const log: unknown[] = [];
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the text of our own pages is what is tried
  const run = new Function('openQueue', 'process', 'console', `return (async () => {${here}})()`);
  await run(library.openQueue, { env: { SYNC_TOKEN: 't0ken' } }, { log: (line: unknown) => log.push(line) });
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /activities']);
});
