import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { readChunks } from '../../../src/core/files/read-file.js';
import { LineSplitter } from '../../../src/core/input/line-splitter.js';
import { tempDirectory } from '../../support/temp.js';
import { growth, refusal } from './context.js';

type Seen = [number: number, text: string];

const shared = Buffer.alloc(1 << 20);

/** Feeds the chunks from one buffer that is overwritten each time, as a reader does. */
function split(chunks: Iterable<Uint8Array>, maxLineBytes = 1000): Seen[] {
  const splitter = new LineSplitter(maxLineBytes);
  let used = 0;
  const seen: Seen[] = [];
  const take = (lines: ReturnType<LineSplitter['push']>): void => {
    for (const line of lines) {
      seen.push([line.number, line.tooLong ? 'too long' : Buffer.from(line.bytes).toString('latin1')]);
    }
  };
  for (const chunk of chunks) {
    shared.fill(0x21, 0, used);
    used = chunk.length;
    shared.set(chunk);
    take(splitter.push(shared.subarray(0, chunk.length)));
  }
  shared.fill(0x21, 0, used);
  take(splitter.end());
  return seen;
}

const splitText = (text: string, maxLineBytes?: number): Seen[] => split([Buffer.from(text, 'latin1')], maxLineBytes);

describe('LineSplitter', () => {
  test.each<[string, Seen[]]>([
    ['', []],
    ['a', [[1, 'a']]],
    ['a\n', [[1, 'a']]],
    [
      'a\r\nb\r\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'a\n\n \t\r\nb',
      [
        [1, 'a'],
        [4, 'b'],
      ],
    ],
    [
      'a\rb\nc',
      [
        [1, 'a\rb'],
        [2, 'c'],
      ],
    ],
    ['a\r\r\n', [[1, 'a\r']]],
    [
      '\xef\xbb\xbfa\nb\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    ['\xef\xbb\xbf', []],
    ['\n\n\n', []],
  ])('%j', (text, lines) => {
    expect(splitText(text)).toEqual(lines);
  });

  test('any chunk boundaries give the same lines', () => {
    const piece = fc.constantFrom(
      'a',
      'bc',
      '\n',
      '\r\n',
      '\r',
      ' ',
      '\xc3\xa6',
      'x'.repeat(9),
      'x'.repeat(10),
      'x'.repeat(11),
    );
    const text = fc.tuple(fc.constantFrom('', '\xef\xbb\xbf'), fc.array(piece, { maxLength: 40 }));
    fc.assert(
      fc.property(text, fc.array(fc.nat(300), { maxLength: 12 }), ([mark, pieces], cuts) => {
        const bytes = Buffer.from(mark + pieces.join(''), 'latin1');
        const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const chunks = edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
        const whole = split([bytes], 10);
        expect(split(chunks, 10)).toEqual(whole);
        expect(
          split(
            Array.from(bytes, (byte) => Uint8Array.of(byte)),
            10,
          ),
        ).toEqual(whole);
      }),
      { numRuns: 1000 },
    );
  });

  test('lines are what splitting the text at LF gives', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', '\n', ' ', '\r\n'), { maxLength: 50 }), (pieces) => {
        const text = `x${pieces.join('')}`;
        const want = text
          .split('\n')
          .flatMap((line, i): Seen[] => (line.trim() === '' ? [] : [[i + 1, line.replace(/\r$/, '')]]));
        expect(splitText(text)).toEqual(want);
      }),
    );
  });

  test('a line of the limit passes, with CRLF too; one byte more is too long, and the next line is whole', () => {
    expect(splitText(`${'x'.repeat(10)}\r\n${'y'.repeat(11)}\nz\n`, 10)).toEqual([
      [1, 'x'.repeat(10)],
      [2, 'too long'],
      [3, 'z'],
    ]);
  });

  test('a line too long is reported at once and once, and not kept', () => {
    const splitter = new LineSplitter(1000);
    const chunk = Buffer.alloc(1 << 20, 0x78);
    const before = process.memoryUsage().arrayBuffers;
    expect(splitter.push(chunk)).toEqual([{ number: 1, bytes: new Uint8Array(0), tooLong: true }]);
    for (let i = 0; i < 100; i++) expect(splitter.push(chunk)).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 << 20);
    expect(splitter.push(Buffer.from('\nb\n')).map(({ number }) => number)).toEqual([2]);
    expect(splitter.end()).toEqual([]);
    expect(splitter.lineCount).toBe(2);
  });

  test.each([
    ['UTF-16 with a mark', [0xff, 0xfe, 0x7b, 0x00], 'UTF-16', 'iconv'],
    ['UTF-16, big end first', [0xfe, 0xff, 0x00, 0x7b], 'UTF-16', 'iconv'],
    ['UTF-16 without a mark', [0x7b, 0x00, 0x22, 0x00], 'UTF-16', 'iconv'],
    ['gzip', [0x1f, 0x8b, 0x08, 0x00], 'gzip', 'gzip -dc'],
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd], 'zstd', 'zstd -dc'],
    ['bzip2', [0x42, 0x5a, 0x68, 0x39], 'bzip2', 'bzip2 -dc'],
    ['xz', [0xfd, 0x37, 0x7a, 0x58], 'xz', 'xz -dc'],
  ])('%s is named, also byte by byte', (_name, bytes, kind, hint) => {
    for (const chunks of [[Uint8Array.from(bytes)], bytes.map((byte) => Uint8Array.of(byte))]) {
      const error = refusal(() => split(chunks));
      expect(error.code).toBe('bad-item');
      expect(error.message).toContain(kind);
      expect(error.hint).toContain(hint);
    }
  });

  test('many line feeds, or one-byte lines, take linear time', () => {
    expect(growth((n) => splitText('\n'.repeat(n)), 60_000)).toBeLessThan(12);
    expect(growth((n) => splitText('a\n'.repeat(n / 2)), 60_000)).toBeLessThan(12);
  });
});

describe('readChunks', () => {
  test('gives a file whole, whatever the size of the buffer', () => {
    const file = join(tempDirectory(), 'lines');
    const text = Array.from({ length: 1000 }, (_, i) => `line ${i} æøå\n`).join('');
    writeFileSync(file, text);
    for (const size of [7, 4096, 1 << 20]) {
      const fd = openSync(file, 'r');
      const seen = split(readChunks(fd, size));
      closeSync(fd);
      expect(seen.map(([, line]) => Buffer.from(line, 'latin1').toString('utf8')).join('\n')).toBe(text.trimEnd());
    }
  });
});
