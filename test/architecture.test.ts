import { describe, expect, test } from '@jest/globals';

import type { Source } from './support/source-graph.js';
import { findCycles, loadedPackages, parseSource, readSources, ROOT } from './support/source-graph.js';

const LONGEST_FILE = 400;
/** 8 ms (node:dns reads resolv.conf) to 50 ms and more each to load, on a small machine: only where they are used. */
const HEAVY = ['undici', 'ky', 'ora', 'cli-table3', 'node:dns', 'node:dns/promises'];
/** Loaded by commands that answer without sending, and by programs that only enqueue. */
const LIGHT = ['src/commands/enqueue.ts', 'src/commands/status.ts', 'src/core/index.ts'];

interface Rule {
  says: string;
  /** Files it is about. */
  from: RegExp;
  except?: RegExp;
  /** What they may not import (paths from the root, or package names), by value or in any way. */
  not: RegExp;
  types: 'allowed' | 'refused';
}

const IMPORTS: Rule[] = [
  {
    says: 'the core imports nothing above it and no terminal',
    from: /^src\/core\//,
    not: /^src\/(cli|render|commands)\/|^@oclif\/|^(chalk|ora|cli-table3)$|^(node:)?(console|readline|tty|timers)(\/|$)/,
    types: 'refused',
  },
  {
    says: 'only the driver and the file about the host read node:process in the core',
    from: /^src\/core\//,
    except: /^src\/core\/(store\/sqlite\/file\/driver|nouns\/host)\.ts$/,
    not: /^(node:)?process$/,
    types: 'refused',
  },
  {
    says: 'only the SQLite store knows better-sqlite3',
    from: /^src\//,
    except: /^src\/core\/store\/sqlite\//,
    not: /^better-sqlite3/,
    types: 'refused',
  },
  {
    says: 'policy is pure: it loads only itself, the nouns and the error type',
    from: /^src\/core\/policy\//,
    not: /^(?!src\/core\/(policy|json|nouns)\/)/,
    types: 'allowed',
  },
  {
    says: 'rendering loads nothing of the core but policy and the nouns',
    from: /^src\/render\//,
    not: /^src\/(cli|commands)\/|^src\/core\/(?!policy\/|nouns\/item\.ts$)/,
    types: 'allowed',
  },
  { says: 'the seam to the terminal loads no command', from: /^src\/cli\//, not: /^src\/commands\//, types: 'refused' },
  {
    says: 'a command knows cli, render and the core by its one door, and no other command',
    from: /^src\/commands\//,
    not: /^src\/(?!cli\/|render\/|core\/index\.ts$)/,
    types: 'refused',
  },
];

interface Ban {
  says: string;
  in: RegExp;
  except?: RegExp;
  pattern: RegExp;
}

const BANS: Ban[] = [
  { says: 'no console in the core', in: /^src\/core\//, pattern: /\bconsole\s*\./ },
  { says: 'no process in the core', in: /^src\/core\//, pattern: /(?<![.\w'/:-])process\s*[.[]/ },
  {
    says: 'one clock in the core',
    in: /^src\/core\//,
    except: /^src\/core\/nouns\/clock\.ts$/,
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b/,
  },
  {
    says: 'no SQL above the stores',
    in: /^src\//,
    except: /^src\/core\/store\/[^/]+\//,
    pattern:
      /['"`\s](SELECT\s+[\w*(]|INSERT\s+(OR\s+\w+\s+)?INTO\b|UPDATE\s+\w+\s+SET\b|DELETE\s+FROM\b|PRAGMA\s+\w|CREATE\s+(TABLE|VIEW|INDEX|TRIGGER)\b)/,
  },
  {
    says: 'a store decides nothing by the state of a target or by how an attempt ended: policy does',
    in: /^src\/core\/store\/(sqlite|postgres)\//,
    // The first state in a table's definition, and what a file of an earlier version means for good.
    except: /\/(schema|migrations)\.ts$/,
    pattern:
      /'(untried|online|suspect|offline|throttled|unavailable|auth|misconfigured)'|\b(outcome|end)\b.*[=!]==? '(?!delivered)|\b(outcome|reason) (<>|=|NOT IN|IN) \(?'(?!delivered|editing|\$\{)/,
  },
  { says: 'no process.exit: the exit code is set, and output is flushed', in: /^src\//, pattern: /\bprocess\.exit\(/ },
];

const sources = readSources(ROOT, 'src');

describe('the sources', () => {
  test('are found', () => {
    expect([...sources.keys()]).toEqual(
      expect.arrayContaining(['src/core/nouns/errors.ts', 'src/core/nouns/clock.ts']),
    );
  });

  test(`have no file over ${LONGEST_FILE} lines`, () => {
    const long = [...sources.values()].map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));
    expect(long.filter(({ lines }) => lines > LONGEST_FILE)).toEqual([]);
  });

  test('import only files that exist', () => {
    const missing = [...sources.values()].flatMap(({ path, imports }) =>
      imports.filter(({ file }) => file !== undefined && !sources.has(file)).map(({ file }) => `${path} -> ${file}`),
    );
    expect(missing).toEqual([]);
  });

  test('have no import cycle', () => {
    expect(findCycles(sources)).toEqual([]);
  });

  test.each(IMPORTS)('obey: $says', (rule) => {
    expect(importsAgainst(rule, sources)).toEqual([]);
  });

  test.each(BANS)('obey: $says', (ban) => {
    expect(linesAgainst(ban, sources)).toEqual([]);
  });

  test('load no heavy package before it is needed', () => {
    const loaded = LIGHT.filter((path) => sources.has(path)).flatMap((path) =>
      HEAVY.filter((name) => loadedPackages(sources, path).has(name)).map((name) => `${path} -> ${name}`),
    );
    expect(loaded).toEqual([]);
  });
});

describe('the checks themselves', () => {
  const one = (path: string, text: string): Map<string, Source> => new Map([[path, parseSource(path, text)]]);

  test.each([
    ['src/core/a.ts', "import { x } from '../cli/x.js';"],
    ['src/core/a.ts', "import type { x } from '../render/x.js';"],
    ['src/core/a.ts', "const { Chalk } = await import('chalk');"],
    ['src/core/a.ts', "export * from '@oclif/core';"],
    ['src/core/a.ts', "import {\n  a,\n  b,\n} from '../commands/x.js';"],
    ['src/core/a.ts', "import { setTimeout } from 'node:timers/promises';"],
    ['src/core/queue/queue.ts', "import { pid } from 'node:process';"],
    ['src/core/queue/queue.ts', "import type Sqlite from 'better-sqlite3';"],
    ['src/core/policy/a.ts', "import { readFileSync } from 'node:fs';"],
    ['src/core/policy/a.ts', "import { systemClock } from '../clock.js';"],
    ['src/render/a.ts', "import { systemClock } from '../core/clock.js';"],
    ['src/render/a.ts', "import type { x } from '../commands/x.js';\nimport { y } from '../cli/y.js';"],
    ['src/cli/a.ts', "import Run from '../commands/run.js';"],
    ['src/commands/target/a.ts', "import Other from './b.js';"],
    ['src/commands/a.ts', "import { Queue } from '../core/queue.js';"],
  ])('see an import that is not allowed in %s: %s', (path, text) => {
    expect(IMPORTS.flatMap((rule) => importsAgainst(rule, one(path, text)))).not.toEqual([]);
  });

  test.each([
    ['src/core/a.ts', "// import { x } from '../cli/x.js';\nimport { y } from './item.js';"],
    ['src/core/store/sqlite/a.ts', "import type Sqlite from 'better-sqlite3';"],
    ['src/core/policy/a.ts', "import type { SendResult } from '../send/result.js';"],
    [
      'src/render/a.ts',
      "import type { Status } from '../core/index.js';\nimport { why } from '../core/policy/why.js';",
    ],
    [
      'src/commands/target/a.ts',
      "import { Base } from '../../cli/base.js';\nimport { QueueError } from '../../core/index.js';",
    ],
  ])('let pass what is allowed in %s: %s', (path, text) => {
    expect(IMPORTS.flatMap((rule) => importsAgainst(rule, one(path, text)))).toEqual([]);
  });

  test.each([
    ['src/core/a.ts', 'console.log(1);'],
    ['src/core/a.ts', 'const home = process.env.HOME;'],
    ['src/core/a.ts', 'const now = Date.now();'],
    ['src/core/a.ts', 'const now = new Date();'],
    ['src/core/queue/queue.ts', 'database.prepare(`SELECT id FROM item`);'],
    ['src/cli/a.ts', "database.exec('DELETE FROM item');"],
    ['src/cli/a.ts', 'process.exit(1);'],
    ['src/core/store/sqlite/a.ts', "if (target.state !== 'offline') resume(target);"],
    ['src/core/store/sqlite/a.ts', "const SENT = `SELECT 1 FROM attempt WHERE outcome NOT IN ('offline')`;"],
    ['src/core/store/sqlite/a.ts', "const counted = end.outcome === 'transient';"],
  ])('see a line that is not allowed in %s: %s', (path, text) => {
    expect(BANS.flatMap((ban) => linesAgainst(ban, one(path, text)))).not.toEqual([]);
  });

  test.each([
    ['src/core/a.ts', '/** Never calls Date.now() or console.log. */'],
    ['src/core/a.ts', 'const at = new Date(ms).toISOString();'],
    ['src/core/a.ts', "const message = 'the process is gone';"],
    ['src/core/store/sqlite/a.ts', 'database.prepare(`SELECT id FROM item`);'],
    ['src/core/store/postgres/a.ts', 'sql`UPDATE item SET state = 1`;'],
  ])('let pass a line that is allowed in %s: %s', (path, text) => {
    expect(BANS.flatMap((ban) => linesAgainst(ban, one(path, text)))).toEqual([]);
  });

  test('see a cycle, also one that only types close', () => {
    const files = (kind: string): Map<string, Source> =>
      new Map([
        ['src/a.ts', parseSource('src/a.ts', "import { b } from './b.js';")],
        ['src/b.ts', parseSource('src/b.ts', `import ${kind}{ a } from './a.js';`)],
      ]);
    expect(findCycles(files(''))).toEqual([['src/a.ts', 'src/b.ts', 'src/a.ts']]);
    expect(findCycles(files('type '))).toEqual([['src/a.ts', 'src/b.ts', 'src/a.ts']]);
  });

  test('follow static imports to a package, and stop at lazy ones', () => {
    const files = new Map([
      ['src/a.ts', parseSource('src/a.ts', "import { b } from './b.js';\nimport type { Dispatcher } from 'undici';")],
      ['src/b.ts', parseSource('src/b.ts', "import ky from 'ky';\nconst ora = await import('ora');")],
    ]);
    expect([...loadedPackages(files, 'src/a.ts')]).toEqual(['ky']);
  });
});

function importsAgainst(rule: Rule, among: ReadonlyMap<string, Source>): string[] {
  return [...among.values()]
    .filter(({ path }) => rule.from.test(path) && rule.except?.test(path) !== true)
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ kind }) => kind !== 'type' || rule.types === 'refused')
        .map(({ file, specifier }) => file ?? specifier)
        .filter((target) => rule.not.test(target))
        .map((target) => `${path} -> ${target}`),
    );
}

function linesAgainst(ban: Ban, among: ReadonlyMap<string, Source>): string[] {
  return [...among.values()]
    .filter(({ path }) => ban.in.test(path) && ban.except?.test(path) !== true)
    .flatMap(({ path, code }) =>
      code
        .split('\n')
        .flatMap((line, index) => (ban.pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
    );
}
