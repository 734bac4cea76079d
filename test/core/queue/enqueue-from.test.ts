import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { describe, expect, test } from '@jest/globals';

import type { BulkSource, Queue } from '../../../src/core/index.js';
import { testQueue } from '../../support/queue.js';
import { tempDirectory } from '../../support/temp.js';

const open = (): Queue => testQueue({ api: { baseUrl: 'http://127.0.0.1:1' } }).queue;
const line = (n: number, more: object = {}): string =>
  JSON.stringify({ method: 'PUT', path: `/a/${n}`, entity: `a/${n}`, payload: { n }, ...more });
const THREE = [line(1), line(2), line(3)];
const TEXT = `${THREE.join('\n')}\n`;
const pathsIn = async (queue: Queue): Promise<string[]> => (await queue.list()).items.map(({ path }) => path);

function fileOf(text: string): string {
  const file = join(tempDirectory(), 'items.ndjson');
  writeFileSync(file, text);
  return file;
}

describe('enqueueFrom', () => {
  test.each<[string, () => BulkSource]>([
    ['a file by its name', () => fileOf(TEXT)],
    ['the stream of a file', () => createReadStream(fileOf(TEXT), { highWaterMark: 7 })],
    ['a web stream', () => new Blob([TEXT]).stream()],
    ['lines in memory', () => THREE],
    ['lines with their ends', () => THREE.map((one) => `${one}\r\n`)],
    ['a generator of lines', () => THREE.values()],
    ['bytes in memory, cut anywhere', () => [Buffer.from(TEXT.slice(0, 9)), Buffer.from(TEXT.slice(9))]],
  ])('stores what comes from %s, in one transaction or as it arrives', async (_name, source) => {
    for (const stream of [false, true]) {
      const queue = open();
      const report = await queue.enqueueFrom(source(), { stream });
      expect(report).toEqual({ firstId: 1, lastId: 3, count: 3, duplicates: 0, rejected: [] });
      expect(await pathsIn(queue)).toEqual(['/a/1', '/a/2', '/a/3']);
      await queue.close();
    }
  });

  test.each<[string, () => BulkSource]>([
    ['a file', () => fileOf(`${line(1)}\n\n{"method":"POST"}\n${line(2)}\n`)],
    ['a stream', () => Readable.from([Buffer.from(`${line(1)}\n\n{"method":"POST"}\n${line(2)}\n`)])],
  ])('stores nothing of %s with a bad line, and names the line', async (_name, source) => {
    const queue = open();
    await expect(queue.enqueueFrom(source())).rejects.toMatchObject({
      code: 'bad-item',
      message: 'line 3: path is missing; nothing was stored',
    });
    expect(await pathsIn(queue)).toEqual([]);
    expect(await queue.enqueueFrom(source(), { partial: true })).toEqual({
      firstId: 1,
      lastId: 2,
      count: 2,
      duplicates: 0,
      rejected: [{ line: 3, message: 'path is missing' }],
    });
  });

  test('keeps what a stream stored before its bad line', async () => {
    const queue = open();
    const source = Readable.from([Buffer.from(`${line(1)}\n`), Buffer.from('nonsense\n')]);
    await expect(queue.enqueueFrom(source, { stream: true })).rejects.toMatchObject({
      message: expect.stringMatching(/^line 2: .*; the batches before it are stored$/),
    });
    expect(await pathsIn(queue)).toEqual(['/a/1']);
  });

  test.each<[string, () => BulkSource]>([
    ['lines in memory', () => [line(1, { key: 'k' }), line(2, { key: 'k' })]],
    ['a stream', () => Readable.from([Buffer.from(line(1, { key: 'k' })), Buffer.from(`\n${line(2, { key: 'k' })}`)])],
  ])('names the line that had a key first: %s', async (_name, source) => {
    const message = 'line 2: the key k already belongs to line 1, which has other content; nothing was stored';
    await expect(open().enqueueFrom(source())).rejects.toMatchObject({ code: 'key-conflict', message });
  });

  test('counts what was there already', async () => {
    const queue = open();
    const lines = [line(1, { key: 'k' }), line(1, { key: 'k' })];
    expect(await queue.enqueueFrom(lines)).toMatchObject({ count: 2, duplicates: 1, firstId: 1, lastId: 1 });
  });

  test('says how many lines it has read', async () => {
    const seen: number[] = [];
    await open().enqueueFrom(THREE, { onLines: (count) => void seen.push(count) });
    expect(seen.at(-1)).toBe(3);
  });

  test('hands on what the source throws', async () => {
    const broken = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${line(1)}\n`);
      throw Object.assign(new Error('the socket was reset'), { code: 'ECONNRESET' });
    })();
    const queue = open();
    await expect(queue.enqueueFrom(broken)).rejects.toThrow('the socket was reset');
    expect(await pathsIn(queue)).toEqual([]);
  });
});
