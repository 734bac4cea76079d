import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { compileSensitive, EVERYTHING } from '../../../src/core/privacy/sensitive.js';
import { diffJson, ignoring } from '../../../src/core/replay/json-diff.js';

const NONE = compileSensitive([]);
const diff = (a: unknown, b: unknown, ignore = NONE, sensitive = NONE): string[] =>
  diffJson(a, b, { ignore, sensitive }).map(
    ({ path, kind, original, replay }) => `${kind} ${path}: ${original ?? '-'} -> ${replay ?? '-'}`,
  );

describe('a JSON diff', () => {
  test.each([
    [{ a: 1 }, { a: 1 }, []],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, []],
    [{ a: 1 }, { a: 2 }, ['changed /a: 1 -> 2']],
    [{ a: 1 }, {}, ['missing /a: 1 -> -']],
    [{}, { a: null }, ['added /a: - -> null']],
    [{ a: 1 }, { a: '1' }, ['changed /a: 1 -> "1"']],
    [{ a: { b: [1, 2] } }, { a: { b: [1, 3, 4] } }, ['changed /a/b/1: 2 -> 3', 'added /a/b/2: - -> 4']],
    [[1], { 0: 1 }, ['changed : [1] -> {"0":1}']],
    [{ 'a/b~c': 1 }, { 'a/b~c': 2 }, ['changed /a~1b~0c: 1 -> 2']],
    [{ ['__proto__']: 1 }, {}, ['missing /__proto__: 1 -> -']],
    [null, null, []],
  ])('of %j and %j', (a, b, expected) => {
    expect(diff(a, b)).toEqual(expected);
  });

  test('leaves out what always differs, unless it is asked for', () => {
    const [a, b] = [
      { id: 1, createdAt: 'x', n: { traceId: 1, v: 1 } },
      { id: 2, createdAt: 'y', n: { traceId: 2, v: 2 } },
    ];
    expect(diff(a, b, ignoring([], false))).toEqual(['changed /n/v: 1 -> 2']);
    expect(diff(a, b, ignoring(['/n'], false))).toEqual([]);
    expect(diff(a, b, ignoring([], true))).toHaveLength(4);
  });

  test('shows no sensitive value, wherever it hides', () => {
    const sensitive = compileSensitive(['phone', '/a/*/ssn']);
    expect(diff({ phone: { x: '91234567' } }, { phone: { x: '2' } }, NONE, sensitive)).toEqual([
      'changed /phone/x: *** -> ***',
    ]);
    expect(diff({}, { more: [{ phone: '91234567', b: 1 }] }, NONE, sensitive)).toEqual([
      'added /more: - -> [{"phone":"***","b":1}]',
    ]);
    expect(diff({ a: [{ ssn: 1 }] }, { a: [{ ssn: 2 }] }, NONE, sensitive)).toEqual(['changed /a/0/ssn: *** -> ***']);
    expect(diff({ a: 1 }, { a: 2 }, NONE, EVERYTHING)).toEqual(['changed /a: *** -> ***']);
  });

  test('tells no more than fifty differences, and cuts long values', () => {
    expect(diff(Array(80).fill(1), Array(80).fill(2))).toHaveLength(50);
    expect(diff({ a: 'x'.repeat(1000) }, {})[0]!.length).toBeLessThan(230);
  });

  test('of a value and itself is empty', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(diff(value, structuredClone(value))).toEqual([]);
      }),
    );
  });
});
