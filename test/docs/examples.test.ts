/** The examples of the docstrings, of the pages and of the folder `examples`: each is run against a real server. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';

import * as library from '../../src/core/index.js';
import { loadSqlite } from '../../src/core/store/sqlite/file/driver.js';
import { faultsOf, raw } from '../core/store/sqlite/support.js';
import { PROGRAM, runProcess } from '../support/process.js';
import { startServer } from '../support/rest-server.js';
import { ROOT } from '../support/source-graph.js';
import { tempDirectory, testEnvironment, testHome } from '../support/temp.js';

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

interface FileExample {
  file: string;
  program: string;
  /** Arguments with which the program succeeds only where the example can run, and what is then there. */
  probe: string[];
  needs: string;
  /** What follows the file's name, before NAME. */
  args: (queue: string, url: string) => string[];
  prints: string;
  keepsOwnRow: boolean;
}

/** An SQLite older than 3.37 refuses it. */
const STRICT = 'CREATE TABLE a (b INTEGER) STRICT';
const FILES: FileExample[] = [
  {
    file: 'outbox.sh',
    program: 'sh',
    probe: ['-c', `sqlite3 -batch :memory: '${STRICT}; SELECT json_object()'`],
    needs: 'sqlite3 3.38 or newer',
    args: (queue) => [queue],
    prints: '2\n3\n',
    keepsOwnRow: false,
  },
  {
    file: 'outbox.py',
    program: 'python3',
    probe: ['-c', `import sqlite3; sqlite3.connect(":memory:").execute("${STRICT}")`],
    needs: 'python3 with SQLite 3.37 or newer',
    args: (queue) => [queue],
    prints: '2\n3\n',
    keepsOwnRow: true,
  },
  {
    file: 'outbox.php',
    program: 'php',
    probe: ['-r', `PHP_VERSION_ID >= 80100 || exit(1); (new PDO("sqlite::memory:"))->exec("${STRICT}");`],
    needs: 'php 8.1 or newer with SQLite 3.37 or newer',
    args: (queue) => [queue],
    prints: '2\n3\n',
    keepsOwnRow: true,
  },
  {
    file: 'library.mjs',
    program: process.execPath,
    probe: ['--version'],
    needs: 'node',
    args: (queue, url) => [queue, url],
    prints: '2 3\n2 delivered\n',
    keepsOwnRow: false,
  },
  {
    file: 'command.sh',
    program: 'sh',
    probe: ['-c', ':'],
    needs: 'sh',
    args: () => [],
    prints: '2 3\n',
    keepsOwnRow: false,
  },
];

/** What a shell, SQL, JSON, an option parser and the line commands of `sqlite3` take for their own. */
const NAME = `-- it's "Zoë" 😀 $(touch owned) \`touch owned\` \\ \\n %s $HOME :x ?1');\n.quit\n' || 1 || '; DROP TABLE item;\n`;

const textOf = (file: string): string => readFileSync(join(ROOT, 'examples', file), 'utf8');

test('every file in the folder examples is run here, and short', () => {
  expect(readdirSync(join(ROOT, 'examples')).toSorted()).toEqual(FILES.map(({ file }) => file).toSorted());
  const lengths = FILES.map(({ file }) => textOf(file).match(/^(?! *(#|\/\/)).+/gm)?.length);
  expect(Math.max(...lengths.map(Number))).toBeLessThanOrEqual(18);
});

interface Prepared {
  queue: string;
  run: () => Promise<{ stdout: string }>;
  /** What the server got since, as [method and path, body]. */
  received: () => [string, any][];
}

/** A queue that has delivered one item, and in a directory of its own the example, as somebody copied it. */
async function prepare({ file, program, args }: FileExample, code: string): Promise<Prepared> {
  const server = await startServer({ answer: { status: 201, body: {} } });
  const { cwd } = testHome();
  writeFileSync(join(cwd, file), code);
  for (const folder of ['node_modules', 'bin']) mkdirSync(join(cwd, folder));
  symlinkSync(ROOT, join(cwd, 'node_modules', 'syncq'));
  symlinkSync(PROGRAM, join(cwd, 'bin', 'syncq'));
  const queue = join(cwd, 'my %41?#.db');
  const PATH = [join(cwd, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter);
  const env = testEnvironment({ SYNCQ_QUEUE: queue, PATH });
  for (const argv of [['target', 'add', 'api', server.url], ['enqueue', 'POST', '/first'], ['run']]) {
    expect(await runProcess(argv, { env })).toMatchObject({ code: 0 });
  }
  const earlier = server.requests.length;
  return {
    queue,
    run: async () => promisify(execFile)(program, [file, ...args(queue, server.url), NAME], { cwd, env }),
    received: () =>
      server.requests
        .slice(earlier)
        .map(({ method, path, body }) => [`${method} ${path}`, JSON.parse(body.toString('utf8'))]),
  };
}

const OWN_ROWS = 'SELECT name FROM app_activity';
const column = (queue: string, sql: string): unknown => raw(queue, (db) => db.prepare(sql).pluck().all());

for (const example of FILES) {
  const { file, program, probe, needs, prints, keepsOwnRow } = example;
  const isForeign = file.startsWith('outbox.');
  const canRun = spawnSync(program, probe).status === 0;
  (canRun ? describe : describe.skip)(`examples/${file}${canRun ? '' : ` (not here: no ${needs})`}`, () => {
    test('waits for the lock, prints the ids, and the activity arrives unchanged before the comment', async () => {
      const { queue, run, received } = await prepare(example, textOf(file));
      const other = new (loadSqlite())(queue);
      other.exec('BEGIN IMMEDIATE');
      setTimeout(() => other.close(), 700);
      expect((await run()).stdout).toBe(prints);
      expect(await runProcess(['run'], { env: { SYNCQ_QUEUE: queue } })).toMatchObject({ code: 0 });
      const id = received()[0]?.[1].id;
      expect(id).toMatch(/^[0-9a-f-]{32,36}$/);
      expect(received()).toEqual([
        ['POST /activities', { id, name: NAME }],
        [`POST /activities/${id}/comments`, { text: 'done' }],
      ]);
      expect(column(queue, `SELECT entity_type || '/' || entity_id FROM items WHERE path <> '/first'`)).toEqual([
        `activity/${id}`,
        `activity/${id}`,
      ]);
      if (keepsOwnRow) expect(column(queue, OWN_ROWS)).toEqual([NAME]);
      expect(faultsOf(queue)).toEqual([]);
      expect(readdirSync(testHome().cwd)).not.toContain('owned');
    });

    test('stores nothing when its second write is refused', async () => {
      const { queue, run, received } = await prepare(example, textOf(file).replace('/comments', '/../comments'));
      const failure = await run().catch((error: unknown) => error as { code: number; stdout: string; stderr: string });
      expect(failure).toMatchObject({ code: expect.any(Number) });
      expect(Object.values(failure).join('\n')).toMatch(/path holds a \. or \.\. segment|syncq: path must be relative/);
      expect(column(queue, 'SELECT path FROM items')).toEqual(['/first']);
      if (keepsOwnRow) expect(column(queue, OWN_ROWS)).toEqual([]);
      expect(received()).toEqual([]);
    });

    if (isForeign) {
      test('makes no file where there is none', async () => {
        const { queue, run } = await prepare(example, textOf(file));
        rmSync(queue);
        await expect(run()).rejects.toMatchObject({ code: expect.any(Number) });
        expect(existsSync(queue)).toBe(false);
      });
    }
  });
}
