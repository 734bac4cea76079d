import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { BulkReader } from '../../../src/core/input/bulk-reader.js';
import { openBulk } from '../../../src/core/input/bulk-source.js';
import { DEFAULT_LIMITS } from '../../../src/core/nouns/config.js';
import { implicitTarget } from '../../../src/core/config/target-shape.js';
import type { DraftContext } from '../../../src/core/input/draft.js';
import { tempDirectory } from '../../support/temp.js';

const context: DraftContext = {
  targets: new Map([['t', { ...implicitTarget('http://127.0.0.1:1'), name: 't', implicit: false }]]),
  defaultTarget: undefined,
  limits: DEFAULT_LIMITS,
  now: 0,
};
const options = { context, partial: false, stream: false };

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const entry of iterable) all.push(entry);
  return all;
}

/** A source that comes only once, as a pipe does. */
const once = (...parts: string[]): { chunks: AsyncGenerator<Uint8Array>; again: undefined } => ({
  chunks: chunks(...parts),
  again: undefined,
});

/** All of the source's bytes; the chunks of a file are good until the next is taken. */
async function collectFrom(...given: Parameters<typeof openBulk>): Promise<Uint8Array[]> {
  const source = await openBulk(...given);
  const read: Uint8Array[] = [];
  for await (const chunk of source.chunks) read.push(Buffer.from(chunk));
  source.close();
  return read;
}

const line = (id: number): string => `{"method":"POST","path":"/a/${id}"}\n`;

describe('bulk input', () => {
  test('becomes batches as its chunks arrive, cut anywhere', async () => {
    const reader = new BulkReader(once(line(1) + line(2).slice(0, 9), line(2).slice(9), line(3).trim()), options);
    const paths = (await collect(reader)).map((batch) => batch.map(({ path }) => path));
    expect(paths).toEqual([['/a/1'], ['/a/2'], ['/a/3']]);
  });

  test('is refused at the first bad line, with its number and what is safe', async () => {
    const reader = new BulkReader(once(`${line(1)}\n{"method":"POST"}\n${line(4)}`), options);
    await expect(collect(reader)).rejects.toMatchObject({
      code: 'bad-item',
      message: 'line 3: path is missing; nothing was stored',
    });
  });

  test('with --partial gives the good lines and lists the bad', async () => {
    const reader = new BulkReader(once(`${line(1)}nonsense s3cret\n${line(3)}`), {
      ...options,
      partial: true,
    });
    expect((await collect(reader)).flat().map(({ path }) => path)).toEqual(['/a/1', '/a/3']);
    expect(reader.rejected.map((entry) => entry.line)).toEqual([2]);
    expect(JSON.stringify(reader.rejected)).not.toContain('s3cret');
  });

  test('without a line is refused, because something went wrong before', async () => {
    await expect(collect(new BulkReader(once('\n\n'), options))).rejects.toMatchObject({ code: 'bad-item' });
    await expect(collect(new BulkReader(once(), options))).rejects.toThrow('the input is empty');
  });

  test('of more lines than one transaction may have is refused', async () => {
    const reader = new BulkReader(once(line(1), line(2), line(3)), {
      ...options,
      context: { ...context, limits: { ...DEFAULT_LIMITS, batchLines: 2 } },
    });
    await expect(collect(reader)).rejects.toMatchObject({ code: 'too-large' });
  });

  test.each([true, false])('from a stream arrives whole (all in one transaction: %p)', async (whole) => {
    const parts = ['a', 'b'.repeat(3_000_000), 'c'];
    const read = await collectFrom(chunks(...parts), whole);
    expect(Buffer.concat(read.map((chunk) => Buffer.from(chunk)))).toHaveLength(3_000_002);
  });

  test('from a stream is copied aside whole before the first chunk comes out', async () => {
    let ended = false;
    const slow = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      await new Promise((resolve) => setTimeout(resolve, 20));
      ended = true;
    })();
    const source = await openBulk(slow, true);
    expect(ended).toBe(true);
    source.close();
  });

  test('from a file that cannot be read is a usage error', async () => {
    const directory = tempDirectory();
    await expect(openBulk(join(directory, 'none'), true)).rejects.toMatchObject({
      code: 'usage',
      message: `the file ${join(directory, 'none')} does not exist; nothing was stored`,
    });
    await expect(openBulk(directory, true)).rejects.toMatchObject({ code: 'usage' });
  });
});
