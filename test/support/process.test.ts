import { describe, expect, test } from '@jest/globals';

import { runProcess, startNode } from './process.js';
import { testHome } from './temp.js';

describe('runProcess', () => {
  test('runs the program and answers what it printed and its exit code', async () => {
    const { stdout, stderr, code, signal } = await runProcess(['--version']);
    expect(stdout).toMatch(/^syncq\/\d+\.\d+\.\d+ /);
    expect({ stderr, code, signal }).toEqual({ stderr: '', code: 0, signal: null });
  });
});

describe('startNode', () => {
  const node = (script: string, options = {}): ReturnType<typeof startNode> => startNode(['-e', script], options);

  test('tells the exit code', async () => {
    expect((await node('process.exitCode = 4').ended).code).toBe(4);
  });

  test('runs in the test’s home, with stdin closed', async () => {
    const { stdout } = await node('console.log(process.cwd(), process.env.HOME, fs.readFileSync(0).length)').ended;
    expect(stdout).toBe(`${testHome().cwd} ${testHome().home} 0\n`);
  });

  test('feeds stdin', async () => {
    const { stdout } = await node('console.log(fs.readFileSync(0, "utf8"))', { stdin: 'a line' }).ended;
    expect(stdout).toBe('a line\n');
  });

  test('leaves stdin open when asked to', async () => {
    const program = node('process.stdin.once("data", (d) => { console.log("got " + d); process.exit(0) })', {
      stdin: 'open',
    });
    program.child.stdin!.write('later');
    expect(await program.waitForStdout(/^got/)).toBe('got later');
  });

  test('waits for a line on either stream', async () => {
    const program = node('console.log("one"); console.error("two"); setTimeout(() => console.log("three"), 50)');
    expect(await program.waitForStderr(/^two$/)).toBe('two');
    expect(await program.waitForStdout('thr')).toBe('three');
    expect(await program.waitForStdout('one')).toBe('one');
  });

  test('waiting for a line ends with the program, and shows what it said', async () => {
    await expect(node('console.error("broken")').waitForStdout('ready')).rejects.toThrow(
      /it ended without ready[^]*broken/,
    );
  });

  test('waiting for a line has a limit', async () => {
    await expect(node('setTimeout(() => {}, 9000)').waitForStdout('ready', 50)).rejects.toThrow('50 ms passed');
  });

  test('a kill is told as its signal and as the shell would number it', async () => {
    const program = node('console.log("up"); setInterval(() => {}, 1000)');
    await program.waitForStdout('up');
    expect(await program.kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL', code: 137 });
  });

  test('a program that does not end is killed after its time', async () => {
    expect((await node('setInterval(() => {}, 1000)', { timeoutMs: 200 }).ended).signal).toBe('SIGKILL');
  });

  let left = 0;

  test('a test may leave a program running', async () => {
    const program = node('console.log("up"); setInterval(() => {}, 1000)');
    await program.waitForStdout('up');
    left = program.pid;
    expect(() => process.kill(left, 0)).not.toThrow();
  });

  test('and it is gone afterwards', () => {
    expect(() => process.kill(left, 0)).toThrow('ESRCH');
  });
});
