import { describe, expect, test } from '@jest/globals';

import { conceal } from '../../../src/core/send/conceal-credential.js';
import type { SendResult } from '../../../src/core/send/result.js';

const answer = (body: string, headers: Record<string, string> = {}, redirectedTo?: string): SendResult => ({
  kind: 'response',
  response: { status: 422, headers, body: Buffer.from(body), complete: true },
  durationMs: 1,
  redirectedTo,
});
const shown = (result: SendResult): string =>
  result.kind === 'response' ? Buffer.from(result.response.body).toString() : '';
const bearer = ['authorization', 'Bearer s3cret-"token"'] as const;
const basic = ['authorization', `Basic ${Buffer.from('dev:pass word').toString('base64')}`] as const;

describe('an answer that echoes the credential', () => {
  test.each([
    ['as it stands', bearer, 'x Bearer s3cret-"token" y', 'x ********************* y'],
    ['without its scheme', bearer, 's3cret-"token"', '**************'],
    ['as JSON spells it', bearer, '{"a":"s3cret-\\"token\\""}', '{"a":"****************"}'],
    ['as a URL spells it', bearer, '?t=s3cret-%22token%22', '?t=******************'],
    ['cut in its middle', bearer, 'x s3cret-', 'x *******'],
    ['as the password', basic, 'login dev with pass word', 'login dev with *********'],
    ['encoded', basic, `got ${Buffer.from('dev:pass word').toString('base64')}`, `got ${'*'.repeat(20)}`],
    ['not at all', bearer, 'nothing here', 'nothing here'],
  ])('%s is kept without it', (_, credential, body, expected) => {
    expect(shown(conceal(answer(body), credential))).toBe(expected);
  });

  test('in a header or a redirect is kept without it', () => {
    const result = conceal(answer('', { location: '/a?t=Bearer s3cret-"token"' }, 'http://h/s3cret-"token"'), bearer);
    expect(result).toMatchObject({
      response: { headers: { location: '/a?t=*********************' } },
      redirectedTo: 'http://h/**************',
    });
  });

  test('of three characters is left alone, and so is an answer to a request without one', () => {
    const same = answer('abc abc');
    expect(shown(conceal(same, ['x-key', 'abc']))).toBe('abc abc');
    expect(conceal(same, undefined)).toBe(same);
  });
});
