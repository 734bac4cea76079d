/** Completion as a shell asks for it; bash itself does it here. */
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { runCli } from '../support/cli.js';
import { testHome } from '../support/temp.js';

async function twoItems(): Promise<void> {
  const config = {
    targets: { production: { baseUrl: 'http://127.0.0.1:9' }, staging: { baseUrl: 'http://127.0.0.1:9' } },
    defaultTarget: 'production',
  };
  writeFileSync(join(testHome().cwd, 'syncq.json'), JSON.stringify(config), { mode: 0o600 });
  await runCli('enqueue', 'PUT', '/a', '--entity', 'person/7', '--tag', 'import', '-d', '1');
  await runCli('enqueue', 'PUT', '/b', '--entity', 'person/8', '--target', 'staging', '-d', '1');
}

const candidates = async (...words: string[]): Promise<string[]> => {
  const { stdout, code } = await runCli('__complete', '--', ...words);
  expect(code).toBe(0);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\t.*/, ''));
};

describe('candidates', () => {
  test('come from the commands and from the queue', async () => {
    await twoItems();
    expect(await candidates('his')).toEqual(['history']);
    expect(await candidates('retry', '')).toEqual(['1', '2']);
    expect(await candidates('discard', '--sta')).toEqual(expect.arrayContaining(['--state', '--status']));
    expect(await candidates('inspect', '--state', 're')).toEqual(['review']);
    expect(await candidates('inspect', '--target', '')).toEqual(['production', 'staging']);
    expect(await candidates('inspect', '--tag', '')).toEqual(['import']);
    expect(await candidates('pause', '--entity', 'person/')).toEqual(['person/7', 'person/8']);
    expect(await candidates('target', 'te')).toEqual(['test']);
    expect(await candidates('resume', 'st')).toEqual(['staging']);
  });

  test('a broken or missing queue has none, and says nothing', async () => {
    expect(await runCli('__complete', '--', 'retry', '--queue', '/nowhere/at/all', '')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
    writeFileSync(join(testHome().cwd, 'syncq.json'), '{');
    expect(await runCli('__complete', '--', 'retry', '')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
});

describe('the script', () => {
  test.each(['bash', 'zsh', 'fish', 'powershell'])('of %s asks the program', async (shell) => {
    const { stdout, code } = await runCli('completion', shell);
    expect(code).toBe(0);
    expect(stdout).toContain('__complete');
    expect(stdout).not.toContain('BIN');
  });

  test('of another shell is refused', async () => {
    expect((await runCli('completion', 'csh', '--json')).json().error.code).toBe('usage');
  });

  test('of bash completes words that hold = and :, and keeps quoting', async () => {
    const { stdout } = await runCli('completion', 'bash');
    const { cwd } = testHome();
    // Stands in for the program: answers what was asked, in words that bash would split.
    writeFileSync(
      join(cwd, 'syncq'),
      `#!/bin/sh\ncase "$3" in *--target=*) printf -- '--target=pro:duction\\tonline\\n';; *) printf "it's\\tx\\n:files\\n";; esac\n`,
    );
    chmodSync(join(cwd, 'syncq'), 0o755);
    writeFileSync(join(cwd, 'completion.bash'), stdout);
    const complete = (line: string): string =>
      execFileSync(
        'bash',
        [
          '--norc',
          '-c',
          `. ./completion.bash; COMP_LINE=$1; COMP_POINT=\${#1}; _syncq_complete ./syncq 2>&1; printf '%s|' "\${COMPREPLY[@]}"`,
          'bash',
          line,
        ],
        { cwd, encoding: 'utf8' },
      );
    expect(complete('syncq retry --target=pro:d')).toBe('duction|');
    expect(complete('syncq retry --target=')).toBe('pro:duction|');
    expect(complete('syncq retry ')).toBe("it\\'s|");
  });
});
