/**
 * A server that honours idempotency keys and does everything a bad day can bring: it commits and then drops the answer,
 * refuses, delays, hangs. Its journal is the truth about what was delivered.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { setImmediate } from 'node:timers';

import { seeded } from './random.mjs';

/** @param laneOf lane of the write with this key; undefined = a lane of its own */
export async function startRecorder(seed, laneOf) {
  const random = seeded(seed);
  const journal = { requests: [], effects: new Map(), order: [], violations: [] };
  const open = new Map();
  const state = { healed: false };

  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => void serve(request, response, Buffer.concat(chunks)));
  });
  server.keepAliveTimeout = 30_000;

  /** One effect a key; whatever comes later under it gets the first answer. */
  const commit = (entry) => {
    if (journal.effects.has(entry.key)) return;
    journal.effects.set(entry.key, entry);
    journal.order.push(entry.key);
  };

  async function serve(request, response, body) {
    const key = request.headers['idempotency-key'] ?? '';
    const entry = {
      key,
      method: request.method,
      path: request.url,
      sha: createHash('sha256').update(body).digest('hex'),
      body: body.length,
    };
    journal.requests.push(entry);
    noteOverlap(entry, request, response);
    const fate = state.healed ? 1 : random();
    if (fate < 0.04) return request.socket.destroy();
    if (fate < 0.1) return answer(response, 503);
    if (fate < 0.12) return answer(response, 422, '{"message":"no"}');
    if (fate < 0.13) return answer(response, 500);
    if (fate < 0.4) await new Promise((resolve) => setTimeout(resolve, random() * 60));
    if (fate > 0.995 && !state.healed) await new Promise((resolve) => setTimeout(resolve, 2500));
    commit(entry);
    if (fate < 0.5) {
      if (fate > 0.42) return request.socket.destroy();
      if (fate > 0.4) return answer(response, 503);
    }
    answer(response, 201);
  }

  function answer(response, status, text = '{}') {
    if (response.destroyed) return;
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length });
    response.end(text);
  }

  /** Two requests of one lane, each with somebody alive waiting for its answer: two senders, or a lane overtaken. */
  function noteOverlap(entry, request, response) {
    const lane = laneOf(entry.key);
    if (lane === undefined) return;
    const others = open.get(lane) ?? new Set();
    open.set(lane, others);
    const mine = { key: entry.key, over: false };
    const end = () => {
      mine.over = true;
      others.delete(mine);
    };
    response.on('close', end);
    request.on('aborted', end);
    others.add(mine);
    // The end of a killed sender's connection may come in the same round of events as this request.
    setImmediate(() =>
      setImmediate(() => {
        for (const other of others) {
          if (other !== mine && !other.over && !mine.over)
            journal.violations.push(`${other.key} and ${mine.key} of lane ${lane} were under way at once`);
        }
      }),
    );
  }

  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    journal,
    heal: () => {
      state.healed = true;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
