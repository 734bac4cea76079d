/** The parts of the desk's commands that can be tried by themselves. */
import { describe, expect, test } from '@jest/globals';

import type { ChangeReport, Queue } from '../../src/core/index.js';
import { editsOf } from '../../src/cli/items/edit-flags.js';
import { causeLines, endItems } from '../../src/cli/items/discard-complete.js';
import { columnsOf, sortOf } from '../../src/cli/items/list-flags.js';
import { slips } from '../../src/cli/items/near-ids.js';

async function* nothing(): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield new Uint8Array(0);
}

describe('slips of a typed id', () => {
  test.each([
    [10411, 1041],
    [141, 1041],
    [1401, 1041],
    [1042, 1041],
  ])('%d was perhaps %d', (typed, meant) => {
    expect(slips(typed)).toContain(meant);
  });

  test('are ids, never the one that was typed, each once', () => {
    const near = slips(10);
    expect(near).not.toContain(10);
    expect(near).not.toContain(0);
    expect(new Set(near).size).toBe(near.length);
    expect(near.every((id) => Number.isSafeInteger(id) && id > 0)).toBe(true);
  });
});

describe('columns and order', () => {
  test('are read', () => {
    expect(columnsOf('id, WHY')).toEqual(['id', 'why']);
    expect(sortOf('stored:desc')).toEqual({ column: 'stored', descending: true });
    expect(sortOf('id')).toEqual({ column: 'id', descending: false });
  });

  test.each([() => columnsOf('id,stat'), () => sortOf('stat'), () => sortOf('id:up'), () => columnsOf('')])(
    'that there are not are refused (%#)',
    (read) => {
      expect(read).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );

  test('the nearest name is suggested', () => {
    expect(() => columnsOf('entitiy')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('Did you mean entity?') }),
    );
  });
});

describe('the flags of edit', () => {
  test('become changes', async () => {
    const flags = { set: ['/a=1', '/b=x=y'], unset: ['/c'], header: ['X-A: b'], 'remove-header': ['X-C'], path: '/p' };
    expect(await editsOf(flags, 100, nothing())).toEqual({
      json: [
        { op: 'set', pointer: '/a', value: '1' },
        { op: 'set', pointer: '/b', value: '"x=y"' },
        { op: 'unset', pointer: '/c' },
      ],
      headers: [['X-A', ' b']],
      removeHeaders: ['X-C'],
      path: '/p',
    });
    expect(await editsOf({}, 100, nothing())).toBeUndefined();
  });

  test.each([{ set: ['/a'] }, { set: ['a=1'] }, { unset: ['a'] }, { header: ['x'] }])(
    '%j is refused',
    async (flags) => {
      await expect(editsOf(flags, 100, nothing())).rejects.toMatchObject({ code: 'usage' });
    },
  );
});

test('what ends is what was shown, whatever came to the queue meanwhile', async () => {
  const report: ChangeReport = {
    changed: [3, 5],
    skipped: [{ id: 7, reason: 'it is being sent', state: 'sending' }],
    missing: [],
    groups: [],
    targets: [],
    names: [],
    stillHeld: [],
    from: { review: 2 },
    unknown: [],
    underNewKey: [],
  };
  const commands: unknown[] = [];
  const discard = (filter: unknown, options: unknown): Promise<ChangeReport> => {
    commands.push([filter, options]);
    return Promise.resolve(report);
  };
  const list = () => Promise.resolve({ items: [] });
  const queue = { desk: { discard }, list } as unknown as Queue;
  const by = { who: 'kari', command: 'discard', reason: undefined };
  await endItems(queue, { states: ['review'] }, { kind: 'discard', by, yes: true, dryRun: false, json: false });
  expect(commands).toEqual([
    [{ states: ['review'] }, { dryRun: true, by }],
    [{ ids: [3, 5, 7] }, { dryRun: false, by }],
  ]);
});

test('a person who is asked about many causes still sees the question', () => {
  const groups = Array.from({ length: 500 }, (_unused, n) => ({
    target: 'crm',
    reason: 'rejected' as const,
    status: 422,
    operation: 'create',
    count: 2,
    firstId: n + 1,
    message: `cause ${n}`,
    mayHaveArrived: false,
  }));
  const lines = causeLines({ groups, from: { review: 1000, pending: 3 } });
  expect(lines).toHaveLength(17);
  expect(lines.slice(-2)).toEqual(['970 more in review, for other reasons', '3 pending']);
});
