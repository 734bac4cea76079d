import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { systemClock } from '../../../../src/core/nouns/clock.js';
import { checkEntity } from '../../../../src/core/input/draft.js';
import { checkKey } from '../../../../src/core/input/key.js';
import { checkPath } from '../../../../src/core/input/path.js';
import type { Entity, Method, NewItem } from '../../../../src/core/nouns/item.js';
import type { Database } from '../../../../src/core/store/sqlite/file/driver.js';
import { openSqliteStore } from '../../../../src/core/store/sqlite/store.js';
import type { Store } from '../../../../src/core/store/store.js';
import type { LaneOrder } from '../../../../src/core/nouns/target.js';
import { ROOT } from '../../../support/source-graph.js';
import { tempDirectory } from '../../../support/temp.js';
import { item, runner } from '../conformance/harness.js';
import { faultsOf, raw } from './support.js';

type Row = Record<string, unknown>;

const policy = {
  decide: () => ({ move: { to: 'completed' as const }, counted: false, target: {} }),
  gate: () => ({ slots: 9, rotate: false }),
};

const opened: Store[] = [];

// Closing lets go of the right to send too, also where a test failed with a session in hand.
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

async function queue(order: LaneOrder = 'entity'): Promise<{ path: string; store: Store }> {
  const path = join(tempDirectory(), 'queue.db');
  const store = openSqliteStore({
    path,
    mode: 'create',
    clock: systemClock,
    uid: process.getuid?.(),
    allowNetworkDisk: false,
  });
  opened.push(store);
  const session = await store.acquire(runner(), policy, Date.now());
  if ('heldBy' in session) throw new Error('held');
  const facts = { order, implicitBaseUrl: undefined };
  await session.syncTargets(
    [
      { name: 'main', ...facts },
      { name: 'staging', ...facts },
    ],
    'main',
    Date.now(),
  );
  await session.end({ kind: 'run', startedAt: 0, endedAt: 0, exitCode: 0, delivered: 0, remaining: 0 });
  return { path, store };
}

const GOOD: Row = { method: 'PUT', path: '/a', payload: '{"a":1}', entity_type: 'activity', entity_id: '1' };

function insertion(verb: string, row: Row): { sql: string; values: unknown[] } {
  const names = Object.keys(row);
  return {
    sql: `${verb} INTO outbox (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    values: Object.values(row),
  };
}

function insert(db: Database, row: Row, verb = 'INSERT'): string | undefined {
  const { sql, values } = insertion(verb, row);
  try {
    db.prepare(sql).run(...values);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const VERBS = [
  'INSERT',
  'INSERT OR IGNORE',
  'INSERT OR REPLACE',
  'INSERT OR FAIL',
  'INSERT OR ABORT',
  'INSERT OR ROLLBACK',
];

/** What a program may get wrong, and a word of what it is told. */
const BAD_ROWS: readonly (readonly [string, Row, RegExp])[] = [
  ['an id', { id: 7 }, /id is given/],
  ['an unknown target', { target: 'nowhere' }, /unknown target/],
  ['a target that is no text', { target: Buffer.from('main') }, /unknown target/],
  ['no method', { method: null }, /method/],
  ['an unknown method', { method: 'FETCH' }, /method/],
  ['a method in lower case', { method: 'put' }, /method/],
  ['no path', { path: null }, /path/],
  ['a path that is a number', { path: 5 }, /path/],
  ['a path that is a blob', { path: Buffer.from('/a') }, /path/],
  ['an absolute URL', { path: 'https://evil.example/' }, /path/],
  ['another host', { path: '//evil.example/a' }, /path/],
  ['a way out of the base path', { path: '/a/../../b' }, /path/],
  ['a way out, encoded', { path: '/a/%2E%2e/b' }, /path/],
  ['a NUL in the path', { path: '/a\0/../../b' }, /path/],
  ['a path that is too long', { path: `/${'a'.repeat(8192)}` }, /path/],
  ['half an entity', { entity_type: 'a', entity_id: null }, /entity/],
  ['the other half', { entity_type: null, entity_id: 'a' }, /entity/],
  ['an empty entity id', { entity_id: '' }, /entity/],
  ['a slash in the entity type', { entity_type: 'a/b' }, /entity/],
  ['an entity type that is a number', { entity_type: 5 }, /entity/],
  ['an entity id that is a blob', { entity_id: Buffer.from('x') }, /entity/],
  ['an entity id in fractions', { entity_id: 1.5 }, /entity/],
  ['an entity that cannot be shown', { entity_id: 'a\u202eb' }, /entity/],
  ['a key that is taken', { idempotency_key: 'taken' }, /taken/],
  ['a key with a space', { idempotency_key: 'a b' }, /idempotency_key/],
  ['an empty key', { idempotency_key: '' }, /idempotency_key/],
  ['a key that is too long', { idempotency_key: 'k'.repeat(129) }, /idempotency_key/],
  ['a NUL in the key', { idempotency_key: 'a\0b' }, /idempotency_key/],
  ['a key that is a number', { idempotency_key: 5 }, /idempotency_key/],
  ['a payload over the limit', { payload: Buffer.alloc(1024 * 1024 + 1) }, /payload/],
  ['a payload with GET', { method: 'GET' }, /payload/],
  ['an operation with a space', { operation: 'a b' }, /operation/],
  ['an operation that is a blob', { operation: Buffer.from('x') }, /operation/],
  ['a content type without payload', { payload: null, content_type: 'text/plain' }, /content_type/],
  ['a content type that is none', { content_type: 'text' }, /content_type/],
  ['a line break in the content type', { content_type: 'text/plain\r\nX: 1' }, /content_type/],
  ['a content type that is a blob', { content_type: Buffer.from('text/plain') }, /content_type/],
  ['headers that are no object', { headers: '["a"]' }, /headers/],
  ['headers that are a blob', { headers: Buffer.from('{}') }, /headers/],
  ['a credential', { headers: '{"X-A":"1", "Authorization" : "Bearer x"}' }, /headers/],
  ['a credential in disguise', { headers: '{"\\u0041uthorization":"Bearer x"}' }, /headers/],
  ['a cookie', { headers: '{"cookie":"a=b"}' }, /headers/],
  ['tags that are no array', { tags: '"a"' }, /tags/],
  ['tags that are a blob', { tags: Buffer.from('[]') }, /tags/],
  ['a due time that is text', { not_before: 'tomorrow' }, /not_before/],
  ['a due time in fractions', { not_before: 1.5 }, /not_before/],
  ['a due time before 1970', { not_before: -1 }, /not_before/],
  ['a deadline beyond all time', { expires_at: 8_640_000_000_000_001 }, /not_before/],
  ['too many retries', { max_retries: 1001 }, /max_retries/],
  ['retries that are text', { max_retries: 'many' }, /max_retries/],
];

const snapshot = (db: Database): unknown => [
  db.prepare('SELECT * FROM item').all(),
  db.prepare('SELECT * FROM tally').all(),
  db.prepare('SELECT * FROM entity').all(),
];

describe('a bad row', () => {
  test.each(BAD_ROWS)(
    'with %s changes nothing, however it is inserted, and says why',
    async (_name, wrong, message) => {
      const { path } = await queue();
      raw(path, (db) => {
        expect(insert(db, { ...GOOD, idempotency_key: 'taken' })).toBeUndefined();
        const before = snapshot(db);
        for (const verb of VERBS) {
          expect(insert(db, { ...GOOD, entity_type: 'new', ...wrong }, verb)).toMatch(message);
          expect(snapshot(db)).toEqual(before);
        }
      });
    },
  );

  test('changes nothing for Python either', async () => {
    if (isWithoutPython()) return;
    const { path } = await queue();
    raw(path, (db) => insert(db, { ...GOOD, idempotency_key: 'taken' }));
    const rows = BAD_ROWS.flatMap(([name, wrong, message]) =>
      VERBS.map((verb) => ({ name, verb, message, row: { ...GOOD, ...wrong } })),
    );
    const answers = python(
      path,
      rows.map(({ verb, row }) => insertion(verb, row)),
    );
    for (const [index, { name, verb, message }] of rows.entries()) {
      expect({ name, verb, ...answers[index] }).toMatchObject({
        name,
        verb,
        same: true,
        error: expect.stringMatching(message),
      });
    }
  });

  test('takes the good rows of its statement with it', async () => {
    const { path } = await queue();
    raw(path, (db) => {
      const before = snapshot(db);
      const sql = `INSERT OR IGNORE INTO outbox (method, path) VALUES ('PUT', '/a'), ('PUT', 'bad'), ('PUT', '/c')`;
      expect(() => db.exec(sql)).toThrow(/path/);
      expect(snapshot(db)).toEqual(before);
    });
  });

  test('no row can be changed or removed through the view', async () => {
    const { path } = await queue();
    raw(path, (db) => {
      insert(db, GOOD);
      expect(() => db.exec(`UPDATE outbox SET path = '/b'`)).toThrow(/outbox/);
      expect(() => db.exec('DELETE FROM outbox')).toThrow(/outbox/);
    });
  });
});

/** Slim images have none; the rules are tried by this program's own driver all the same. */
function isWithoutPython(): boolean {
  const isWithout = spawnSync('python3', ['--version']).status !== 0;
  if (isWithout) console.log('skipped: python3 is missing');
  return isWithout;
}

function python(
  path: string,
  statements: readonly { sql: string; values: readonly unknown[] }[],
): { error: string | null; same: boolean; rows: unknown[][] }[] {
  const encode = (value: unknown): unknown => (Buffer.isBuffer(value) ? { base64: value.toString('base64') } : value);
  const input = JSON.stringify(statements.map(({ sql, values }) => [sql, values.map(encode)]));
  const script = join(ROOT, 'test', 'core', 'store', 'sqlite', 'foreign.py');
  return JSON.parse(execFileSync('python3', [script, path], { input, encoding: 'utf8', maxBuffer: 1 << 28 }));
}

describe('the rules of the view are those of enqueue', () => {
  const accepts = (check: () => unknown): boolean => {
    try {
      check();
      return true;
    } catch {
      return false;
    }
  };

  /** Every text is tried; afterwards nothing is left. */
  async function expectSameVerdict(
    texts: readonly string[],
    rowOf: (text: string) => Row,
    check: (text: string) => unknown,
  ): Promise<void> {
    const { path } = await queue();
    const different = raw(path, (db) =>
      texts.filter((text) => {
        db.exec('BEGIN');
        const taken = insert(db, rowOf(text)) === undefined;
        db.exec('ROLLBACK');
        return taken !== accepts(() => check(text));
      }),
    );
    expect(different).toEqual([]);
  }

  const every = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code));
  const odd = [
    '\u1680',
    '\u2000',
    '\u200a',
    '\u200b',
    '\u200d',
    '\u200e',
    '\u2028',
    '\u202e',
    '\u202f',
    '\u205f',
    '\u2066',
    '\u2069',
    '\u3000',
    '\ufeff',
    '😀',
  ];

  test('for paths: every character in path and query, escapes, dots', async () => {
    const pieces = [
      '/',
      '?',
      '.',
      '..',
      ';',
      '%',
      '2',
      'e',
      'E',
      '%2e',
      '%2F',
      '%5c',
      '%00',
      '%1f',
      '%7F',
      '%41',
      '%zz',
      '%4',
      'a',
      '#',
      '\\',
      '//',
      "'",
      '[',
      ']',
      '|',
    ];
    const random = fc.sample(
      fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join('')),
      { numRuns: 3000, seed: 1 },
    );
    const single = [...every, ...odd].flatMap((char) => [char, `/${char}`, `/a?${char}`, `/a${char}b`]);
    const escapes = every
      .slice(0, 128)
      .flatMap((char) => [`/%${char}`, `/%${char}f`, `/%2${char}`, `/?%2${char}`, `/%${char}`.repeat(2)]);
    const fixed = [
      '',
      '?',
      '/a/..;x/b',
      '/a/.;/b',
      '/.a/',
      '/..a',
      '/a..',
      '/?a=../..',
      '/%252f',
      '/%2e%2E',
      `/${'a'.repeat(8191)}`,
      `/${'a'.repeat(8192)}`,
    ];
    await expectSameVerdict(
      [...random, ...single, ...escapes, ...fixed],
      (path) => ({ method: 'PUT', path }),
      (path) => checkPath(path, 8192),
    );
  });

  test('for keys', async () => {
    const texts = [...every, ...odd].flatMap((char) => [char, `a${char}b`]);
    const lengths = [1, 127, 128, 129].map((length) => 'k'.repeat(length));
    await expectSameVerdict(
      ['', ...texts, ...lengths],
      (key) => ({ method: 'PUT', path: '/', idempotency_key: key }),
      checkKey,
    );
  });

  test.each(['entity_type', 'entity_id'])('for %s', async (column) => {
    const texts = [...every, ...odd].flatMap((char) => [char, `a${char}b`, `${char}a`, `a${char}`]);
    const lengths = [255, 256, 257].map((length) => 'e'.repeat(length));
    const entity = (text: string): Entity => ({ type: 'a', id: 'b', [column === 'entity_id' ? 'id' : 'type']: text });
    const row = (text: string): Row => ({
      method: 'PUT',
      path: '/',
      entity_type: entity(text).type,
      entity_id: entity(text).id,
    });
    await expectSameVerdict(['', ...texts, ...lengths], row, (text) => checkEntity(entity(text)));
  });
});

describe('a good row', () => {
  test('keeps every byte: 0 to 255, and text with a NUL', async () => {
    if (isWithoutPython()) return;
    const { path, store } = await queue();
    const all = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const text = 'a\0b 😀 é';
    const rows = [all, text].map((payload) => ({ method: 'PUT', path: '', payload, content_type: 'text/plain' }));
    raw(path, (db) => rows.forEach((row) => expect(insert(db, row)).toBeUndefined()));
    expect(
      python(
        path,
        rows.map((row) => insertion('INSERT', row)),
      ).map(({ error }) => error),
    ).toEqual([null, null]);
    const found = await store.get([1, 2, 3, 4], Date.now());
    expect(found.map(({ payload }) => Buffer.from(payload!).toString('hex'))).toEqual(
      [all, text, all, text].map((given) => Buffer.from(given).toString('hex')),
    );
    expect(found.map(({ payloadBytes }) => payloadBytes)).toEqual([
      256,
      Buffer.byteLength(text),
      256,
      Buffer.byteLength(text),
    ]);
  });

  test('has all its defaults, and is found by its key', async () => {
    const { path, store } = await queue();
    const before = Date.now();
    const id = raw(path, (db) => {
      insert(db, {
        method: 'POST',
        path: '/a',
        payload: '{}',
        entity_type: 'a',
        entity_id: 42,
        idempotency_key: 'mine',
      });
      return db.prepare('SELECT id FROM outbox WHERE idempotency_key = ?').pluck().get('mine') as number;
    });
    const [found] = await store.get([id], Date.now());
    expect(found).toMatchObject({
      target: 'main',
      operation: 'create',
      contentType: 'application/json',
      entity: { type: 'a', id: '42' },
      state: 'pending',
      waiting: 'due',
      payloadSha256: '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
    });
    expect(found!.createdAt).toBeGreaterThanOrEqual(before - 1);
    expect(found!.createdAt).toBeLessThanOrEqual(Date.now() + 1);
    expect(
      await store.enqueue(
        [
          item({
            method: 'POST',
            path: '/a',
            payload: Buffer.from('{}'),
            entity: { type: 'a', id: '42' },
            operation: 'create',
            idempotencyKey: 'mine',
          }),
        ],
        { now: Date.now(), ifQueued: 'append' },
      ),
    ).toMatchObject([{ id, duplicate: true }]);
  });

  test('is sealed by its first claim and refused when its bytes change after it', async () => {
    const { path, store } = await queue();
    raw(path, (db) => insert(db, GOOD));
    const again = {
      decide: () => ({
        move: {
          to: 'pending' as const,
          notBefore: undefined,
          retryCount: 0,
          failures: 0,
          crashes: 0,
          failMark: undefined,
          failingSince: undefined,
          unreadable: 0,
        },
        counted: false,
        target: {},
      }),
      gate: policy.gate,
    };
    const session = await store.acquire(runner(), again, Date.now());
    if ('heldBy' in session) throw new Error('held');
    const input = {
      now: Date.now(),
      settle: [],
      release: [],
      targets: [],
      claim: 1,
      only: undefined,
      signal: undefined,
    };
    const { claims } = await session.step(input);
    expect(raw(path, (db) => db.prepare('SELECT length(payload_sha256) FROM item').pluck().get())).toBe(32);
    await session.step({ ...input, claim: 0, release: claims });
    raw(path, (db) => db.exec(`UPDATE item SET payload = x'00'`));
    expect(await session.step(input)).toMatchObject({ claims: [], damaged: 1 });
  });

  test('has a key of its own: 10,000 valid, different UUIDv7', async () => {
    const { path } = await queue('none');
    const keys = raw(path, (db) => {
      const now = Date.now();
      db.exec(
        `INSERT INTO outbox (method, path) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT 'PUT', '/' FROM n`,
      );
      const found = db.prepare('SELECT idempotency_key FROM item').pluck().all() as string[];
      for (const key of found)
        expect(Math.abs(Number.parseInt(key.replace('-', '').slice(0, 12), 16) - now)).toBeLessThan(60_000);
      return found;
    });
    expect(new Set(keys).size).toBe(10_000);
    expect(
      keys.filter((key) => !/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(key)),
    ).toEqual([]);
    expect(new Set(keys.map((key) => key[19])).size).toBe(4);
    expect(faultsOf(path)).toEqual([]);
  });

  test('goes when its transaction is rolled back, with its count', async () => {
    const { path } = await queue();
    raw(path, (db) => {
      const before = snapshot(db);
      db.exec('BEGIN');
      insert(db, GOOD);
      db.exec('ROLLBACK');
      expect(snapshot(db)).toEqual(before);
    });
  });
});

describe('what other programs insert and what syncq enqueues', () => {
  interface Step {
    item: NewItem;
    then: 'nothing' | 'pause' | 'resume' | 'discard';
  }
  const HOUR = 3_600_000;
  const some = <T>(value: T): fc.Arbitrary<T | undefined> => fc.option(fc.constant(value), { nil: undefined });
  const steps = fc.array(
    fc.record({
      target: fc.constantFrom('main', 'staging'),
      method: fc.constantFrom<Method>('POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
      entity: fc.option(fc.record({ type: fc.constantFrom('a', 'b'), id: fc.constantFrom('1', '2') }), {
        nil: undefined,
      }),
      payload: some(Buffer.from('{"a":1}')),
      text: fc.boolean(),
      wait: fc.constantFrom(undefined, -HOUR, HOUR),
      maxRetries: some(3),
      tags: fc.constantFrom<string[]>([], ['x']),
      headers: fc.constantFrom<Record<string, string>>({}, { 'x-a': 'b' }),
      then: fc.constantFrom<Step['then']>('nothing', 'nothing', 'nothing', 'pause', 'resume', 'discard'),
    }),
    { minLength: 1, maxLength: 25 },
  );
  const OPERATIONS: Partial<Record<Method, string>> = {
    POST: 'create',
    PUT: 'update',
    PATCH: 'update',
    DELETE: 'delete',
    OPTIONS: 'options',
  };

  test.each<LaneOrder>(['entity', 'strict', 'none'])(
    'are the same rows, lanes, heads and counts: order %s',
    async (order) => {
      await fc.assert(
        fc.asyncProperty(steps, async (given) => {
          const [own, foreign] = [await queue(order), await queue(order)];
          const now = Date.now();
          for (const [index, { then, text, wait, ...rest }] of given.entries()) {
            const stored: NewItem = {
              ...rest,
              path: `/${index}`,
              contentType: rest.payload === undefined ? undefined : text ? 'text/plain' : 'application/json',
              operation: OPERATIONS[rest.method]!,
              idempotencyKey: `key-${index}`,
              notBefore: wait === undefined ? undefined : { at: now + wait },
              expires: wait === undefined ? undefined : { at: now + 2 * HOUR },
            };
            await own.store.enqueue([stored], { now, ifQueued: 'append' });
            expect(raw(foreign.path, (db) => insert(db, rowOf(stored)))).toBeUndefined();
            for (const { store } of [own, foreign]) await doThen(store, then, index, now);
          }
          const [left, right] = [rowsOf(own.path), rowsOf(foreign.path)];
          await own.store.close();
          await foreign.store.close();
          expect(right).toEqual(left);
          expect(faultsOf(foreign.path)).toEqual([]);
        }),
        { numRuns: 12 },
      );
    },
  );

  function rowOf({
    entity,
    payload,
    contentType,
    headers,
    tags,
    notBefore,
    expires,
    maxRetries,
    idempotencyKey,
    ...row
  }: NewItem): Row {
    const { target, method, path } = row;
    const at = (time: NewItem['notBefore']): number | null => (time !== undefined && 'at' in time ? time.at : null);
    return {
      target: target === 'main' ? null : target,
      method,
      path,
      headers: JSON.stringify(headers),
      content_type: contentType ?? null,
      payload: payload ?? null,
      entity_type: entity?.type ?? null,
      entity_id: entity?.id ?? null,
      idempotency_key: idempotencyKey,
      not_before: at(notBefore),
      expires_at: at(expires),
      max_retries: maxRetries ?? null,
      tags: JSON.stringify(tags),
    };
  }

  async function doThen(store: Store, then: Step['then'], index: number, now: number): Promise<void> {
    const by = { who: 'x', command: then, reason: undefined };
    const what = { entity: { type: 'a', id: '1' } };
    if (then === 'pause') await store.change({ kind: 'pause', what, until: undefined }, by, now);
    if (then === 'resume') await store.change({ kind: 'resume', what }, by, now);
    if (then === 'discard')
      await store.change({ kind: 'discard', filter: { ids: [Math.ceil((index + 1) / 2)] }, dryRun: false }, by, now);
  }

  /** Everything but the moments: those are the writer's own clock. */
  function rowsOf(path: string): unknown {
    return raw(path, (db) => {
      const rows = db
        .prepare(
          'SELECT item.*, entity.type, entity.key, payload_sha256 IS NULL AS unsealed FROM item LEFT JOIN entity ON entity.id = item.entity_id ORDER BY item.id',
        )
        .all() as Row[];
      const moments = ['created_at', 'set_at', 'state_at', 'payload_sha256', 'unsealed'];
      return {
        rows: rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !moments.includes(name)))),
        tally: db.prepare('SELECT * FROM tally').all(),
      };
    });
  }
});

describe('examples/outbox.py', () => {
  const run = (path: string, name: string): string =>
    execFileSync('python3', [join(ROOT, 'examples', 'outbox.py'), path, name], { encoding: 'utf8' });

  test('stores its own row and the write in one transaction, while a runner has the file open', async () => {
    if (isWithoutPython()) return;
    const { path, store } = await queue();
    const session = await store.acquire(runner(), policy, Date.now());
    if ('heldBy' in session) throw new Error('held');
    expect(run(path, 'walk')).toMatch(/^1\s2\n$/);
    const { claims } = await session.step({
      now: Date.now(),
      settle: [],
      release: [],
      targets: [],
      claim: 9,
      only: undefined,
      signal: undefined,
    });
    // The comment on the activity waits for it.
    expect(claims.map(({ request }) => [request.method, request.path])).toEqual([['POST', '/activities']]);
    expect(raw(path, (db) => db.prepare('SELECT name FROM app_activity').pluck().all())).toEqual(['walk']);
    expect(faultsOf(path)).toEqual([]);
  });
});
