/** What every command has in common: one document, the exit code, nothing leaked. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { COMMAND_GROUPS } from '../../src/cli/help/help-class.js';

import { runCli } from '../support/cli.js';
import { tempDirectory, testHome } from '../support/temp.js';

const ERROR = { error: { code: expect.any(String), message: expect.any(String), hint: expect.anything() } };

describe('errors', () => {
  test.each([
    [2, 'usage', ['status', '--nope']],
    [2, 'usage', ['status', 'extra']],
    [2, 'usage', ['enqueue', 'POST']],
    [2, 'usage', ['run', '--limit', 'many']],
    [2, 'usage', ['run', '--limit', '0']],
    [2, 'usage', ['run', '--target']],
    [2, 'usage', ['enqueue', 'POST', '/a', '-d']],
    [2, 'usage', ['inspect', '--state']],
    [2, 'usage', ['status', '--max-age', '1h']],
    [2, 'usage', ['run', '--wait', '--dry-run']],
    [2, 'usage', ['target', 'add']],
    [2, 'usage', ['retry']],
    [2, 'usage', ['retry', '7', '--all']],
    [2, 'usage', ['inspect', '#7']],
    [2, 'usage', ['pause']],
    [2, 'usage', ['status', '--check', '--max-age', '1 hour']],
    [2, 'unknown-command', ['statsu']],
    [2, 'unknown-command', ['target', 'lst']],
    [2, 'unknown-command', ['help', 'nosuch']],
    [2, 'no-target', ['enqueue', 'POST', '/a']],
    [2, 'unknown-target', ['enqueue', 'POST', '/a', '--target', 'nowhere']],
    [2, 'unknown-target', ['target', 'test', 'nowhere']],
    [2, 'bad-item', ['enqueue', 'POST', 'http://127.0.0.1:1/a', '-d', '{broken']],
    [5, 'not-found', ['inspect', '7']],
    [5, 'not-found', ['wait', '--key', 'k']],
    [6, 'queue-not-found', ['status', '--queue', 'nowhere.db']],
    [6, 'queue-not-found', ['run', '--queue', 'nowhere.db']],
    [6, 'queue-not-found', ['retry', '--all', '--queue', 'nowhere.db']],
  ])('end with %i and code %s, in words and as one document: %j', async (code, name, argv) => {
    const json = await runCli(...argv, '--json');
    expect(json.code).toBe(code);
    expect(json.json()).toEqual(ERROR);
    expect(json.json().error.code).toBe(name);
    expect(json.stderr).toBe('');

    const words = await runCli(...argv);
    expect(words.code).toBe(code);
    expect(words.stdout).toBe('');
    expect(words.stderr).toMatch(/^error: [^\n]+\nhint: [^\n]+\n$/);
  });

  test('never print a payload', async () => {
    const argv = ['enqueue', 'POST', 'http://127.0.0.1:1/a', '-d', '{"password": s3cret}'];
    for (const result of [await runCli(...argv), await runCli(...argv, '--json')]) {
      expect(result.stdout + result.stderr).not.toContain('s3cret');
    }
  });

  test('leave --json after -- to the arguments', async () => {
    const result = await runCli('retry', '--', '--json');
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain('this is no item id');
  });

  test('of a queue that is another file end with 6', async () => {
    const file = join(tempDirectory(), 'notes.txt');
    writeFileSync(file, 'x'.repeat(5000), { mode: 0o600 });
    const result = await runCli('status', '--queue', file, '--json');
    expect(result.code).toBe(6);
    expect(result.json().error.code).toBe('not-a-queue');
  });
});

describe('a broken config', () => {
  test('stops what writes and only warns what reads', async () => {
    const { cwd } = testHome();
    mkdirSync(cwd, { recursive: true });
    writeFileSync(join(cwd, 'syncq.json'), '{ "targets": ', { mode: 0o600 });
    const written = await runCli('enqueue', 'POST', '/a', '--json');
    expect([written.code, written.json().error.code]).toEqual([2, 'bad-config']);
    const read = await runCli('status');
    expect(read.code).toBe(0);
    expect(read.stderr).toMatch(/^warning: .*syncq\.json.*\n$/);
    expect((await runCli('status', '--json')).json().exists).toBe(false);
  });

  test('does not make another queue look well', async () => {
    const { cwd } = testHome();
    mkdirSync(cwd, { recursive: true });
    writeFileSync(join(cwd, 'syncq.json'), '{ "targets": {}}, "queue": "mine.db" }', { mode: 0o600 });
    for (const argv of [
      ['status', '--check'],
      ['status'],
      ['inspect'],
      ['doctor'],
      ['export'],
      ['schedule', '--remove'],
    ]) {
      const { code, stdout, stderr } = await runCli(...argv);
      expect([argv, code, stdout]).toEqual([argv, 2, '']);
      expect(stderr).toMatch(/^error: .* which queue is meant\nhint: .*--queue/m);
    }
  });
});

describe('help', () => {
  test('for exit codes is a table, and a document', async () => {
    const words = await runCli('help', 'exit-codes');
    expect(words.stdout).toContain('nothing matched');
    expect((await runCli('help', 'exit-codes', '--json')).json().exitCodes).toContainEqual({
      code: 5,
      meaning: 'nothing matched',
      errors: ['not-found'],
    });
  });

  test('names every command with its summary', async () => {
    const { commands } = (await runCli('help', '--json')).json();
    expect(commands.map(({ name }: any) => name)).toEqual(
      expect.arrayContaining([
        'enqueue',
        'status',
        'run',
        'retry',
        'inspect',
        'watch',
        'pause',
        'resume',
        'wait',
        'target add',
        'target list',
        'target test',
        'target accept',
        'target rename',
      ]),
    );
    for (const { summary } of commands) expect(summary).toMatch(/^[a-z].*[^.]$/);
  });

  test('lists every command and topic in one group, in each way of starting', async () => {
    const { commands } = (await runCli('help', '--json')).json();
    const names = new Set(commands.map(({ name }: { name: string }) => name.split(' ')[0]));
    expect(Object.values(COMMAND_GROUPS).flat().toSorted()).toEqual([...names].toSorted());
    for (const word of ['help', '--help', '-h']) {
      const page = (await runCli(word)).stdout;
      expect(page).toMatch(/^EVERYDAY\n {2}enqueue /m);
      expect(page).toMatch(/^ {2}target {6}list, add, test/m);
    }
    expect((await runCli('-v')).stdout).toBe((await runCli('--version')).stdout);
  });

  test('of each command has two examples or more with the real name, and flags without a final period', async () => {
    const { commands } = (await runCli('help', '--json')).json();
    for (const { name } of commands.filter((command: any) => command.name !== 'help')) {
      const { stdout } = await runCli(...name.split(' '), '--help');
      expect(stdout).toContain(`$ syncq ${name}`);
      expect(stdout).not.toMatch(/\|\s+\|/);
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(140);
      expect(stdout.slice(0, stdout.indexOf('DESCRIPTION'))).not.toMatch(/[a-z]\.\n/);
    }
  });
});
