import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cleanLine } from '../../../src/core/send/clean-text.js';
import { MESSAGE_LIMIT, serverMessage } from '../../../src/core/send/server-message.js';

function said(body: unknown, contentType = 'application/json', more: Record<string, string> = {}): string | undefined {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return serverMessage({ headers: { 'content-type': contentType, ...more }, body: bytes });
}

describe('JSON answers', () => {
  test.each<[string, unknown, string | undefined]>([
    [
      'problem details',
      { type: 'about:blank', title: 'Refused', status: 422, detail: 'phone must be digits' },
      'phone must be digits',
    ],
    ['problem details, title only', { type: 'about:blank', title: 'Out of credit' }, 'Out of credit'],
    [
      'problem details with errors',
      { title: 'Your request is invalid', errors: [{ detail: 'must be positive', pointer: '#/age' }] },
      'age: must be positive',
    ],
    ['message', { message: 'Name too long' }, 'Name too long'],
    ['error as a string', { error: 'Name too long' }, 'Name too long'],
    [
      'error as an object (Google, Stripe)',
      { error: { code: 400, message: 'Invalid currency', status: 'INVALID' } },
      'Invalid currency',
    ],
    ['OAuth', { error: 'invalid_token', error_description: 'The token expired' }, 'The token expired'],
    ['Rails, list', { errors: ["Name can't be blank", 'Phone is invalid'] }, "Name can't be blank; Phone is invalid"],
    ['Rails, map', { errors: { name: ["can't be blank"] } }, "name: can't be blank"],
    ['Rails, bare map', { name: ["can't be blank"], base: ['Too late'] }, "name: can't be blank; Too late"],
    [
      'Laravel',
      { message: 'The given data was invalid.', errors: { phone: ['The phone must be digits.'] } },
      'The phone must be digits.',
    ],
    [
      'Django REST, fields',
      { phone: ['Enter digits.'], non_field_errors: ['Too late.'] },
      'phone: Enter digits; Too late.',
    ],
    ['Django REST, detail', { detail: 'Not found.' }, 'Not found.'],
    [
      'FastAPI',
      { detail: [{ loc: ['body', 'phone'], msg: 'field required', type: 'missing' }] },
      'phone: field required',
    ],
    [
      'Spring',
      { timestamp: '2026', status: 400, error: 'Bad Request', message: 'phone is bad', path: '/x' },
      'phone is bad',
    ],
    [
      'ASP.NET',
      { title: 'One or more validation errors occurred.', status: 400, errors: { Phone: ['Only digits, please.'] } },
      'Phone: Only digits, please.',
    ],
    ['GraphQL', { errors: [{ message: 'Cannot query x', path: ['a', 0] }], data: null }, 'a.0: Cannot query x'],
    [
      'JSON:API',
      {
        errors: [
          { status: '422', title: 'Invalid', detail: 'must be digits', source: { pointer: '/data/attributes/phone' } },
        ],
      },
      'phone: must be digits',
    ],
    ['GraphQL, of a field', { errors: [{ message: 'phone must be digits', path: ['phone'] }] }, 'phone must be digits'],
    [
      'Spring, one error per field',
      {
        status: 400,
        error: 'Bad Request',
        message: "Validation failed for object='person'. Error count: 1",
        errors: [
          {
            codes: ['Pattern'],
            defaultMessage: 'must be digits',
            objectName: 'person',
            field: 'phone',
            rejectedValue: '4O',
          },
        ],
      },
      'phone: must be digits',
    ],
    ['Spring, without a message', { status: 404, error: 'Not Found', path: '/people/7' }, 'Not Found'],
    [
      'NestJS, a list under message',
      { statusCode: 400, message: ['phone must be digits', 'email must be an email'], error: 'Bad Request' },
      'phone must be digits; email must be an email',
    ],
    [
      'Google, with details',
      {
        error: {
          code: 400,
          message: 'Invalid phone',
          status: 'INVALID_ARGUMENT',
          details: [{ '@type': 'x/BadRequest', fieldViolations: [{ field: 'phone', description: 'must be digits' }] }],
        },
      },
      'phone: must be digits',
    ],
    [
      'Google, with details that are codes',
      { error: { message: 'The API is off', details: [{ '@type': 'x/ErrorInfo', reason: 'SERVICE_DISABLED' }] } },
      'The API is off',
    ],
    [
      'OData, SAP',
      { error: { code: 'X/1', message: { lang: 'en', value: 'Phone must be digits' } } },
      'Phone must be digits',
    ],
    ['Django REST, nested', { contact: { phone: ['Enter digits.'] } }, 'contact.phone: Enter digits.'],
    ['Django REST, list', [{}, { phone: ['Enter digits.'] }], 'phone: Enter digits.'],
    [
      'marshmallow',
      { code: 422, status: 'Unprocessable', errors: { json: { phone: ['Not digits.'] } } },
      'phone: Not digits.',
    ],
    [
      'old ASP.NET',
      { Message: 'The request is invalid.', ModelState: { 'person.Phone': ['The Phone is bad.'] } },
      'The Phone is bad.',
    ],
    ['errors as a sentence', { errors: 'phone must be digits' }, 'phone must be digits'],
    ['messages', { messages: ['phone must be digits'] }, 'phone must be digits'],
    [
      'HAL',
      { message: 'Validation failed', _embedded: { errors: [{ message: 'Too late', path: '/x' }] } },
      'x: Too late',
    ],
    ['an envelope', { data: { errors: [{ message: 'Too late' }] } }, 'Too late'],
    ['another envelope', { response: { error: { message: 'Too late' } } }, 'Too late'],
    ['an envelope with the record', { data: { id: 7, title: 'My day', description: 'Too late' } }, undefined],
    ['a key that sounds like one', { status: 'error', statusMessage: 'phone is bad' }, 'phone is bad'],
    ['a key in Norwegian', { feilmelding: 'telefon må være siffer' }, 'telefon må være siffer'],
    ['a code and nothing else', { code: 'PHONE_NOT_DIGITS' }, 'PHONE_NOT_DIGITS'],
    ['a code that says more', { error: 'Bad Request', code: 'PHONE_NOT_DIGITS' }, 'Bad Request (PHONE_NOT_DIGITS)'],
    ['a code that says no more', { error: 'Bad Request', code: 'INVALID_REQUEST' }, 'Bad Request'],
    [
      'a problem type and nothing else',
      { type: 'https://example.org/problems/out-of-credit', status: 403 },
      'out of credit',
    ],
    ['Express Joi', { statusCode: 400, error: 'Bad Request', message: '"phone" is required' }, '"phone" is required'],
    ['a string', '"Too late"', 'Too late'],
    ['many errors', { errors: ['one', 'two', 'three', 'four', 'five'] }, 'one; two; three (and 2 more)'],
    ['nested deep', { error: { error: { error: { message: 'inside' } } } }, 'inside'],
    ['the record itself', { id: 1, name: 'Meyer', phone: 'abc' }, undefined],
    ['an empty object', {}, undefined],
    ['an empty list', [], undefined],
    ['null', 'null', undefined],
    ['text that calls itself JSON', 'Too late', 'Too late'],
    ['__proto__', '{"__proto__":{"message":"polluted"},"detail":"fine"}', 'fine'],
  ])('%s', (_what, body, expected) => {
    expect(said(body)).toBe(expected);
  });

  test('cut JSON still tells its sentence', () => {
    expect(said('{"trace":"' + 'x'.repeat(500) + '","message":"phone must be \\"digits\\"","more":["a')).toBe(
      'phone must be "digits"',
    );
    expect(said('{"trace":"xxx')).toBeUndefined();
    expect(said(`{"detail":"phone must be digits, not ${'x'.repeat(10_000)}`)).toMatch(
      /^phone must be digits, not x+…$/,
    );
    expect(said('{"detail":"phone must be \\u00')).toBe('phone must be');
    expect(said('{"errors":["phone must be digits","and')).toBeUndefined();
    expect(said('{"message":["phone must be digits","and')).toBe('phone must be digits');
  });
});

describe('other answers', () => {
  test.each<[string, string | Buffer, string, string | undefined]>([
    [
      'the title of a page',
      '<!doctype html><html><head><title>502 Bad&nbsp;Gateway</title></head><body><h1>x</h1>',
      'text/html',
      '502 Bad Gateway',
    ],
    [
      'the heading of a page',
      '<html><body><h1 class="a">Not <b>here</b> &amp; now</h1>',
      'text/html',
      'Not here & now',
    ],
    [
      'S3',
      '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
      'application/xml',
      'Access Denied',
    ],
    [
      'what Express quotes under a title that says nothing',
      '<html><head><title>Error</title></head><body><pre>PayloadTooLargeError: it&#39;s too &quot;large&quot;<br> &nbsp; at x</pre>',
      'text/html; charset=utf-8',
      'PayloadTooLargeError: it\'s too "large"',
    ],
    [
      'what no browser shows',
      '<title>Error</title><p>Phone must be digits<script>track("x")</script> <style>p{}</style></p>',
      'text/html',
      'Phone must be digits',
    ],
    ['a title that says nothing, and no more', '<html><title>Error</title><pre> </pre></html>', 'text/html', undefined],
    [
      'Express: the title says nothing, the text does',
      '<html><head><title>Error</title></head><body><pre>TypeError: no phone<br> &nbsp; &nbsp;at x.js:1</pre></body></html>',
      'text/html',
      'TypeError: no phone',
    ],
    [
      'Flask',
      '<!doctype html>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n<p>phone must be digits</p>',
      'text/html',
      'phone must be digits',
    ],
    [
      'Tomcat',
      '<html><title>HTTP Status 400 – Bad Request</title><h1>HTTP Status 400</h1><p><b>Type</b> Status Report</p><p><b>Message</b> no phone</p>',
      'text/html',
      'no phone',
    ],
    ['a title that does not end', `<html><title>${'T'.repeat(9_000)}`, 'text/html', `${'T'.repeat(199)}…`],
    ['numbered characters', '<title>Caf&#233; &#x263a; &#99999999;</title>', 'text/html', 'Café ☺ &#99999999;'],
    ['a page without either', '<html><body>x</body></html>', 'text/html', undefined],
    ['the first line of plain text', '\n  Too late \nstack trace', 'text/plain', 'Too late'],
    ['latin-1', Buffer.from('Stra\xdfe fehlt', 'latin1'), 'text/plain; charset=ISO-8859-1', 'Straße fehlt'],
    [
      'UTF-16 with a byte order mark',
      Buffer.from('\ufeffzu sp\u00e4t', 'utf16le'),
      'text/plain; charset=utf-16',
      'zu spät',
    ],
    ['an unknown charset', 'late', 'text/plain; charset=klingon', 'late'],
    ['bytes', Buffer.from([0, 1, 2, 3]), 'application/octet-stream', undefined],
    ['broken UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0xd8]), '', undefined],
    ['nothing', '', 'text/plain', undefined],
    ['white space', ' \n ', 'text/plain', undefined],
  ])('%s', (_what, body, contentType, expected) => {
    expect(said(body, contentType)).toBe(expected);
  });

  test('a compressed body tells nothing', () => {
    expect(said('text', 'text/plain', { 'content-encoding': 'gzip' })).toBeUndefined();
  });

  test('no control, colour, bell, title or direction change comes through', () => {
    const evil = '\x1b]0;pwn\x07\x1b[2J\u009b31m\x1b]52;c;cm0gLXJm\x07bad\rOK \u202Eevil\u2066\u200b end';
    const message = said(evil, 'text/plain') ?? '';
    expect(said('{"message":"half \\ud800 pair"}')).toBe('half pair');
    // eslint-disable-next-line no-control-regex -- that none is left is what is tested
    expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/);
    expect(message).toContain('bad OK evil end');
    // Not the sequences without their first byte either.
    expect(message).not.toMatch(/pwn|\[2J|31m|cm0g/);
  });

  test('whatever comes, it is one line of bounded length', () => {
    const answers = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }).map((text) => `<title>${text}</title>`),
    );
    fc.assert(
      fc.property(answers, fc.constantFrom('application/json', 'text/html', 'text/plain'), (body, contentType) => {
        const message = said(Buffer.from(body), contentType);
        return (
          message === undefined || (message.length > 0 && message.length <= MESSAGE_LIMIT && !/[\r\n]/.test(message))
        );
      }),
    );
  });

  test.each([
    ['brackets', '['.repeat(1_000_000)],
    ['braces', '{"errors":'.repeat(100_000)],
    ['tags', '<title'.repeat(160_000)],
    ['open tags', '<'.repeat(1_000_000)],
    ['quotes', `{"message":"${'\\"'.repeat(500_000)}`],
    ['blanks', ' '.repeat(1_000_000) + 'x'],
    ['lines', '\n'.repeat(1_000_000)],
    ['ampersands', `<title>${'&'.repeat(1_000_000)}</title>`],
  ])('a megabyte of %s costs little', (_what, body) => {
    const started = performance.now();
    said(body, 'text/html');
    said(body);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('answers of real servers', () => {
  test.each<[string, string, string, string]>([
    ['GitLab', 'application/json', '{"message":{"path":["has already been taken"]}}', 'path: has already been taken'],
    [
      'Django REST, a field called title',
      'application/json',
      '{"title":["Ensure this field has no more than 100 characters."]}',
      'title: Ensure this field has no more than 100 characters.',
    ],
    [
      'Django REST, two fields within another',
      'application/json',
      '{"address":{"reason":["Too long."],"zip":["Enter 4 digits."]}}',
      'address.reason: Too long; zip: Enter 4 digits.',
    ],
    [
      'Stripe, 500',
      'application/json',
      '{"error":{"message":"An unknown error occurred","type":"api_error"}}',
      'An unknown error occurred',
    ],
    [
      'PostgREST',
      'application/json',
      '{"code":"23505","details":"Key (id)=(1) already exists.","hint":null,"message":"duplicate key value violates unique constraint \\"a_pkey\\""}',
      'duplicate key value violates unique constraint "a_pkey": Key (id)=(1) already exists.',
    ],
    [
      'sabre/dav',
      'application/xml',
      '<?xml version="1.0"?><d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:exception>Sabre\\DAV</s:exception><s:message>This calendar only accepts VEVENT</s:message></d:error>',
      'This calendar only accepts VEVENT',
    ],
    [
      'Radicale',
      'application/xml',
      '<?xml version="1.0"?><error xmlns="DAV:"><C:no-uid-conflict xmlns:C="urn:ietf:params:xml:ns:caldav" /></error>',
      'no-uid-conflict',
    ],
    [
      'json-server, a stack as a page',
      'text/html',
      'Error: Insert failed, duplicate id\n    at Function.insert (/x/lodash-id.js:49:13)\n    at y',
      'Error: Insert failed, duplicate id',
    ],
    [
      'Apache, 413',
      'text/html',
      '<html><head><title>413 Request Entity Too Large</title></head><body><h1>Request Entity Too Large</h1><p>The amount of data exceeds the capacity limit.</p></body></html>',
      'The amount of data exceeds the capacity limit.',
    ],
    [
      'nginx',
      'text/html',
      '<html><head><title>413 Request Entity Too Large</title></head><body><center><h1>413 Request Entity Too Large</h1></center><hr><center>nginx</center></body></html>',
      '413 Request Entity Too Large',
    ],
  ])('%s', (_server, contentType, body, sentence) => {
    expect(said(body, contentType)).toBe(sentence);
  });
});

test('cleaning a line costs time in proportion to its length, whatever it starts', () => {
  const took = (text: string): number => {
    const start = process.hrtime.bigint();
    cleanLine(text, 200);
    return Number(process.hrtime.bigint() - start);
  };
  for (const start of ['\u0090', '\u009d', '\u001b]', '\u001bP', '\u001b[', '\u009b1']) {
    const text = (length: number): string => start.repeat(length / start.length);
    took(text(64_000));
    const [short, long] = [Math.min(...[1, 2, 3].map(() => took(text(8_000)))), took(text(64_000))];
    expect([start, long < 40 * short + 20_000_000]).toEqual([start, true]);
  }
});
