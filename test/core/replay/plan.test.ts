import { describe, expect, test } from '@jest/globals';

import { parseConfig } from '../../../src/core/config/validate.js';
import { copyOf, mapPath, parsePathRule, replayLane, replayTarget } from '../../../src/core/replay/plan.js';
import { archivedItem } from '../transfer/support.js';

const config = parseConfig(
  { targets: { staging: { baseUrl: 'https://staging.example.org' } } },
  { source: undefined, baseDir: '/' },
); // prettier-ignore
const NO_CHANGES = { paths: [], headers: {}, contentType: undefined };
describe('the target of a replay', () => {
  test.each([
    ['staging', 'https://staging.example.org', false],
    ['https://other.example.org/v2/', 'https://other.example.org/v2', true],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080', true],
  ])('%s is %s', (to, baseUrl, implicit) => {
    expect(replayTarget(config, to)).toMatchObject({ baseUrl, implicit, auth: undefined });
  });

  test.each(['nowhere', 'ftp://x.example.org', 'https://user:pass@x.example.org', 'https://x.example.org/../y'])(
    'is not %s',
    (to) => {
      expect(() => replayTarget(config, to)).toThrow();
    },
  );
});

describe('a path rule', () => {
  test.each([
    ['/v1/a', ['/v1=/v2'], '/v2/a'],
    ['/v1', ['/v1=/v2'], '/v2'],
    ['/v1?x=1', ['/v1=/v2'], '/v2?x=1'],
    ['/v10/a', ['/v1=/v2'], '/v10/a'],
    ['/v1/a/b', ['/v1=/x', '/v1/a=/y'], '/y/b'],
    ['/v1/a', ['/v1='], '/a'],
    ['/a', ['=/api'], '/api/a'],
    ['/a', ['/=/api/'], '/api/a'],
    ['/a', [], '/a'],
  ])('maps %s by %j to %s', (path, rules, expected) => {
    expect(mapPath(path, rules.map(parsePathRule))).toBe(expected);
  });

  test.each(['/v1', 'v1=/v2', '/v1=v2', '/v1=//evil', '/v1=/../x'])('%s is refused', (text) => {
    expect(() => parsePathRule(text)).toThrow();
  });
});

describe('a copy', () => {
  const item = archivedItem({ payload: Buffer.from('{}'), headers: { a: '1' } });

  test('has the item’s bytes, and a key of its own that depends on the replay and on what is sent', () => {
    const key = (changes = NO_CHANGES, family = 'f', of = item): string => copyOf(of, changes, family).idempotencyKey;
    expect(copyOf(item, NO_CHANGES, 'f')).toMatchObject({
      method: 'PUT',
      path: '/things/1',
      headers: { a: '1' },
      payload: item.payload,
      contentType: 'application/json',
    });
    expect(key()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const others = [
      key(NO_CHANGES, 'g'),
      key({ ...NO_CHANGES, headers: { a: '2' } }),
      key({ ...NO_CHANGES, paths: [{ from: '/things', to: '/x' }] } as never),
      key(NO_CHANGES, 'f', archivedItem({ ...item, idempotencyKey: 'other' })),
      key(NO_CHANGES, 'f', archivedItem({ ...item, payloadSha256: 'a'.repeat(64) })),
    ];
    expect(new Set([key(), key(), ...others]).size).toBe(6);
    const [there, back] = [
      { b: '1', c: '2' },
      { c: '2', b: '1' },
    ].map((headers) => key({ ...NO_CHANGES, headers }));
    expect(back).toBe(there);
  });

  test('stands in the lane of its original', () => {
    const orders = new Map([['api', 'entity'], ['strict', 'strict'], ['none', 'none']] as const); // prettier-ignore
    const lane = (more: object): string => replayLane(archivedItem(more), orders);
    expect(lane({ id: 1, entity: { type: 'a', id: 'b' } })).toBe(lane({ id: 2, entity: { type: 'a', id: 'b' } }));
    expect(lane({ id: 1, entity: { type: 'a', id: 'b' } })).not.toBe(lane({ id: 2, entity: { type: 'a', id: 'c' } }));
    expect(lane({ id: 1 })).toBe(lane({ id: 2 }));
    expect(lane({ id: 1, ownLane: true })).not.toBe(lane({ id: 2, ownLane: true }));
    expect(lane({ id: 1, target: 'strict', entity: { type: 'a', id: 'b' } })).toBe(lane({ id: 2, target: 'strict' }));
    expect(lane({ id: 1, target: 'none' })).not.toBe(lane({ id: 2, target: 'none' }));
  });
});
