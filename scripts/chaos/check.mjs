/** Holds the queue's file and the server's journal against the invariants (docs/reliability.md). */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { write } from './writes.mjs';

const PAGE = 500;
const sha = (text) => createHash('sha256').update(text).digest('hex');

/** Every item with its ledger. */
export async function readItems(root, queuePath) {
  const { openQueue } = await import(join(root, 'dist/core/index.js'));
  const queue = await openQueue({ queue: queuePath, mode: 'read' });
  const items = [];
  for (let first = 1, missed = 0; missed < 4; first += PAGE) {
    const found = (await queue.inspect(Array.from({ length: PAGE }, (_, i) => first + i))).items;
    missed = found.length === 0 ? missed + 1 : 0;
    items.push(...found);
  }
  await queue.close();
  return items;
}

const isJunk = (item) => item.entity?.type === 'junk';

/** @returns what is violated, in words; empty = nothing */
export function violations({ seed, items, acked, journal, journalOnly }) {
  const found = [...journal.violations.map((text) => `I3 ${text}`)];
  const byKey = new Map(items.map((item) => [item.idempotencyKey, item]));
  for (const [key, id] of acked) {
    const item = byKey.get(key);
    if (item === undefined) found.push(`I1 acknowledged ${key} is gone`);
    else if (item.id !== id) found.push(`I1 ${key} was acknowledged as ${id} and is ${item.id}`);
    else if (item.state !== 'completed' && !(item.state === 'discarded' && isJunk(item)))
      found.push(`I9 ${key} is still ${item.state}`);
  }
  if (byKey.size !== items.length) found.push('I1 two items have one key');

  const sent = new Map();
  for (const request of journal.requests) {
    const requests = sent.get(request.key) ?? [];
    sent.set(request.key, requests);
    requests.push(request);
  }
  for (const [key, requests] of sent) {
    const item = byKey.get(key);
    if (item === undefined) {
      found.push(`I1 ${key} was sent and is in no queue`);
      continue;
    }
    const [who, n] = [key.slice(0, key.lastIndexOf('-')), Number(key.slice(key.lastIndexOf('-') + 1))];
    const meant = write(seed, who, n);
    const bad = requests.find(
      (request) =>
        request.sha !== sha(meant.body) ||
        request.path !== `/${meant.target}${meant.path}` ||
        request.method !== meant.method,
    );
    if (bad !== undefined) found.push(`I8 ${key} was sent with other bytes`);
    if (item.attempts.length < requests.length)
      found.push(`I4 ${key} was on the wire ${requests.length} times, the ledger knows ${item.attempts.length}`);
  }
  for (const item of items) {
    if (item.state === 'completed' && !journal.effects.has(item.idempotencyKey))
      found.push(`I5 ${item.idempotencyKey} is completed without an effect`);
  }
  if (!journalOnly) found.push(...orderViolations(journal, byKey));
  return found;
}

/** First effects of a lane come in the order of the log. */
function orderViolations({ order }, byKey) {
  const last = new Map();
  const found = [];
  for (const key of order) {
    const item = byKey.get(key);
    if (item === undefined || item.entity === undefined || isJunk(item)) continue;
    const lane = `${item.target} ${item.entity.type}/${item.entity.id}`;
    if ((last.get(lane) ?? 0) > item.id)
      found.push(`I2 item ${item.id} took effect after item ${last.get(lane)} of its lane ${lane}`);
    last.set(lane, Math.max(last.get(lane) ?? 0, item.id));
  }
  return found;
}
