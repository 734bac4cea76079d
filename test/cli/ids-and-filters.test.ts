import { describe, expect, test } from '@jest/globals';

import { entityOf, filterOf } from '../../src/cli/items/filters.js';
import { parseIds, readIds } from '../../src/cli/items/ids.js';
import { targetEntry } from '../../src/cli/targets/add.js';

async function* stream(...chunks: string[]): AsyncGenerator<string> {
  yield* chunks;
}

describe('ids', () => {
  test('are numbers, each once, in the order given, with those of stdin where - stands', async () => {
    expect(await readIds(['7', '-', '3', '7'], stream('9 1', '0\n11', '\n\n'))).toEqual([7, 9, 10, 11, 3]);
  });

  test('do not touch stdin without a -', async () => {
    const never = {
      [Symbol.asyncIterator]: (): never => {
        throw new Error('stdin was read');
      },
    };
    expect(await readIds(['7'], never)).toEqual([7]);
  });

  test('may be JSON objects, one a line, of items or of events', () => {
    expect(parseIds('{"id":7,"state":"review"}\n{"event":"review","item":8}\n')).toEqual([7, 8]);
  });

  test.each([
    ['#7', 'Write 7, without the #.'],
    ['0', 'Ids are whole numbers: syncq inspect shows them.'],
    ['-3', 'Ids are whole numbers: syncq inspect shows them.'],
    ['1.5', 'Ids are whole numbers: syncq inspect shows them.'],
    ['99999999999999999999', 'Ids are whole numbers: syncq inspect shows them.'],
  ])('are refused when they are not: %s', async (word, hint) => {
    await expect(readIds([word], stream())).rejects.toMatchObject({ code: 'usage', hint });
  });

  test('on stdin are refused with their line', () => {
    expect(() => parseIds('7\nx\n')).toThrow('stdin, line 2: this is no item id');
    expect(() => parseIds('{"id":"7"}')).toThrow('stdin, line 1: no JSON object with a numeric "id"');
    expect(() => parseIds('{"id":')).toThrow('stdin, line 1: no JSON object with a numeric "id"');
  });
});

describe('filters', () => {
  const NOW = 1_000_000_000_000;

  test('join what is given', () => {
    const flags = {
      state: ['review', 'pending'],
      entity: ['person', 'activity/4/2', 'note/*'],
      target: ['production'],
      operation: ['update'],
      tag: ['north'],
      reason: ['rejected'],
      status: ['422', '5xx'],
      since: '2h',
      until: '30m',
      search: 'phone',
    };
    expect(filterOf(flags, NOW)).toEqual({
      states: ['review', 'pending'],
      entities: [
        { type: 'person', id: undefined },
        { type: 'activity', id: '4/2' },
        { type: 'note', id: undefined },
      ],
      targets: ['production'],
      operations: ['update'],
      tags: ['north'],
      reasons: ['rejected'],
      statuses: [
        { from: 422, to: 422 },
        { from: 500, to: 599 },
      ],
      since: NOW - 7_200_000,
      until: NOW - 1_800_000,
      search: 'phone',
    });
    expect(filterOf({ state: ['all'] }, NOW)).toEqual({
      states: ['pending', 'sending', 'review', 'completed', 'discarded'],
    });
  });

  test.each([
    [{ status: ['42'] }, '--status is neither a status nor a class'],
    [{ status: ['9xx'] }, '--status is neither a status nor a class'],
    [{ entity: ['/7'] }, '--entity lacks a type or an id'],
    [{ entity: ['person/'] }, '--entity lacks a type or an id'],
    [{ since: 'whenever' }, '--since: "whenever" is not a time'],
  ])('refuse %j', (flags, message) => {
    expect(() => filterOf(flags, NOW)).toThrow(message);
  });

  test('of one entity name it whole', () => {
    expect(entityOf('activity/42')).toEqual({ type: 'activity', id: '42' });
    expect(() => entityOf('activity')).toThrow('--entity names a type without an id');
  });
});

describe('the entry of a new target', () => {
  const none = { production: false, 'insecure-http': false };

  test.each([
    [{ bearer: 'env:TOKEN' }, { auth: { bearer: { env: 'TOKEN' } } }],
    [{ bearer: 'file:/etc/t:1' }, { auth: { bearer: { file: '/etc/t:1' } } }],
    [{ bearer: 'command:["op","read"]' }, { auth: { bearer: { command: ['op', 'read'] } } }],
    [{ bearer: 'command:get-token' }, { auth: { bearer: { command: ['get-token'] } } }],
    [{ basic: 'dev=env:P' }, { auth: { basic: { user: 'dev', password: { env: 'P' } } } }],
    [{ header: 'X-Key=env:K' }, { auth: { header: { name: 'X-Key', value: { env: 'K' } } } }],
    [
      { probe: '/health', production: true, 'insecure-http': true },
      { probe: { path: '/health' }, insecureHttp: true, production: true },
    ],
    [{}, {}],
  ])('is made from %j', (flags, expected) => {
    expect(targetEntry('https://a.example', { ...none, ...flags })).toEqual({
      baseUrl: 'https://a.example',
      ...expected,
    });
  });

  test.each([
    { bearer: 's3cret' },
    { bearer: 'Bearer:s3cret' },
    { basic: 's3cret' },
    { header: 'X=s3cret' },
    { bearer: 'command:["s3cret' },
  ])('never takes a secret, and never repeats it: %#', (flags) => {
    let error: any;
    try {
      targetEntry('https://a.example', { ...none, ...flags });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'usage' });
    expect(`${error.message} ${error.hint}`).not.toContain('s3cret');
  });
});
