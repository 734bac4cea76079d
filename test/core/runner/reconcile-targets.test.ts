import { describe, expect, test } from '@jest/globals';

import { changeAtStart } from '../../../src/core/runner/reconcile-targets.js';
import { DAY, HOUR, NOW, row, rowIn } from '../policy/settle-context.js';

const HERE = 'https://api.example.org/v1';
const ELSEWHERE = 'https://api.example.com/v1';

describe('what a runner that starts does to a target', () => {
  test('nothing, when the config says what it said', () => {
    for (const state of ['untried', 'online', 'suspect', 'offline', 'throttled', 'unavailable', 'auth'] as const) {
      expect(changeAtStart(rowIn(state), HERE, false, NOW)).toBeUndefined();
    }
  });

  test('binds one that is new to its base URL', () => {
    expect(changeAtStart(row({ state: 'untried', boundTo: undefined }), HERE, false, NOW)).toEqual({
      change: { boundTo: HERE },
      note: undefined,
    });
  });

  test('holds one that the config does not name, and says so once', () => {
    const held = changeAtStart(row(), undefined, false, NOW);
    const reason = 'target production is not in the config';
    expect(held).toMatchObject({
      change: { state: 'misconfigured', holdKind: 'config', reason, since: NOW, until: undefined },
      note: reason,
    });
    expect(changeAtStart(row({ ...held?.change }), undefined, false, NOW + HOUR)).toBeUndefined();
  });

  test('holds one whose base URL moved while items are half sent, and keeps the old binding', () => {
    const held = changeAtStart(row(), ELSEWHERE, true, NOW);
    expect(held?.change).toMatchObject({ state: 'misconfigured', holdKind: 'binding' });
    expect(held?.change).not.toHaveProperty('boundTo');
    expect(held?.note).toBe(`base URL changed from ${HERE} to ${ELSEWHERE}: syncq target accept production`);
    expect(changeAtStart(row({ ...held?.change }), ELSEWHERE, true, NOW + HOUR)).toBeUndefined();
  });

  test('lets it go when the old base URL is back, or when nothing is half sent any more', () => {
    const held = row({ ...changeAtStart(row(), ELSEWHERE, true, NOW)?.change });
    expect(changeAtStart(held, HERE, false, NOW + HOUR)?.change).toMatchObject({
      state: 'untried',
      holdKind: undefined,
      reason: undefined,
    });
    expect(changeAtStart(held, ELSEWHERE, false, NOW + HOUR)?.change).toMatchObject({
      state: 'untried',
      boundTo: ELSEWHERE,
    });
  });

  test('takes a new base URL without question when nothing is half sent', () => {
    expect(changeAtStart(row(), ELSEWHERE, false, NOW)).toEqual({ change: { boundTo: ELSEWHERE }, note: undefined });
  });

  test.each([
    ['config', 'target production is not in the config', 'untried'],
    ['config', 'the certificate cannot be read', undefined],
    ['credential', 'TOKEN is not set', undefined],
    ['binding', 'base URL changed', 'untried'],
    ['tls', 'expired', undefined],
    ['breaker', '20 items refused', undefined],
  ] as const)('looks again at what the config alone tells: %s, %s', (holdKind, reason, state) => {
    expect(changeAtStart(rowIn('misconfigured', { holdKind, reason }), HERE, false, NOW)?.change.state).toBe(state);
  });

  test('counts the time offline that a hold ends', () => {
    const offline = rowIn('offline', { since: NOW - DAY, offlineMs: HOUR });
    expect(changeAtStart(offline, undefined, false, NOW)?.change.offlineMs).toBe(DAY + HOUR);
  });
});
