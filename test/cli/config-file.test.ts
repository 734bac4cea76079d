import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ConfigLookup } from '../../src/cli/queue/config-file.js';
import {
  loadConfig,
  loadConfigLeniently,
  resolveQueueLeniently,
  resolveQueuePath,
} from '../../src/cli/queue/config-file.js';
import { distrust } from '../../src/cli/program/trusted-file.js';
import { emptyConfig } from '../../src/core/config/validate.js';

let root: string;
let lookup: ConfigLookup;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'syncq-config-')));
  for (const dir of ['cwd', 'etc', 'else']) fs.mkdirSync(path.join(root, dir), { mode: 0o700 });
  lookup = { flag: undefined, env: {}, cwd: path.join(root, 'cwd'), configDir: path.join(root, 'etc') };
});

afterEach(() => {
  fs.rmSync(root, { recursive: true, force: true });
});

/** Writes a config below the test's root and returns its path. */
function put(name: string, content: unknown = {}, mode = 0o600): string {
  const file = path.join(root, name);
  const bytes = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content);
  fs.writeFileSync(file, bytes);
  fs.chmodSync(file, mode);
  return file;
}

function refused(message: RegExp): object {
  return expect.objectContaining({ code: 'bad-config', message: expect.stringMatching(message) });
}

describe('looking for the config', () => {
  test('the flag, the variable, the working directory, the config directory: the first found wins', () => {
    const files = ['else/flag.json', 'else/env.json', 'cwd/syncq.json', 'etc/config.json'].map((name) => put(name));
    const withFlag = { ...lookup, flag: '../else/flag.json', env: { SYNCQ_CONFIG: path.join(root, 'else/env.json') } };
    expect(loadConfig(withFlag).source).toBe(files[0]);
    expect(loadConfig({ ...withFlag, flag: undefined }).source).toBe(files[1]);
    expect(loadConfig({ ...lookup, env: { SYNCQ_CONFIG: '../else/env.json' } }).source).toBe(files[1]);
    expect(loadConfig({ ...lookup, env: { SYNCQ_CONFIG: '' } }).source).toBe(files[2]);
    fs.rmSync(files[2] ?? '');
    expect(loadConfig(lookup).source).toBe(files[3]);
    fs.rmSync(files[3] ?? '');
    expect(loadConfig(lookup)).toEqual(emptyConfig());
  });

  test('nothing is merged', () => {
    put('cwd/syncq.json', { queue: 'a.db' });
    put('etc/config.json', { sensitive: ['phone'] });
    expect(loadConfig(lookup).sensitive).toEqual([]);
  });

  test.each([
    ['--config', { flag: 'none.json' }],
    ['SYNCQ_CONFIG', { env: { SYNCQ_CONFIG: 'none.json' } }],
  ])('a file named by %s that is missing is an error, also when another one is there', (by, named) => {
    put('cwd/syncq.json');
    expect(() => loadConfig({ ...lookup, ...named })).toThrow(
      refused(new RegExp(`none.json \\(named by ${by}\\) does not exist`)),
    );
  });

  test('an empty flag is a usage error', () => {
    expect(() => loadConfig({ ...lookup, flag: '' })).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  test('a working directory in which nothing can be seen is passed over', () => {
    const file = put('etc/config.json');
    // A link to itself fails for every user; a directory without permission would not fail for root.
    const loop = path.join(root, 'loop');
    fs.symlinkSync('loop', loop);
    for (const cwd of [put('plain'), loop]) {
      expect(loadConfig({ ...lookup, cwd }).source).toBe(file);
      expect(loadConfigLeniently({ ...lookup, cwd }).problem).toBeUndefined();
    }
    expect(() => loadConfig({ ...lookup, flag: path.join(loop, 'c.json') })).toThrow(
      refused(/cannot be read \(ELOOP\)/),
    );
  });

  test('paths in the config are relative to it', () => {
    put('else/c.json', { queue: 'q.db', hooks: { idle: ['./done'] } });
    const config = loadConfig({ ...lookup, flag: '../else/c.json' });
    expect([config.queue, config.hooks.idle]).toEqual([path.join(root, 'else/q.db'), [path.join(root, 'else/done')]]);
  });
});

describe('reading the config', () => {
  test.each([
    [
      'a comment',
      '{\n  // no\n}',
      /syncq\.json is not valid JSON: line 2, column 3: a member name in quotes is expected$/,
    ],
    [
      'the same target twice',
      '{"targets":{"a":{"baseUrl":"https://a"},"a":{}}}',
      /line 1, column 41: a member name is given twice/,
    ],
    ['nothing', '', /line 1, column 1: the text ends too early/],
    ['UTF-16', Buffer.from('{}', 'utf16le'), /line 1, column 2: a member name in quotes/],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /is not UTF-8 text/],
    ['more than a megabyte', ' '.repeat(1024 * 1024 + 1), /is larger than 1 MiB/],
  ])('%s is refused', (_, content, message) => {
    put('cwd/syncq.json', content);
    expect(() => loadConfig(lookup)).toThrow(refused(message));
  });

  test('a mistake in the JSON quotes nothing of the file', () => {
    put('cwd/syncq.json', '{"targets": {"p": {"auth": {"bearer": CANARY}}}}');
    expect(() => loadConfig(lookup)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('CANARY') }),
    );
  });

  test('a byte order mark at the start is no mistake', () => {
    put('cwd/syncq.json', '\ufeff{"queue":"q.db"}');
    expect(loadConfig(lookup).queue).toBe(path.join(root, 'cwd/q.db'));
  });
});

describe('a config that others may write', () => {
  test.each([0o620, 0o602, 0o664, 0o666])('with mode %o is refused, and the next place is not tried', (mode) => {
    put('etc/config.json');
    put('cwd/syncq.json', {}, mode);
    expect(() => loadConfig(lookup)).toThrow(refused(/may be written by other users/));
  });

  test('that others may only read is fine', () => {
    put('cwd/syncq.json', {}, 0o644);
    expect(loadConfig(lookup).source).toBe(path.join(root, 'cwd/syncq.json'));
  });

  test.each([
    [{ mode: 0o100600, uid: 1000 }, 1000, undefined],
    [{ mode: 0o100644, uid: 0 }, 1000, undefined],
    [{ mode: 0o100600, uid: 1001 }, 1000, 'owner'],
    [{ mode: 0o100600, uid: 1001 }, 0, 'owner'],
    [{ mode: 0o100660, uid: 1000 }, 1000, 'writable'],
  ] as const)('%j is judged for user %i as %s', (stat, me, expected) => {
    expect(distrust(stat, me)).toBe(expected);
  });

  test('in a directory of everybody is refused, unless the directory is sticky', () => {
    put('cwd/syncq.json');
    fs.chmodSync(path.join(root, 'cwd'), 0o777);
    expect(() => loadConfig(lookup)).toThrow(refused(/where every user may put another file in its place/));
    fs.chmodSync(path.join(root, 'cwd'), 0o1777);
    expect(loadConfig(lookup).source).toBeDefined();
  });

  test('is judged where a link stands and where it leads', () => {
    put('else/real.json');
    fs.symlinkSync(path.join(root, 'else/real.json'), path.join(root, 'cwd/syncq.json'));
    expect(loadConfig(lookup).source).toBe(path.join(root, 'cwd/syncq.json'));
    fs.chmodSync(path.join(root, 'else'), 0o777);
    expect(() => loadConfig(lookup)).toThrow(refused(/may put another file in its place/));
  });

  test('is refused when everybody may put another link in the place of its link', () => {
    put('else/real.json');
    fs.symlinkSync(path.join(root, 'else/real.json'), path.join(root, 'cwd/syncq.json'));
    fs.chmodSync(path.join(root, 'cwd'), 0o777);
    expect(() => loadConfig(lookup)).toThrow(refused(/may put another file in its place/));
  });

  test('a link that leads nowhere, a directory and a FIFO are refused at once', () => {
    const file = path.join(root, 'cwd/syncq.json');
    fs.symlinkSync('nowhere', file);
    expect(() => loadConfig(lookup)).toThrow(refused(/is a link that leads nowhere/));
    fs.rmSync(file);
    fs.mkdirSync(file);
    expect(() => loadConfig(lookup)).toThrow(refused(/is not a file/));
    fs.rmdirSync(file);
    execFileSync('mkfifo', ['-m', '600', file]);
    expect(() => loadConfig(lookup)).toThrow(refused(/is not a file/));
  });
});

describe('a reading command', () => {
  test('has the config as it is when it is good', () => {
    put('cwd/syncq.json', { sensitive: ['phone'] });
    expect(loadConfigLeniently(lookup)).toEqual({
      config: loadConfig(lookup),
      warning: undefined,
      maskAll: false,
      problem: undefined,
      queueUnknown: undefined,
    });
  });

  test('masks everything when nobody wrote a config', () => {
    expect(loadConfigLeniently(lookup)).toMatchObject({ config: emptyConfig(), maskAll: true, problem: 'none' });
  });

  test('masks everything and warns when the named config is missing', () => {
    expect(loadConfigLeniently({ ...lookup, flag: 'none.json' })).toMatchObject({
      config: emptyConfig(),
      warning: expect.stringContaining('none.json (named by --config) does not exist'),
      maskAll: true,
      problem: 'missing',
    });
  });

  test.each([
    ['an unknown key', '{"queue":"mine.db","nope":1}', 'mine.db'],
    ['a wrong queue', '{"queue":1}', undefined],
    ['no JSON', '{', undefined],
  ])('with %s still looks at the right queue', (_, content, queue) => {
    const file = put('cwd/syncq.json', content);
    const { config, warning, maskAll, problem } = loadConfigLeniently(lookup);
    expect([config.source, config.queue]).toEqual([
      file,
      queue === undefined ? undefined : path.join(root, 'cwd', queue),
    ]);
    expect([maskAll, problem]).toEqual([true, 'broken']);
    expect(warning).toMatch(/payload values are masked/);
  });

  test('believes nothing that others could have written', () => {
    put('cwd/syncq.json', { queue: '/elsewhere.db' }, 0o666);
    expect(loadConfigLeniently(lookup)).toMatchObject({
      config: { queue: undefined },
      maskAll: true,
      problem: 'broken',
    });
  });
});

describe('the queue of a config that cannot be read', () => {
  const found = (flag?: string) =>
    resolveQueueLeniently(loadConfigLeniently({ ...lookup, cwd: path.join(root, 'cwd') }), {
      flag,
      env: {},
      cwd: path.join(root, 'cwd'),
      dataDir: root,
    }).location;

  test.each([
    ['is behind the mistake', '{"targets":{}},"queue":"mine.db"}', 0o600],
    ['could have been written by others', '{"queue":"mine.db"}', 0o666],
    ['is itself wrong', '{"queue":7}', 0o600],
  ])('is not guessed when it %s', (_, content, mode) => {
    put('cwd/syncq.json', content, mode);
    put('cwd/syncq.db', '');
    expect(found).toThrow(refused(/nobody can tell which queue is meant$/));
    expect(found('other.db')).toBe(path.join(root, 'cwd', 'other.db'));
  });

  test('is known when it stands before the mistake, or nowhere', () => {
    put('cwd/syncq.json', '{"queue":"mine.db","targets":{}},');
    expect(found()).toBe(path.join(root, 'cwd', 'mine.db'));
    put('cwd/syncq.json', '{"targets":');
    expect(found()).toBe(path.join(root, 'cwd', 'syncq.db'));
  });

  test('is the usual one when a named config is missing, if it is there', () => {
    const named = loadConfigLeniently({ ...lookup, flag: 'none.json' });
    const where = { flag: undefined, env: {}, cwd: root, dataDir: path.join(root, 'data') };
    expect(() => resolveQueueLeniently(named, where)).toThrow(refused(/none\.json .* which queue is meant$/));
    fs.mkdirSync(path.join(root, 'data'));
    const file = put('data/syncq.db', '');
    expect(resolveQueueLeniently(named, where).location).toBe(file);
  });
});

describe('the queue', () => {
  const base = { flag: undefined, env: {}, cwd: '/work', dataDir: '/data', config: emptyConfig() };

  test.each([
    ['the flag before all', { flag: 'a.db', env: { SYNCQ_QUEUE: 'b.db' } }, '/work/a.db', '--queue'],
    [
      'the variable before the config',
      { env: { SYNCQ_QUEUE: 'b.db' }, config: { ...emptyConfig(), queue: '/etc/q.db' } },
      '/work/b.db',
      'SYNCQ_QUEUE',
    ],
    [
      'an empty variable as none',
      { env: { SYNCQ_QUEUE: '' }, config: { ...emptyConfig(), queue: '/etc/q.db' } },
      '/etc/q.db',
      'config',
    ],
    ['the default place', {}, '/data/syncq.db', undefined],
    [
      'beside a project config',
      { config: { ...emptyConfig(), source: '/srv/app/syncq.json' } },
      '/srv/app/syncq.db',
      undefined,
    ],
    [
      'the default place with another config',
      { config: { ...emptyConfig(), source: '/srv/app/other.json' } },
      '/data/syncq.db',
      undefined,
    ],
  ])('is %s', (_, given, location, namedBy) => {
    expect(resolveQueuePath({ ...base, ...given })).toEqual({
      kind: 'file',
      location,
      named: namedBy !== undefined,
      namedBy,
    });
  });

  test('may be a postgres URL', () => {
    expect(resolveQueuePath({ ...base, flag: 'postgresql://h/d' })).toEqual({
      kind: 'postgres',
      location: 'postgresql://h/d',
      named: true,
      namedBy: '--queue',
    });
  });

  test('named by an empty flag is a usage error', () => {
    expect(() => resolveQueuePath({ ...base, flag: '' })).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
