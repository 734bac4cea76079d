import { describe, expect, test } from '@jest/globals';
import { causeKey, namesIn } from '../../../src/core/send/cause-key.js';

describe('one cause', () => {
  test.each([
    ['person 17 is gone', 'person 4711 is gone'],
    ['activity ACT-1041 is closed', 'activity ACT-7 is closed'],
    ['no row 0198c000-0000-7000-8000-000000000001', 'no row 5f0e4d9a-1b2c-4d3e-8f90-aabbccddeeff'],
    ['hash deadbeef01 unknown', 'hash 0123456789abcdef unknown'],
    ['a.b@example.org is taken', 'someone.else+x@mail.example.com is taken'],
    ['value "Meyer" is not known', 'value "Schulze, Eva" is not known'],
    ["'Meyer' is no person", "'O Neil' is no person"],
    ['„Meyer“ fehlt', '„Schulze“ fehlt'],
    ['expires 2026-11-23T09:12:00Z', 'expires 2027-01-01T00:00:00Z'],
    ['amount -12.50 too small', 'amount 3 too small'],
    ['no file /a/b/c here', 'no file /d/e here'],
  ])('%j and %j', (one, other) => {
    expect(causeKey(one)).toBe(causeKey(other));
  });
});

describe('two causes', () => {
  test.each([
    ['phone must be digits', 'email must be digits'],
    ['"phone" is required', '"email" is required'],
    ["must have required property 'phone'", "must have required property 'email'"],
    ["Name can't be blank", "Phone can't be blank"],
    ['facade is bad', 'decade is bad'],
    ['the person is gone', 'the person is closed'],
  ])('%j and %j', (one, other) => {
    expect(causeKey(one)).not.toBe(causeKey(other));
  });

  test('is fit to be read', () => {
    expect(causeKey('phone of "Kari" (id 17, 2026-11-23) is "4O"')).toBe('phone of "…" (id …) is "…"');
  });

  test('names are capitalised or of several words, not what a sentence is made of', () => {
    const payload = Buffer.from(
      '{"kind":"phone","n":1,"who":{"name":"Kari"},"at":["Storgata 5","no such place"],"x":"A"}',
    );
    expect(namesIn(payload)).toEqual(['no such place', 'Storgata 5', 'Kari']);
    expect(namesIn(Buffer.from('no JSON'))).toEqual([]);
    expect(namesIn(undefined)).toEqual([]);
    expect(causeKey('no Karina and no Kari here', ['Kari'])).toBe('no Karina and no … here');
  });

  test.each(['"', '«', 'a@', '„', '/a', '0'])('100,000 times %j costs little', (piece) => {
    const started = performance.now();
    causeKey(piece.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
