import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { runProcess, startProcess } from '../support/process.js';
import { startServer } from '../support/rest-server.js';
import { testHome } from '../support/temp.js';

/** What a terminal or a reader of logs would obey: everything but line feed and tab. */
// eslint-disable-next-line no-control-regex -- they are what this is about
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

const HOSTILE =
  '\x1b]0;title\x07 \x1b]8;;http://evil\x07link\x1b]8;;\x07 \x1b]52;c;aGk=\x07 \x1b[2J\x1b[31m \x1bPq\x1b\\ \x9b2J ' +
  '\rOK all delivered\n2026-01-01T00:00:00Z delivered item 1\n \u202egnp.exe \u2066x \u2028 \b\b\b';

const COMMANDS: readonly (readonly string[])[] = [
  ['run', '--events'],
  ['status'],
  ['inspect'],
  ['inspect', '1', '2', '--reveal'],
  ['history'],
  ['retry', '--all', '--dry-run'],
  ['export', '--state', 'all'],
  ['export', '--state', 'all', '--format', 'curl'],
  ['target', 'list'],
  ['doctor'],
  ['discard', '--all', '--dry-run'],
  ['run'],
];

describe('what a server answers', () => {
  test('reaches neither the terminal nor a log as anything but plain text, by whichever command', async () => {
    const server = await startServer({
      answer: ({ path }) => ({
        status: path.endsWith('/json') ? 422 : 409,
        headers: { 'content-type': path.endsWith('/json') ? 'application/json' : 'text/plain' },
        body: path.endsWith('/json') ? JSON.stringify({ message: HOSTILE, error: HOSTILE }) : HOSTILE,
      }),
    });
    writeFileSync(join(testHome().cwd, 'syncq.json'), JSON.stringify({ targets: { api: { baseUrl: server.url } } }));
    // A JSON payload keeps its bytes in a pipe (contract, section 3), so this one is spelled in ASCII.
    const escaped = (text: string): string =>
      text.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
    const payload = escaped(JSON.stringify({ text: HOSTILE }));
    await runProcess(['enqueue', 'POST', '/json', '-d', payload, '--entity', 'a/1']);
    await runProcess(['enqueue', 'POST', '/text', '-d', HOSTILE, '--content-type', 'text/plain', '--entity', 'a/2']);
    const watch = startProcess(['watch']);
    await server.waitFor(2).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${watch.stdout}\n${watch.stderr}`);
    });
    await watch.waitForStdout(/item 2/).catch(() => '');
    const log = await watch.kill('SIGTERM');
    expect(OBEYED.exec(log.stdout + log.stderr)).toBeNull();
    // No line of the log was made by the server.
    expect(log.stdout.split('\n').filter((line) => line.startsWith('OK all') || line.startsWith('2026-01-01'))).toEqual(
      [],
    );

    for (const argv of COMMANDS) {
      for (const more of [[], ['--json']]) {
        const { stdout, stderr, code } = await runProcess([...argv, ...more]);
        const found = OBEYED.exec(stdout + stderr);
        expect({ argv, more, found: found?.[0], code: code === 1 ? stderr : undefined }).toEqual({
          argv,
          more,
          found: undefined,
          code: undefined,
        });
      }
    }
  }, 120_000);
});
