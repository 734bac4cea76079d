import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { TargetEntry } from '../../src/cli/targets/config-edit.js';
import {
  addTargetToConfig,
  configPathForEdit,
  removeTargetFromConfig,
  renameTargetInConfig,
  setInConfig,
} from '../../src/cli/targets/config-edit.js';
import { settingOf } from '../../src/cli/targets/settings.js';

let root: string;
let file: string;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'syncq-edit-')));
  file = path.join(root, 'syncq.json');
});

afterEach(() => {
  fs.rmSync(root, { recursive: true, force: true });
});

function write(document: unknown): void {
  fs.writeFileSync(file, JSON.stringify(document), { mode: 0o600 });
}

function read(): unknown {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

function mode(name: string): number {
  return fs.statSync(name).mode & 0o777;
}

const one = { targets: { one: { baseUrl: 'https://one', retry: { max: 3 } } } };

describe('adding a target', () => {
  test('makes the file and its directories, for the owner only whatever the umask', () => {
    const umask = process.umask(0);
    const deep = path.join(root, 'a/b/config.json');
    try {
      const edit = addTargetToConfig(deep, 'prod', { baseUrl: 'https://prod', auth: { bearer: { env: 'TOKEN' } } });
      expect(edit).toEqual({ path: deep, created: true, defaultTarget: 'prod' });
    } finally {
      process.umask(umask);
    }
    expect([mode(deep), mode(path.join(root, 'a/b')), mode(path.join(root, 'a'))]).toEqual([0o600, 0o700, 0o700]);
    expect(fs.readFileSync(deep, 'utf8')).toBe(
      '{\n  "targets": {\n    "prod": {\n      "baseUrl": "https://prod",\n      "auth": {\n        "bearer": {\n          "env": "TOKEN"\n        }\n      }\n    }\n  }\n}\n',
    );
  });

  test('keeps the order of keys, what else is in the file, and its mode', () => {
    write({ $schema: 's', sensitive: ['x'], ...one, retention: { completed: '1d' } });
    fs.chmodSync(file, 0o640);
    addTargetToConfig(file, 'two', { baseUrl: 'https://two' });
    expect(Object.keys(read() as object)).toEqual(['$schema', 'defaultTarget', 'sensitive', 'targets', 'retention']);
    expect(read()).toMatchObject({
      sensitive: ['x'],
      targets: { one: { retry: { max: 3 } }, two: { baseUrl: 'https://two' } },
    });
    expect(mode(file)).toBe(0o640);
    expect(fs.readdirSync(root)).toEqual(['syncq.json']);
  });

  test('the one target that was the default stays it when a second comes', () => {
    write(one);
    expect(addTargetToConfig(file, 'two', { baseUrl: 'https://two' }).defaultTarget).toBe('one');
    expect(read()).toMatchObject({ defaultTarget: 'one' });
  });

  test('the new one becomes the default when that is asked for', () => {
    write({ ...one, defaultTarget: 'one' });
    expect(addTargetToConfig(file, 'two', { baseUrl: 'https://two' }, { makeDefault: true }).defaultTarget).toBe('two');
    expect(Object.keys(read() as object)).toEqual(['targets', 'defaultTarget']);
  });

  test.each([
    ['a name that is taken', 'one', { baseUrl: 'https://x' }, 'usage'],
    ['a bad name', 'a b', { baseUrl: 'https://x' }, 'bad-config'],
    ['a reserved name', '__proto__', { baseUrl: 'https://x' }, 'bad-config'],
    ['a bad base URL', 'two', { baseUrl: 'http://example.org' }, 'bad-config'],
    ['a secret that is a value', 'two', { baseUrl: 'https://x', auth: { bearer: 'CANARY' as never } }, 'bad-config'],
  ] as [string, string, TargetEntry, string][])('with %s changes nothing', (_, name, entry, code) => {
    write(one);
    expect(() => addTargetToConfig(file, name, entry)).toThrow(expect.objectContaining({ code }));
    expect(fs.readFileSync(file, 'utf8')).toBe(JSON.stringify(one));
    expect(fs.readdirSync(root)).toEqual(['syncq.json']);
  });

  test('a broken file is not touched', () => {
    fs.writeFileSync(file, '{"targets":', { mode: 0o600 });
    expect(() => addTargetToConfig(file, 'x', { baseUrl: 'https://x' })).toThrow(
      expect.objectContaining({ code: 'bad-config' }),
    );
    expect(fs.readFileSync(file, 'utf8')).toBe('{"targets":');
  });

  test('a file that somebody else changes meanwhile stays as they left it', () => {
    write(one);
    const theirs = JSON.stringify({ ...one, sensitive: ['phone'] });
    // The entry is written out after the file was read and before it is replaced: just then the other one comes.
    const entry = Object.defineProperty({ baseUrl: 'https://two' }, 'toJSON', {
      value: () => {
        fs.writeFileSync(file, theirs);
        return { baseUrl: 'https://two' };
      },
    });
    expect(() => addTargetToConfig(file, 'two', entry)).toThrow(expect.objectContaining({ code: 'busy' }));
    expect(fs.readFileSync(file, 'utf8')).toBe(theirs);
    expect(fs.readdirSync(root)).toEqual(['syncq.json']);
  });

  test('a link stays a link, and what it leads to is changed', () => {
    write(one);
    const link = path.join(root, 'link.json');
    fs.symlinkSync('syncq.json', link);
    expect(addTargetToConfig(link, 'two', { baseUrl: 'https://two' }).path).toBe(file);
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
    expect(read()).toMatchObject({ targets: { two: {} } });
  });

  test('a place that cannot be written says so', () => {
    fs.writeFileSync(path.join(root, 'plain'), '');
    const below = path.join(root, 'plain', 'config.json');
    expect(() => addTargetToConfig(below, 'x', { baseUrl: 'https://x' })).toThrow(
      expect.objectContaining({ code: 'unwritable' }),
    );
  });
});

describe('renaming a target', () => {
  test('keeps its place and its settings, and follows in defaultTarget', () => {
    const targets = {
      a: { baseUrl: 'https://a' },
      b: { baseUrl: 'https://b', breaker: 0 },
      c: { baseUrl: 'https://c' },
    };
    write({ targets, defaultTarget: 'b' });
    expect(renameTargetInConfig(file, 'b', 'B2')).toEqual({ path: file, created: false, defaultTarget: 'B2' });
    expect(Object.entries((read() as typeof one).targets)).toEqual([
      ['a', targets.a],
      ['B2', targets.b],
      ['c', targets.c],
    ]);
  });

  test.each([
    ['an unknown one', 'x', 'y', 'unknown-target'],
    ['one to a name that is taken', 'one', 'one', 'usage'],
    ['one to a bad name', 'one', 'a b', 'bad-config'],
    ['one to a reserved name', 'one', '__proto__', 'bad-config'],
  ])('of %s changes nothing', (_, from, to, code) => {
    write(one);
    expect(() => renameTargetInConfig(file, from, to)).toThrow(expect.objectContaining({ code }));
    expect(read()).toEqual(one);
  });

  test('in a file that is not there names the problem and makes none', () => {
    expect(() => renameTargetInConfig(file, 'a', 'b')).toThrow(expect.objectContaining({ code: 'unknown-target' }));
    expect(fs.readdirSync(root)).toEqual([]);
  });
});

describe('the file to edit', () => {
  test('is the first that exists, else the named one, else the one in the config directory', () => {
    const lookup = { flag: undefined, env: {}, cwd: root, configDir: path.join(root, 'etc') };
    expect(configPathForEdit(lookup)).toBe(path.join(root, 'etc/config.json'));
    expect(configPathForEdit({ ...lookup, flag: 'new.json' })).toBe(path.join(root, 'new.json'));
    expect(configPathForEdit({ ...lookup, env: { SYNCQ_CONFIG: 'env.json' } })).toBe(path.join(root, 'env.json'));
    write({});
    expect(configPathForEdit(lookup)).toBe(file);
  });
});

describe('changing settings', () => {
  const set = (...settings: string[]): unknown => {
    setInConfig(file, 'one', settings.map(settingOf));
    return read();
  };

  test('sets members and whole values, in JSON or as text, and removes what has no value', () => {
    write(one);
    expect(set('retry.max=4', 'timeout=60s', 'headers.X-A.B=oslo', 'outcomes={"409":"delivered"}')).toEqual({
      targets: {
        one: {
          baseUrl: 'https://one',
          retry: { max: 4 },
          timeout: '60s',
          headers: { 'X-A.B': 'oslo' },
          outcomes: { 409: 'delivered' },
        },
      },
    });
    expect(set('retry.max=', 'headers.X-A.B=', 'outcomes=', 'timeout=')).toEqual({
      targets: { one: { baseUrl: 'https://one' } },
    });
  });

  test.each([
    ['retry.mx=3', 'bad-config', 'did you mean max?'],
    ['auth.bearer=MARKED', 'bad-config', 'a secret is never written into the config'],
    ['retry.max', 'usage', 'is not KEY=VALUE'],
    ['=3', 'usage', 'is not KEY=VALUE'],
    ['retry..max=3', 'usage', 'is not KEY=VALUE'],
    ['__proto__.x=3', 'usage', 'is not KEY=VALUE'],
    ['baseUrl=', 'bad-config', 'baseUrl'],
  ])('refuses %s with %s and changes nothing', (setting, code, words) => {
    write(one);
    let error: Error | undefined;
    try {
      set(setting);
    } catch (thrown) {
      error = thrown as Error;
    }
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(JSON.stringify(error) + String(error)).not.toContain('MARKED');
    expect(read()).toEqual(one);
  });
});

describe('removing a target', () => {
  test('removes it, also as the default target', () => {
    write({ defaultTarget: 'one', targets: { ...one.targets, two: { baseUrl: 'https://two' } } });
    expect(removeTargetFromConfig(file, 'one').defaultTarget).toBe('two');
    expect(read()).toEqual({ targets: { two: { baseUrl: 'https://two' } } });
    expect(() => removeTargetFromConfig(file, 'one')).toThrow(expect.objectContaining({ code: 'unknown-target' }));
  });
});
