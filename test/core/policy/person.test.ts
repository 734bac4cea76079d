import { describe, expect, test } from '@jest/globals';

import { STATES, type State } from '../../../src/core/nouns/item.js';
import {
  acceptTarget,
  decideRetry,
  isRefusal,
  refuseEdit,
  refuseEnd,
  refuseEndOfEdit,
  refuseOutrun,
  resumeTarget,
  type FoundItem,
  type Lookups,
} from '../../../src/core/policy/person-commands.js';
import { DAY, HOUR, NOW, row, rowIn } from './settle-context.js';

const TIRED = { retryCount: 7, failures: 5, crashes: 2, failingSince: NOW - DAY, unreadable: 1 };

function found(state: State, changes: Partial<FoundItem> = {}): FoundItem {
  return {
    id: 7,
    state,
    isBehind: false,
    notBefore: undefined,
    expiresAt: undefined,
    budget: TIRED,
    lastOutcome: undefined,
    reviewReason: state === 'review' ? 'rejected' : undefined,
    revision: 0,
    mayHaveArrived: undefined,
    ...changes,
  };
}

function lookups(changes: Partial<Lookups> = {}): Lookups {
  return { now: NOW, runnerIsAlive: () => true, headOf: () => undefined, editorOf: () => undefined, ...changes };
}

function verdict(answer: object | undefined): string {
  return answer !== undefined && isRefusal(answer) ? answer.refused : 'ok';
}

describe('a command fits an item by its state', () => {
  const sending = 'it is being sent right now; try again in a moment';
  test.each([
    ['retry', ['ok', sending, 'ok', 'it was delivered already', 'it is discarded, which is final']],
    ['discard', ['ok', sending, 'ok', 'it is completed, which is final', 'it is discarded, which is final']],
    ['complete', ['ok', sending, 'ok', 'it is completed, which is final', 'it is discarded, which is final']],
    ['edit', ['ok', sending, 'ok', 'it is completed, which is final', 'it is discarded, which is final']],
  ] as const)('%s of pending, sending, review, completed, discarded', (command, expected) => {
    const ask = (state: State): object | undefined => {
      if (command === 'retry') return decideRetry(found(state), undefined, lookups());
      return command === 'edit' ? refuseEdit(found(state), {}, lookups()) : refuseEnd(command, found(state), lookups());
    };
    expect(STATES.map((state) => verdict(ask(state)))).toEqual(expected);
  });

  test('an item whose runner died is settled by the next run', () => {
    expect(refuseEnd('discard', found('sending'), lookups({ runnerIsAlive: () => false }))).toEqual({
      refused: 'its runner died while it was being sent; syncq run settles that first',
    });
  });

  test('an item that a person completed was not delivered', () => {
    const byPerson = found('completed', { lastOutcome: 'rejected' });
    expect(verdict(decideRetry(byPerson, undefined, lookups()))).toBe('it was marked as completed');
    const byServer = found('completed', { lastOutcome: 'delivered' });
    expect(verdict(decideRetry(byServer, undefined, lookups()))).toBe('it was delivered already');
  });
});

describe('a retry', () => {
  const fresh = { retryCount: 0, failures: 0, crashes: 0, failingSince: undefined, unreadable: 0 };

  test('gives an item in review a fresh budget and keeps the counts of one in backoff', () => {
    expect(decideRetry(found('review'), undefined, lookups())).toEqual({
      to: 'pending',
      ...fresh,
      expiresAt: undefined,
    });
    expect(decideRetry(found('pending', { notBefore: NOW + HOUR }), undefined, lookups())).toEqual({
      to: 'pending',
      ...TIRED,
      expiresAt: undefined,
    });
  });

  test.each([
    ['keeps a deadline that is ahead', NOW + 1, undefined, NOW + 1],
    ['clears a deadline that has passed', NOW, undefined, undefined],
    ['sets a time', NOW, { at: NOW + DAY }, NOW + DAY],
    ['sets a delay from now', undefined, { delayMs: HOUR }, NOW + HOUR],
  ])('%s', (_name, expiresAt, deadline, expected) => {
    expect(decideRetry(found('review', { expiresAt }), deadline, lookups())).toMatchObject({ expiresAt: expected });
  });

  describe('of an item that only waits behind another', () => {
    const behind = (changes: Partial<FoundItem> = {}): FoundItem => found('pending', { isBehind: true, ...changes });
    const head = (state: State): Lookups => lookups({ headOf: () => ({ id: 3, state }) });

    test('names the item to look at', () => {
      expect(verdict(decideRetry(behind(), undefined, head('review')))).toBe(
        'it waits behind item 3, which is in review',
      );
      expect(verdict(decideRetry(behind(), undefined, head('sending')))).toBe('it waits behind item 3');
    });

    test('is accepted when it changes something: a backoff, a passed deadline, a new deadline', () => {
      expect(verdict(decideRetry(behind({ notBefore: NOW + 1 }), undefined, head('review')))).toBe('ok');
      expect(verdict(decideRetry(behind({ expiresAt: NOW }), undefined, head('review')))).toBe('ok');
      expect(verdict(decideRetry(behind(), { delayMs: 1 }, head('review')))).toBe('ok');
    });

    test('looks nobody up when the item is a head', () => {
      const headOf = (): never => {
        throw new Error('asked');
      };
      expect(verdict(decideRetry(found('pending'), undefined, lookups({ headOf })))).toBe('ok');
    });
  });
});

describe('an edit', () => {
  test('is refused while an editor has the item open, and the editor is named', () => {
    const open = found('review', { reviewReason: 'editing' });
    expect(verdict(refuseEdit(open, {}, { editorOf: () => 'kari' }))).toBe(
      'kari has it open in an editor; if that editor is gone: syncq retry 7 frees it',
    );
  });

  test('needs a yes where an attempt may have arrived', () => {
    const arrived = found('review', { mayHaveArrived: 2 });
    expect(refuseEdit(arrived, {}, lookups())).toEqual({
      refused: 'attempt 2 may have arrived',
      code: 'confirm-needed',
    });
    expect(refuseEdit(arrived, { yes: true }, lookups())).toBeUndefined();
    expect(verdict(refuseEdit(found('review', { mayHaveArrived: 0 }), {}, lookups()))).toBe(
      'the original may have sent it',
    );
  });

  test('of another revision than the present one is refused before anything is confirmed', () => {
    const edited = found('review', { revision: 1, mayHaveArrived: 1 });
    expect(refuseEdit(edited, { revision: 0 }, lookups())).toEqual({
      refused: 'somebody else edited it in the meantime; look at it again',
    });
    expect(refuseOutrun(edited, 1)).toBeUndefined();
  });

  test('ends only the editing that it began', () => {
    const open = found('review', { reviewReason: 'editing' });
    expect(refuseEndOfEdit(open, true)).toBeUndefined();
    for (const other of [refuseEndOfEdit(open, false), refuseEndOfEdit(found('review'), true)]) {
      expect(other?.refused).toBe('it is review now: somebody freed it while it was open in the editor');
    }
  });
});

describe('a target is resumed', () => {
  test.each([
    ['untried', undefined],
    ['online', undefined],
    ['suspect', 'untried'],
    ['offline', 'untried'],
    ['throttled', 'untried'],
    ['unavailable', 'untried'],
    ['auth', 'untried'],
    ['misconfigured', 'untried'],
  ] as const)('from %s to %s', (state, expected) => {
    expect(resumeTarget(rowIn(state), NOW)?.state).toBe(expected);
  });

  test('with nothing left of the hold, and its offline time counted', () => {
    const offline = row({
      state: 'offline',
      since: NOW - HOUR,
      offlineMs: 5,
      holdKind: 'unreadable',
      holdStep: 3,
      tries: 9,
    });
    expect(resumeTarget(offline, NOW)).toMatchObject({
      state: 'untried',
      since: NOW,
      until: undefined,
      holdKind: undefined,
      holdStep: 0,
      tries: 0,
      offlineMs: HOUR + 5,
    });
  });

  test('not when its base URL was changed: only accepting the new one ends that', () => {
    const moved = row({ state: 'misconfigured', holdKind: 'binding', reason: 'moved' });
    expect(resumeTarget(moved, NOW)).toBeUndefined();
    expect(acceptTarget(moved, NOW)).toMatchObject({ state: 'untried', holdKind: undefined, reason: undefined });
    expect(acceptTarget(row({ state: 'auth' }), NOW)).toEqual({});
  });
});
