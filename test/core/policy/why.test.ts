import { describe, expect, test } from '@jest/globals';

import type { LastError, ReviewReason, TargetStateName, WaitingOn } from '../../../src/core/nouns/item.js';
import { REVIEW_REASONS, TARGET_STATES } from '../../../src/core/nouns/item.js';
import { whatHelps } from '../../../src/core/policy/help-for-item.js';
import { movedReason } from '../../../src/core/policy/moved-target.js';
import type { Explained } from '../../../src/core/policy/why.js';
import { quote, shortWhy, targetSentence, why } from '../../../src/core/policy/why.js';

/** Monday, 23 November 2026, local time. */
const at = (hours: number, minutes: number, day = 23): number => new Date(2026, 10, day, hours, minutes).getTime();
const NOW = at(12, 0);
const VIEW = { now: NOW, terminal: true };

const error = (message: string, status?: number): LastError => ({
  outcome: 'rejected',
  status,
  message,
  at: at(9, 12),
});

const ITEM: Explained = {
  state: 'pending',
  stateAt: at(9, 12),
  attemptCount: 0,
  retryCount: 0,
  maxRetries: undefined,
  lastError: undefined,
  reviewReason: undefined,
  expiresAt: undefined,
  completedAt: undefined,
  response: undefined,
  notBefore: undefined,
  waitingOn: undefined,
  isOrphaned: false,
  mayHaveArrived: undefined,
};
const response = (status: number): Explained['response'] => ({
  status,
  headers: {},
  body: new Uint8Array(),
  complete: true,
});

type Case = [expected: string, change: Partial<Explained>];

const behind = (change: Partial<Extract<WaitingOn, { kind: 'item' }>>): Partial<Explained> => ({
  waitingOn: {
    kind: 'item',
    id: 1041,
    state: 'review',
    reason: 'rejected',
    since: at(9, 12),
    lastError: undefined,
    notBefore: undefined,
    mayHaveArrived: undefined,
    isOrphaned: false,
    ...change,
  },
});
const target = (state: TargetStateName, change: { until?: number; reason?: string } = {}): Partial<Explained> => ({
  waitingOn: {
    kind: 'target',
    name: 'production',
    state,
    since: at(9, 12),
    until: change.until,
    reason: change.reason,
  },
});
const review = (reviewReason: ReviewReason, change: Partial<Explained> = {}): Partial<Explained> => ({
  state: 'review',
  reviewReason,
  ...change,
});

const NEXT_YEAR = new Date(2027, 10, 23, 12).getTime();

const CASES: Case[] = [
  ['delivered at 09:12: the server accepted it (201)', { state: 'completed', completedAt: at(9, 12), response: response(201) }],
  ["delivered at 09:12: the server's answer counts as done (404)", { state: 'completed', completedAt: at(9, 12), response: response(404) }],
  ['marked as completed at 09:12', { state: 'completed', completedAt: at(9, 12), response: response(409), lastError: error('taken', 409) }],
  ['completed at 09:12', { state: 'completed' }],
  ['discarded at 09:12: it will not be sent', { state: 'discarded' }],
  ['being sent since 09:12 (attempt 3)', { state: 'sending', attemptCount: 3 }],
  ['sent at 09:12 (attempt 3) by a runner that stopped before it noted an answer: the next run takes it up', { state: 'sending', attemptCount: 3, isOrphaned: true }],

  ['in review since 09:12: the server refused it (422, phone must be digits)', review('rejected', { lastError: error('phone must be digits', 422) })],
  ['in review since 09:12: the server refused it (the server answered 422: no)', review('rejected', { lastError: error('the server answered 422: no.', 422) })],
  ['in review since 09:12: it was not sent (this request cannot be sent: a bad header)', review('rejected', { lastError: error('this request cannot be sent: a bad header') })],
  ['in review since 09:12: the server refused it (400)', review('rejected', { lastError: error('', 400) })],
  ['in review since 09:12: it conflicts with what the server has (409, version is 7)', review('conflict', { lastError: error('version is 7', 409) })],
  ['in review since 09:12: 11 attempts did not deliver it (the last one: 500, oops)', review('exhausted', { attemptCount: 11, lastError: error('oops', 500) })],
  ['in review since 09:12: it could not be delivered (the last one: no answer)', review('exhausted', { attemptCount: 1, lastError: error('no answer') })],
  ['in review since 09:12: its deadline, Sun 18:00, passed before it was delivered', review('expired', { expiresAt: at(18, 0, 22) })],
  ['in review since 09:12: the server wants it sent elsewhere (301, to https://b.example)', review('redirect', { lastError: error('to https://b.example', 301) })],
  ['in review since 09:12: nobody can tell whether the server has it (no answer in 30 s)', review('unknown', { lastError: error('no answer in 30 s') })],
  ['being edited since 09:12', review('editing')],

  ['due now', { waiting: 'due' } as Partial<Explained>],
  ['due now, after a failure (503, busy)', { lastError: error('busy', 503) }],
  ['not due before 14:30, as its --delay or --at asked', { waitingOn: { kind: 'time', until: at(14, 30) } }],
  ['not due before Thu 08:00, as its --delay or --at asked', { waitingOn: { kind: 'time', until: at(8, 0, 26) } }],
  ['not due before 2026-12-24 08:00, as its --delay or --at asked', { waitingOn: { kind: 'time', until: new Date(2026, 11, 24, 8).getTime() } }],
  ['tried again at 12:05: attempt 1 failed (500, oops)', { attemptCount: 1, lastError: error('oops', 500), waitingOn: { kind: 'time', until: at(12, 5) } }],
  ["waiting until 2027-11-23 12:05, which was set while this machine's clock was ahead: attempt 1 failed (500, oops)", { attemptCount: 1, lastError: { ...error('oops', 500), at: NEXT_YEAR }, waitingOn: { kind: 'time', until: NEXT_YEAR + 5 * 60_000 } }],
  ['tried again at 12:05, retry 2 of 10: attempt 4 failed (500)', { attemptCount: 4, retryCount: 2, maxRetries: 10, lastError: error('', 500), waitingOn: { kind: 'time', until: at(12, 5) } }],

  ['waiting behind item 1041, which is in review since 09:12: the server refused it (422, phone must be digits)', behind({ lastError: error('phone must be digits', 422) })],
  ['waiting behind item 1041, which is in review since Fri 18:02: the server refused it', behind({ since: at(18, 2, 20) })],
  ['waiting behind item 1041, which is being edited since 09:12', behind({ reason: 'editing' })],
  ['waiting behind item 1041, which is being sent since 09:12', behind({ state: 'sending', reason: undefined })],
  ['waiting behind item 1041, which was sent at 09:12 by a runner that stopped before it noted an answer', behind({ state: 'sending', reason: undefined, isOrphaned: true })],
  ['waiting behind item 1041, which is to be sent first', behind({ state: 'pending', reason: undefined })],
  ['waiting behind item 1041, which is not due before 14:30', behind({ state: 'pending', reason: undefined, notBefore: at(14, 30) })],
  ['waiting behind item 1041, which is tried again at 12:05: it failed (500, oops)', behind({ state: 'pending', reason: undefined, notBefore: at(12, 5), lastError: error('oops', 500) })],
  ["waiting behind item 1041, which waits until 2027-11-23 12:05, which was set while this machine's clock was ahead: it failed (500, oops)", behind({ state: 'pending', reason: undefined, notBefore: NEXT_YEAR + 5 * 60_000, lastError: { ...error('oops', 500), at: NEXT_YEAR } })],
  ['waiting behind item 1041, which is to be tried again: it failed (503)', behind({ state: 'pending', reason: undefined, notBefore: at(9, 0), lastError: error('', 503) })],
  ['waiting behind item 1041, which has just been completed', behind({ state: 'completed', reason: undefined })],
  ['waiting behind item 1041, which has just been discarded', behind({ state: 'discarded', reason: undefined })],

  ['waiting: production is offline since 09:12', target('offline', { reason: 'connection refused' })],
  ['waiting: production asked at 09:12 to be sent less, next at 12:30', target('throttled', { until: at(12, 30) })],
  ['waiting: production is unavailable since 09:12, next try at 12:01: it answered 503', target('unavailable', { until: at(12, 1), reason: 'it answered 503' })],
  ['waiting: production failed at 09:12 and is tried with one request at a time', target('suspect')],
  ['waiting: production does not accept the credential since 09:12: it answered 401', target('auth', { reason: 'it answered 401' })],
  ['waiting: the settings of production need mending since 09:12: base URL changed from A to B', target('misconfigured', { reason: 'base URL changed from A to B' })],
  ['waiting: production is paused since 09:12 until 14:00: maintenance', target('paused', { until: at(14, 0), reason: 'maintenance' })],
  ['waiting: production is paused since 09:12', target('paused')],
  ['waiting: production was not tried yet', target('untried')],
  ['waiting: production is online since 09:12', target('online')],
  ['waiting: its entity is paused since 09:12 until Tue 08:00: on leave', { waitingOn: { kind: 'entity-paused', since: at(9, 12), until: at(8, 0, 24), reason: 'on leave' } }],
]; // prettier-ignore

describe('why', () => {
  test.each(CASES)('%s', (expected, change) => {
    expect(why({ ...ITEM, ...change }, VIEW)).toBe(expected);
  });

  test('is a sentence for every review reason and every target state, without a gap or a final period', () => {
    for (const reason of REVIEW_REASONS) {
      for (const change of [review(reason), behind({ reason })]) {
        expect(why({ ...ITEM, ...change }, VIEW)).toMatch(/^[a-z](?!.*(undefined|null|\(\)| {2})).*[^.]$/);
      }
    }
    for (const state of TARGET_STATES) {
      expect(why({ ...ITEM, ...target(state) }, VIEW)).toMatch(/^waiting: (?!.*(undefined|null|\(\)| {2})).*[^.]$/);
    }
  });

  test('quotes a server on one line and not for ever', () => {
    expect(quote(' first\n\n second. ')).toBe('first second');
    expect(quote('x'.repeat(500))).toHaveLength(160);
    expect(quote(`${'x'.repeat(158)}😀😀`)).toBe(`${'x'.repeat(158)}…`);
  });

  test('counts the tries of an outage', () => {
    const facts = { name: 'production', state: 'unavailable' as const, since: at(18, 2, 20), tries: 37 };
    expect(targetSentence(facts, VIEW)).toBe('production is unavailable since Fri 18:02, 37 tries');
  });
});

describe('an attempt that may have arrived', () => {
  const conflict = { state: 'review', reviewReason: 'conflict', lastError: error('exists', 409) } as const;

  test.each<Case>([
    [
      'in review since 09:12: it conflicts with what the server has (409, exists); attempt 1 may have arrived',
      conflict,
    ],
    ['due now; attempt 1 may have arrived', {}],
    ['being sent since 09:12 (attempt 2); attempt 1 may have arrived', { state: 'sending', attemptCount: 2 }],
    ['being edited since 09:12; attempt 1 may have arrived', { state: 'review', reviewReason: 'editing' }],
  ])('is named whatever came after it: %s', (expected, change) => {
    expect(why({ ...ITEM, ...change, mayHaveArrived: 1 }, VIEW)).toBe(expected);
    expect(why({ ...ITEM, ...change, mayHaveArrived: 0 }, VIEW)).toBe(
      expected.replace('attempt 1 may have arrived', 'the original may have sent it'),
    );
    expect(shortWhy({ ...ITEM, ...change, mayHaveArrived: 1 }, VIEW)).toMatch(/; attempt 1 may have arrived$/);
  });

  test('is named of the item ahead, too', () => {
    const waiting = behind({ reason: 'conflict', lastError: error('exists', 409), mayHaveArrived: 1 });
    expect(why({ ...ITEM, ...waiting }, VIEW)).toBe(
      'waiting behind item 1041, which is in review since 09:12: it conflicts with what the server has (409, exists); attempt 1 may have arrived',
    );
  });
});

describe('what helps', () => {
  const helped = { id: 7, state: 'pending' as const, reviewReason: undefined, target: 'production', entity: undefined };

  test('is to retry what waits for a time that a clock ahead has set, be it the item or the one before it', () => {
    const lastError = { ...error('oops', 500), at: NEXT_YEAR };
    const itself = { ...helped, lastError, waitingOn: { kind: 'time' as const, until: NEXT_YEAR } };
    const ahead = behind({ state: 'pending', reason: undefined, notBefore: NEXT_YEAR, lastError }).waitingOn;
    expect(whatHelps(itself, NOW)).toMatchObject({
      sentence: expect.stringContaining('clock'),
      commands: ['syncq retry 7'],
    });
    expect(whatHelps({ ...helped, waitingOn: ahead }, NOW)?.commands).toEqual(['syncq retry 1041']);
    expect(whatHelps(itself, NEXT_YEAR)?.sentence).toMatch(/^Nothing needs to be done/);
  });

  test('is to deal with the blocker, which is named', () => {
    expect(whatHelps({ ...helped, waitingOn: behind({}).waitingOn })).toEqual({
      sentence: 'Deal with item 1041 first',
      commands: ['syncq inspect 1041'],
    });
  });

  test('is to say that a new base URL is meant, where that is what it waits for', () => {
    const reason = movedReason('production', 'https://old', 'https://new');
    expect(whatHelps({ ...helped, waitingOn: target('misconfigured', { reason }).waitingOn })?.commands).toEqual([
      'syncq target accept production',
    ]);
  });

  test('for an item that was edited after its unknown outcome is no promise of the same key', () => {
    const unknown = { ...helped, state: 'review' as const, reviewReason: 'unknown' as const, waitingOn: undefined };
    const sent = { ...unknown, mayHaveArrived: 1, attempts: [{ number: 1, idempotencyKey: 'old' }] };
    expect(whatHelps({ ...sent, idempotencyKey: 'old' })?.sentence).toMatch(/uses the same idempotency key$/);
    expect(whatHelps({ ...sent, idempotencyKey: 'new' })?.sentence).toMatch(/this one is another write$/);
  });

  test.each(REVIEW_REASONS.map((reason) => [reason] as const))(
    'for an item in review (%s) that may have arrived offers complete, after a look',
    (reviewReason) => {
      const review = { ...helped, state: 'review' as const, reviewReason, waitingOn: undefined };
      const complete = "syncq complete 7 --because 'the server has it'";
      for (const mayHaveArrived of [0, 3])
        expect(whatHelps({ ...review, mayHaveArrived })?.commands).toContain(complete);
      const always = ['conflict', 'unknown'].includes(reviewReason);
      expect(whatHelps(review)?.commands.includes(complete)).toBe(always);
      if (reviewReason === 'rejected') {
        expect(whatHelps({ ...review, mayHaveArrived: 1 })?.sentence).toMatch(
          /^Look at the server first: if it has this write already, complete it; if not, mend the cause/,
        );
      }
    },
  );

  test('for an item that was edited after an attempt that may have arrived says so, whatever came after', () => {
    const rejected = { ...helped, state: 'review' as const, reviewReason: 'rejected' as const, waitingOn: undefined };
    const attempts = [
      { number: 1, idempotencyKey: 'old' },
      { number: 2, idempotencyKey: 'new' },
    ];
    expect(whatHelps({ ...rejected, attempts, idempotencyKey: 'new', mayHaveArrived: 1 })?.sentence).toMatch(
      /this one is another write$/,
    );
    expect(whatHelps({ ...rejected, attempts, idempotencyKey: 'new', mayHaveArrived: 2 })?.sentence).toMatch(
      /^Look at the server first/,
    );
  });

  test('is to start a runner for an item that is due, or that a dead runner left, or that waits behind one', () => {
    const runner = ['syncq watch', 'syncq run'];
    const sending = { ...helped, state: 'sending' as const, waitingOn: undefined };
    expect(whatHelps({ ...helped, waitingOn: undefined })?.commands).toEqual(runner);
    expect(whatHelps({ ...sending, isOrphaned: true })?.commands).toEqual(runner);
    expect(whatHelps({ ...sending, isOrphaned: false })).toBeUndefined();
    const left = behind({ state: 'sending', reason: undefined, isOrphaned: true });
    expect(whatHelps({ ...helped, waitingOn: left.waitingOn })?.commands).toEqual(runner);
  });

  test.each([
    ['rejected', ['syncq edit 7', 'syncq retry 7', 'syncq discard 7']],
    ['redirect', ['syncq edit 7', 'syncq retry 7', 'syncq discard 7']],
    ['conflict', ['syncq retry 7', "syncq complete 7 --because 'the server has it'", 'syncq discard 7']],
    ['unknown', ['syncq retry 7', "syncq complete 7 --because 'the server has it'", 'syncq discard 7']],
    ['exhausted', ['syncq retry 7', 'syncq discard 7']],
    ['expired', ['syncq retry 7', 'syncq discard 7']],
    ['editing', ['syncq retry 7']],
  ] as const)('in review (%s) is one of %j', (reviewReason, commands) => {
    expect(whatHelps({ ...helped, state: 'review', reviewReason, waitingOn: undefined })?.commands).toEqual(commands);
  });

  test('is told for every review reason', () => {
    for (const reviewReason of REVIEW_REASONS) {
      const advice = whatHelps({ ...helped, state: 'review', reviewReason, waitingOn: undefined });
      expect(advice?.commands).toContain('syncq retry 7');
    }
  });

  test('is to resume a paused target or entity, quoted for the shell', () => {
    for (const reason of ['', 'the proxy is being replaced', 'base URL changed from a to b, look at it'])
      expect(whatHelps({ ...helped, waitingOn: target('paused', { reason }).waitingOn })?.commands).toEqual([
        'syncq resume production',
      ]);
    const entity = { type: 'person', id: "O'Neil; rm -rf ~" };
    const paused: WaitingOn = { kind: 'entity-paused', since: 0, until: undefined, reason: undefined };
    expect(whatHelps({ ...helped, entity, waitingOn: paused })?.commands).toEqual([
      String.raw`syncq resume --entity 'person/O'\''Neil; rm -rf ~'`,
    ]);
  });

  test('is nothing for an item that is done', () => {
    expect(whatHelps({ ...helped, state: 'completed', waitingOn: undefined })).toBeUndefined();
  });

  test.each([
    ['unavailable', 'cut after 30 s with 5 of 9 bytes of the body handed over: the link to h is broken', 'minRate'],
    ['suspect', 'something between here and the server answered: a login page? …', 'Log in to the network'],
    ['misconfigured', 'the answer of h cannot be read: it is not HTTP', 'Mend the answers'],
    ['auth', 'the proxy p:3128 wants a login (407): …', 'Give the proxy'],
  ] as const)('of a target that is %s because "%s" says %s', (state, reason, words) => {
    const waitingOn = { ...target(state).waitingOn, reason } as WaitingOn;
    expect(whatHelps({ ...helped, waitingOn })?.sentence).toContain(words);
  });

  test('a target that a proxy or unreadable answers hold is not said to have a bad credential or bad settings', () => {
    const sentence = (state: 'auth' | 'misconfigured' | 'unavailable', reason: string): string =>
      targetSentence({ name: 'api', state, since: 0, reason }, { now: 0, terminal: true });
    expect(sentence('auth', 'the proxy p:3128 wants a login (407)')).not.toContain('credential');
    expect(sentence('misconfigured', 'the answer of h cannot be read')).not.toContain('settings');
    expect(sentence('unavailable', 'cut after 30 s with 5 of 9 bytes')).toContain('hard to reach');
  });
});
