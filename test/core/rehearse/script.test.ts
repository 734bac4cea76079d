import { describe, expect, test } from '@jest/globals';

import { parseScript, Playback } from '../../../src/core/rehearse/script.js';

const SCRIPT = '201*2,503:30s,429+5s,drop,401,slow:2s';

describe('a rehearsal script', () => {
  test('is read step by step', () => {
    expect(parseScript(SCRIPT)).toEqual([
      { text: '201*2', action: { kind: 'status', status: 201, retryAfterMs: undefined }, lasts: { requests: 2 } },
      { text: '503:30s', action: { kind: 'status', status: 503, retryAfterMs: undefined }, lasts: { ms: 30_000 } },
      { text: '429+5s', action: { kind: 'status', status: 429, retryAfterMs: 5_000 }, lasts: { requests: 1 } },
      { text: 'drop', action: { kind: 'drop' }, lasts: { requests: 1 } },
      { text: '401', action: { kind: 'status', status: 401, retryAfterMs: undefined }, lasts: { requests: 1 } },
      { text: 'slow:2s', action: { kind: 'slow', delayMs: 2_000 }, lasts: { requests: 1 } },
    ]);
  });

  test.each([
    ['hang', { action: { kind: 'hang' }, lasts: { requests: 1 } }],
    ['reset*3', { action: { kind: 'reset' }, lasts: { requests: 3 } }],
    ['slow:2s*3', { action: { kind: 'slow', delayMs: 2_000 }, lasts: { requests: 3 } }],
    ['slow:1s:5s', { action: { kind: 'slow', delayMs: 1_000 }, lasts: { ms: 5_000 } }],
    ['503+10s*4', { action: { kind: 'status', status: 503, retryAfterMs: 10_000 }, lasts: { requests: 4 } }],
    ['503:1m+10s', { action: { kind: 'status', status: 503, retryAfterMs: 10_000 }, lasts: { ms: 60_000 } }],
  ])('reads %s', (text, step) => {
    expect(parseScript(text)).toEqual([{ text, ...step }]);
  });

  test('may stand in lines with comments', () => {
    expect(parseScript('201*2 # it works\n\n# the outage\n 503:30s ,\n429+5s\n').map((step) => step.text)).toEqual([
      '201*2',
      '503:30s',
      '429+5s',
    ]);
  });

  test.each([
    ['', 'the script is empty'],
    ['# nothing', 'the script is empty'],
    ['201,99', 'step 2 of the script, "99", is not known'],
    ['600', 'is not known'],
    ['slow', 'is not known'],
    ['201*0', 'repeated'],
    ['201*x', 'repeated'],
    ['201*2*3', 'has two *'],
    ['201*2:5s', 'lasts both'],
    ['503:5', 'not a duration'],
    ['drop+5s', 'needs a status'],
  ])('refuses %j', (text, message) => {
    expect(() => parseScript(text)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }),
    );
  });
});

describe('a playback', () => {
  test('gives each step its requests and its time, and the last one for ever', () => {
    const playback = new Playback(parseScript(SCRIPT));
    const at = (now: number): string => playback.next(now).step.text;
    expect([at(0), at(1), at(100), at(15_000), at(30_099)]).toEqual([
      '201*2',
      '201*2',
      '503:30s',
      '503:30s',
      '503:30s',
    ]);
    expect([at(30_100), at(30_101), at(30_102), at(30_103), at(40_000)]).toEqual([
      '429+5s',
      'drop',
      '401',
      'slow:2s',
      'slow:2s',
    ]);
    expect(playback.next(50_000).number).toBe(6);
  });
});
