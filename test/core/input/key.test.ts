import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { checkKey, newIdempotencyKey, uuidv7Sequence } from '../../../src/core/input/key.js';
import { refusal } from './context.js';

const UUIDV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('checkKey', () => {
  test.each(['a', '017f22e2-79b0-7cc3-98c4-dc0c0c07398f', 'order:42', '2026-03-05T14:30:00.000Z~a_b', 'x'.repeat(128)])(
    '%s is a key',
    (key) => {
      expect(checkKey(key)).toBe(key);
    },
  );

  test.each(['', 'x'.repeat(129), 'a b', 'a/b', 'a"b', 'a\n', 'a\r\nX: y', 'å', 'a,b', 'a;b', "a'b", '*', '[a]'])(
    '%j is refused',
    (key) => {
      expect(refusal(() => checkKey(key)).code).toBe('bad-item');
    },
  );
});

describe('uuidv7Sequence', () => {
  test('lays out the bits of the example in RFC 9562, appendix A.6', () => {
    const random = Buffer.from('0000000000000cc318c4dc0c0c07398f', 'hex');
    // The counter starts below 2^11, so the top bit of rand_a (0xcc3) is not taken over.
    expect(uuidv7Sequence()(0x017f22e279b0, random)).toBe('017f22e2-79b0-74c3-98c4-dc0c0c07398f');
  });

  test('grows with every key, whatever the clock does', () => {
    const clock = fc.array(fc.integer({ min: 0, max: 2 ** 48 - 10_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(clock, fc.uint8Array({ minLength: 16, maxLength: 16 }), (times, random) => {
        const next = uuidv7Sequence();
        const keys = times.flatMap((now) => [next(now, random), next(now, random)]);
        expect(keys).toEqual([...keys].sort());
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys.every((key) => UUIDV7.test(key))).toBe(true);
      }),
    );
  });

  test('goes on in the next millisecond when the counter is full', () => {
    const next = uuidv7Sequence();
    const random = Buffer.alloc(16, 0xff);
    const keys = Array.from({ length: 10_000 }, () => next(1000, random));
    expect(keys).toEqual([...keys].sort());
    expect(new Set(keys).size).toBe(10_000);
    expect(parseInt((keys.at(-1) ?? '').replace('-', '').slice(0, 12), 16)).toBeLessThan(1010);
  });
});

test('ten thousand new keys are different, ascending, of their time, and keys', () => {
  const now = Date.UTC(2026, 2, 5);
  const keys = Array.from({ length: 10_000 }, () => newIdempotencyKey(now));
  expect(new Set(keys).size).toBe(10_000);
  expect(keys).toEqual([...keys].sort());
  expect(keys.every((key) => UUIDV7.test(key) && checkKey(key) === key)).toBe(true);
  expect(parseInt((keys[0] ?? '').replace('-', '').slice(0, 12), 16)).toBe(now);
  // The last 62 bits are random: no two alike.
  expect(new Set(keys.map((key) => key.slice(19))).size).toBe(10_000);
});
