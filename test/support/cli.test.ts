import { existsSync, realpathSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';
import { Errors } from '@oclif/core';

import { exitCodeOf, result, runCli } from './cli.js';
import { testEnvironment, testHome } from './temp.js';

describe('runCli', () => {
  test('answers stdout, stderr and the exit code of a command that ends well', async () => {
    const { stdout, stderr, code, error } = await runCli('--version');
    expect(stdout).toMatch(/^syncq\/\d+\.\d+\.\d+ \S+ node-v\d+/);
    expect({ stderr, code, error }).toEqual({ stderr: '', code: 0, error: undefined });
  });

  test('prints help on stdout, without colour', async () => {
    const { stdout, code } = await runCli('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('USAGE');
    expect(stdout).not.toContain('\u001B[');
  });

  test('an unknown command fails, with its words on stderr', async () => {
    const { stdout, stderr, code } = await runCli('no-such-command');
    expect(code).not.toBe(0);
    expect(stdout).toBe('');
    expect(stderr).toContain('no-such-command');
  });

  test('gives back the environment, the working directory and the streams', async () => {
    const before = {
      env: { ...process.env },
      cwd: process.cwd(),
      write: process.stdout.write,
      tty: process.stdout.isTTY,
    };
    await runCli('--version', { env: { SYNCQ_QUEUE: '/nowhere/syncq.db' } });
    expect({
      env: { ...process.env },
      cwd: process.cwd(),
      write: process.stdout.write,
      tty: process.stdout.isTTY,
    }).toEqual(before);
    expect(process.exitCode).toBeUndefined();
  });
});

describe('exitCodeOf', () => {
  test('is what oclif would exit with, and this process goes on', async () => {
    expect(await exitCodeOf(new Errors.ExitError(7))).toBe(7);
  });
});

describe('result', () => {
  const parts = { stderr: '', code: 0, error: undefined };

  test('reads one JSON document', () => {
    expect(result({ ...parts, stdout: '{"a":1}\n' }).json()).toEqual({ a: 1 });
  });

  test('refuses two documents where one is due', () => {
    expect(() => result({ ...parts, stdout: '{"a":1}\n{"a":2}\n' }).json()).toThrow(SyntaxError);
  });

  test('reads one document a line', () => {
    expect(result({ ...parts, stdout: '{"a":1}\n{"a":2}\n' }).ndjson()).toEqual([{ a: 1 }, { a: 2 }]);
  });
});

describe('the home of a test', () => {
  test('is one for all calls of a test, and its working directory is there', () => {
    expect(testHome()).toBe(testHome());
    expect(existsSync(testHome().cwd)).toBe(true);
    expect(realpathSync(testHome().cwd)).toBe(testHome().cwd);
  });

  test('the environment holds nothing of the developer’s', () => {
    process.env['SYNCQ_CONFIG'] = '/some/file';
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:9';
    const environment = testEnvironment({ EXTRA: 'x', NO_COLOR: undefined });
    Reflect.deleteProperty(process.env, 'SYNCQ_CONFIG');
    Reflect.deleteProperty(process.env, 'HTTP_PROXY');
    expect(environment).toMatchObject({ HOME: testHome().home, NODE_OPTIONS: '', EXTRA: 'x' });
    expect(Object.keys(environment)).not.toEqual(expect.arrayContaining(['SYNCQ_CONFIG']));
    expect(Object.keys(environment)).not.toEqual(expect.arrayContaining(['HTTP_PROXY']));
    expect(environment).not.toHaveProperty('NO_COLOR');
  });
});
