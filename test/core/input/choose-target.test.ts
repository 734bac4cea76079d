import { describe, expect, test } from '@jest/globals';

import { chooseTarget, splitAbsoluteUrl, type TargetChoices } from '../../../src/core/input/choose-target.js';
import { refusal, target } from './context.js';

const MAX = 8192;

function choices(bases: Record<string, string>, more: Partial<TargetChoices> = {}): TargetChoices {
  return {
    targets: new Map(Object.entries(bases).map(([name, baseUrl]) => [name, target(name, baseUrl)])),
    defaultTarget: undefined,
    ...more,
  };
}

const SEVERAL = choices({
  root: 'https://api.example.org',
  v1: 'https://api.example.org/v1',
  admin: 'https://api.example.org/v1/admin',
  local: 'http://localhost:8080/a',
});

describe('an absolute URL', () => {
  test.each([
    ['https://api.example.org/v1/admin/users?x=1', 'admin', '/users?x=1'],
    ['https://api.example.org/v1/admin', 'admin', ''],
    ['https://api.example.org/v1/admin?x', 'admin', '?x'],
    ['https://api.example.org/v1/administrator', 'v1', '/administrator'],
    ['https://API.EXAMPLE.ORG:443/v1/x', 'v1', '/x'],
    ['https://api.example.org/v10/x', 'root', '/v10/x'],
    ['https://api.example.org', 'root', ''],
    ['http://localhost:8080/a/x', 'local', '/x'],
    // `/v1` would leave `//x`, which must not become a path; the root takes it whole.
    ['https://api.example.org/v1//x', 'root', '/v1//x'],
  ])('%s goes to %s', (url, name, path) => {
    expect(splitAbsoluteUrl(url, SEVERAL, MAX)).toMatchObject({ target: name, path, implicitBaseUrl: undefined });
  });

  test.each([
    ['https://other.example/v1/x', 'https://other.example', '/v1/x'],
    ['https://api.example.org:8443/v1/x', 'https://api.example.org:8443', '/v1/x'],
    ['https://api.example.org.evil.example/v1/x', 'https://api.example.org.evil.example', '/v1/x'],
    ['http://localhost:8080/b', 'http://localhost:8080', '/b'],
    ['https://other.example', 'https://other.example', ''],
  ])('%s makes a target without a credential', (url, origin, path) => {
    expect(splitAbsoluteUrl(url, SEVERAL, MAX)).toEqual({
      target: origin,
      path,
      implicitBaseUrl: origin,
      config: undefined,
    });
  });

  test('of plain http to another machine is refused, unless it lies under a target', () => {
    expect(refusal(() => splitAbsoluteUrl('http://other.example/x', SEVERAL, MAX)).message).toContain('plain http');
    const own = choices({ plain: 'http://other.example' });
    expect(splitAbsoluteUrl('http://other.example/x', own, MAX)).toMatchObject({ target: 'plain', path: '/x' });
  });

  test('that lies under two equal bases goes to the default one, else to the one that is named', () => {
    const twins = { a: 'https://api.example.org/v1', b: 'https://api.example.org/v1/', c: 'https://api.example.org' };
    const url = 'https://api.example.org/v1/x';
    for (const name of ['a', 'b']) {
      expect(splitAbsoluteUrl(url, choices(twins, { defaultTarget: name }), MAX)).toMatchObject({ target: name });
      expect(chooseTarget(url, name, choices(twins), MAX)).toMatchObject({ target: name, path: '/x' });
    }
    expect(refusal(() => splitAbsoluteUrl(url, choices(twins), MAX)).message).toContain('two targets, "a" and "b"');
  });

  test('with a target must lie under it', () => {
    expect(chooseTarget('https://api.example.org/v1/x', 'root', SEVERAL, MAX)).toMatchObject({ path: '/v1/x' });
    for (const url of ['https://other.example/x', 'https://api.example.org/v10', 'https://api.example.org/v1//x']) {
      expect(refusal(() => chooseTarget(url, 'v1', SEVERAL, MAX)).message).toContain('does not lie under');
    }
  });

  test('has its path checked like any other', () => {
    for (const url of ['https://other.example/../x', 'https://api.example.org/v1/%2e%2e/x', 'https://a.example/b#c']) {
      expect(refusal(() => chooseTarget(url, undefined, SEVERAL, MAX)).code).toBe('bad-item');
    }
    expect(refusal(() => chooseTarget('https://a.example\\b', undefined, SEVERAL, MAX)).code).toBe('bad-item');
  });
});

describe('a path', () => {
  test('goes to the default target, or to the only one', () => {
    const two = { a: 'https://a.example', b: 'https://b.example' };
    expect(chooseTarget('/x', undefined, choices(two, { defaultTarget: 'b' }), MAX)).toMatchObject({ target: 'b' });
    expect(chooseTarget('/x', undefined, choices({ a: 'https://a.example' }), MAX)).toMatchObject({ target: 'a' });
  });

  test('without any target is refused with a hint', () => {
    const none = refusal(() => chooseTarget('/x', undefined, choices({}), MAX));
    expect([none.code, none.hint]).toEqual(['no-target', 'add one: syncq target add NAME URL']);
    const error = refusal(() => chooseTarget('/x', undefined, SEVERAL, MAX));
    expect([error.code, error.hint]).toEqual(['no-target', expect.stringContaining('--target')]);
  });

  test('with an unknown target is refused, and the message names the configured ones', () => {
    const error = refusal(() => chooseTarget('/x', 'prod', SEVERAL, MAX));
    expect(error.code).toBe('unknown-target');
    expect(error.hint).toContain('root, v1, admin, local');
  });

  test('may name a target that only the queue file knows', () => {
    const known = choices({}, { knownTarget: (name) => (name === 'old' ? { implicitBaseUrl: undefined } : undefined) });
    expect(chooseTarget('/x', 'old', known, MAX)).toEqual({
      target: 'old',
      path: '/x',
      implicitBaseUrl: undefined,
      config: undefined,
    });
    expect(refusal(() => chooseTarget('https://a.example/x', 'old', known, MAX)).message).toContain('cannot be placed');
    expect(refusal(() => chooseTarget('/x', 'new', known, MAX)).code).toBe('unknown-target');
  });

  test('may name an implicit target by its origin, as an export does', () => {
    expect(chooseTarget('/x', 'https://other.example', SEVERAL, MAX)).toMatchObject({
      target: 'https://other.example',
      implicitBaseUrl: 'https://other.example',
    });
    for (const name of ['https://other.example/', 'https://other.example/v1', 'HTTPS://other.example']) {
      expect(refusal(() => chooseTarget('/x', name, SEVERAL, MAX)).code).toBe('unknown-target');
    }
    expect(refusal(() => chooseTarget('/x', 'http://other.example', SEVERAL, MAX)).code).toBe('bad-item');
  });

  test('a name like a member of Object is not a target', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(refusal(() => chooseTarget('/x', name, SEVERAL, MAX)).code).toBe('unknown-target');
    }
  });
});
