import { describe, expect, test } from '@jest/globals';

import { hideValuesOf } from '../../src/core/privacy/hide-values.js';
import { compileSensitive } from '../../src/core/privacy/sensitive.js';
import type { Attempt, ItemDetail } from '../../src/core/nouns/item.js';
import type { StatusReport } from '../../src/core/nouns/report.js';
import { drainDocument, drainLines, dryRunDocument, dryRunTable } from '../../src/render/drain.js';
import { errorDocument, errorText } from '../../src/render/errors.js';
import { eventDocument, eventLine } from '../../src/render/events.js';
import { itemDocument } from '../../src/render/item-document.js';
import { itemPage } from '../../src/render/item.js';
import { jsonDocument } from '../../src/render/json.js';
import { itemTable, listDocument } from '../../src/render/list.js';
import { statusDocument } from '../../src/render/status-document.js';
import { checkLine, statusView } from '../../src/render/status.js';
import type { Look } from '../../src/render/style.js';
import { PLAIN_STYLE } from '../../src/render/style.js';
import { probeDocument, probeLine, targetTable } from '../../src/render/target.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const NOW = new Date(2026, 10, 23, 12, 0).getTime();
const AT = NOW - 10_080_000; // 09:12
const ISO = new Date(AT).toISOString();
const TERMINAL: Look = { terminal: true, columns: 100, style: PLAIN_STYLE, now: NOW, suggest: (text) => text };
const PIPE: Look = { ...TERMINAL, terminal: false };
const same = (payload: Uint8Array): Uint8Array => payload;

const ATTEMPT: Attempt = {
  number: 1,
  startedAt: AT,
  durationMs: 120,
  outcome: 'rejected',
  status: 422,
  message: 'phone must be digits',
  counted: false,
  runner: 'run 812@field-1',
  url: undefined,
  idempotencyKey: 'k-1',
  response: {
    status: 422,
    headers: { 'content-type': 'text/plain' },
    body: bytes('phone \x1b[31mmust\nbe digits\n'),
    complete: false,
  },
};

const ITEM: ItemDetail = {
  id: 1041,
  createdAt: AT,
  operation: 'update',
  entity: { type: 'activity', id: '42' },
  target: 'production',
  method: 'PUT',
  path: '/activities/42',
  headers: { 'x-app': 'field' },
  contentType: 'application/json',
  payloadBytes: 15,
  payloadSha256: 'ab12',
  payloadGone: false,
  idempotencyKey: 'k-1',
  state: 'review',
  notBefore: undefined,
  expiresAt: undefined,
  retryCount: 0,
  maxRetries: undefined,
  attemptCount: 1,
  mayHaveArrived: undefined,
  lastError: { outcome: 'rejected', status: 422, message: 'phone must be digits', at: AT },
  reviewReason: 'rejected',
  stateAt: AT,
  completedAt: undefined,
  response: undefined,
  tags: ['north'],
  revision: 1,
  waiting: undefined,
  waitingOn: undefined,
  isOrphaned: false,
  payload: bytes('{"phone":"12a"}'),
  attempts: [ATTEMPT],
};

describe('the page of an item', () => {
  test('gives why first, then what helps, the facts, the attempts with the answer, and the payload', () => {
    expect(itemPage(ITEM, TERMINAL, { mask: same })).toEqual([
      'item 1041  review',
      'why: in review since 09:12: the server refused it (422, phone must be digits)',
      'what helps: Mend the cause at the server or in the item, then send it again',
      '  syncq edit 1041',
      '  syncq retry 1041',
      '  syncq discard 1041',
      '',
      '  request     PUT /activities/42',
      '  target      production',
      '  entity      activity/42',
      '  operation   update',
      '  key         k-1',
      '  stored      2026-11-23 09:12:00 (2 h ago)',
      '  retries     0',
      '  edited      once; see: syncq history 1041',
      '  tags        north',
      '  header      x-app: field',
      '',
      '1 attempt',
      '  1  2026-11-23 09:12:00 (2 h ago)  rejected, 422, after 120 ms, by run 812@field-1',
      '     phone must be digits',
      '     < content-type: text/plain',
      '     < phone \\x1b[31mmust',
      '     < be digits',
      '     < (the answer is cut here)',
      '',
      'payload (application/json, 15 bytes, sha256 ab12)',
      '{"phone":"12a"}',
    ]);
  });

  test('says so when values are hidden, and hides them in an answer in JSON too', () => {
    const mask = (): Uint8Array => bytes('{"phone":"***"}');
    const response = { ...ATTEMPT.response!, headers: { 'content-type': 'application/json' } };
    const lines = itemPage({ ...ITEM, attempts: [{ ...ATTEMPT, response }] }, PIPE, { mask });
    expect(lines.join('\n')).not.toContain('12a');
    expect(lines).toContain('(values hidden: --reveal shows them, and that is recorded)');
    expect(lines).toContain('     < {"phone":"***"}');
  });

  test('hides the beginning of a value that the excerpt of an answer ends within, and nothing more', () => {
    const hide = hideValuesOf([bytes('{"name":"Kari Nordmann"}')], compileSensitive(['name']));
    const shown = (text: string, complete: boolean): string | undefined => {
      const response = { ...ATTEMPT.response!, body: bytes(text), complete };
      const item = { ...ITEM, attempts: [{ ...ATTEMPT, response }] };
      const page = itemPage(item, PIPE, { mask: same, hide });
      return page.find((line) => line.startsWith('     < no'));
    };
    expect(shown('no room for Kari Nor', false)).toBe('     < no room for ***');
    expect(shown('no room for Kari Nor', true)).toBe('     < no room for Kari Nor');
    expect(shown('no room for Kari Nordmann, she', false)).toBe('     < no room for ***, she');
    expect(shown('no room for her', false)).toBe('     < no room for her');
  });

  test('names ISO times in a pipe', () => {
    expect(itemPage(ITEM, PIPE, { mask: same })).toContain(`  stored      ${ISO}`);
  });

  test.each([
    [{ payload: undefined, payloadBytes: undefined, contentType: undefined }, 'no payload'],
    [{ payload: undefined, payloadGone: true }, 'its bytes were removed'],
    [{ payload: Uint8Array.of(0xff) }, 'binary: --json shows it as base64'],
  ])('tells what there is instead of a payload: %#', (change, line) => {
    expect(itemPage({ ...ITEM, ...change }, PIPE, { mask: same }).at(-1)).toBe(line);
  });

  test('shows an item that was never tried', () => {
    expect(itemPage({ ...ITEM, attempts: [] }, PIPE, { mask: same })).toContain('not attempted yet');
  });
});

describe('the document of an item', () => {
  const document = (item: ItemDetail, mask = same): any =>
    JSON.parse(jsonDocument(itemDocument(item, { now: NOW, mask })));

  test('has exactly the public names', () => {
    expect(document(ITEM)).toEqual({
      id: 1041,
      state: 'review',
      why: 'in review since 2026-11-23T09:12:00+00:00: the server refused it (422, phone must be digits)',
      createdAt: ISO,
      operation: 'update',
      entity: { type: 'activity', id: '42' },
      target: 'production',
      method: 'PUT',
      path: '/activities/42',
      headers: { 'x-app': 'field' },
      contentType: 'application/json',
      payload: { phone: '12a' },
      payloadBytes: 15,
      payloadSha256: 'ab12',
      idempotencyKey: 'k-1',
      due: false,
      waiting: null,
      blocked: null,
      held: null,
      notBefore: null,
      expiresAt: null,
      retryCount: 0,
      maxRetries: null,
      lastError: { outcome: 'rejected', status: 422, message: 'phone must be digits', at: ISO },
      reviewReason: 'rejected',
      completedAt: null,
      response: null,
      tags: ['north'],
      attempts: [
        {
          number: 1,
          startedAt: ISO,
          durationMs: 120,
          outcome: 'rejected',
          status: 422,
          message: 'phone must be digits',
          counted: false,
          runner: 'run 812@field-1',
          url: null,
          response: {
            status: 422,
            headers: { 'content-type': 'text/plain' },
            body: 'phone \x1b[31mmust\nbe digits\n',
            complete: false,
          },
        },
      ],
    });
  });

  test('tells that a payload is masked', () => {
    const masked = document(ITEM, () => bytes('{"phone":"***"}'));
    expect(masked).toMatchObject({ payload: { phone: '***' }, payloadMasked: true });
    expect(document(ITEM)).not.toHaveProperty('payloadMasked');
  });

  const pending = { ...ITEM, state: 'pending' as const, reviewReason: undefined };
  test.each([
    [
      { ...pending, waiting: 'due' as const },
      { due: true, waiting: null, blocked: null, held: null },
    ],
    [
      { ...pending, waiting: 'waiting' as const, waitingOn: { kind: 'time' as const, until: AT } },
      { due: false, waiting: ISO, blocked: null, held: null },
    ],
    [
      {
        ...pending,
        waiting: 'blocked' as const,
        waitingOn: {
          kind: 'item' as const,
          id: 7,
          state: 'pending' as const,
          reason: undefined,
          since: AT,
          lastError: undefined,
          notBefore: undefined,
          mayHaveArrived: undefined,
          isOrphaned: false,
        },
      },
      { due: false, waiting: null, blocked: 7, held: null },
    ],
    [
      {
        ...pending,
        waiting: 'held' as const,
        waitingOn: {
          kind: 'target' as const,
          name: 'production',
          state: 'offline' as const,
          since: AT,
          until: undefined,
          reason: undefined,
        },
      },
      { due: false, waiting: null, blocked: null, held: 'offline' },
    ],
    [
      {
        ...pending,
        waiting: 'held' as const,
        waitingOn: { kind: 'entity-paused' as const, since: AT, until: undefined, reason: undefined },
      },
      { due: false, waiting: null, blocked: null, held: 'paused' },
    ],
  ])('says which of the four a pending item is: %#', (item, expected) => {
    expect(document(item)).toMatchObject(expected);
  });

  test('shows an answer that was cut within a character as text, and one that is no text as base64', () => {
    const answer = (body: Uint8Array): unknown =>
      document({ ...ITEM, response: { status: 200, headers: {}, body, complete: false } }).response;
    expect(answer(bytes('aé').subarray(0, 2))).toMatchObject({ body: 'a' });
    expect(answer(Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0xff))).toMatchObject({ bodyEncoding: 'base64' });
  });
});

describe('the list', () => {
  test('has one row an item, why last', async () => {
    expect(await itemTable([ITEM], TERMINAL)).toEqual([
      '  ID  STATE   TARGET      METHOD  PATH            ENTITY       TRIES  STORED   WHY',
      '1041  review  production  PUT     /activities/42  activity/42      1  2 h ago  refused (422, phone …',
    ]);
    expect(await itemTable([ITEM], PIPE)).toEqual([
      `1041\treview\tproduction\tPUT\t/activities/42\tactivity/42\t1\t${ISO}\tin review since 2026-11-23T09:12:00+00:00: the server refused it (422, phone must be digits)`,
    ]);
  });

  test('has no payloads in JSON, and null for a total nobody counted', () => {
    const document: any = listDocument({ items: [ITEM], total: undefined, next: 1041 }, { now: NOW, mask: same });
    expect(document).toMatchObject({ total: null, next: 1041 });
    expect(document.items[0]).not.toHaveProperty('payload');
    expect(document.items[0]).not.toHaveProperty('attempts');
  });
});

const REPORT: StatusReport = {
  queue: '/data/syncq.db',
  config: undefined,
  exists: true,
  counts: { pending: 2, sending: 0, completed: 120, review: 3, discarded: 0 },
  due: 1,
  waiting: 0,
  blocked: 1,
  held: 0,
  oldestPendingAt: AT,
  lastCompletedAt: undefined,
  nextDueAt: undefined,
  targets: [
    {
      name: 'production',
      state: 'online',
      since: AT,
      until: undefined,
      reason: undefined,
      tries: 0,
      pending: 2,
      sending: 0,
      review: 3,
      due: 1,
      waiting: 0,
      held: 0,
      blocked: 1,
      behindReview: 1,
    },
  ],
  pausedEntities: [],
  runner: undefined,
  lastRun: { kind: 'run', startedAt: AT, endedAt: AT + 1500, exitCode: 3, delivered: 7, remaining: 2 },
  reviewGroups: [
    {
      target: 'production',
      reason: 'rejected',
      status: 422,
      operation: 'update',
      count: 3,
      firstId: 1041,
      message: 'phone \x07must be digits',
      mayHaveArrived: false,
    },
  ],
  copyOf: undefined,
};

describe('the status view', () => {
  test('starts with the answer', async () => {
    expect(await statusView(REPORT, TERMINAL)).toEqual([
      '3 need you, 1 waits behind them',
      '1 item is due and nobody is sending. Start: syncq watch (or syncq run)',
      '',
      'pending 2 (due 1, waiting 0, blocked 1, held 0), sending 0, review 3, completed 120, discarded 0',
      'oldest waiting: 2026-11-23 09:12:00 (2 h ago)',
      'runner: none',
      'last run: 2026-11-23 09:12:00 (2 h ago), took 1.5 s, delivered 7, left 2, exit 3',
      '',
      'TARGET      STATE   PENDING  SENDING  REVIEW  WHY',
      'production  online        2        0       3  -',
      '',
      '3 in review  production, update, rejected 422: phone \\x07must be digits',
      '             look closer: syncq inspect --like 1041',
      '',
      'queue   /data/syncq.db',
      'config  none',
    ]);
  });

  test('says it all in its first line in a pipe', async () => {
    expect((await statusView(REPORT, PIPE))[0]).toBe(
      '3 need you, 1 waits behind them; 1 item is due and nobody is sending. Start: syncq watch (or syncq run)',
    );
  });

  test('is one line for a queue that is not there', async () => {
    expect(await statusView({ ...REPORT, exists: false }, PIPE, 'ada')).toEqual([
      'No queue yet at /data/syncq.db (user ada)',
    ]);
  });

  test('is the public document under --json', () => {
    const check = { ok: false, failed: [{ limit: 'max-review' as const, allowed: 0, actual: 3 }] };
    expect(JSON.parse(jsonDocument(statusDocument(REPORT, check)))).toEqual({
      queue: '/data/syncq.db',
      config: null,
      exists: true,
      counts: { pending: 2, sending: 0, completed: 120, review: 3, discarded: 0 },
      due: 1,
      waiting: 0,
      blocked: 1,
      held: 0,
      oldestPendingAt: ISO,
      lastCompletedAt: null,
      nextDueAt: null,
      targets: [{ name: 'production', state: 'online', since: ISO, until: null, reason: null, pending: 2, review: 3 }],
      pausedEntities: [],
      runner: null,
      lastRun: {
        kind: 'run',
        startedAt: ISO,
        endedAt: new Date(AT + 1500).toISOString(),
        exitCode: 3,
        delivered: 7,
        remaining: 2,
      },
      reviewGroups: [
        {
          target: 'production',
          reason: 'rejected',
          status: 422,
          operation: 'update',
          count: 3,
          firstId: 1041,
          message: 'phone \x07must be digits',
          mayHaveArrived: false,
        },
      ],
      copyOf: null,
      check,
    });
    expect(statusDocument(REPORT)).not.toHaveProperty('check');
  });

  test('has one line for limits that are past', () => {
    const failed = [
      { limit: 'max-review' as const, allowed: 0, actual: 3 },
      { limit: 'max-age' as const, allowed: 3_600_000, actual: 7_500_000 },
      { limit: 'max-idle' as const, allowed: 60_000, actual: 61_000 },
      { limit: 'target' as const, allowed: 'online', actual: 'auth', target: 'a\nb' },
    ];
    expect(checkLine({ ok: false, failed })).toBe(
      '3 in review (allowed 0); the oldest item waits for 2 h 5 min (allowed 1 h); nobody has sent for 1 min 1 s (allowed 1 min); target a\\nb needs a person: auth',
    );
  });
});

describe('an event', () => {
  const item = { item: 7, target: 'production', entity: 'activity/42', method: 'PUT', path: '/a\n/b' };

  test('is one line of a log, whatever a server says', () => {
    const event = {
      event: 'retrying' as const,
      at: AT,
      ...item,
      attempt: 2,
      outcome: 'transient' as const,
      status: 500,
      message: 'oops\r\nERROR fake',
      counted: true,
      notBefore: NOW + 300_000,
    };
    expect(eventLine(event, PIPE)).toBe(
      `${ISO} retrying item 7 (PUT /a\\n/b to production, activity/42) at 2026-11-23T12:05:00+00:00: transient (500): oops\\r\\nERROR fake`,
    );
    expect(eventDocument(event)).toEqual({
      event: 'retrying',
      at: ISO,
      ...item,
      attempt: 2,
      outcome: 'transient',
      status: 500,
      message: 'oops\r\nERROR fake',
      counted: true,
      notBefore: new Date(NOW + 300_000).toISOString(),
    });
  });

  test.each([
    [{ event: 'started', at: AT, kind: 'watch', pid: 812 }, '09:12:00 started watch, pid 812'],
    [
      { event: 'standby', at: AT, runner: { kind: 'watch', pid: 9, host: 'h' } },
      '09:12:00 standing by: watch, pid 9 on h, is at work',
    ],
    [{ event: 'standby', at: AT, runner: undefined }, '09:12:00 standing by: another runner is at work'],
    [{ event: 'online', at: AT, target: 'production', reason: undefined }, '09:12:00 online: production'],
    [
      { event: 'offline', at: AT, target: 'production', reason: 'connection refused' },
      '09:12:00 offline: production: connection refused',
    ],
    [
      { event: 'held', at: AT, target: 'production', state: 'auth', reason: 'it answered 401', until: undefined },
      '09:12:00 held: production does not accept the credential since 09:12: it answered 401',
    ],
    [
      { event: 'sending', at: AT, ...item, path: '/a', attempt: 1 },
      '09:12:00 sending item 7 (PUT /a to production, activity/42), attempt 1',
    ],
    [
      { event: 'delivered', at: AT, ...item, path: '/a', entity: undefined, attempt: 1, status: 201, durationMs: 120 },
      '09:12:00 delivered item 7 (PUT /a to production): 201 after 120 ms',
    ],
    [
      { event: 'review', at: AT, ...item, path: '/a', reason: 'rejected', status: 422, message: 'no' },
      '09:12:00 review item 7 (PUT /a to production, activity/42): rejected (422): no',
    ],
    [{ event: 'idle', at: AT, pending: 0, nextDueAt: undefined }, '09:12:00 idle: nothing waits'],
    [{ event: 'idle', at: AT, pending: 2, nextDueAt: NOW }, '09:12:00 idle: 2 pending, the next at 12:00'],
    [{ event: 'stopped', at: AT, reason: 'signal' }, '09:12:00 stopped: signal'],
  ] as const)('is said in one line: %#', (event, line) => {
    expect(eventLine(event, TERMINAL)).toBe(line);
  });

  test('has null for what is missing, and times in ISO', () => {
    expect(eventDocument({ event: 'idle', at: AT, pending: 0, nextDueAt: undefined })).toEqual({
      event: 'idle',
      at: ISO,
      pending: 0,
      nextDueAt: null,
    });
    expect(eventDocument({ event: 'standby', at: AT, runner: undefined })).toMatchObject({ runner: null });
  });
});

describe('the end of a drain', () => {
  const report = {
    attempts: 9,
    delivered: 7,
    failed: 2,
    review: 1,
    remaining: { due: 0, waiting: 1, blocked: 2, held: 0 },
    held: [{ target: 'production', state: 'auth' as const, reason: 'it answered 401', until: undefined }],
    durationMs: 1499.6,
    stopped: 'drained' as const,
    runner: undefined,
    needsPerson: true,
    tryLater: true,
  };

  test('is told in a line and one for every target that is held', () => {
    expect(drainLines(report, { now: NOW, terminal: true })).toEqual([
      '7 delivered, 1 to review, 3 left (1 waiting, 2 blocked), in 1.4 s',
      'held: production does not accept the credential: it answered 401',
    ]);
    const done = { ...report, review: 0, remaining: { due: 0, waiting: 0, blocked: 0, held: 0 }, held: [] };
    expect(drainLines({ ...done, stopped: 'limit' }, { now: NOW, terminal: true })).toEqual([
      '7 delivered, nothing left, in 1.4 s; stopped at --limit',
    ]);
  });

  test('names the runner that was there already', () => {
    const runner = { kind: 'watch' as const, id: '', pid: 812, host: 'field-1', bootId: '', since: 0, lastActiveAt: 0 };
    expect(drainLines({ ...report, stopped: 'other-runner', runner }, { now: NOW, terminal: true })).toEqual([
      'watch (pid 812 on field-1) is at work: it sends what is due',
    ]);
  });

  test('is the public document under --json, without the facts behind the exit code', () => {
    expect(drainDocument(report)).toEqual({
      attempts: 9,
      delivered: 7,
      failed: 2,
      review: 1,
      remaining: { due: 0, waiting: 1, blocked: 2, held: 0 },
      held: [{ target: 'production', state: 'auth', reason: 'it answered 401', until: null }],
      durationMs: 1500,
      stopped: 'drained',
      runner: null,
    });
  });

  test('may be looked at before: the requests in order', async () => {
    const rows = [
      { item: 7, target: 'production', method: 'PUT', url: 'https://a.example/x', payloadBytes: undefined },
    ];
    expect(await dryRunTable(rows, PIPE)).toEqual(['7\tproduction\tPUT\thttps://a.example/x\t-']);
    expect(dryRunDocument(rows)).toEqual({ requests: [{ ...rows[0], payloadBytes: null }], count: 1 });
  });
});

describe('errors', () => {
  const error = { code: 'bad-item', message: 'the path \x1b[2J is wrong', hint: 'write it anew' };

  test('are two lines: what happened, what to do', () => {
    expect(errorText(error, PLAIN_STYLE)).toBe('error: the path \\x1b[2J is wrong\nhint: write it anew');
    expect(errorText({ ...error, hint: undefined }, PLAIN_STYLE)).toBe('error: the path \\x1b[2J is wrong');
  });

  test('are a document of code, message and hint, and of nothing else', () => {
    const leaky = { ...error, hint: undefined, authorization: 'Bearer s3cret' };
    expect(errorDocument(leaky)).toEqual({ error: { code: 'bad-item', message: error.message, hint: null } });
  });
});

describe('targets', () => {
  test('are listed with state and address', async () => {
    const shown = {
      name: 'production',
      baseUrl: 'https://a.example',
      isDefault: true,
      origin: 'config' as const,
      state: 'online' as const,
      since: AT,
      until: undefined,
      reason: undefined,
      pending: 2,
      review: 0,
    };
    expect(
      await targetTable([shown, { ...shown, origin: 'missing', isDefault: false, baseUrl: undefined }], PIPE),
    ).toEqual(['production\tonline\t2\t0\thttps://a.example\t-', 'production\tonline\t2\t0\t-\tnot in the config']);
  });

  test('are tested in one line', () => {
    expect(probeLine('p', { kind: 'reachable', durationMs: 12, status: 204 })).toBe(
      'p is reachable: it answered 204 after 12 ms',
    );
    expect(probeLine('p', { kind: 'reachable', durationMs: 12, status: undefined })).toBe(
      'p is reachable: a connection came about after 12 ms',
    );
    const refused = { kind: 'unreachable' as const, code: 'ECONNREFUSED', message: 'no connection\n', durationMs: 1 };
    expect(probeLine('p', refused)).toBe('p cannot be reached: no connection\\n');
    expect(probeDocument('p', refused)).toEqual({
      target: 'p',
      reachable: false,
      result: 'unreachable',
      status: null,
      message: 'no connection\n',
      credential: null,
      durationMs: 1,
      notes: [],
    });
    const answered = { kind: 'reachable' as const, durationMs: 12, status: 204 };
    expect(probeLine('p', { ...answered, credential: 'accepted' })).toMatch(
      /204 after 12 ms, and accepts the credential$/,
    );
    expect(probeLine('p', { ...answered, credential: 'unknown' })).toMatch(/; that does not tell whether it accepts/);
    expect(probeDocument('p', { ...answered, credential: 'accepted' }, ['a note'])).toMatchObject({
      credential: 'accepted',
      notes: ['a note'],
    });
    expect(probeDocument('p', { ...refused, kind: 'misconfigured', code: 'auth' })).toMatchObject({
      credential: 'refused',
    });
  });
});

describe('an item that may have arrived', () => {
  test('says so in JSON by the number of the attempt, and else has no such field', () => {
    const document = (item: ItemDetail): unknown => itemDocument(item, { now: NOW, mask: same });
    expect(document(ITEM)).not.toHaveProperty('mayHaveArrived');
    expect(document({ ...ITEM, mayHaveArrived: 0 })).toMatchObject({ mayHaveArrived: 0 });
    expect(document({ ...ITEM, mayHaveArrived: 3 })).toMatchObject({
      mayHaveArrived: 3,
      why: expect.stringMatching(/; attempt 3 may have arrived$/),
    });
  });

  test('is told apart in status, in text and in JSON', async () => {
    const [group] = REPORT.reviewGroups;
    const report = { ...REPORT, reviewGroups: [{ ...group!, mayHaveArrived: true }] };
    expect((await statusView(report, PIPE)).join('\n')).toContain('must be digits, may have arrived\tsyncq inspect');
    expect((await statusView(report, TERMINAL)).join('\n')).toContain('rejected 422, may have arrived: phone');
    expect(statusDocument(report)).toMatchObject({ reviewGroups: [{ mayHaveArrived: true }] });
  });
});
