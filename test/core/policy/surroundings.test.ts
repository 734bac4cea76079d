import { describe, expect, test } from '@jest/globals';

import { emptyConfig, parseConfig } from '../../../src/core/config/validate.js';
import { gravest, someItems } from '../../../src/core/nouns/finding.js';
import { clockFindings, configFindings, diskFindings, modeFindings } from '../../../src/core/policy/doctor-findings.js';

const codes = (findings: readonly { code: string }[]): string[] => findings.map(({ code }) => code);
const file = (mode: number, uid = 1000): { path: string; mode: number; uid: number } => ({
  path: '/q/a.db',
  mode,
  uid,
});

describe('modes', () => {
  test.each([
    ['of its owner alone', file(0o600), file(0o700), []],
    ['readable by the group', file(0o640), file(0o700), ['mode']],
    ['of another user', file(0o600, 0), file(0o700), ['owner']],
    ['in a directory that others may write', file(0o600), file(0o770), ['directory-mode']],
    ['in a directory of a group, sticky or not', file(0o600), file(0o1775), ['directory-mode']],
  ])('of a file %s', (_, one, directory, expected) => {
    expect(codes(modeFindings([one], directory, 1000))).toEqual(expected);
  });

  test('mean nothing where users have no number', () => {
    expect(codes(modeFindings([file(0o666)], file(0o777), undefined))).toEqual(['modes-not-checked']);
  });
});

describe('the disk', () => {
  const sound = { path: '/q/a.db', walBytes: 0, freeBytes: 2 ** 30, leastFreeBytes: 2 ** 22, hasInodes: true };
  test.each([
    ['has room', {}, []],
    ['does not tell', { freeBytes: undefined }, []],
    ['is nearly full', { freeBytes: 2 ** 22 - 1 }, ['disk-full']],
    ['has no inodes left', { hasInodes: false }, ['disk-full']],
    ['holds a log that is not written back', { walBytes: 65 * 2 ** 20 }, ['long-log']],
  ])('that %s', (_, change, expected) => {
    expect(codes(diskFindings({ ...sound, ...change }))).toEqual(expected);
  });
});

describe('the clock', () => {
  const now = Date.UTC(2026, 10, 23);
  test.each([
    ['agrees with the queue', now, now - 1000, []],
    ['is a minute behind the queue', now, now + 60_000, []],
    ['is an hour behind the queue', now, now + 3_600_000, ['clock']],
    ['was never set', 3000, undefined, ['clock']],
    ['knows an empty queue', now, undefined, []],
  ])('that %s', (_, at, latest, expected) => {
    expect(codes(clockFindings(at, latest))).toEqual(expected);
  });
});

describe('the config', () => {
  const config = parseConfig(
    { targets: { api: { baseUrl: 'https://b.example/v1' } } },
    { source: undefined, baseDir: '/' },
  );
  const target = { name: 'api', implicit: false, boundTo: undefined, unfinished: 1 };
  const known = { config, problem: undefined, warning: undefined };
  const none = { config: emptyConfig(), problem: 'none', warning: undefined } as const;
  const broken = { config: emptyConfig(), problem: 'broken', warning: 'no' } as const;
  test.each([
    ['that names what items wait for', known, target, []],
    ['that does not name it', known, { ...target, name: 'old' }, ['unknown-target']],
    ['that does not name what nothing waits for', known, { ...target, name: 'old', unfinished: 0 }, []],
    ['that names no implicit target', known, { ...target, name: 'https://x.example', implicit: true }, []],
    [
      'whose base URL moved to another host',
      known,
      { ...target, boundTo: 'https://a.example/v1' },
      ['base-url-changed'],
    ],
    ['whose base URL moved on the same host', known, { ...target, boundTo: 'https://b.example/v0' }, []],
    ['that nobody wrote, with items', none, target, ['config']],
    ['that nobody wrote, without', none, { ...target, unfinished: 0 }, []],
    ['that is broken', broken, target, ['config']],
  ])('%s', (_, facts, one, expected) => {
    expect(codes(configFindings(facts, [one]))).toEqual(expected);
  });

  test('whose rules take a refusal for a delivery is noted, no more', () => {
    const rules = [
      { status: 409, means: 'delivered' },
      { status: 409, body: { '/code': 'EXISTS' }, means: 'delivered' },
      { status: 409, means: 'conflict' },
      { status: [400, '5xx'], body: { '/code': 159 }, means: 'delivered', onlyRepeat: false },
    ];
    const lax = parseConfig(
      { targets: { api: { baseUrl: 'https://b.example/v1', outcomes: rules } } },
      { source: undefined, baseDir: '/' },
    );
    const found = configFindings({ ...known, config: lax }, []);
    expect(found).toMatchObject([
      { severity: 'note', code: 'doubtful-rule' },
      { severity: 'note', code: 'doubtful-rule' },
    ]);
    expect(found[0]?.message).toContain('targets.api.outcomes takes any 409 to a repeat for a delivery');
    expect(found[1]?.message).toContain('targets.api.outcomes[3] takes 400 or 5xx to a first attempt');
    expect(gravest(found)).toBeUndefined();
  });
});

test('the gravest finding gives the verdict, and a list of items stays short', () => {
  const of = (...severities: ('note' | 'problem' | 'unusable')[]): ReturnType<typeof gravest> =>
    gravest(severities.map((severity) => ({ severity, code: '', message: '', safe: undefined, next: undefined })));
  expect([of(), of('note'), of('note', 'problem'), of('unusable', 'problem')]).toEqual([
    undefined,
    undefined,
    'problem',
    'unusable',
  ]);
  expect(someItems([7])).toBe('item 7');
  expect(someItems([1, 2, 3, 4, 5, 6])).toBe('6 items (1, 2, 3, 4, 5, ...)');
});
