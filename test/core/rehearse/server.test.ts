import { afterEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../../src/core/nouns/clock.js';
import { parseScript } from '../../../src/core/rehearse/script.js';
import type { JournalEntry, Rehearsal } from '../../../src/core/rehearse/server.js';
import { startRehearsal } from '../../../src/core/rehearse/server.js';

const running: Rehearsal[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function rehearsal(script: string): Promise<{ server: Rehearsal; journal: JournalEntry[] }> {
  const journal: JournalEntry[] = [];
  const server = await startRehearsal({
    port: 0,
    steps: parseScript(script),
    clock: systemClock,
    onRequest: (entry) => journal.push(entry),
  });
  running.push(server);
  return { server, journal };
}

const post = (server: Rehearsal, key: string | undefined, body = '{"a":1}', path = '/things'): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) },
  });

describe('a rehearsal server', () => {
  test('listens on the loopback interface only', async () => {
    const { server } = await rehearsal('201');
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  test('answers by its script', async () => {
    const { server } = await rehearsal('201,503+5s,429+1500ms,204');
    const answers = [
      await post(server, 'a'),
      await post(server, 'b'),
      await post(server, 'c'),
      await post(server, 'd'),
    ];
    expect(answers.map((answer) => [answer.status, answer.headers.get('retry-after')])).toEqual([
      [201, null],
      [503, '5'],
      [429, '2'],
      [204, null],
    ]);
    expect(await answers[0]!.json()).toEqual({ id: expect.stringMatching(/^[0-9a-f]{12}$/), receivedBytes: 7 });
    expect(await answers[1]!.json()).toMatchObject({ status: 503, detail: expect.stringContaining('step 2') });
  });

  test.each(['drop', 'reset'])('ends the connection without an answer: %s', async (step) => {
    const { server, journal } = await rehearsal(`${step},201`);
    await expect(post(server, 'a')).rejects.toThrow();
    expect((await post(server, 'a')).status).toBe(201);
    expect(journal.map((entry) => entry.answer)).toEqual([step, 201]);
  });

  test('takes its time, or never answers', async () => {
    const { server } = await rehearsal('slow:200ms,hang');
    const started = performance.now();
    expect((await post(server, 'a')).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(190);
    await expect(
      fetch(server.url, { method: 'PUT', headers: { 'idempotency-key': 'b' }, signal: AbortSignal.timeout(200) }),
    ).rejects.toThrow();
  });

  test('gives an effect its stored answer again, without asking the script', async () => {
    const { server, journal } = await rehearsal('503,201,500');
    expect((await post(server, 'k')).status).toBe(503);
    const first = await post(server, 'k');
    const again = await post(server, 'k');
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(await again.text()).toBe(await first.text());
    expect(journal.map(({ step, replayed }) => ({ step, replayed }))).toEqual([
      { step: 1, replayed: false },
      { step: 2, replayed: false },
      { step: undefined, replayed: true },
    ]);
    expect(server.summary()).toEqual({
      requests: 3,
      effects: 1,
      replayed: 1,
      violations: 0,
      answers: { 503: 1, 201: 2 },
    });
  });

  test.each([
    ['another body', 'k', '{"a":2}', '/things', 422, 'key-reused'],
    ['another path', 'k', '{"a":1}', '/others', 422, 'key-reused'],
    ['no key', undefined, '{"a":1}', '/things', 400, 'no-key'],
  ])('finds a broken promise: %s', async (_name, key, body, path, status, violation) => {
    const { server, journal } = await rehearsal('201');
    await post(server, 'k');
    expect((await post(server, key, body, path)).status).toBe(status);
    expect(journal[1]).toMatchObject({ violation, step: undefined });
    expect(server.summary().violations).toBe(1);
  });

  test('answers 409 while the first request with the key is under way', async () => {
    const { server } = await rehearsal('slow:1500ms');
    const first = post(server, 'k');
    await systemClock.sleep(100);
    const second = await post(server, 'k');
    expect([second.status, second.headers.get('retry-after')]).toEqual([409, '1']);
    expect((await first).status).toBe(200);
  });

  test('answers probes without using up the script', async () => {
    const { server, journal } = await rehearsal('503,201');
    expect((await fetch(server.url, { method: 'HEAD' })).status).toBe(200);
    expect((await post(server, 'a')).status).toBe(503);
    expect(journal.map((entry) => entry.step)).toEqual([undefined, 1]);
  });

  test('keeps no payload and no credential in its journal', async () => {
    const { server, journal } = await rehearsal('201');
    await fetch(`${server.url}/x`, {
      method: 'PUT',
      body: 'my payload',
      headers: { 'idempotency-key': 'k', authorization: 'Bearer my-secret' },
    });
    expect(JSON.stringify(journal)).not.toMatch(/my payload|my-secret/);
    expect(journal[0]).toMatchObject({ n: 1, method: 'PUT', path: '/x', key: 'k', bytes: 10, authorized: true });
  });

  test('says when its port is taken', async () => {
    const { server } = await rehearsal('201');
    const port = Number(new URL(server.url).port);
    await expect(startRehearsal({ port, steps: parseScript('201'), clock: systemClock })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('EADDRINUSE'),
    });
  });
});
