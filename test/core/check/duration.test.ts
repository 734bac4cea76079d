import { describe, expect, test } from '@jest/globals';

import { durationMs, LONGEST_DURATION_MS, parseDuration } from '../../../src/core/check/duration.js';
import { growth, refusal } from '../input/context.js';

describe('parseDuration', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['0s', 0],
    ['007m', 420_000],
    ['3650d', LONGEST_DURATION_MS],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '5', 'm', '1.5h', '-5m', '+5m', '5 m', ' 5m', '5m ', '5M', '1h30m', '5w', '5y', '٥m', '1e3s', '5m\n'])(
    '%j is refused, naming what is allowed',
    (text) => {
      const error = refusal(() => parseDuration(text));
      expect(error.code).toBe('usage');
      expect(error.hint).toContain('500ms, 30s, 5m, 2h or 7d');
      expect(durationMs(text)).toBeUndefined();
    },
  );

  test.each(['3651d', '315360000001ms', '999999999999999d'])('%s is longer than ten years and refused', (text) => {
    expect(refusal(() => parseDuration(text)).message).toContain('ten years');
  });

  test('a megabyte of digits is refused in linear time', () => {
    expect(growth((n) => refusal(() => parseDuration('9'.repeat(n))), 250_000)).toBeLessThan(12);
  });
});
