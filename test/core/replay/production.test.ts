import { describe, expect, test } from '@jest/globals';

import { parseConfig } from '../../../src/core/config/validate.js';
import { replayTarget } from '../../../src/core/replay/plan.js';
import { refuseProduction } from '../../../src/core/replay/production.js';
import type { Recipient } from '../../../src/core/store/archive.js';

const config = parseConfig(
  { targets: { production: { baseUrl: 'https://api.example.org/v1' }, staging: { baseUrl: 'https://staging.example.org' }, marked: { baseUrl: 'https://m.example.org', production: true }, alias: { baseUrl: 'http://localhost:8080' } } },
  { source: undefined, baseDir: '/' },
); // prettier-ignore
const had = (baseUrl: string | undefined, more: Partial<Recipient> = {}): Recipient => ({
  baseUrl,
  target: 'production',
  why: 'delivered',
  ...more,
});
const asked =
  (to: string, ...recipients: Recipient[]): (() => void) =>
  () =>
    refuseProduction(replayTarget(config, to), recipients, config);

describe('a replay is refused', () => {
  test.each([
    ['a marked target', 'marked', [], 'the target marked is marked as production'],
    ['the URL of a marked target', 'https://m.example.org/x', [], 'https://m.example.org (target marked) is marked'],
    [
      'the origin that items went to',
      'https://api.example.org/staging',
      [had('https://api.example.org/v1')],
      'delivered to https://api.example.org (target production); nothing was sent',
    ],
    ['where the config has the target', 'https://api.example.org', [had(undefined)], 'delivered to'],
    ['an origin under an old name', 'staging', [had('https://staging.example.org/x', { target: 'old' })], 'target old'],
    [
      'another spelling of it',
      'alias',
      [had('http://127.0.0.1:8080')],
      'delivered to http://127.0.0.1:8080 (target production), and http://localhost:8080 is the same server',
    ],
    [
      'what the other queue marks',
      'staging',
      [had('https://staging.example.org', { why: 'production' })],
      'https://staging.example.org (target production) is marked as production where items of this queue were imported from',
    ],
    [
      'what is in doubt',
      'staging',
      [had('https://staging.example.org', { why: 'untold', target: 'staging' })],
      'items were imported without a note of whether some had been delivered to https://staging.example.org (target staging)',
    ],
    [
      'for the surest reason',
      'staging',
      [had('https://staging.example.org', { why: 'untold' }), had('https://staging.example.org')],
      'items of this queue were delivered to',
    ],
  ])('%s', (_name, to, recipients, words) => {
    expect(asked(to, ...recipients)).toThrow(
      expect.objectContaining({ code: 'confirm-needed', message: expect.stringContaining(words) }),
    );
  });
});

describe('a replay is let through', () => {
  test.each([
    ['another origin', 'staging', [had('https://api.example.org/v1')]],
    ['an origin that got nothing', 'https://api.example.org', []],
    ['another port', 'http://127.0.0.1:2', [had('http://127.0.0.1:1')]],
    ['what is no URL', 'staging', [had('nowhere')]],
  ])('%s', (_name, to, recipients) => {
    expect(asked(to, ...recipients)).not.toThrow();
  });
});
