/** Arguments and variables that are no UTF-8, and a user of whom the system knows nothing: real processes, by a shell. */
/* eslint-disable jest/no-standalone-expect -- `onLinux` is `test` */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { nobodyCanRead } from '../support/root.js';
import { ROOT } from '../support/source-graph.js';
import { tempDirectory, testEnvironment, testHome } from '../support/temp.js';

const PROGRAM = join(ROOT, 'bin', 'run.js');
/** No passwd entry has it. */
const STRANGER = 42_424;

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** `script` may call `syncq`; `printf` there makes bytes that Node cannot hand over. */
function shell(script: string, env: Record<string, string | undefined> = {}): Ran {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', `syncq() { "$NODE" "$PROGRAM" "$@"; }; ${script}`], {
    cwd: testHome().cwd,
    env: { ...testEnvironment(env), NODE: process.execPath, PROGRAM },
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

function project(): void {
  writeFileSync(join(testHome().cwd, 'syncq.json'), '{"targets":{"t":{"baseUrl":"http://127.0.0.1:9"}}}');
}

const onLinux = process.platform === 'linux' ? test : test.skip;

describe('bytes that are no UTF-8', () => {
  test.each([
    ['the argument of --entity', String.raw`--entity "$(printf 'person/J\370rn')"`],
    ['the argument of -d', String.raw`-d "$(printf '{"name":"J\370rn"}')"`],
    ['the argument of --tag', String.raw`"$(printf -- '--tag=\300\257')"`],
    ['the argument of -H', String.raw`-H "$(printf 'X: \355\240\200')"`],
    ['the argument of --key', String.raw`--key "$(printf 'k\342\202')"`],
    ['the argument of --from', String.raw`--from "$(printf '\377.ndjson')"`],
    ['argument 3', String.raw`"$(printf -- '-d"J\370"')"`],
    ['argument 4', String.raw`-- "$(printf '\370')"`],
  ])('in %s are refused and named, and nothing is stored', (name, argument) => {
    project();
    const { code, stdout } = shell(`syncq enqueue POST /a --json ${argument}`.replace('--json --', '--'));
    if (stdout !== '') {
      expect(JSON.parse(stdout).error).toMatchObject({ code: 'usage', message: expect.stringContaining('UTF-8') });
    }
    expect(code).toBe(2);
    const said = shell(`syncq enqueue POST /a ${argument}`);
    expect(said.stderr).toContain(`${name} is not valid UTF-8`);
    expect(said.stderr).not.toContain('J');
    expect(existsSync(join(testHome().cwd, 'syncq.db'))).toBe(false);
  });

  onLinux('are told from a replacement character that was really given', () => {
    project();
    expect(shell(`syncq enqueue POST /a -d '"\ufffd"' --tag '\ufffd'`)).toMatchObject({ code: 0, stdout: '1\n' });
    expect(shell(String.raw`syncq enqueue POST /a -d '"${'\ufffd'}"' --tag "$(printf '\370')"`).code).toBe(2);
    expect(shell(`SYNCQ_QUEUE='./\ufffd.db' syncq enqueue POST /a`).code).toBe(0);
  });

  test.each(['SYNCQ_QUEUE', 'SYNCQ_CONFIG', 'XDG_DATA_HOME', 'HOME'])('in %s are refused when it is used', (name) => {
    const set = String.raw`${name}="$(printf '%s/q\370' "$PWD")"; export ${name};`;
    const { code, stderr } = shell(`${set} syncq enqueue POST http://127.0.0.1:9/a`);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(`${name} is not valid UTF-8`) });
    project();
    const named = `--queue "$PWD/q.db" --config "$PWD/syncq.json"`;
    expect(shell(`${set} syncq enqueue POST /a ${named}`)).toMatchObject({ code: 0, stdout: '1\n' });
  });

  onLinux('in the name of the working directory are refused when that is used', () => {
    project();
    const enter = String.raw`d="$(printf '\370')"; mkdir "$d"; cp syncq.json "$d"; cd "$d";`;
    expect(shell(`${enter} syncq enqueue POST /a`)).toMatchObject({ code: 2, stdout: '' });
    const named = `--queue "${testHome().cwd}/q.db" --config "${testHome().cwd}/syncq.json"`;
    expect(shell(`cd "$(printf '\\370')"; syncq enqueue POST /a ${named}`)).toMatchObject({ code: 0, stdout: '1\n' });
  });
});

describe('a working directory that is gone', () => {
  const gone = 'mkdir gone; cd gone; rmdir ../gone;';

  test.each(['', 'SYNCQ_NO_BUNDLE=1'])('is needed for relative names only (%s)', (mode) => {
    project();
    const { cwd } = testHome();
    const named = `--queue '${cwd}/q.db' --config '${cwd}/syncq.json'`;
    const stored = shell(`${gone} ${mode} syncq enqueue POST /a ${named}`);
    expect(stored).toMatchObject({ code: 0, stdout: '1\n' });
    if (mode === '') expect(stored.stderr).toBe('');
    expect(shell(`${gone} ${mode} syncq status`).code).toBe(0);
    for (const relative of ['status --queue q.db', `backup b.db ${named}`, 'status --config c.json']) {
      const { code, stdout } = shell(`${gone} ${mode} syncq ${relative} --json`);
      expect(code).toBe(2);
      expect(JSON.parse(stdout).error).toMatchObject({
        code: 'usage',
        message: expect.stringContaining('working directory, which is gone'),
      });
    }
  });
});

test.each(['import --sqlite app.db', 'enqueue --from -', 'edit 1'])(
  'a directory for temporary files that is not there is named by %s, and changes nothing',
  (command) => {
    project();
    writeFileSync(join(testHome().cwd, 'app.db'), '');
    expect(shell(`syncq enqueue POST /a -d '{}'`).code).toBe(0);
    const { code, stdout } = shell(`EDITOR=true TMPDIR=/nonexistent syncq ${command} --json </dev/null`);
    expect(code).toBe(6);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'unwritable', hint: expect.stringContaining('TMPDIR') });
    expect(JSON.parse(shell('syncq inspect 1 --json').stdout)).toMatchObject({ state: 'pending' });
  },
);

describe('a default place that no queue can be at', () => {
  test.each(['', 'SYNCQ_NO_BUNDLE=1'])(
    'is named by every command, and needed by none that names a queue (%s)',
    (mode) => {
      for (const command of ['status', 'doctor', 'run', 'enqueue POST http://127.0.0.1:9/a']) {
        const { code, stdout, stderr } = shell(`HOME=/dev/null ${mode} syncq ${command} --json`);
        expect({ code, error: JSON.parse(stdout).error }).toMatchObject({
          code: 6,
          error: {
            code: 'unwritable',
            message: expect.stringMatching(/^\/dev\/null\/\S+ cannot be used \(ENOTDIR: a part of this path is a file/),
            hint: expect.stringContaining('HOME'),
          },
        });
        expect(stderr).toBe('');
      }
      expect(shell(`HOME=/dev/null ${mode} syncq enqueue POST http://127.0.0.1:9/a --queue q.db`).code).toBe(0);
    },
  );
});

onLinux('a process without free file handles says so, whatever it was about to open', () => {
  expect(shell('syncq enqueue POST http://127.0.0.1:9/a --queue q.db').code).toBe(0);
  const seen = new Set<string>();
  for (let most = 19; most < 30; most += 1) {
    const { code, stdout, stderr } = shell(`ulimit -n ${most}; syncq run --json --queue q.db`);
    // Node itself, and oclif, need a few.
    if (!stdout.startsWith('{')) continue;
    const { error, held } = JSON.parse(stdout);
    seen.add(error?.code ?? (held[0].reason.includes('EMFILE') ? 'held' : 'went on'));
    expect({ most, code, stderr }).toMatchObject({ code: error === undefined ? expect.any(Number) : 6, stderr: '' });
    expect(error?.hint ?? 'ulimit -n').toContain('ulimit -n');
  }
  expect([...seen].sort()).toEqual(expect.arrayContaining(['out-of-handles', 'went on']));
  expect([...seen].filter((code) => !['out-of-handles', 'held', 'went on'].includes(code))).toEqual([]);
});

/** A disk of its own for eight files, which only root can mount. */
const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;
(canMount ? test : test.skip)('a disk without inodes is told from a full one, and from one without permissions', () => {
  const dir = join(testHome().cwd, 'disk');
  mkdirSync(dir);
  const script = `mount -t tmpfs -o size=64m,nr_inodes=9,mode=700 tmpfs disk && cd disk && syncq enqueue POST http://127.0.0.1:9/a --queue q.db
    touch a b c d e f 2>/dev/null
    for command in 'run' 'enqueue POST http://127.0.0.1:9/a' 'export -o x.ndjson' 'backup b.db' 'doctor'; do syncq $command --queue q.db --json; echo "exit $?"; done`;
  const { status, stdout } = spawnSync(
    'unshare',
    ['-m', '/bin/sh', '-c', `syncq() { "$NODE" "$PROGRAM" "$@"; }; ${script}`],
    {
      cwd: testHome().cwd,
      env: { ...testEnvironment(), NODE: process.execPath, PROGRAM },
      encoding: 'utf8',
    },
  );
  expect(status).toBe(0);
  const said = stdout.split(/exit \d+\n/).slice(0, -1);
  const codes = stdout.match(/exit \d+/g);
  expect(codes).toEqual(Array.from({ length: 5 }, () => 'exit 6'));
  for (const document of said) expect(document).toMatch(/no inodes left[^]*df -i/);
  expect(said.filter((document) => document.includes('"code": "disk-full"'))).toHaveLength(5);
});

describe('a driver that does not load', () => {
  const FAULTS = {
    'is not installed': `const { Module } = require('node:module');
      const resolve = Module._resolveFilename;
      Module._resolveFilename = (name, ...rest) => {
        if (name.startsWith('better-sqlite3')) throw Object.assign(new Error("Cannot find module '" + name + "'"), { code: 'MODULE_NOT_FOUND' });
        return resolve(name, ...rest);
      };`,
    'has no working binary for this machine': `process.dlopen = () => { throw new Error('invalid ELF header'); };`,
    'was compiled for another version of Node': `process.dlopen = () => { throw new Error('NODE_MODULE_VERSION 42'); };`,
  };

  test.each(Object.entries(FAULTS))('%s: every command that needs it says so and what to type', (what, fault) => {
    const preload = join(testHome().home, 'fault.cjs');
    writeFileSync(preload, fault);
    const env = { NODE_OPTIONS: `--require ${preload}` };
    for (const named of ['', '--queue q.db']) {
      for (const command of [
        'status',
        'doctor',
        'run',
        'inspect',
        'enqueue POST http://127.0.0.1:9/a',
        'backup b.db',
      ]) {
        const { code, stdout } = shell(`syncq ${command} ${named} --json`, env);
        const { error } = JSON.parse(stdout);
        expect({ command, code, ...error }).toMatchObject({
          command,
          code: 'driver-missing',
          message: `the SQLite driver ${what}; no queue was touched`,
          hint: expect.stringMatching(/type: cd \/\S+ && npm (?:install --omit=dev --include=optional|run install)$/),
        });
        expect({ command, code }).toEqual({ command, code: 6 });
      }
    }
    expect(shell('syncq --version', env).code).toBe(0);
  });
});

const canBeStranger = process.getuid?.() === 0 && nobodyCanRead(PROGRAM);
(canBeStranger ? describe : describe.skip)('a user without a passwd entry', () => {
  /** @param env all that it has */
  function stranger(argv: readonly string[], env: Record<string, string>): Ran {
    const { home } = testHome();
    chmodSync(home, 0o755);
    const own = join(home, 'own');
    mkdirSync(own, { recursive: true });
    chownSync(own, STRANGER, STRANGER);
    const as = [`--reuid=${STRANGER}`, `--regid=${STRANGER}`, '--clear-groups', process.execPath, PROGRAM];
    const { status, stdout, stderr } = spawnSync('setpriv', [...as, ...argv], {
      cwd: own,
      env: { PATH: process.env['PATH'], ...env },
      encoding: 'utf8',
    });
    return { code: status, stdout, stderr };
  }

  test.each<[string, Record<string, string>]>([
    ['neither home nor shell', {}],
    ['no shell', { HOME: '/nonexistent' }],
    ['an empty home', { HOME: '' }],
    ['the separate files', { SYNCQ_NO_BUNDLE: '1' }],
  ])('and with %s uses a named queue, and is named by its number', (_, env) => {
    const queue = join(testHome().home, 'own', 'q.db');
    const named = ['--queue', queue];
    expect(stranger(['enqueue', 'POST', 'http://127.0.0.1:9/a', ...named], env)).toMatchObject({
      code: 0,
      stdout: '1\n',
    });
    expect(stranger(['pause', '--all', ...named], env).code).toBe(0);
    expect(JSON.parse(stranger(['history', '--json', ...named], env).stdout).history).toMatchObject([
      { who: `uid ${STRANGER}` },
    ]);
  });

  test.each<[string, Record<string, string>]>([
    ['no home', {}],
    ['an empty home', { HOME: '' }],
    ['a relative home', { HOME: 'own' }],
  ])('and with %s is told what to set, where the default place is needed', (_, env) => {
    for (const argv of [['status'], ['enqueue', 'POST', 'http://127.0.0.1:9/a']]) {
      const { code, stdout } = stranger([...argv, '--json'], env);
      expect(code).toBe(2);
      expect(JSON.parse(stdout).error).toMatchObject({ code: 'usage', hint: expect.stringContaining('XDG_DATA_HOME') });
    }
    expect(existsSync(join(testHome().home, 'own', 'own'))).toBe(false);
  });

  test('reads a secret file of its own', () => {
    const own = join(testHome().home, 'own');
    stranger(['status'], {});
    for (const [name, text] of [
      ['tok', 'secret'],
      ['syncq.json', '{"targets":{"t":{"baseUrl":"http://127.0.0.1:9","auth":{"bearer":{"file":"tok"}}}}}'],
    ] as const) {
      writeFileSync(join(own, name), text, { mode: 0o600 });
      chownSync(join(own, name), STRANGER, STRANGER);
    }
    expect(stranger(['enqueue', 'POST', '/a'], { HOME: own }).code).toBe(0);
    // Nobody listens there: that is found out after the secret was read.
    expect(stranger(['run', '--json'], { HOME: own })).toMatchObject({ code: 4 });
  });
});

test('what a command starts sees the environment as it is, not what oclif was told', () => {
  project();
  const seen = join(tempDirectory(), 'seen');
  writeFileSync(join(testHome().cwd, 'editor'), `#!/bin/sh\nenv > '${seen}'\n`, { mode: 0o700 });
  const env = { XDG_CACHE_HOME: join(testHome().home, 'caches') };
  shell(`syncq enqueue POST /a -d '{"a":1}'; unset SHELL HOME; EDITOR=./editor syncq edit 1`, env);
  const names = readFileSync(seen, 'utf8')
    .split('\n')
    .map((line) => line.split('=')[0]);
  expect(names).not.toContain('SHELL');
  expect(names).not.toContain('HOME');
});
