/** Starts programs for the checks in this folder, as far from the developer's own settings as a new user would be. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary directory with an empty home and an empty working directory; `remove` when done. */
export function sandbox() {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'syncq-check-')));
  const at = { root, home: join(root, 'home'), work: join(root, 'work') };
  mkdirSync(at.home);
  mkdirSync(at.work);
  return { ...at, remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }) };
}

/** Environment of a new user: the way to programs, a home, no colour. */
export function newUser(home) {
  const { PATH, SYSTEMROOT, TMPDIR } = process.env;
  const own = { PATH, SYSTEMROOT, TMPDIR, HOME: home, NO_COLOR: '1', NODE_OPTIONS: '' };
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}

/** Runs a program to its end; asynchronous, so that a server in this process can answer it meanwhile. */
export function run(file, argv, { cwd, env = process.env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, argv, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => (output[name] += text));
    }
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ ...output, code: code ?? signal }));
  });
}

/** Throws, with everything that was printed, unless the program ended with `code`. */
export function expectCode(code, ended) {
  if (ended.code === code) return ended;
  throw new Error(`exit code ${ended.code} instead of ${code}\nstdout: ${ended.stdout}\nstderr: ${ended.stderr}`);
}
