import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { compileSensitive, EVERYTHING } from '../../../src/core/privacy/sensitive.js';
import type { ArchivedItem } from '../../../src/core/store/archive.js';
import { permute } from '../../../src/core/transfer/redact/permutation.js';
import { Redactor } from '../../../src/core/transfer/redact/redactor.js';
import { StandIns } from '../../../src/core/transfer/redact/stand-in.js';
import { archivedItem } from './support.js';

const KEY = Buffer.alloc(32, 7);
const standIns = new StandIns(KEY);

describe('a permutation', () => {
  test.each([[[10]], [[10, 10]], [[9, 10, 10]], [[26, 10]], [[1, 7, 3]]])('of %j maps one to one', (radices) => {
    const all = radices.reduce<number[][]>(
      (rows, radix) => rows.flatMap((row) => Array.from({ length: radix }, (_, n) => [...row, n])),
      [[]],
    );
    const images = new Set(all.map((values) => permute(values, radices, 't', KEY).join()));
    expect(images.size).toBe(all.length);
    expect(
      all.filter((values) => permute(values, radices, 't', KEY).join() === values.join()).length,
    ).toBeLessThanOrEqual(Math.max(3, all.length / 10));
  });

  test('is another one under another key, and for another kind of value', () => {
    const of = (tweak: string, key: Buffer): string =>
      permute([1, 2, 3, 4, 5, 6], Array(6).fill(10), tweak, key).join('');
    expect(new Set([of('a', KEY), of('b', KEY), of('a', Buffer.alloc(32, 8))]).size).toBe(3);
  });
});

describe('a stand-in', () => {
  test.each([
    ['91234567', /^[1-9]\d{7}$/],
    ['+47 912 34 567', /^\+[1-9]\d \d{3} \d{2} \d{3}$/],
    ['007', /^0\d\d$/],
    ['-12.50', /^-[1-9]\d\.\d\d$/],
    ['Ola Nordmann', /^[A-Z][a-z]{2} [A-Z][a-z]{7}$/],
    ['Åse Øyen-ÆØÅ', /^[ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ][a-z]{2} .[a-z]{3}-.{3}$/],
    ['Иван', /^[А-Я][а-я]{3}$/],
    ['山田太郎', /^[\u4e00-\u8dff]{4}$/],
    ['0190163d-8694-739b-aea5-966c26f8ad91', /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/],
    ['1985-03-04', /^(19|20)\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])$/],
    ['1985-03-04T23:59:58.120+02:00', /^(19|20)\d\d-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.120\+02:00$/],
    ['', /^$/],
    ['-- !', /^-- !$/],
  ])('of %j has its shape', (value, shape) => {
    const found = standIns.of(value);
    expect(found).toMatch(shape);
    expect(Buffer.byteLength(found)).toBe(Buffer.byteLength(value));
  });

  test.each(['ola.nordmann@example.no', 'a@b.no', 'O.N+tag@mail.example.com'])(
    'of %s is an address that no mail can go to',
    (value) => {
      const [local, domain] = standIns.of(value).split('@');
      expect(domain).toMatch(/^[a-z]+\.test$/);
      expect(local).toHaveLength(value.indexOf('@'));
    },
  );

  test('is the same for the same value, however it is spelled', () => {
    const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
    expect(plain(standIns.of('912 34 567'))).toBe(standIns.of('91234567'));
    expect(plain(standIns.of('OLA NORDMANN'))).toBe(plain(standIns.of('Ola Nordmann')));
  });

  test('is never that of another value', () => {
    const values = Array.from({ length: 5000 }, (_, n) => String(40_000_000 + n * 3));
    expect(new Set(values.map((value) => standIns.of(value))).size).toBe(values.length);
    const days = Array.from({ length: 3000 }, (_, n) => new Date(Date.UTC(1990, 0, 1 + n)).toISOString().slice(0, 10));
    expect(new Set(days.map((day) => standIns.of(day))).size).toBe(days.length);
  });

  test('of a number is a number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const text = JSON.stringify(number).replace(/e.*$/, '');
        expect(typeof JSON.parse(standIns.of(text))).toBe('number');
      }),
    );
  });
});

const PATTERNS = compileSensitive(['phone', 'name', 'email', '/home/street', 'ssn']);

function redacted(items: ArchivedItem[], patterns = PATTERNS): ArchivedItem[] {
  const redactor = new Redactor(patterns, KEY);
  for (const item of items) redactor.learn(item);
  return items.map((item) => redactor.redact(item));
}

const jsonItem = (document: unknown, more: Partial<ArchivedItem> = {}): ArchivedItem =>
  archivedItem({ payload: Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)), ...more });
const textOf = (item: ArchivedItem): string => Buffer.from(item.payload!).toString();

describe('a redactor', () => {
  test('replaces sensitive fields at any depth, and leaves every other byte', () => {
    const [item] = redacted([
      jsonItem(
        '{ "a" : 1e400, "person":{"Phone":"91234567","x":true},"home":{"street":"Storgata 1"},"street":"Elm 2" }',
      ),
    ]);
    expect(textOf(item!)).toMatch(
      /^\{ "a" : 1e400, "person":\{"Phone":"[1-9]\d{7}","x":true\},"home":\{"street":"[A-Z][a-z]{7} \d"\},"street":"Elm 2" \}$/,
    );
    expect(textOf(item!)).not.toMatch(/91234567|Storgata/);
    expect(item!.payloadSha256).not.toBe(jsonItem('{}').payloadSha256);
  });

  test('replaces everything inside a sensitive object, and tells no yes from a no', () => {
    const [item] = redacted([
      jsonItem({ name: { first: 'Ola', last: ['Nordmann', 42, true, false, null, { deep: 'Bergen' }] } }),
    ]);
    const { name } = JSON.parse(textOf(item!));
    expect(name.first).toMatch(/^[A-Z][a-z]{2}$/);
    expect(name.last).toEqual([
      expect.stringMatching(/^[A-Z][a-z]{7}$/),
      expect.any(Number),
      false,
      false,
      null,
      { deep: expect.stringMatching(/^[A-Z]/) },
    ]);
    expect(textOf(item!)).not.toMatch(/Ola|Nordmann|Bergen|42/);
  });

  test('gives the same person the same stand-in in every item, wherever the value stands', () => {
    const items = [
      jsonItem(
        { phone: '91234567' },
        { id: 1, path: '/person/91234567?phone=91234567&x=1', entity: { type: 'person', id: '91234567' } },
      ),
      jsonItem(
        { note: 'call 912 34 567, or mail', ref: 91234567 },
        { id: 2, path: '/call/912%2034%20567', tags: ['p:91234567'] },
      ),
    ];
    const [first, second] = redacted(items);
    const stand = JSON.parse(textOf(first!)).phone as string;
    expect(stand).not.toBe('91234567');
    expect(first!.entity).toEqual({ type: 'person', id: stand });
    expect(first!.path).toBe(`/person/${stand}?phone=${stand}&x=1`);
    const spaced = `${stand.slice(0, 3)} ${stand.slice(3, 5)} ${stand.slice(5)}`;
    expect(JSON.parse(textOf(second!))).toEqual({ note: `call ${spaced}, or mail`, ref: Number(stand) });
    expect(second!.path).toBe(`/call/${encodeURIComponent(spaced)}`);
    expect(second!.tags).toEqual([`p:${stand}`]);
  });

  test('looks ahead: a path may hold what only a later payload shows to be sensitive', () => {
    const [first] = redacted([
      archivedItem({ id: 1, path: '/person/ola@example.no' }),
      jsonItem({ email: 'ola@example.no' }, { id: 2 }),
    ]);
    expect(first!.path).toMatch(/^\/person\/[a-z]{3}%40[a-z]+\.test$/);
  });

  test('searches answers, messages, review reasons, revisions and history', () => {
    const said = 'Ola Nordmann (91234567) is known as ola.nordmann@example.no';
    const item = jsonItem(
      { name: 'Ola Nordmann', phone: '91234567', email: 'ola.nordmann@example.no' },
      {
        state: 'review',
        headers: { 'x-who': 'Ola Nordmann' },
        review: { reason: 'rejected', status: 422, message: said, cause: said },
        attempts: [
          {
            number: 1, startedAt: 1, durationMs: 1, outcome: 'rejected', status: 422, message: said, counted: false, runner: 'run 1@host', idempotencyKey: 'k', url: 'https://x.example.org/91234567',
            response: { status: 422, headers: { 'content-type': 'application/json', location: '/p/91234567' }, body: Buffer.from(JSON.stringify({ detail: said, email: 'other@example.no' })), complete: true },
          },
        ],
        revisions: [{ number: 0, at: 1, who: 'kari', reason: said, attempts: 1, idempotencyKey: 'k0', path: '/91234567', contentType: 'application/json', headers: {}, payloadSha256: undefined, payload: Buffer.from('{"name":"Kari Hansen"}') }],
        history: [{ at: 1, who: 'kari', command: 'edit', event: 'edited', reason: said, detail: { note: ['91234567'] } }],
      },
    ); // prettier-ignore
    const out = redacted([item])[0]!;
    const text = JSON.stringify(out, (_key, value) =>
      value?.type === 'Buffer' ? Buffer.from(value.data).toString() : value,
    );
    expect(text).not.toMatch(/Ola|Nordmann|91234567|nordmann@|other@|kari|Hansen/i);
    expect(out.review!.message).toMatch(/ is known as .*\.test$/);
  });

  describe('finds a value however it is spelled, and spells its stand-in so', () => {
    const document = { name: 'Jørgen Ås', email: 'kari@example.com', phone: `O'Hara "X"` };
    const attempt = { number: 1, startedAt: 1, durationMs: 1, outcome: 'rejected', status: 422, counted: false, runner: 'run 1@host', idempotencyKey: 'k', url: undefined } as const; // prettier-ignore
    const answered = (contentType: string, body: string, message = ''): ArchivedItem => {
      const response = {
        status: 422,
        headers: { 'content-type': contentType },
        body: Buffer.from(body),
        complete: true,
      };
      return jsonItem(document, { attempts: [{ ...attempt, message, response }] });
    };
    const bodyOf = (item: ArchivedItem): string => Buffer.from(item.attempts[0]!.response!.body).toString();
    const stand = JSON.parse(textOf(redacted([jsonItem(document)])[0]!)) as typeof document;

    test.each([
      ['the server redirects to /p/kari%40example.com: x', () => `/p/${encodeURIComponent(stand.email)}: x`],
      ['/p/J%C3%B8rgen%20%C3%85s', () => `/p/${encodeURIComponent(stand.name)}`],
      [
        '/p/J%c3%b8rgen+%c3%85s',
        () =>
          encodeURIComponent(stand.name)
            .replace(/%../g, (byte) => byte.toLowerCase())
            .replace('%20', '+'),
      ],
      [
        'got J\\u00f8rgen \\u00c5s!',
        () => stand.name.replace(/[^ -~]/g, (unit) => `\\u00${unit.charCodeAt(0).toString(16)}`),
      ],
      ['got O&#39;Hara &quot;X&quot;', () => stand.phone.replace("'", '&#39;').replaceAll('"', '&quot;')],
      [`got {\\"n\\":\\"O'Hara \\\\\\"X\\\\\\"\\"}`, () => stand.phone.replaceAll('"', '\\\\\\"')],
    ])('in the message %s', (message, expected) => {
      const [item] = redacted([answered('text/plain', message, message)]);
      expect(item!.attempts[0]!.message).toContain(expected());
      expect(item!.attempts[0]!.message).not.toMatch(/kari|rgen|Hara/i);
      expect(bodyOf(item!)).toBe(item!.attempts[0]!.message);
      const escapes = /%..|\\+u?|&#?\w+;/g;
      expect(item!.attempts[0]!.message!.match(escapes)!).toHaveLength(message.match(escapes)!.length);
    });

    test('in headers, paths, queries, forms and entity ids', () => {
      const path = '/p/J%C3%B8rgen%20%C3%85s/kari%40example.com?q=J%C3%B8rgen+%C3%85s&name=J%C3%B8rgen+%C3%85s&x=a+b';
      const form = { contentType: 'application/x-www-form-urlencoded', payload: Buffer.from(path.split('?')[1]!) };
      const [item, other] = redacted([
        jsonItem(document, { path, headers: { 'x-note': 'J%C3%B8rgen %C3%85s', referer: path } }),
        archivedItem({ ...form, entity: { type: 'p', id: 'kari%40example.com' } }),
      ]);
      const name = encodeURIComponent(stand.name);
      const query = `q=${name.replace('%20', '+')}&name=${name.replace('%20', '+')}&x=a+b`;
      expect(item!.path).toBe(`/p/${name}/${encodeURIComponent(stand.email)}?${query}`);
      expect(item!.headers).toEqual({ 'x-note': name.replace('%20', ' '), referer: item!.path });
      expect(textOf(other!)).toBe(query);
      expect(other!.entity!.id).toBe(encodeURIComponent(stand.email));
    });

    test('in JSON, nested JSON, and the names of members, which stay JSON', () => {
      const inner = JSON.stringify({ echo: document, list: [JSON.stringify(document)] });
      const ascii = inner.replace(/[^\x20-\x7e]/g, (unit) => `\\u00${unit.charCodeAt(0).toString(16)}`);
      const body = `{"echo":${JSON.stringify(ascii)},"J\\u00f8rgen \\u00c5s":1,"kari%40example.com":2,"raw":${ascii}}`;
      const [item] = redacted([answered('application/json', body)]);
      const found = JSON.parse(bodyOf(item!));
      expect(JSON.parse(found.echo)).toEqual({ echo: stand, list: [JSON.stringify(stand)] });
      expect(found.raw.echo).toEqual(stand);
      expect(Object.keys(found)).toEqual(['echo', stand.name, encodeURIComponent(stand.email), 'raw']);
    });

    test('whatever holds it: nothing of it is left, and a path can still be read', () => {
      fc.assert(
        fc.property(fc.stringMatching(/^[b-zøåÅ]{4}[a-z&<>"'/%+ @.-]{0,12}[b-zøå]{4}$/), (name) => {
          const url = encodeURIComponent(name);
          const html = name.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
          const json = JSON.stringify({ note: name });
          const said = `${url} ${html} ${json} ${JSON.stringify(json)} ${JSON.stringify(html)}`;
          const item = {
            ...answered('text/html', said, said),
            path: `/a/${url}?q=${url}`,
            payload: Buffer.from(JSON.stringify({ name })),
          };
          const [out] = redacted([item]);
          const plain = decodeURIComponent(out!.path) + out!.attempts[0]!.message! + bodyOf(out!);
          for (const part of [name, url, html, json.slice(9, -2)])
            if (part.length > 5) expect(plain).not.toContain(part);
        }),
        { numRuns: 300 },
      );
    });
  });

  test('keeps numbers numbers, with their exponent', () => {
    const [item] = redacted([jsonItem('{"phone":[-12.50e-3,0,0.5,1e400]}')]);
    expect(textOf(item!)).toMatch(/^\{"phone":\[-[1-9]\d\.\d\de-3,0,0\.\d,[1-9]e400\]\}$/);
  });

  test('hides what is no JSON whole: text by its shape, bytes by their number', () => {
    const text = archivedItem({ contentType: 'text/csv', payload: Buffer.from('Ola;91234567\n') });
    const broken = archivedItem({ contentType: 'application/json', payload: Buffer.from('{"phone":"91234567') });
    const bytes = archivedItem({ contentType: 'image/png', payload: Buffer.from([0xff, 0x00, 0xfe]) });
    const [a, b, c] = redacted([text, broken, bytes]);
    expect(textOf(a!)).toMatch(/^[A-Z][a-z]{2};[0-9]{8}\n$/);
    expect(textOf(b!)).not.toContain('91234567');
    expect(c!.payload).toEqual(new Uint8Array(3));
  });

  test('reads forms by their names', () => {
    const [item] = redacted([
      archivedItem({
        contentType: 'application/x-www-form-urlencoded',
        payload: Buffer.from('phone=91234567&kind=walk'),
      }),
    ]);
    expect(textOf(item!)).toMatch(/^phone=[1-9]\d{7}&kind=walk$/);
  });

  test('replaces a value that is used as the name of a member', () => {
    const [item] = redacted([jsonItem({ email: 'ola@example.no', by: { 'ola@example.no': 1 } })]);
    expect(textOf(item!)).not.toContain('ola@example.no');
  });

  test('without patterns replaces every value, and no path that only looks like a word', () => {
    const [item] = redacted(
      [jsonItem({ kind: 'activities', who: 'Ola', at: 12345 }, { path: '/activities/12345' })],
      EVERYTHING,
    );
    expect(textOf(item!)).not.toMatch(/activities|Ola|12345/);
    expect(item!.path).toMatch(/^\/activities\/[1-9]\d{4}$/);
  });

  test('keeps keys that were made by chance', () => {
    const key = '0190163d-8694-739b-aea5-966c26f8ad91';
    const [item] = redacted([jsonItem({ phone: '8694' }, { idempotencyKey: key })]);
    expect(item!.idempotencyKey).toBe(key);
  });
});
