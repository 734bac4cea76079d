/**
 * Writes docs/recording.svg: the main job, as a terminal shows it. Every line of output is the program's own, printed to
 * a terminal of 80 columns while a real server is down, up, or refuses; `…` stands for lines that are left out. Only
 * times and durations differ from run to run.
 *
 * The target is added before the recording starts: its address would be one of this machine, so it is never shown.
 *
 * Run: npm run recording (on Linux: it needs `script` of util-linux)
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

import { sandbox } from './programs.mjs';
import { draw } from './recording/drawing.mjs';
import { keep, terminal } from './recording/terminal.mjs';

const FILE = fileURLToPath(new URL('../docs/recording.svg', import.meta.url));
const ALL = [/^/];
const STATUS = [/^pending/, /^TARGET/, /^production/];

/** `shows`: the lines that are kept. `read`: seconds that a reader gets for them. */
const SCENES = [
  {
    caption: 'The network is down: the write waits',
    isOnline: false,
    commands: [
      {
        line: `syncq enqueue POST /activities --entity activity/7 -d '{"name": "walk"}'`,
        shows: ALL,
        read: 0.4,
      },
      { line: 'syncq run', exit: 4, shows: ALL, read: 1.1 },
      { line: 'syncq status', shows: [/^1 waits: production is offline/, ...STATUS], read: 2.3 },
    ],
  },
  {
    caption: 'The network is back: the write is delivered',
    isOnline: true,
    isBelow: true,
    commands: [{ line: 'syncq run', shows: [/^1 delivered/], read: 1.5 }],
  },
  {
    caption: 'The server refuses a write: see why',
    isOnline: true,
    commands: [
      {
        line: `syncq enqueue PATCH /activities/7 --entity activity/7 -d '{"phone": "47O99"}'`,
        shows: ALL,
        read: 0.4,
      },
      { line: 'syncq run', exit: 3, shows: [/rejected \(422\): phone must be digits/, /1 to review/], read: 1.7 },
      {
        line: 'syncq inspect 2',
        shows: [/^item 2/, /^why: .*phone must be digits/, /^what helps/, /^ {2}syncq/, /^\{/],
        read: 3.2,
      },
    ],
  },
  {
    caption: 'Fix it and resend it',
    isOnline: true,
    commands: [
      { line: `syncq edit 2 --set '/phone="47099"'`, shows: ALL, read: 1.1 },
      { line: 'syncq retry 2', shows: ALL, read: 0.8 },
      { line: 'syncq run', shows: [/^1 delivered/], read: 0.7 },
      { line: 'syncq status', shows: [/^all delivered/, ...STATUS], read: 3.2 },
    ],
  },
];

const TITLE = 'syncq in a terminal: a write waits while the network is down, and is delivered when it is back';
const DESCRIPTION =
  'While the server cannot be reached, a write is enqueued and waits; status says that the target is offline. ' +
  'When the server is back, run delivers it. The server refuses a second write with status 422; inspect says why: ' +
  'phone must be digits. The write is edited, retried and delivered, and status says: all delivered. ' +
  'The output is that of the program; … stands for lines that are left out.';

/** A server that takes every write but a phone number that holds more than digits. */
const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { phone = '0' } = JSON.parse(Buffer.concat(chunks).toString() || '{}');
  const [status, answer] = /^\d+$/.test(phone) ? [200, { id: 7 }] : [422, { detail: 'phone must be digits' }];
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
});
const listen = (port) => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
const close = () => new Promise((resolve) => server.close(resolve));

const place = sandbox();

async function record(scene) {
  if (scene.isOnline && !server.listening) await listen(port);
  const commands = [];
  for (const { line, exit, shows, read } of scene.commands)
    commands.push({ line, read, rows: keep(await terminal(line, { place, exit }), shows) });
  return { ...scene, commands };
}

// A port that is free, and where nobody listens until the network is "back".
await listen(0);
const { port } = server.address();
await close();
try {
  await terminal(`syncq target add production http://127.0.0.1:${port}/v1`, { place });
  const scenes = [];
  for (const scene of SCENES) scenes.push(await record(scene));
  writeFileSync(FILE, draw(scenes, { title: TITLE, description: DESCRIPTION }));
  console.log(`docs/recording.svg is written, ${scenes.length} scenes`);
} finally {
  server.closeAllConnections();
  if (server.listening) await close();
  place.remove();
}
