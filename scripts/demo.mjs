/**
 * The main job in under a minute, on real input: webhook payloads are queued while the server is down, a REST server
 * that is not ours comes up, `watch` delivers, one write is refused and explained. Leaves nothing behind.
 *
 * Run: npm run demo
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { newUser, run } from './programs.mjs';

const require = createRequire(import.meta.url);
const PROGRAM = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const SERVER = require.resolve('json-server/lib/cli/bin.js');

const place = mkdtempSync(join(tmpdir(), 'syncq-demo-'));
const env = newUser(place);
const children = new Set();

function say(text) {
  console.log(`\n\x1b[1m${text}\x1b[0m`);
}

/** Shows a command as a person would type it, and what it prints. Answers its exit code. */
async function syncq(...argv) {
  console.log(`$ syncq ${argv.map((word) => (/[^\w./:@=-]/.test(word) ? `'${word}'` : word)).join(' ')}`);
  const { stdout, stderr, code } = await run(process.execPath, [PROGRAM, ...argv], { cwd: place, env });
  const text = `${stdout}${stderr}`.trimEnd();
  if (text !== '') console.log(text);
  if (code !== 0) console.log(`[exit ${code}]`);
  return { stdout, code };
}

function start(argv, options = {}) {
  const child = spawn(process.execPath, argv, { cwd: place, env, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}

/** Passes on whole lines, those that the reader of a demo needs. */
function showLines(stream, isShown) {
  createInterface({ input: stream }).on('line', (line) => {
    if (isShown(line)) console.log(line);
  });
}

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** One line per real payload: a create for each event, all events of one repository in one lane. */
function webhookLines() {
  const examples = require('@octokit/webhooks-examples');
  const lines = [];
  for (const { name, examples: payloads } of examples) {
    for (const payload of payloads.slice(0, 1)) {
      const repository = payload.repository?.name ?? 'none';
      lines.push(
        JSON.stringify({
          method: 'POST',
          path: '/events',
          entity: `repository/${repository}`,
          operation: name,
          tags: ['demo'],
          payload: { event: name, payload },
        }),
      );
      if (lines.length === 25) return lines;
    }
  }
  return lines;
}

function check(condition, text) {
  if (!condition) throw new Error(`the demo went wrong: ${text}`);
}

async function main() {
  const port = await freePort();
  say('1. A target, and 25 real webhook payloads, while the server is down');
  await syncq('target', 'add', 'field', `http://127.0.0.1:${port}`);
  writeFileSync(join(place, 'events.ndjson'), `${webhookLines().join('\n')}\n`);
  await syncq('enqueue', '--from', 'events.ndjson');
  await syncq(
    'enqueue',
    'PUT',
    '/events/4711',
    '--entity',
    'event/4711',
    '-d',
    '{"note": "an update of something the server never had"}',
  );

  say('2. Being offline costs nothing: run says so, and no retry is spent');
  const offline = await syncq('run');
  check(offline.code === 4, 'run while the server is down ends with 4');
  await syncq('status');

  say('3. watch waits in the background; a REST server that is not ours comes up');
  const watch = start([PROGRAM, 'watch']);
  showLines(watch.stdout, (line) => !line.includes(' sending '));
  showLines(watch.stderr, () => true);
  writeFileSync(join(place, 'db.json'), '{ "events": [] }');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  start([SERVER, '--host', '127.0.0.1', '--port', String(port), '--quiet', 'db.json']);
  const waited = await run(process.execPath, [PROGRAM, 'wait', '25', '--timeout', '30s'], { cwd: place, env });
  check(waited.code === 0, 'the last event is delivered within 30 s');
  for (let round = 0; round < 50; round += 1) {
    const { stdout } = await run(process.execPath, [PROGRAM, 'status', '--json'], { cwd: place, env });
    const { counts } = JSON.parse(stdout);
    if (counts.pending + counts.sending === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  watch.kill('SIGTERM');
  await new Promise((resolve) => watch.on('exit', resolve));

  say('4. One write was refused. Why?');
  await syncq('inspect', '26');

  say('5. The sum');
  const { stdout } = await run(process.execPath, [PROGRAM, 'status', '--json'], { cwd: place, env });
  const { counts } = JSON.parse(stdout);
  await syncq('status');
  check(counts.completed === 25 && counts.review === 1, '25 delivered, 1 in review');
  const events = await fetch(`http://127.0.0.1:${port}/events`).then((answer) => answer.json());
  check(events.length === 25, 'the server holds 25 events');
  say(`The server holds ${events.length} events, each once. Nothing is left behind.`);
}

try {
  await main();
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(place, { recursive: true, force: true });
}
