import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { parseConfig } from '../../../src/core/config/validate.js';
import { parseBulkLine } from '../../../src/core/input/bulk-line.js';
import { LineSplitter } from '../../../src/core/input/line-splitter.js';
import type { ArchivedItem } from '../../../src/core/store/archive.js';
import { AtomicFile } from '../../../src/core/files/atomic-file.js';
import { bundleItems, BundleWriter, verifyBundle } from '../../../src/core/transfer/bundle-file.js';
import { bundleLine, readBundleLine } from '../../../src/core/transfer/bundle-item.js';
import { curlCommand } from '../../../src/core/transfer/curl.js';
import { publicConfig } from '../../../src/core/transfer/config-document.js';
import { ndjsonLine } from '../../../src/core/transfer/ndjson.js';
import { tempDirectory } from '../../support/temp.js';
import { context } from '../input/context.js';
import { archivedItem, bundleContext } from './support.js';

const PAYLOADS: [string, string | undefined, Buffer][] = [
  ['JSON as it is spelled', 'application/json', Buffer.from('{ "b":1e400,"a":9007199254740993,"a":"\\u0041" }')],
  ['JSON on several lines', 'application/json', Buffer.from('{\n  "a": 1\r\n}')],
  ['JSON with white space around it', 'application/json', Buffer.from(' {"a":1} ')],
  ['a JSON string', 'application/json', Buffer.from('"text"')],
  ['JSON null', 'application/json', Buffer.from('null')],
  ['a JSON type by its suffix', 'application/merge-patch+json', Buffer.from('{"a":null}')],
  ['no JSON under a JSON type', 'application/json', Buffer.from('{"a":')],
  ['text', 'text/plain; charset=utf-8', Buffer.from('é\u2028"quoted"\n\u0000')],
  ['a byte order mark', 'text/plain', Buffer.from('\ufefftext')],
  ['bytes', 'image/png', Buffer.from([0xff, 0xd8, 0x00, 0x0a])],
  ['an empty payload', 'text/plain', Buffer.alloc(0)],
];

/** What `enqueue` takes too. */
const VALID = PAYLOADS.filter(([name]) => name !== 'no JSON under a JSON type');

describe('a line', () => {
  test.each(VALID)('of a bundle gives back the item: %s', (_name, contentType, payload) => {
    const item = archivedItem({ contentType, payload });
    expect(readBundleLine(Buffer.from(bundleLine(item).trimEnd()), bundleContext())).toEqual(item);
  });

  test.each(VALID)('of ndjson is enqueued with the same bytes: %s', (_name, contentType, payload) => {
    const item = archivedItem({
      target: 'production',
      contentType,
      payload,
      headers: { 'accept-language': 'nb' },
      tags: ['a'],
      entity: { type: 'a', id: 'b/c' },
    });
    const text = ndjsonLine(item, undefined);
    expect(text.split('\n')).toHaveLength(2);
    const [line] = new LineSplitter(1e6).push(Buffer.from(text));
    const read = parseBulkLine(line!, context());
    expect(Buffer.from(read.payload!).equals(payload)).toBe(true);
    expect(read).toMatchObject({
      method: 'PUT',
      path: '/things/1',
      target: 'production',
      headers: item.headers,
      tags: ['a'],
      entity: item.entity,
      idempotencyKey: item.idempotencyKey,
      contentType,
    });
  });

  test('of ndjson whose payload is gone is refused, not sent empty', () => {
    const [line] = new LineSplitter(1e6).push(
      Buffer.from(ndjsonLine(archivedItem({ target: 'production', payloadBytes: 10 }), undefined)),
    );
    expect(() => parseBulkLine(line!, context())).toThrow('payloadBytes says that there was one');
  });

  test('of ndjson with stand-ins is refused: it has the key of the real write', () => {
    const [line] = new LineSplitter(1e6).push(Buffer.from(ndjsonLine(archivedItem(), undefined, true)));
    expect(() => parseBulkLine(line!, context())).toThrow('the line holds stand-ins');
  });

  test('of ndjson names an implicit target by its URL', () => {
    const target = {
      name: 'https://x.example.org',
      order: 'entity' as const,
      implicitBaseUrl: 'https://x.example.org',
      boundTo: undefined,
      delivered: false,
    };
    const [line] = new LineSplitter(1e6).push(Buffer.from(ndjsonLine(archivedItem({ target: target.name }), target)));
    expect(parseBulkLine(line!, context())).toMatchObject({
      target: 'https://x.example.org',
      path: '/things/1',
      implicitBaseUrl: 'https://x.example.org',
    });
  });

  test('of a bundle keeps everything an item had', () => {
    const item = archivedItem({
      entity: { type: 'a', id: 'b' }, state: 'review', retryCount: 2, maxRetries: 3, revision: 1, mayHaveArrived: 1, tags: ['x'], ownLane: true, notBefore: 5, askedAt: 4, expiresAt: 9,
      review: { reason: 'rejected', status: 422, message: 'no', cause: 'no' },
      attempts: [{ number: 1, startedAt: 2, durationMs: 3, outcome: 'rejected', status: 422, message: 'no', counted: true, runner: 'run 1@h', url: 'https://x.example.org/', idempotencyKey: 'k', response: { status: 422, headers: { a: 'b' }, body: Buffer.from([0xff]), complete: false } }],
      revisions: [{ number: 0, at: 1, who: 'kari', reason: 'typo', attempts: 1, idempotencyKey: 'k', path: '/a', contentType: 'text/plain', headers: {}, payloadSha256: createHash('sha256').update('old').digest('hex'), payload: Buffer.from('old') }],
      history: [{ at: 1, who: 'kari', command: 'edit', event: 'edited', reason: undefined, detail: { fields: ['path'] } }],
    }); // prettier-ignore
    expect(readBundleLine(Buffer.from(bundleLine(item).trimEnd()), bundleContext())).toEqual(item);
  });

  test.each([
    [0, 0],
    [4, 1],
    [7, 2],
    [1e9, 2],
  ])('of a bundle whose attempts have gaps names the same attempt: %s', (told, mayHaveArrived) => {
    const attempt = { startedAt: 2, durationMs: 3, outcome: 'unknown', status: undefined, message: 'no', counted: false, runner: 'run', url: undefined, idempotencyKey: undefined, response: undefined } as const; // prettier-ignore
    const attempts = [4, 7].map((number) => ({ ...attempt, number }));
    const line = bundleLine(archivedItem({ attempts, attemptCount: 7, mayHaveArrived: told }));
    expect(readBundleLine(Buffer.from(line.trimEnd()), bundleContext())).toMatchObject({ mayHaveArrived });
  });

  test.each([
    ['a path that leads out', { path: '/a/../b' }, 'path'],
    ['a path to another host', { path: '//evil.example.org' }, 'path'],
    ['a credential', { headers: { authorization: 'Bearer x' } }, 'credential'],
    ['an unknown method', { method: 'TRACE' as never }, 'method'],
    ['an unknown state', { state: 'lost' as never }, 'state'],
    ['a key with a line break', { idempotencyKey: 'a\nb' }, 'idempotencyKey'],
    ['an entity without id', { entity: { type: 'a', id: '' } }, 'entity'],
    ['other bytes than its checksum says', { payload: Buffer.from('{}'), payloadSha256: 'b'.repeat(64) }, 'checksum'],
    ['a negative count', { retryCount: -1 }, 'retryCount'],
    [
      'an unknown outcome',
      { attempts: [{ number: 1, startedAt: 1, counted: false, runner: 'r', outcome: 'fine' } as never] },
      'outcome',
    ],
  ])('of a bundle is refused for %s', (_name, more, field) => {
    expect(() => readBundleLine(Buffer.from(bundleLine(archivedItem(more)).trimEnd()), bundleContext())).toThrow(
      expect.objectContaining({ code: 'bad-item', message: expect.stringContaining(field) }),
    );
  });
});

const API = { name: 'api', order: 'entity' as const, implicitBaseUrl: undefined, boundTo: undefined, delivered: false };

function writeBundle(items: ArchivedItem[]): string {
  const path = join(tempDirectory(), 'queue.bundle');
  const file = new AtomicFile(path);
  const writer = new BundleWriter(file, { targets: [API], config: {}, recipients: [] });
  for (const item of items) writer.add(item);
  writer.finish({ createdAt: 0, syncq: '1.0.0', queue: 'uuid', redacted: false });
  file.commit();
  return path;
}

async function readBack(path: string): Promise<ArchivedItem[]> {
  const { batches, assertUnchanged } = bundleItems(path, verifyBundle(path), context());
  const items: ArchivedItem[] = [];
  for await (const batch of batches) items.push(...batch);
  assertUnchanged();
  return items;
}

const MANY = Array.from({ length: 1234 }, (_, n) =>
  archivedItem({ id: n + 1, payload: Buffer.from(JSON.stringify({ n, text: 'é'.repeat(n % 900) })) }),
);

describe('a bundle', () => {
  test('gives back its items in their order', async () => {
    expect(await readBack(writeBundle(MANY))).toEqual(MANY);
    expect(await readBack(writeBundle([]))).toEqual([]);
  });

  test('is a private text file, with its header first', () => {
    const path = writeBundle(MANY.slice(0, 3));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(6);
    expect(verifyBundle(path).header).toMatchObject({
      version: 1,
      items: 3,
      syncq: '1.0.0',
      queue: 'uuid',
      redacted: false,
    });
  });

  test.each([
    ['a changed byte', (text: string) => text.replace('"n":1000', '"n":1001')],
    ['a missing last line', (text: string) => text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1)],
    ['an item more', (text: string) => `${text}{}\n`],
    ['half a file', (text: string) => text.slice(0, text.length / 2)],
    [
      'two lines exchanged',
      (text: string) => {
        const lines = text.split('\n');
        [lines[3], lines[4]] = [lines[4]!, lines[3]!];
        return lines.join('\n');
      },
    ],
  ])('is refused with %s', (_name, damage) => {
    const path = writeBundle(MANY);
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    expect(() => verifyBundle(path)).toThrow(
      expect.objectContaining({
        code: 'bad-item',
        message: expect.stringContaining('does not fit its checksum; nothing was stored'),
      }),
    );
  });

  test('that changes after it was verified is noticed before the commit', async () => {
    const path = writeBundle(MANY);
    const { batches, assertUnchanged } = bundleItems(path, verifyBundle(path), context());
    writeFileSync(path, readFileSync(path, 'utf8').replace('"retryCount":0', '"retryCount":7'));
    for await (const batch of batches) expect(batch).not.toEqual([]);
    expect(assertUnchanged).toThrow('does not fit its checksum');
  });

  test.each([
    ['an empty file', ''],
    ['lines of JSON', '{"method":"PUT"}\n'],
    ['something else', '\u0089PNG\r\n'],
  ])('is not %s', (_name, content) => {
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, content);
    expect(() => verifyBundle(path)).toThrow('is not a bundle; nothing was stored');
  });

  test('of a newer version is refused', () => {
    const path = writeBundle([]);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"syncqBundle":1', '"syncqBundle":2'));
    expect(() => verifyBundle(path)).toThrow('written by a newer syncq');
  });
});

describe('an atomic file', () => {
  test('is there whole, or not at all', () => {
    const directory = tempDirectory();
    const path = join(directory, 'file');
    writeFileSync(path, 'old');
    const given = new AtomicFile(path);
    given.write('new');
    expect(readFileSync(path, 'utf8')).toBe('old');
    given.discard();
    expect([readFileSync(path, 'utf8'), readdirSync(directory)]).toEqual(['old', ['file']]);
    const kept = new AtomicFile(path);
    kept.write('new');
    kept.commit(() => undefined);
    kept.discard();
    expect([readFileSync(path, 'utf8'), readdirSync(directory)]).toEqual(['new', ['file']]);
    const refused = new AtomicFile(path);
    refused.write('newer');
    expect(() => refused.commit()).toThrow(/exists already/);
    expect([readFileSync(path, 'utf8'), readdirSync(directory)]).toEqual(['new', ['file']]);
  });

  test('says when its place cannot be written', () => {
    expect(() => new AtomicFile('/nowhere/at/all')).toThrow(expect.objectContaining({ code: 'unwritable' }));
  });
});

describe('the config of a bundle', () => {
  test('holds no secret, and nothing that could be one', () => {
    const config = parseConfig(
      { targets: { api: { baseUrl: 'https://x.example.org', auth: { bearer: { env: 'THE_TOKEN' } }, headers: { 'x-team': 'the-team' }, proxy: 'http://proxy.example.org:3128' } }, sensitive: ['phone'] },
      { source: undefined, baseDir: '/' },
    ); // prettier-ignore
    const text = JSON.stringify(publicConfig(config));
    expect(text).not.toMatch(/THE_TOKEN|the-team|proxy/);
    expect(JSON.parse(text)).toMatchObject({
      sensitive: ['phone'],
      targets: { api: { baseUrl: 'https://x.example.org', auth: 'bearer', headers: ['x-team'] } },
    });
  });
});

describe('a curl command', () => {
  const target = parseConfig(
    { targets: { api: { baseUrl: 'https://x.example.org/v1', auth: { bearer: { env: 'T' } } } } },
    { source: undefined, baseDir: '/' },
  ).targets.get('api');

  /** What a shell makes of it: the arguments, and what curl would read from stdin. */
  function inShell(command: string): { args: string[]; stdin: Buffer } {
    const script = `curl() { printf '%s\\0' "$@"; printf 'STDIN\\0'; case "$*" in *@-) cat;; esac; }\n${command}`;
    const output = execFileSync('sh', [], { input: script, env: { PATH: process.env['PATH'] } });
    const border = output.indexOf('STDIN\0');
    return { args: output.subarray(0, border).toString().split('\0').slice(0, -1), stdin: output.subarray(border + 6) };
  }

  test.each([
    ['JSON', Buffer.from('{"a":"it\'s $HOME `id` \\\\ !! é"}')],
    ['a line break', Buffer.from('{\n"a": 1}')],
  ])('gives curl the very bytes: %s', (_name, payload) => {
    const { args } = inShell(curlCommand(archivedItem({ payload }), { baseUrl: target!.baseUrl, config: target }));
    expect(args.at(-1)).toBe(payload.toString());
    expect(args).toEqual(
      expect.arrayContaining([
        '--request',
        'PUT',
        'https://x.example.org/v1/things/1',
        'content-type: application/json',
        'idempotency-key: key-1',
      ]),
    );
  });

  test.each([
    ['bytes', Buffer.from([0xff, 0x00, 0x0a])],
    ['control characters', Buffer.from('\u001b[2J')],
    ['what would name a file', Buffer.from('@/etc/passwd')],
    ['more than a command line takes', Buffer.from('x'.repeat(300_000))],
  ])('sends through a pipe: %s', (_name, payload) => {
    const { args, stdin } = inShell(
      curlCommand(archivedItem({ payload, contentType: 'text/plain' }), { baseUrl: target!.baseUrl, config: target }),
    );
    expect(args.at(-1)).toBe('@-');
    expect(stdin.equals(payload)).toBe(true);
  });

  test('cannot be led to run something else', () => {
    const evil = "/'; touch /tmp/owned; echo '$(id)";
    const { args } = inShell(
      curlCommand(archivedItem({ path: evil, headers: { 'x-a': "b'; id #", 'x-empty': '' } }), undefined),
    );
    expect(args).toEqual(expect.arrayContaining([evil, "x-a: b'; id #", 'x-empty;']));
  });

  test('with stand-ins, leads nowhere by itself', () => {
    const command = curlCommand(archivedItem(), { baseUrl: 'https://real.example.org', config: undefined }, true);
    expect(command).toContain('# its values are stand-ins under the real key');
    expect(command).toContain('"$BASE_URL"');
    expect(command).not.toContain('real.example.org');
  });

  test('leaves the credential out, and says so', () => {
    const command = curlCommand(archivedItem(), { baseUrl: target!.baseUrl, config: target });
    expect(command).toContain('# needs a credential, which is left out');
    expect(inShell(command).args.join(' ')).not.toMatch(/authorization/i);
  });

  test('of an item whose payload is gone is a comment', () => {
    const command = curlCommand(archivedItem({ payloadBytes: 10 }), undefined);
    expect(command.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });
});
