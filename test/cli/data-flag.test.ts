import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { readData } from '../../src/cli/items/data-flag.js';
import { tempDirectory } from '../support/temp.js';

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

describe('the value of -d', () => {
  test('is the text itself, a file or stdin', async () => {
    const file = join(tempDirectory(), 'payload');
    writeFileSync(file, Uint8Array.of(0, 255));
    expect(await readData('{"a":1}', 10, chunks())).toBe('{"a":1}');
    expect(await readData(`@${file}`, 10, chunks())).toEqual(Buffer.of(0, 255));
    expect(await readData('-', 10, chunks('a', 'b'))).toEqual(Buffer.from('ab'));
  });

  test('is read no further than one byte beyond the limit', async () => {
    const file = join(tempDirectory(), 'payload');
    writeFileSync(file, 'x'.repeat(100_000));
    for (const from of [`@${file}`, '-']) {
      expect(await readData(from, 10, chunks('x'.repeat(100_000)))).toEqual(Buffer.from('x'.repeat(11)));
    }
    expect(await readData('@/dev/zero', 10, chunks())).toEqual(Buffer.alloc(11));
  });

  test('of a file that is not there is a usage error', async () => {
    await expect(readData('@/nowhere/x', 10, chunks())).rejects.toMatchObject({ code: 'usage' });
  });
});
