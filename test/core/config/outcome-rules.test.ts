/** `outcomes` as it may be written, and the place and the words of each mistake. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../../src/core/config/validate.js';
import { isQueueError } from '../../../src/core/nouns/errors.js';
import { OVERRIDE_OUTCOMES } from '../../../src/core/nouns/target.js';
import { ROOT } from '../../support/source-graph.js';
import { rulesOf } from '../send/support.js';

function refusal(outcomes: unknown): string {
  const document = { targets: { api: { baseUrl: 'https://api.example.org', outcomes } } };
  try {
    parseConfig(document, { source: undefined, baseDir: '/' });
  } catch (error) {
    if (isQueueError(error) && error.code === 'bad-config') return error.message;
    throw error;
  }
  throw new Error('accepted');
}

describe('rules', () => {
  test('keep their order, and every part of them', () => {
    const rules = [
      { status: 400, body: { '/code': 159, '': null, '/a~1b': 'x' }, means: 'delivered', onlyRepeat: false },
      { status: ['4xx', 503], header: { 'X-A': 'b', 'x-B': true }, means: 'throttled' },
      { header: { 'X-A': true }, means: 'auth', onlyRepeat: true },
    ];
    expect(rulesOf(rules)).toEqual([
      {
        status: [400],
        body: { '/code': 159, '': null, '/a~1b': 'x' },
        header: undefined,
        means: 'delivered',
        onlyRepeat: false,
      },
      {
        status: ['4xx', 503],
        body: undefined,
        header: { 'x-a': 'b', 'x-b': true },
        means: 'throttled',
        onlyRepeat: true,
      },
      { status: undefined, body: undefined, header: { 'x-a': true }, means: 'auth', onlyRepeat: true },
    ]);
    expect(rulesOf([])).toEqual([]);
    expect(rulesOf({})).toEqual([]);
  });

  test('in object form put statuses before classes', () => {
    const rules = rulesOf({ '5xx': 'rejected', '503': 'transient', '4xx': 'auth', '404': 'delivered' });
    expect(rules.map(({ status, means, onlyRepeat }) => [status, means, onlyRepeat])).toEqual([
      [[404], 'delivered', true],
      [[503], 'transient', true],
      [['5xx'], 'rejected', true],
      [['4xx'], 'auth', true],
    ]);
  });

  test('are at most 64', () => {
    const rules = (count: number): unknown[] =>
      Array.from({ length: count }, () => ({ status: 409, means: 'conflict' }));
    expect(rulesOf(rules(64))).toHaveLength(64);
    expect(refusal(rules(65))).toBe('targets.api.outcomes: has 65 rules; write at most 64');
  });
});

describe('a mistake is named with its place', () => {
  const at = 'targets.api.outcomes';
  const good = { status: 409, means: 'delivered' };

  test.each<[unknown, string]>([
    ['409', `${at}: is a string; write an object`],
    [null, `${at}: is null; write an object`],
    [{ '200': 'delivered' }, `${at}.200: is not a status for a rule; write one from 300 to 599`],
    [{ '2xx': 'delivered' }, `${at}.2xx: is not a status for a rule`],
    [{ '600': 'delivered' }, `${at}.600: is not a status for a rule`],
    [{ '6xx': 'delivered' }, `${at}.6xx: is not a status for a rule`],
    [{ '0409': 'delivered' }, `${at}.0409: is not a status for a rule`],
    [{ '409': 'done' }, `${at}.409: "done" is not one of delivered, transient`],
    [{ '409': 'offline' }, `${at}.409: "offline" is not one of`],
    [{ '409': { means: 'delivered' } }, `${at}.409: an object is not one of`],
    [['409'], `${at}[0]: is a string; write an object`],
    [[good, good, { status: 409, means: 'done' }], `${at}[2].means: "done" is not one of delivered, transient`],
    [[good, { status: 409 }], `${at}[1].means: is missing`],
    [[{ means: 'delivered' }], `${at}[0]: fits everything; name a "status", a "body" or a "header"`],
    [[{ ...good, status: 200 }], `${at}[0].status: 200 is not a status for a rule`],
    [[{ ...good, status: 299 }], `${at}[0].status: 299 is not a status for a rule`],
    [[{ ...good, status: 600 }], `${at}[0].status: 600 is not a status for a rule`],
    [[{ ...good, status: 409.5 }], `${at}[0].status: 409.5 is not a status for a rule`],
    [[{ ...good, status: '409' }], `${at}[0].status: "409" is not a status for a rule`],
    [[{ ...good, status: '4XX' }], `${at}[0].status: "4XX" is not a status for a rule`],
    [[{ ...good, status: '2xx' }], `${at}[0].status: "2xx" is not a status for a rule`],
    [[{ ...good, status: [] }], `${at}[0].status: the list is empty`],
    [[{ ...good, status: [409, 200] }], `${at}[0].status[1]: 200 is not a status for a rule`],
    [[{ ...good, stauts: 409 }], `${at}[0].stauts: there is no such setting; did you mean status?`],
    [[{ ...good, body: {} }], `${at}[0].body: is empty`],
    [[{ ...good, body: [] }], `${at}[0].body: is a list; write an object`],
    [[{ ...good, body: { code: 1 } }], `${at}[0].body.code: is not a JSON Pointer; write it from / on`],
    [[{ ...good, body: { '/a~2': 1 } }], `${at}[0].body["/a~2"]: is not a JSON Pointer: write ~ as ~0`],
    [[{ ...good, body: { '/a': {} } }], `${at}[0].body["/a"]: an object cannot be compared`],
    [[{ ...good, body: { '/a': [1] } }], `${at}[0].body["/a"]: a list cannot be compared`],
    [[{ ...good, body: { '/a': 9007199254740992 } }], `${at}[0].body["/a"]: 9007199254740992 cannot be compared`],
    [[{ ...good, body: { '/a': Infinity } }], `${at}[0].body["/a"]: Infinity cannot be compared`],
    [[{ ...good, body: { '/a': NaN } }], `${at}[0].body["/a"]: NaN cannot be compared`],
    [[{ ...good, header: {} }], `${at}[0].header: is empty`],
    [[{ ...good, header: { 'a b': true } }], `${at}[0].header["a b"]: is not a header name`],
    [[{ ...good, header: { a: false } }], `${at}[0].header.a: is not a header value`],
    [[{ ...good, header: { a: '' } }], `${at}[0].header.a: is not a header value`],
    [[{ ...good, header: { a: true, A: true } }], `${at}[0].header.A: is there twice`],
    [[{ ...good, onlyRepeat: 'no' }], `${at}[0].onlyRepeat: "no" is not true or false`],
    [[{ ...good, onlyRepeat: false }], `${at}[0].onlyRepeat: only a rule that means delivered and has`],
    [
      [{ means: 'rejected', body: { '/a': 1 }, onlyRepeat: false }],
      `${at}[0].onlyRepeat: only a rule that means delivered and has`,
    ],
  ])('%j', (outcomes, expected) => {
    expect(refusal(outcomes)).toContain(expected);
  });
});

describe('the published schema and the page', () => {
  const schema = JSON.parse(readFileSync(join(ROOT, 'schema/config.schema.json'), 'utf8')) as {
    $defs: Record<string, { enum?: string[]; properties?: object; required?: string[] }>;
  };
  const page = readFileSync(join(ROOT, 'docs/config.md'), 'utf8');

  test('know the keys and words of the validator', () => {
    const { outcomeRule, ruledOutcome } = schema.$defs;
    expect(ruledOutcome?.enum).toEqual([...OVERRIDE_OUTCOMES]);
    const keys = Object.keys(outcomeRule?.properties ?? {});
    expect(refusal([{ nothing: 1 }])).toContain(`known here: ${keys.join(', ')}`);
    const told = [...page.matchAll(/^\| `(\w+)` \| .* \|$/gm)].map(([, key]) => key);
    expect(told).toEqual(expect.arrayContaining(keys));
  });

  test('show valid rules', () => {
    const example = /## Outcomes.*?```json\n(.*?)```/s.exec(page)?.[1] ?? '';
    expect(rulesOf(JSON.parse(example))).toHaveLength(4);
    const [readme = ''] = /"outcomes": \[.*\]/.exec(readFileSync(join(ROOT, 'docs', 'README.md'), 'utf8')) ?? [];
    const { outcomes } = JSON.parse(`{${readme}}`) as { outcomes: unknown };
    expect(rulesOf(outcomes)).toMatchObject([{ means: 'delivered', onlyRepeat: true }]);
  });
});
