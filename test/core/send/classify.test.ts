import { describe, expect, test } from '@jest/globals';
import type { Method, Outcome } from '../../../src/core/nouns/item.js';
import { OUTCOMES } from '../../../src/core/nouns/item.js';
import { compileSensitive } from '../../../src/core/privacy/sensitive.js';
import type { ClassifyRules } from '../../../src/core/send/classify.js';
import { isSound } from '../../../src/core/policy/outage.js';
import { classify } from '../../../src/core/send/classify.js';
import { rulesOf } from './support.js';
import type { SendResult } from '../../../src/core/send/result.js';

const now = Date.UTC(2026, 10, 6, 8, 49, 37);
const plain: ClassifyRules = { baseUrl: 'https://api.example.org', outcomes: [], expect: undefined };

function answer(status: number, headers: Record<string, string> = {}, body = '', complete = true): SendResult {
  return {
    kind: 'response',
    durationMs: 5,
    redirectedTo: undefined,
    response: { status, headers, body: Buffer.from(body), complete },
  };
}

function outcomeOf(
  status: number,
  headers: Record<string, string> = {},
  method: Method = 'POST',
  rules = plain,
): Outcome {
  return classify(answer(status, headers), { method }, rules, now).outcome;
}

describe('the outcome of a status', () => {
  test.each<[number, Outcome]>([
    [200, 'delivered'],
    [201, 'delivered'],
    [202, 'delivered'],
    [204, 'delivered'],
    [207, 'delivered'],
    [299, 'delivered'],
    [300, 'redirect'],
    [301, 'redirect'],
    [302, 'redirect'],
    [303, 'redirect'],
    [304, 'redirect'],
    [307, 'redirect'],
    [308, 'redirect'],
    [400, 'rejected'],
    [401, 'auth'],
    [402, 'rejected'],
    [403, 'rejected'],
    [404, 'rejected'],
    [405, 'rejected'],
    [407, 'unknown'],
    [408, 'transient'],
    [409, 'conflict'],
    [410, 'rejected'],
    [412, 'conflict'],
    [413, 'rejected'],
    [415, 'rejected'],
    [417, 'rejected'],
    [428, 'conflict'],
    [422, 'rejected'],
    [425, 'transient'],
    [429, 'throttled'],
    [451, 'rejected'],
    [499, 'rejected'],
    [500, 'transient'],
    [501, 'transient'],
    [502, 'unavailable'],
    [503, 'unavailable'],
    [504, 'unavailable'],
    [505, 'transient'],
    [511, 'offline'],
    [520, 'transient'],
    [599, 'transient'],
    [600, 'transient'],
    [999, 'transient'],
    [101, 'unknown'],
  ])('%d is %s', (status, expected) => {
    expect(outcomeOf(status)).toBe(expected);
  });

  test.each([404, 410])('DELETE answered %d is delivered, and no other method is', (status) => {
    expect(outcomeOf(status, {}, 'DELETE')).toBe('delivered');
    for (const method of ['GET', 'POST', 'PUT', 'PATCH'] as const)
      expect(outcomeOf(status, {}, method)).toBe('rejected');
  });

  test.each<[number, string, Outcome, number | undefined]>([
    [429, '7', 'throttled', 7000],
    [429, 'nonsense', 'throttled', undefined],
    [503, '7', 'throttled', 7000],
    [503, 'Fri, 06 Nov 2026 08:50:37 GMT', 'throttled', 60_000],
    [503, 'nonsense', 'unavailable', undefined],
    [503, '0', 'unavailable', 0],
    [409, '1', 'transient', 1000],
    [409, 'nonsense', 'conflict', undefined],
    [500, '9', 'transient', 9000],
    [502, '9', 'unavailable', 9000],
    [422, '9', 'rejected', undefined],
    [301, '9', 'redirect', undefined],
  ])('%d with Retry-After %j is %s, wait %j', (status, retryAfter, outcome, retryAfterMs) => {
    const classified = classify(answer(status, { 'retry-after': retryAfter }), { method: 'POST' }, plain, now);
    expect(classified.outcome).toBe(outcome);
    expect(classified.retryAfterMs).toBe(retryAfterMs);
  });
});

describe('the target has a say', () => {
  const outcomes = rulesOf({ '5xx': 'rejected', '404': 'transient', '503': 'unavailable' });

  test.each<[number, Method, Outcome]>([
    [404, 'POST', 'transient'],
    [404, 'DELETE', 'transient'],
    [500, 'POST', 'rejected'],
    [503, 'POST', 'unavailable'],
    [511, 'POST', 'rejected'],
    [200, 'POST', 'delivered'],
    [400, 'POST', 'rejected'],
  ])('%d for %s is %s', (status, method, expected) => {
    expect(outcomeOf(status, { 'retry-after': '5' }, method, { ...plain, outcomes })).toBe(expected);
  });

  const expecting: ClassifyRules = {
    ...plain,
    expect: { status: [200, 201], contentType: 'application/json' },
  };

  test.each<[string, SendResult, Method, Outcome]>([
    ['as expected', answer(201, { 'content-type': 'application/json; charset=utf-8' }, '{}'), 'POST', 'delivered'],
    ['in capitals', answer(201, { 'content-type': 'Application/JSON' }, '{}'), 'POST', 'delivered'],
    ['another status', answer(202, { 'content-type': 'application/json' }, '{}'), 'POST', 'unknown'],
    ['a login page', answer(200, { 'content-type': 'text/html' }, '<title>Login</title>'), 'POST', 'unknown'],
    ['a body without type', answer(200, {}, 'x'), 'POST', 'unknown'],
    ['no body', answer(200), 'POST', 'delivered'],
    ['no body yet', answer(200, {}, '', false), 'POST', 'unknown'],
    ['HEAD', answer(200, { 'content-type': 'text/html' }), 'HEAD', 'delivered'],
    ['DELETE of what is gone', answer(404, { 'content-type': 'text/html' }), 'DELETE', 'delivered'],
    ['a refusal stays one', answer(422, { 'content-type': 'text/html' }), 'POST', 'rejected'],
  ])('"expect": %s', (_what, result, method, expected) => {
    expect(classify(result, { method }, expecting, now).outcome).toBe(expected);
  });

  test('a whole kind of content types can be expected', () => {
    const rules: ClassifyRules = { ...plain, expect: { status: undefined, contentType: 'application/*' } };
    expect(outcomeOf(200, { 'content-type': 'application/hal+json' }, 'POST', rules)).toBe('delivered');
    expect(
      classify(answer(200, { 'content-type': 'text/html' }, 'x'), { method: 'POST' }, rules, now).message,
    ).toContain('captive portal');
  });

  test('a rule without a status is not asked about a 2xx, nor about a status beyond 599', () => {
    const rules: ClassifyRules = { ...plain, outcomes: rulesOf([{ header: { 'X-A': true }, means: 'rejected' }]) };
    for (const status of [200, 204, 600, 999])
      expect(outcomeOf(status, { 'x-a': '1' }, 'POST', rules)).toBe(outcomeOf(status));
    expect(outcomeOf(500, { 'x-a': '1' }, 'POST', rules)).toBe('rejected');
  });
});

describe('ends without a status', () => {
  test.each<[SendResult['kind'], string, Outcome]>([
    ['unreachable', 'ECONNREFUSED', 'offline'],
    ['no-answer', 'ECONNRESET', 'unknown'],
    ['no-answer', 'aborted', 'unknown'],
    ['misconfigured', 'CERT_HAS_EXPIRED', 'misconfigured'],
    ['misconfigured', 'bad-request', 'rejected'],
  ])('%s (%s) is %s, and never sound', (kind, code, outcome) => {
    const result = { kind, code, message: 'words', durationMs: 1 } as SendResult;
    const classified = classify(result, { method: 'POST' }, plain, now);
    expect(classified).toEqual({ outcome, message: 'words', cause: code });
    expect(isSound(classified)).toBe(false);
  });
});

test('sound are the answers that show the server at work', () => {
  const sound = OUTCOMES.filter((outcome) => isSound({ outcome, status: 200 }));
  expect(sound).toEqual(['delivered', 'conflict', 'rejected', 'redirect']);
});

describe('messages', () => {
  const refused = (id: number): SendResult =>
    answer(
      422,
      { 'content-type': 'application/json' },
      JSON.stringify({ message: `person ${String(id)} must have digits` }),
    );

  test("the server's own sentence comes first", () => {
    expect(classify(refused(17), { method: 'POST' }, plain, now).message).toBe('person 17 must have digits');
    expect(classify(answer(404), { method: 'POST' }, plain, now).message).toBe('the server does not know this path');
    expect(classify(answer(418), { method: 'POST' }, plain, now).message).toBe('it gave no reason');
    const packed = answer(418, { 'content-encoding': 'gzip' }, '\u001f\u008b');
    expect(classify(packed, { method: 'POST' }, plain, now).message).toBe(
      'its answer is compressed (gzip), which was not asked for',
    );
  });

  test('the cause is the same for other ids and differs by status', () => {
    const cause = (result: SendResult): string | undefined => classify(result, { method: 'POST' }, plain, now).cause;
    expect(cause(refused(17))).toBe(cause(refused(18)));
    expect(cause(answer(404))).not.toBe(cause(answer(422)));
    expect(cause(answer(200))).toBeUndefined();
  });

  describe('problem details (RFC 9457)', () => {
    const problem = (title: string, detail: string, payload: unknown = {}): { message: string; cause?: string } =>
      classify(
        answer(
          422,
          { 'content-type': 'application/problem+json' },
          JSON.stringify({ type: 'about:blank', title, detail }),
        ),
        { method: 'POST', payload: Buffer.from(JSON.stringify(payload)) },
        plain,
        now,
      );

    test('a title that says what is wrong is the cause, whomever the detail names', () => {
      const [kari, ola] = ['phone of Kari Nordmann', 'the phone that Ola gave'].map((detail) =>
        problem('Phone must be digits.', detail),
      );
      expect(kari?.message).toBe('Phone must be digits: phone of Kari Nordmann');
      expect(kari?.cause).toBe('422 Phone must be digits');
      expect(ola?.cause).toBe(kari?.cause);
      expect(problem('phone must be digits', 'the phone must be digits, Kari').message).toBe(
        'the phone must be digits, Kari',
      );
    });

    test.each([
      'Unprocessable Content',
      'Validation failed',
      'Your request is not valid',
      'Invalid person',
      'BadRequest',
    ])('a title that says nothing stands over as many causes as there are details: %s', (title) => {
      const [phone, name] = ['phone must be digits', 'name is missing'].map((detail) => problem(title, detail));
      expect(phone?.message).toBe('phone must be digits');
      expect(phone?.cause).not.toBe(name?.cause);
    });

    test('what the detail repeats of the payload is no part of the cause', () => {
      const [kari, ola] = ['Kari Nordmann', 'Ola N'].map((name) =>
        problem('Refused', `no room for ${name} today`, { person: { name } }),
      );
      expect(kari?.cause).toBe('422 no room for … today');
      expect(ola?.cause).toBe(kari?.cause);
      // A word of the sentence that is a value by chance stays.
      expect(problem('Refused', 'Phone must be digits', { kind: 'phone', label: 'Phone' }).cause).toBe(
        '422 Phone must be digits',
      );
    });
  });

  test.each([
    ['Jørgen Ås', '/p/J%C3%B8rgen%20%C3%85s', '/p/***'],
    ['Jørgen Ås', '/p/J%c3%b8rgen+%c3%85s/x?q=1', '/p/***/x'],
    ['kari@example.com', 'https://other.example.org/p/kari%40example.com', 'https://other.example.org/p/***'],
    ['Jørgen Ås', `/${'x'.repeat(145)}/J%C3%B8rgen%20%C3%85s`, `/${'x'.repeat(145)}/***`],
  ])('nor where a server redirects to: %s in %s', (name, location, expected) => {
    const rules: ClassifyRules = { ...plain, sensitive: compileSensitive(['name']) };
    const payload = Buffer.from(JSON.stringify({ name }));
    const found = classify(answer(302, { location }), { method: 'POST', payload }, rules, now);
    expect(found.message).toContain(`the server redirects to ${expected}`);
    expect(JSON.stringify(found)).not.toMatch(/rgen|kari/);
  });

  test('nor where a redirect was followed to', () => {
    const rules: ClassifyRules = { ...plain, sensitive: compileSensitive(['name']) };
    const payload = Buffer.from('{"name":"Jørgen"}');
    const followed = { ...answer(201), redirectedTo: 'https://api.example.org/p/J%C3%B8rgen' } as SendResult;
    expect(classify(followed, { method: 'POST', payload }, rules, now)).toMatchObject({
      outcome: 'delivered',
      redirectedTo: 'https://api.example.org/p/***',
    });
    expect(classify(answer(201), { method: 'POST', payload }, rules, now)).not.toHaveProperty('redirectedTo');
  });

  test.each(['{"name":"J\\u00f8rgen"}', '{"name":"line\\nbreak\\/x"}'])('nor the raw request %s', (payload) => {
    const rules: ClassifyRules = { ...plain, sensitive: compileSensitive(['name']) };
    const refusal = answer(422, { 'content-type': 'text/plain' }, `cannot take ${payload} today`);
    const found = classify(refusal, { method: 'POST', payload: Buffer.from(payload) }, rules, now);
    expect(found.message).toBe('cannot take {"name":"***"} today');
    expect(found.cause).not.toMatch(/rgen|break/);
  });

  test('what is sensitive is in no message, nor in a cause', () => {
    const rules: ClassifyRules = { ...plain, sensitive: compileSensitive(['name', '/contact/phone']) };
    const payload = Buffer.from('{"name":"Kari Nordmann","contact":{"phone":"479 90 001"}}');
    const refusal = answer(
      422,
      { 'content-type': 'application/json' },
      '{"message":"kari nordmann has no phone 47990001"}',
    );
    expect(classify(refusal, { method: 'POST', payload }, rules, now)).toMatchObject({
      message: '*** has no phone ***',
      cause: '422 *** has no phone ***',
    });
  });

  test('a redirect tells where to, without the query', () => {
    const { message } = classify(
      answer(302, { location: 'https://portal.test/login?token=secret' }),
      { method: 'POST' },
      plain,
      now,
    );
    expect(message).toBe('the server redirects to https://portal.test/login: is the base URL right?');
  });
});

describe('something in between', () => {
  const open: ClassifyRules = {
    ...plain,
    baseUrl: 'http://api.example.org/v1',
    outcomes: rulesOf({ '3xx': 'delivered', '407': 'rejected' }),
  };
  const html = { 'content-type': 'Text/HTML; charset=utf-8' };
  const away = { location: 'https://portal.example.net/login?from=api' };
  const PORTAL = 'something between here and the server answered: a login page? if it is the server itself, set expect';

  test.each<[string, number, Record<string, string>, string, Method, Outcome]>([
    ['a web page', 200, html, '<html>', 'POST', 'unknown'],
    ['a web page that says 201', 201, html, '', 'PUT', 'unknown'],
    ['XHTML', 200, { 'content-type': 'application/xhtml+xml' }, '<html>', 'POST', 'unknown'],
    ['a web page without type', 200, {}, '\n<!DOCTYPE html><title>x', 'POST', 'unknown'],
    ['a redirect to another host', 302, away, '', 'POST', 'unknown'],
    ['and a 307', 307, { location: '//portal.example.net/' }, '', 'POST', 'unknown'],
    ['a 407 without a proxy', 407, {}, '', 'POST', 'unknown'],
    ['JSON', 200, { 'content-type': 'application/json' }, '{}', 'POST', 'delivered'],
    ['text', 200, { 'content-type': 'text/plain' }, 'ok', 'POST', 'delivered'],
    ['204', 204, html, '', 'DELETE', 'delivered'],
    ['a refusal with a page', 422, html, '<html>', 'POST', 'rejected'],
  ])('over plain http: %s', (_what, status, headers, body, method, expected) => {
    expect(classify(answer(status, headers, body), { method }, open, now).outcome).toBe(expected);
  });

  test('it says what it may be, and what to do if it is the server itself', () => {
    expect(classify(answer(200, html, '<html>'), { method: 'POST' }, open, now).message).toBe(PORTAL);
    const { message } = classify(answer(302, away), { method: 'POST' }, open, now);
    expect(message).toContain('correct the base URL');
    expect(message).not.toContain('set expect');
  });

  test('a redirect on the same host is the server’s own', () => {
    for (const location of ['/v2/things', 'http://api.example.org:8080/x', 'https://API.example.org/v1'])
      expect(outcomeOf(301, { location }, 'POST', { ...open, outcomes: [] })).toBe('redirect');
  });

  test('where expect names pages, they are the server’s', () => {
    const expect_ = { status: undefined, contentType: 'text/html' };
    expect(outcomeOf(200, html, 'POST', { ...open, expect: expect_ })).toBe('delivered');
    expect(outcomeOf(200, html, 'POST', { ...open, expect: { status: [200], contentType: undefined } })).toBe(
      'unknown',
    );
  });

  test.each(['https://api.example.org', 'http://localhost:8080', 'http://127.0.0.2', 'http://[::1]:1'])(
    'over %s nobody can be in between',
    (baseUrl) => {
      const here = { ...plain, baseUrl };
      expect(outcomeOf(200, html, 'POST', here)).toBe('delivered');
      expect(outcomeOf(302, away, 'POST', here)).toBe('redirect');
    },
  );

  test('a 407 of the proxy is its own, whatever the target makes of statuses', () => {
    const proxyLogin = 'the proxy proxy.test:3128 wants a login (407): set HTTP_PROXY=…';
    const result = { ...answer(407, {}, 'API says no'), proxyLogin } as SendResult;
    expect(classify(result, { method: 'POST' }, open, now)).toMatchObject({ outcome: 'auth', message: proxyLogin });
  });

  test.each([
    [401, 'the proxy 10.0.0.1:3128 wants a login (407): set HTTP_PROXY=…'],
    [503, 'something between here and the server answered: log in'],
    [502, 'the answer of the upstream server is invalid'],
    [500, 'cut after 30 s by the load balancer'],
    [422, 'base URL changed from /v1 to /v2'],
  ])('the words of a server pass for none of ours: %i, %s', (status, words) => {
    const said = answer(status, { 'content-type': 'application/json' }, JSON.stringify({ detail: words }));
    expect(classify(said, { method: 'POST' }, plain, now).message).toBe(`it says: ${words}`);
  });
});
