import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileSensitive } from '../../../src/core/privacy/sensitive.js';
import { emptyConfig, parseConfig, queueNamedIn } from '../../../src/core/config/validate.js';
import { implicitTarget, withDefaults } from '../../../src/core/config/target-shape.js';
import { DEFAULT_LIMITS } from '../../../src/core/nouns/config.js';
import type { QueueError } from '../../../src/core/nouns/errors.js';
import { isQueueError } from '../../../src/core/nouns/errors.js';
import type { OutcomeRule, OverrideOutcome } from '../../../src/core/nouns/target.js';

const options = { source: '/etc/app/syncq.json', baseDir: '/etc/app' };

function parse(document: unknown): ReturnType<typeof parseConfig> {
  return parseConfig(document, options);
}

function refusal(document: unknown): QueueError {
  try {
    parse(document);
  } catch (error) {
    if (isQueueError(error)) return error;
    throw error;
  }
  throw new Error('the document was accepted');
}

/** A document with one target `p` that has these keys besides a good base URL. */
function withTarget(keys: object): object {
  return { targets: { p: { baseUrl: 'https://api.example.org', ...keys } } };
}

const contractExample = {
  defaultTarget: 'production',
  queue: './syncq.db',
  targets: {
    production: {
      baseUrl: 'https://api.example.org/v1',
      auth: { bearer: { command: ['op', 'read', 'op://sync/token'] } },
      retry: { max: 10, base: '5s', factor: 3, cap: '6h' },
      patience: '3d',
      probe: { method: 'HEAD', path: '/health' },
      timeout: '30s',
      concurrency: 4,
      order: 'entity',
      outcomes: { '409': 'delivered' },
      idempotencyHeader: 'Idempotency-Key',
    },
    staging: {
      baseUrl: 'https://staging.example.org/v1',
      auth: { basic: { user: 'dev', password: { env: 'STAGING_PASSWORD' } } },
    },
  },
  sensitive: ['phone', 'email', '/person/*/ssn'],
  retention: { completed: '30d', payloads: '7d' },
};

const ruleOf = (status: (number | string)[], means: OverrideOutcome): OutcomeRule => ({
  status,
  body: undefined,
  header: undefined,
  means,
  onlyRepeat: true,
});

describe('a good document', () => {
  test('the example of the documentation gives durations in ms and absolute paths', () => {
    const config = parse(contractExample);
    expect(config).toMatchObject({
      source: '/etc/app/syncq.json',
      defaultTarget: 'production',
      queue: '/etc/app/syncq.db',
      sensitive: ['phone', 'email', '/person/*/ssn'],
      retention: { completedMs: 30 * 86_400_000, payloadsMs: 7 * 86_400_000 },
      limits: DEFAULT_LIMITS,
    });
    expect([...config.targets.keys()]).toEqual(['production', 'staging']);
    expect(config.targets.get('production')).toEqual({
      ...withDefaults({
        name: 'production',
        baseUrl: 'https://api.example.org/v1',
        concurrency: 4,
        auth: { kind: 'bearer', token: { command: ['op', 'read', 'op://sync/token'] } },
        outcomes: [ruleOf([409], 'delivered')],
        probe: { method: 'HEAD', path: '/health' },
      }),
      sensitive: compileSensitive(config.sensitive),
    });
    expect(config.targets.get('staging')?.auth).toEqual({
      kind: 'basic',
      user: 'dev',
      password: { env: 'STAGING_PASSWORD' },
    });
  });

  test('a target with nothing but a base URL has the documented defaults', () => {
    expect(parse(withTarget({})).targets.get('p')).toEqual({
      name: 'p',
      baseUrl: 'https://api.example.org',
      auth: undefined,
      headers: {},
      retry: { max: 10, baseMs: 5000, factor: 3, capMs: 21_600_000 },
      patienceMs: 259_200_000,
      probe: undefined,
      timeoutMs: 30_000,
      connectTimeoutMs: 10_000,
      minRate: 4096,
      concurrency: 64,
      ratePerSecond: undefined,
      order: 'entity',
      outcomes: [],
      expect: undefined,
      onUnknown: 'retry',
      idempotencyHeader: 'Idempotency-Key',
      breaker: 20,
      insecureHttp: false,
      encodedSlash: false,
      denyPrivate: false,
      proxy: undefined,
      tls: undefined,
      production: false,
      implicit: false,
    });
  });

  test('every other key reaches the target as it is meant', () => {
    const target = parse(
      withTarget({
        auth: { header: { name: 'X-Api-Key', value: { file: 'keys/api' } } },
        headers: { 'Accept-Language': 'de' },
        rate: '120/m',
        connectTimeout: '20s',
        expect: { status: [200, 201], contentType: 'Application/JSON' },
        onUnknown: 'review',
        breaker: 0,
        denyPrivate: true,
        proxy: false,
        tls: { ca: 'ca.pem', cert: '/abs/cert.pem', key: './key.pem' },
        production: true,
        outcomes: { '5xx': 'rejected', '404': 'transient' },
      }),
    ).targets.get('p');
    expect(target).toMatchObject({
      auth: { kind: 'header', name: 'X-Api-Key', value: { file: '/etc/app/keys/api' } },
      headers: { 'accept-language': 'de' },
      ratePerSecond: 2,
      connectTimeoutMs: 20_000,
      expect: { status: [200, 201], contentType: 'application/json' },
      onUnknown: 'review',
      breaker: 0,
      denyPrivate: true,
      proxy: false,
      tls: { ca: '/etc/app/ca.pem', cert: '/abs/cert.pem', key: '/etc/app/key.pem' },
      production: true,
      outcomes: [ruleOf([404], 'transient'), ruleOf(['5xx'], 'rejected')],
    });
  });

  test('commands keep their arguments, and a program name with a directory is relative to the file', () => {
    const { hooks } = parse({ hooks: { review: ['./notify', '', './as-is'], idle: ['logger'] } });
    expect(hooks).toEqual({ review: ['/etc/app/notify', '', './as-is'], offline: undefined, idle: ['logger'] });
  });

  test('the bound on a line follows the bound on a payload unless it is given', () => {
    expect(parse({ limits: { payloadBytes: 1000 } }).limits).toEqual({
      ...DEFAULT_LIMITS,
      payloadBytes: 1000,
      lineBytes: 2000 + 65_536,
    });
    expect(parse({ limits: { payloadBytes: 1000, lineBytes: 9 } }).limits.lineBytes).toBe(9);
  });

  test('a base longer than the default cap raises the cap', () => {
    expect(parse(withTarget({ retry: { base: '12h' } })).targets.get('p')?.retry.capMs).toBe(43_200_000);
  });

  test.each([
    ['no target', {}, undefined],
    ['one target', { a: { baseUrl: 'https://a' } }, 'a'],
    ['two targets', { a: { baseUrl: 'https://a' }, b: { baseUrl: 'https://b' } }, undefined],
  ])('the default target of %s is found', (_, targets, expected) => {
    expect(parse({ targets }).defaultTarget).toBe(expected);
  });

  test.each([
    ['https://API.example.org/v1/', 'https://api.example.org/v1'],
    ['https://api.example.org///', 'https://api.example.org'],
    ['HTTPS://api.example.org:443', 'https://api.example.org'],
    ['http://localhost:8080/x', 'http://localhost:8080/x'],
    ['http://app.localhost', 'http://app.localhost'],
    ['http://127.9.9.9:1', 'http://127.9.9.9:1'],
    ['http://[::1]:1', 'http://[::1]:1'],
  ])('the base URL %s becomes %s', (given, expected) => {
    expect(parse(withTarget({ baseUrl: given })).targets.get('p')?.baseUrl).toBe(expected);
  });

  test('allows plain http to another host when the target does', () => {
    const target = parse(withTarget({ baseUrl: 'http://api.example.org', insecureHttp: true })).targets.get('p');
    expect(target).toMatchObject({ baseUrl: 'http://api.example.org', insecureHttp: true });
  });

  test('a postgres queue without password is kept as it is', () => {
    expect(parse({ queue: 'postgres://app@db.example.org/queue' }).queue).toBe('postgres://app@db.example.org/queue');
  });

  test('an implicit target has no credential, is marked, and keeps the defaults', () => {
    expect(implicitTarget('https://other.example.org')).toEqual(
      withDefaults({ name: 'https://other.example.org', baseUrl: 'https://other.example.org', implicit: true }),
    );
    expect(implicitTarget('https://other.example.org').auth).toBeUndefined();
  });

  test('no config is a config with nothing in it', () => {
    expect(emptyConfig()).toMatchObject({ source: undefined, queue: undefined, defaultTarget: undefined });
    expect(emptyConfig().targets.size).toBe(0);
  });
});

const p = 'targets.p';
const notDuration = 'is not a duration; write 500ms, 30s, 5m, 2h or 7d';

/** Document, and the whole message it is refused with. */
const MISTAKES: readonly [document: unknown, message: string][] = [
  [[], 'the config: is a list; write an object { … }'],
  ['x', 'the config: is a string; write an object { … }'],
  [null, 'the config: is null; write an object { … }'],
  [{ target: {} }, 'target: there is no such setting; did you mean targets?'],
  [
    { 'x y': 1 },
    '["x y"]: there is no such setting; known here: $schema, defaultTarget, queue, targets, sensitive, replay, retention, hooks, limits',
  ],
  [JSON.parse('{"__proto__":{}}'), '__proto__: this name is reserved and cannot be used as a key'],
  [{ constructor: {} }, 'constructor: this name is reserved and cannot be used as a key'],
  [{ $schema: 1 }, '$schema: is a number; write a string'],
  [{ defaultTarget: 'x' }, 'defaultTarget: there is no target in "targets"'],
  [{ ...withTarget({}), defaultTarget: 'q' }, 'defaultTarget: there is no target of this name; known: p'],
  [
    { defaultTarget: 'prodution', targets: contractExample.targets },
    'defaultTarget: there is no target of this name; did you mean production?',
  ],
  [{ queue: '' }, 'queue: is empty'],
  [{ queue: 'mysql://h/db' }, 'queue: is neither a file nor a postgres:// URL'],
  [{ queue: ':memory:' }, 'queue: is not a plain file name'],
  [{ queue: '~/q.db' }, 'queue: ~ is not expanded; write the whole path'],
  [{ queue: 'postgres://[' }, 'queue: is not a valid postgres URL; write postgres://user@host:5432/database'],
  [
    { queue: 'postgres://u:CANARY@h/d' },
    'queue: holds a password; a secret is never a value: use ~/.pgpass, a service file or PGPASSWORD',
  ],
  [
    { queue: 'postgres://u@h/d?password=CANARY' },
    'queue: holds a password; a secret is never a value: use ~/.pgpass, a service file or PGPASSWORD',
  ],
  [{ targets: [] }, 'targets: is a list; write an object { … }'],
  [
    { targets: { '-x': {} } },
    'targets.-x: is not a target name; write 1 to 64 letters, digits, dots, _ or -, starting with a letter or digit',
  ],
  [
    { targets: { 'a b': {} } },
    'targets["a b"]: is not a target name; write 1 to 64 letters, digits, dots, _ or -, starting with a letter or digit',
  ],
  [{ targets: { prototype: {} } }, 'targets.prototype: this name is reserved and cannot be used as a key'],
  [{ targets: { p: 'https://x' } }, `${p}: is a string; write an object { … }`],
  [{ targets: { p: {} } }, `${p}.baseUrl: is missing`],
  [{ targets: { 'a.b': {} } }, 'targets["a.b"].baseUrl: is missing'],
  [withTarget({ baseURL: 'x' }), `${p}.baseURL: there is no such setting; did you mean baseUrl?`],
  [withTarget({ baseUrl: 7 }), `${p}.baseUrl: is a number; write a string`],
  [
    withTarget({ baseUrl: 'api.example.org' }),
    `${p}.baseUrl: is not an absolute URL; write https://host or https://host/path`,
  ],
  [withTarget({ baseUrl: 'ftp://x' }), `${p}.baseUrl: is not an absolute URL; write https://host or https://host/path`],
  [withTarget({ baseUrl: 'https:x' }), `${p}.baseUrl: is not an absolute URL; write https://host or https://host/path`],
  [withTarget({ baseUrl: 'https://a\\b' }), `${p}.baseUrl: holds a blank or a backslash`],
  [withTarget({ baseUrl: 'https://a/b c' }), `${p}.baseUrl: holds a blank or a backslash`],
  [withTarget({ baseUrl: 'https://a/\n' }), `${p}.baseUrl: holds a control character`],
  [withTarget({ baseUrl: 'https://[' }), `${p}.baseUrl: is not a valid URL`],
  [
    withTarget({ baseUrl: 'https://u:CANARY@a' }),
    `${p}.baseUrl: holds user info before the @; write the credential as "auth"`,
  ],
  [withTarget({ baseUrl: 'https://@a' }), `${p}.baseUrl: holds user info before the @; write the credential as "auth"`],
  [withTarget({ baseUrl: 'https://a?token=CANARY' }), `${p}.baseUrl: holds a query; a base URL has none`],
  [withTarget({ baseUrl: 'https://a#f' }), `${p}.baseUrl: holds a fragment; a base URL has none`],
  [
    withTarget({ baseUrl: 'https://a/x/../y' }),
    `${p}.baseUrl: holds a dot segment or an escaped slash; write the path plainly`,
  ],
  [
    withTarget({ baseUrl: 'https://a/%2e%2E/y' }),
    `${p}.baseUrl: holds a dot segment or an escaped slash; write the path plainly`,
  ],
  [
    withTarget({ baseUrl: 'https://a/x%2fy' }),
    `${p}.baseUrl: holds a dot segment or an escaped slash; write the path plainly`,
  ],
  [
    withTarget({ baseUrl: 'http://api.example.org' }),
    `${p}.baseUrl: plain http sends everything readably; write https, or set "insecureHttp": true`,
  ],
  [
    withTarget({ baseUrl: 'http://localhost.evil.org' }),
    `${p}.baseUrl: plain http sends everything readably; write https, or set "insecureHttp": true`,
  ],
  [
    withTarget({ baseUrl: 'http://127.0.0.1.evil.org' }),
    `${p}.baseUrl: plain http sends everything readably; write https, or set "insecureHttp": true`,
  ],
  [withTarget({ auth: 'CANARY' }), `${p}.auth: is a string; write an object { … }`],
  [withTarget({ auth: {} }), `${p}.auth: needs exactly one of bearer, basic, header`],
  [
    withTarget({ auth: { token: 'CANARY' } }),
    `${p}.auth.token: there is no such setting; known here: bearer, basic, header`,
  ],
  [
    withTarget({ auth: { bearer: 'CANARY' } }),
    `${p}.auth.bearer: a secret is never written into the config (found a string); say where it is kept: { "env": "NAME" }, { "file": "PATH" } or { "command": ["PROGRAM", "ARGUMENT"] }`,
  ],
  [
    withTarget({ auth: { basic: { user: 'u', password: 'CANARY' } } }),
    `${p}.auth.basic.password: a secret is never written into the config (found a string); say where it is kept: { "env": "NAME" }, { "file": "PATH" } or { "command": ["PROGRAM", "ARGUMENT"] }`,
  ],
  [
    withTarget({ auth: { bearer: {} } }),
    `${p}.auth.bearer: needs exactly one of { "env": "NAME" }, { "file": "PATH" } or { "command": ["PROGRAM", "ARGUMENT"] }`,
  ],
  [
    withTarget({ auth: { bearer: { env: 'A', file: 'b' } } }),
    `${p}.auth.bearer: needs exactly one of { "env": "NAME" }, { "file": "PATH" } or { "command": ["PROGRAM", "ARGUMENT"] }`,
  ],
  [
    withTarget({ auth: { bearer: { env: 'A' }, header: { name: 'x', value: { env: 'B' } } } }),
    `${p}.auth: needs exactly one of bearer, basic, header`,
  ],
  [
    withTarget({ auth: { bearer: { env: '$CANARY' } } }),
    `${p}.auth.bearer.env: is not the name of an environment variable; write it bare, such as API_TOKEN, without $`,
  ],
  [withTarget({ auth: { bearer: { file: '~/t' } } }), `${p}.auth.bearer.file: ~ is not expanded; write the whole path`],
  [
    withTarget({ auth: { bearer: { command: 'op CANARY' } } }),
    `${p}.auth.bearer.command: write the program and each argument apart: ["PROGRAM", "ARGUMENT"]`,
  ],
  [withTarget({ auth: { bearer: { command: [] } } }), `${p}.auth.bearer.command: the list is empty`],
  [withTarget({ auth: { bearer: { command: [''] } } }), `${p}.auth.bearer.command[0]: is empty`],
  [withTarget({ auth: { bearer: { command: ['a', 1] } } }), `${p}.auth.bearer.command[1]: is a number; write a string`],
  [withTarget({ auth: { bearer: { command: ['a', 'b\0'] } } }), `${p}.auth.bearer.command[1]: holds a NUL character`],
  [withTarget({ auth: { basic: { password: { env: 'A' } } } }), `${p}.auth.basic.user: is missing`],
  [withTarget({ auth: { basic: { user: 'u' } } }), `${p}.auth.basic.password: is missing`],
  [
    withTarget({ auth: { basic: { user: 'u:CANARY', password: { env: 'A' } } } }),
    `${p}.auth.basic.user: holds a colon; basic authentication cannot carry it in a user name`,
  ],
  [withTarget({ auth: { header: { value: { env: 'A' } } } }), `${p}.auth.header.name: is missing`],
  [withTarget({ auth: { header: { name: 'X-Key' } } }), `${p}.auth.header.value: is missing`],
  [
    withTarget({ auth: { header: { name: 'X Key', value: { env: 'A' } } } }),
    `${p}.auth.header.name: is not a header name`,
  ],
  [
    withTarget({ auth: { header: { name: 'Host', value: { env: 'A' } } } }),
    `${p}.auth.header.name: the Host header belongs to HTTP and cannot be set`,
  ],
  [withTarget({ headers: { 'a b': 'c' } }), `${p}.headers["a b"]: is not a header name`],
  [
    withTarget({ headers: { 'content-length': '1' } }),
    `${p}.headers.content-length: the content-length header belongs to HTTP and cannot be set`,
  ],
  [
    withTarget({ headers: { Authorization: 'CANARY' } }),
    `${p}.headers.Authorization: a credential is never written into the config; use "auth" with bearer, basic or header`,
  ],
  [
    withTarget({ headers: { 'X-Api-Key': 'CANARY' } }),
    `${p}.headers.X-Api-Key: a credential is never written into the config; use "auth" with bearer, basic or header`,
  ],
  [
    withTarget({ headers: { Cookie: 'CANARY' } }),
    `${p}.headers.Cookie: a credential is never written into the config; use "auth" with bearer, basic or header`,
  ],
  [
    withTarget({ headers: { a: 'CANARY\r\nx: y' } }),
    `${p}.headers.a: is not a header value; write a string of visible ASCII characters`,
  ],
  [withTarget({ headers: { a: 'b', A: 'c' } }), `${p}.headers.A: is there twice; header names do not differ by case`],
  [withTarget({ retry: 3 }), `${p}.retry: is a number; write an object { … }`],
  [withTarget({ retry: { max: -1 } }), `${p}.retry.max: -1 is not a whole number from 0 to 1000`],
  [withTarget({ retry: { max: '3' } }), `${p}.retry.max: "3" is not a whole number from 0 to 1000`],
  [withTarget({ retry: { base: '5x' } }), `${p}.retry.base: "5x" ${notDuration}`],
  [withTarget({ retry: { base: 5 } }), `${p}.retry.base: 5 ${notDuration}`],
  [withTarget({ retry: { base: '0s' } }), `${p}.retry.base: "0s" is out of range; write 1ms to 30d`],
  [withTarget({ retry: { factor: 0.5 } }), `${p}.retry.factor: 0.5 is not a number from 1 to 100`],
  [withTarget({ retry: { factor: NaN } }), `${p}.retry.factor: NaN is not a number from 1 to 100`],
  [withTarget({ retry: { base: '5m', cap: '1m' } }), `${p}.retry.cap: is shorter than the base`],
  [withTarget({ retry: { caps: '1m' } }), `${p}.retry.caps: there is no such setting; did you mean cap?`],
  [withTarget({ patience: '3 days' }), `${p}.patience: "3 days" ${notDuration}`],
  [withTarget({ patience: '99999999999d' }), `${p}.patience: "99999999999d" is out of range; write 1s to 365d`],
  [withTarget({ probe: {} }), `${p}.probe.path: is missing`],
  [withTarget({ probe: { method: 'POST', path: '/' } }), `${p}.probe.method: "POST" is not one of HEAD, GET, OPTIONS`],
  [
    withTarget({ probe: { path: 'health' } }),
    `${p}.probe.path: is not a path; write it from / on, relative to the base URL, such as /health`,
  ],
  [
    withTarget({ probe: { path: '//evil/x' } }),
    `${p}.probe.path: is not a path; write it from / on, relative to the base URL, such as /health`,
  ],
  [withTarget({ probe: { path: '/../x' } }), `${p}.probe.path: holds a dot segment; write the path plainly`],
  [withTarget({ timeout: '2h' }), `${p}.timeout: "2h" is out of range; write 1ms to 1h`],
  [withTarget({ connectTimeout: '2h' }), `${p}.connectTimeout: "2h" is out of range; write 1ms to 1h`],
  [withTarget({ concurrency: 0 }), `${p}.concurrency: 0 is not a whole number from 1 to 64`],
  [withTarget({ concurrency: 65 }), `${p}.concurrency: 65 is not a whole number from 1 to 64`],
  [withTarget({ concurrency: 1.5 }), `${p}.concurrency: 1.5 is not a whole number from 1 to 64`],
  [withTarget({ rate: '20' }), `${p}.rate: "20" is not a rate; write 20/s, 100/m or 5000/h (count from 1 to 999999)`],
  [withTarget({ rate: '0/s' }), `${p}.rate: "0/s" is not a rate; write 20/s, 100/m or 5000/h (count from 1 to 999999)`],
  [withTarget({ order: 'fifo' }), `${p}.order: "fifo" is not one of entity, strict, none`],
  [
    withTarget({ outcomes: { '99': 'delivered' } }),
    `${p}.outcomes.99: is not a status for a rule; write one from 300 to 599 or a class such as 5xx ("expect" is for 2xx)`,
  ],
  [
    withTarget({ outcomes: { '4XX': 'delivered' } }),
    `${p}.outcomes.4XX: is not a status for a rule; write one from 300 to 599 or a class such as 5xx ("expect" is for 2xx)`,
  ],
  [
    withTarget({ outcomes: { '2xx': 'delivered' } }),
    `${p}.outcomes.2xx: is not a status for a rule; write one from 300 to 599 or a class such as 5xx ("expect" is for 2xx)`,
  ],
  [
    withTarget({ outcomes: { '409': 'ok' } }),
    `${p}.outcomes.409: "ok" is not one of delivered, transient, rejected, conflict, auth, unavailable, throttled`,
  ],
  [withTarget({ expect: { status: [] } }), `${p}.expect.status: the list is empty`],
  [withTarget({ expect: { status: 200 } }), `${p}.expect.status: is a number; write a list [ … ]`],
  [withTarget({ expect: { status: [200, 404] } }), `${p}.expect.status[1]: 404 is not a whole number from 200 to 299`],
  [
    withTarget({ expect: { contentType: 'json' } }),
    `${p}.expect.contentType: "json" is not a media type; write type/subtype without parameters, such as application/json`,
  ],
  [withTarget({ onUnknown: true }), `${p}.onUnknown: true is not one of retry, review`],
  [withTarget({ idempotencyHeader: '' }), `${p}.idempotencyHeader: is empty`],
  [
    withTarget({ idempotencyHeader: 'Host' }),
    `${p}.idempotencyHeader: the Host header belongs to HTTP and cannot be set`,
  ],
  [
    withTarget({ idempotencyHeader: 'Authorization' }),
    `${p}.idempotencyHeader: the Authorization header has a meaning of its own and cannot carry the idempotency key`,
  ],
  [
    withTarget({ idempotencyHeader: 'content-Type' }),
    `${p}.idempotencyHeader: the content-Type header has a meaning of its own and cannot carry the idempotency key`,
  ],
  [withTarget({ breaker: -1 }), `${p}.breaker: -1 is not a whole number from 0 to 1000`],
  [withTarget({ insecureHttp: 'yes' }), `${p}.insecureHttp: "yes" is not true or false`],
  [withTarget({ denyPrivate: 1 }), `${p}.denyPrivate: 1 is not true or false`],
  [withTarget({ production: null }), `${p}.production: null is not true or false`],
  [withTarget({ proxy: true }), `${p}.proxy: is a boolean; write a string`],
  [withTarget({ proxy: 'proxy:3128' }), `${p}.proxy: is not a proxy URL; write http://host:port, or false for none`],
  [
    withTarget({ proxy: 'http://u:CANARY@proxy' }),
    `${p}.proxy: holds a credential; a secret is never a value here: leave "proxy" out and set HTTPS_PROXY`,
  ],
  [withTarget({ proxy: 'http://proxy/x' }), `${p}.proxy: holds more than host and port`],
  [withTarget({ tls: { cert: 'a.pem' } }), `${p}.tls: a client certificate needs both "cert" and "key"`],
  [withTarget({ tls: { ca: 1 } }), `${p}.tls.ca: is a number; write a string`],
  [{ sensitive: 'phone' }, 'sensitive: is a string; write a list [ … ]'],
  [{ sensitive: ['phone', ''] }, 'sensitive[1]: is empty'],
  [{ sensitive: ['/a~2'] }, 'sensitive[0]: is not a JSON Pointer: write ~ as ~0 and / in a key as ~1'],
  [{ retention: { completed: 30 } }, `retention.completed: 30 ${notDuration}`],
  [{ retention: { payload: '7d' } }, 'retention.payload: there is no such setting; did you mean payloads?'],
  [{ hooks: { review: 'mail' } }, 'hooks.review: write the program and each argument apart: ["PROGRAM", "ARGUMENT"]'],
  [{ limits: { payloadBytes: 0 } }, 'limits.payloadBytes: 0 is not a whole number from 1 to 268435456'],
  [{ limits: { jsonDepth: 1001 } }, 'limits.jsonDepth: 1001 is not a whole number from 1 to 1000'],
];

describe('a bad document', () => {
  test.each(MISTAKES)('%j is refused with its path', (document, message) => {
    const error = refusal(document);
    expect(error.message).toBe(message);
    expect(error.code).toBe('bad-config');
    expect(error.hint).toContain('/etc/app/syncq.json');
  });

  test('no refusal shows a secret, a query or a header value', () => {
    const shown = MISTAKES.map(([document]) => refusal(document)).map(
      (error) => `${error.message} ${error.hint ?? ''}`,
    );
    expect(shown.filter((text) => text.includes('CANARY'))).toEqual([]);
  });

  test('cuts a value that a message shows', () => {
    expect(refusal(withTarget({ order: 'x'.repeat(500) })).message.length).toBeLessThan(150);
    expect(refusal({ ['x'.repeat(500)]: 1 }).message.length).toBeLessThan(250);
  });
});

describe('any document', () => {
  /** Keys that mean something, so that arbitrary values get past the first door. */
  const key = fc.constantFrom(
    ...['targets', 'queue', 'sensitive', 'retention', 'hooks', 'limits', 'p', 'baseUrl', 'auth', 'bearer', 'basic'],
    ...[
      'retry',
      'base',
      'probe',
      'outcomes',
      '409',
      'expect',
      'status',
      'tls',
      'headers',
      'file',
      'command',
      '__proto__',
    ],
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'medium' },
      fc.jsonValue(),
      fc.constantFrom('5s', 'https://a', 'GET', '/x', true, 3),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }));

  test('is accepted, or refused with the name of the field', () => {
    fc.assert(
      fc.property(tree, (document) => {
        try {
          parse(document);
        } catch (error) {
          expect(isQueueError(error) && error.code === 'bad-config').toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('cannot reach the prototype of anything', () => {
    const target = '{"baseUrl":"https://a","outcomes":{"__proto__":"delivered"}}';
    expect(refusal(JSON.parse(`{"targets":{"p":${target}}}`)).message).toContain('targets.p.outcomes.__proto__');
    const pointer = '{"baseUrl":"https://a","outcomes":[{"means":"rejected","body":{"__proto__":1}}]}';
    expect(refusal(JSON.parse(`{"targets":{"p":${pointer}}}`)).message).toContain('outcomes[0].body.__proto__');
  });
});

describe('the queue of a broken document', () => {
  test.each([
    ['{"queue":"q.db","targets":1}', '/etc/app/q.db'],
    ['{"queue":"q.db","targets":{}},', '/etc/app/q.db'],
    ['{"targets":{"queue":1}}', undefined],
    ['{"targets":', undefined],
    ['null', undefined],
    ['', undefined],
    ['{"queue":7}', null],
    ['{"targets":{}},"queue":"q.db"}', null],
    ['{"queue":"q.db', null],
  ])('%s still names %s', (source, expected) => {
    expect(queueNamedIn(source, options)).toBe(expected);
  });
});
