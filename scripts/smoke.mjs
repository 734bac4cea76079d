/** The built program once from end to end: writes made offline reach a server that comes up later, once and in order. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expectCode, newUser, run, sandbox } from './programs.mjs';
import { step, summary } from './steps.mjs';

const PROGRAM = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const place = sandbox();
const received = [];
const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { method, url, headers } = request;
  received.push({ method, path: url, key: headers['idempotency-key'], body: Buffer.concat(chunks).toString() });
  response.writeHead(201, { 'content-type': 'application/json' }).end('{}');
});
const listen = (port) => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));

async function syncq(code, ...argv) {
  const options = { cwd: place.work, env: newUser(place.home) };
  return expectCode(code, await run(process.execPath, [PROGRAM, ...argv], options));
}

async function syncqJson(code, ...argv) {
  return JSON.parse((await syncq(code, ...argv, '--json')).stdout);
}

// A port that is free, and where nobody listens until the server is "up".
await listen(0);
const { port } = server.address();
await new Promise((resolve) => server.close(resolve));
const config = { targets: { field: { baseUrl: `http://127.0.0.1:${port}/v1` } } };
writeFileSync(join(place.work, 'syncq.json'), JSON.stringify(config), { mode: 0o600 });

const BODY = '{"done": 1.0,  "note":"\u00e4"}';

await step('--version and --help', async () => {
  assert.match((await syncq(0, '--version')).stdout, /^syncq\/\d+\.\d+\.\d+ /);
  assert.match((await syncq(0, '--help')).stdout, /enqueue/);
});
await step('three writes are stored while the server is down', async () => {
  const ids = [];
  ids.push((await syncq(0, 'enqueue', 'POST', '/activity', '--entity', 'activity/42', '-d', BODY)).stdout);
  ids.push((await syncq(0, 'enqueue', 'PUT', '/activity/42', '--entity', 'activity/42', '-d', BODY)).stdout);
  ids.push((await syncq(0, 'enqueue', 'DELETE', '/person/7', '--entity', 'person/7')).stdout);
  assert.deepEqual(ids, ['1\n', '2\n', '3\n']);
});
await step('the same key answers the same id', async () => {
  const again = ['enqueue', 'PATCH', '/person/8', '--key', 'visit-8', '-d', '{}'];
  assert.deepEqual([(await syncq(0, ...again)).stdout, (await syncq(0, ...again)).stdout], ['4\n', '4\n']);
});
await step('status counts them', async () => {
  const { counts, exists } = await syncqJson(0, 'status');
  assert.deepEqual(
    { exists, pending: counts.pending, completed: counts.completed },
    { exists: true, pending: 4, completed: 0 },
  );
});
await step('a run while the server is down says: try later (4)', async () => {
  const { delivered, review } = await syncqJson(4, 'run');
  assert.deepEqual({ delivered, review }, { delivered: 0, review: 0 });
});
await step('a run once the server is up delivers everything (0)', async () => {
  await listen(port);
  assert.equal((await syncqJson(0, 'run')).delivered, 4);
});
await step('the server got each write once, in order, to the byte', () => {
  assert.deepEqual(
    received
      .filter(({ path }) => path.startsWith('/v1/activity'))
      .map(({ method, path, body }) => [method, path, body]),
    [
      ['POST', '/v1/activity', BODY],
      ['PUT', '/v1/activity/42', BODY],
    ],
  );
  assert.equal(received.length, 4);
  assert.equal(new Set(received.map(({ key }) => key)).size, 4);
  assert.ok(received.some(({ key }) => key === 'visit-8'));
});
await step('everything is completed, and inspect shows it', async () => {
  assert.equal((await syncqJson(0, 'status')).counts.completed, 4);
  const item = await syncqJson(0, 'inspect', '1');
  assert.deepEqual([item.state, item.response.status], ['completed', 201]);
});
await step('another run has nothing to do and sends nothing', async () => {
  assert.equal((await syncqJson(0, 'run')).attempts, 0);
  assert.equal(received.length, 4);
});

server.closeAllConnections();
server.close();
place.remove();
summary();
