import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { startHooks } from '../../src/cli/run/hooks.js';
import type { QueueEvent } from '../../src/core/nouns/events.js';
import { tempDirectory } from '../support/temp.js';

const env = { PATH: process.env['PATH'] };
const offline = (target: string): QueueEvent => ({ event: 'offline', at: 0, target, reason: undefined });
const none = { review: undefined, offline: undefined, idle: undefined };

/** A hook that writes each call's events into a file of its own, after a pause. */
function recorder(pauseMs = 0): { argv: string[]; calls: () => any[][] } {
  const directory = tempDirectory();
  const script =
    "let text = ''; process.stdin.on('data', (chunk) => (text += chunk)).on('end', () => setTimeout(() =>" +
    ` require('fs').writeFileSync(process.argv[1] + '/' + process.hrtime.bigint(), text), ${pauseMs}));`;
  return {
    argv: [process.execPath, '-e', script, directory],
    calls: () =>
      readdirSync(directory)
        .sort()
        .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8'))),
  };
}

describe('a hook', () => {
  test('gets the events of its kind as one JSON array, and no others', async () => {
    const { argv, calls } = recorder();
    const hooks = startHooks({ ...none, offline: argv }, { env, onFailure: () => undefined });
    hooks.handle(offline('a'));
    hooks.handle({ event: 'idle', at: 0, pending: 0, nextDueAt: undefined });
    hooks.handle(offline('b'));
    await hooks.end(10_000);
    expect(calls()).toEqual([
      [
        { event: 'offline', at: '1970-01-01T00:00:00.000Z', target: 'a', reason: null },
        { event: 'offline', at: '1970-01-01T00:00:00.000Z', target: 'b', reason: null },
      ],
    ]);
  });

  test('runs one process at a time: what happens meanwhile waits for the next call', async () => {
    const { argv, calls } = recorder(300);
    const hooks = startHooks({ ...none, offline: argv }, { env, onFailure: () => undefined });
    hooks.handle(offline('a'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    hooks.handle(offline('b'));
    hooks.handle(offline('c'));
    await hooks.end(10_000);
    expect(calls().map((events) => events.map(({ target }) => target))).toEqual([['a'], ['b', 'c']]);
  });

  test.each([
    ['fails', [process.execPath, '-e', 'process.exit(3)'], 'hook "idle" ended with 3'],
    ['does not exist', ['/nonexistent/program'], 'hook "idle" could not be started (ENOENT)'],
    [
      'hangs',
      [process.execPath, '-e', 'setTimeout(() => {}, 60000)'],
      'hook "idle" took longer than 0.4 s and was killed',
    ],
    ['reads nothing', [process.execPath, '-e', 'process.stdin.destroy()'], undefined],
  ])('that %s is at most a line in the log', async (what, argv, message) => {
    const failures: string[] = [];
    // Starting a program may take that long by itself on a busy machine.
    const limitMs = what === 'hangs' ? 400 : 20_000;
    const hooks = startHooks({ ...none, idle: argv }, { env, onFailure: (line) => failures.push(line), limitMs });
    hooks.handle({ event: 'idle', at: 0, pending: 0, nextDueAt: undefined });
    await hooks.end(30_000);
    expect(failures).toEqual(message === undefined ? [] : [message]);
  });

  test('is no shell: its words are words', async () => {
    const marker = join(tempDirectory(), 'made');
    const hooks = startHooks(
      { ...none, offline: ['echo', `x; touch ${marker}`, `$(touch ${marker})`] },
      { env, onFailure: () => undefined },
    );
    hooks.handle(offline('a'));
    await hooks.end(10_000);
    expect(existsSync(marker)).toBe(false);
  });

  test('is killed with what it started when the watch has to end', async () => {
    const hooks = startHooks({ ...none, offline: ['sh', '-c', 'sleep 60'] }, { env, onFailure: () => undefined });
    hooks.handle(offline('a'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const begun = performance.now();
    await hooks.end(200);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
