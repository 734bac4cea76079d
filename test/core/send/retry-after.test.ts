import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RETRY_AFTER_CAP_MS } from '../../../src/core/policy/backoff.js';
import { retryAfterMs } from '../../../src/core/send/retry-after.js';

const now = Date.UTC(2026, 10, 6, 8, 49, 37);

describe('Retry-After', () => {
  test.each<[string | undefined, number | undefined]>([
    ['120', 120_000],
    [' 5 ', 5000],
    ['0', 0],
    ['86400', RETRY_AFTER_CAP_MS],
    ['86401', RETRY_AFTER_CAP_MS],
    ['9'.repeat(400), RETRY_AFTER_CAP_MS],
    ['Fri, 06 Nov 2026 08:50:37 GMT', 60_000],
    ['Friday, 06-Nov-26 08:50:37 GMT', 60_000],
    ['Fri Nov  6 08:50:37 2026', 60_000],
    ['Fri, 06 Nov 2026 08:49:36 GMT', 0],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Mon, 06 Nov 2028 08:49:37 GMT', RETRY_AFTER_CAP_MS],
    [undefined, undefined],
    ['', undefined],
    ['soon', undefined],
    ['-1', undefined],
    ['90.5', 91_000],
    ['0.2', 1000],
    ['0.0', 0],
    ['1.', undefined],
    ['.5', undefined],
    ['1e3', undefined],
    ['5s', undefined],
    ['2026-11-06T08:50:37Z', undefined],
    ['Fri, 06 Nov 2026 08:50:37', undefined],
    ['Fri, 06 Nov 2026 08:50:37 CET', undefined],
    ['Fri, 31 Feb 2026 08:50:37 GMT', undefined],
    ['Fri, 06 Foo 2026 08:50:37 GMT', undefined],
    ['Fri, 06 Nov 2026 25:50:37 GMT', undefined],
  ])('%j is %j ms', (value, expected) => {
    expect(retryAfterMs(value, now)).toBe(expected);
  });

  test("a date counts from the server's clock where that is known: a device that lives in 1970 waits a minute, not a day", () => {
    expect(retryAfterMs('Fri, 06 Nov 2026 08:50:37 GMT', 0)).toBe(RETRY_AFTER_CAP_MS);
    expect(retryAfterMs('Fri, 06 Nov 2026 08:50:37 GMT', 0, 'Fri, 06 Nov 2026 08:49:37 GMT')).toBe(60_000);
    expect(retryAfterMs('Fri, 06 Nov 2026 08:50:37 GMT', now, 'nonsense')).toBe(60_000);
  });

  test('whatever comes, the wait is undefined or within a day', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.nat().map(String),
          fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
        ),
        (value) => {
          const wait = retryAfterMs(value, now);
          return wait === undefined || (wait >= 0 && wait <= RETRY_AFTER_CAP_MS);
        },
      ),
    );
  });
});
