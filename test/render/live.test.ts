import { describe, expect, test } from '@jest/globals';

import type { QueueEvent } from '../../src/core/nouns/events.js';
import type { StatusReport } from '../../src/core/nouns/report.js';
import { emptyStatus } from '../../src/core/policy/status.js';
import type { LiveState } from '../../src/render/live.js';
import { liveLines, spark } from '../../src/render/live.js';
import { textWidth } from '../../src/render/printable.js';
import { PLAIN_STYLE } from '../../src/render/style.js';

const NOW = 1_700_000_000_000;
const target = (name: string, state: StatusReport['targets'][number]['state'], pending: number): StatusReport['targets'][number] => ({
  name, state, since: NOW - 60_000, until: undefined, reason: 'no connection: refused', tries: 1, pending, sending: 0, review: 0, due: 0, waiting: 0, held: pending, blocked: 0, behindReview: 0,
}); // prettier-ignore
const base = emptyStatus({ queue: '/q.db', config: { source: undefined, targets: new Map() } });
const delivered = (item: number): QueueEvent => ({
  event: 'delivered', at: NOW, item, target: 'api', entity: undefined, method: 'POST', path: '/evil\x1b[2J/ü漢字', attempt: 1, status: 200, durationMs: 12,
}); // prettier-ignore

const state: LiveState = {
  report: {
    ...base,
    exists: true,
    counts: { ...base.counts, pending: 12, review: 3 },
    targets: [target('staging', 'online', 0), target('production', 'offline', 12)],
    reviewGroups: [
      {
        target: 'production',
        reason: 'rejected',
        status: 422,
        operation: 'create',
        count: 3,
        firstId: 5,
        message: 'phone must be digits',
        mayHaveArrived: false,
      },
    ],
  },
  sending: [
    {
      event: 'sending',
      at: NOW - 500,
      item: 7,
      target: 'staging',
      entity: undefined,
      method: 'PUT',
      path: '/x',
      attempt: 1,
    },
  ],
  recent: Array.from({ length: 40 }, (_, index) => delivered(index)),
  delivered: [0, 1, 2, 4, 8],
  backlog: [12, 12, 12],
  totalDelivered: 15,
  startedAt: NOW - 5000,
};
const lines = (columns: number, rows: number, given = state): string[] =>
  liveLines(given, { terminal: true, columns, style: PLAIN_STYLE, now: NOW, suggest: (text) => text }, rows);

describe('the live view', () => {
  test.each([
    [40, 8],
    [60, 24],
    [80, 12],
    [80, 24],
    [200, 50],
  ])('fits into %i columns and %i rows, and answers first', (columns, rows) => {
    const shown = lines(columns, rows);
    expect(shown.length).toBeLessThanOrEqual(rows);
    expect(Math.max(...shown.map(textWidth))).toBeLessThanOrEqual(columns);
    expect(shown[1]).toContain('3 need you');
    expect(shown[0]).toContain('q leaves');
  });

  test('shows what needs a person before what went well, and the troubled target first', () => {
    const text = lines(80, 24).join('\n');
    const places = ['production', 'staging', 'needs you', 'sending', 'last'].map(
      (word) => text.indexOf(`\n${word}`) + text.indexOf(`  ${word}`),
    );
    expect(text.indexOf('  production')).toBeLessThan(text.indexOf('  staging'));
    expect(text.indexOf('needs you')).toBeLessThan(text.indexOf('last\n'));
    expect(places.every((place) => place !== -2)).toBe(true);
  });

  test.each([60, 80, 200])('says of each target its state and since when, in %i columns', (columns) => {
    const [offline, online] = ['production', 'staging'].map((name) =>
      lines(columns, 24).find((line) => line.startsWith(`  ${name} `)),
    );
    expect(offline).toMatch(/offline +since \S+( \S+)?, 12 pending/);
    expect(online).toMatch(/online +since \S+( \S+)?, 0 pending/);
  });

  test('does not let many targets crowd out what needs a person and what is being sent', () => {
    const many = Array.from({ length: 30 }, (_, index) => target(`t${index}`, index === 9 ? 'offline' : 'online', 1));
    const shown = lines(80, 24, { ...state, report: { ...state.report!, targets: many } });
    expect(shown.length).toBeLessThanOrEqual(24);
    for (const word of ['needs you', 'sending', 'last']) expect(shown).toContain(word);
    expect(shown.join('\n')).toMatch(/ {2}t9 [^]* {2}and \d+ more: syncq status/);
  });

  test('says that it is being stopped', () => {
    expect(lines(80, 24, { ...state, isStopping: true })[0]).toMatch(/ stopping$/);
  });

  test('lets no control character of the server through', () => {
    // eslint-disable-next-line no-control-regex -- that is the question
    expect(lines(80, 24).join('')).not.toMatch(/[\x00-\x1f\x7f]/);
  });

  test('says little before the queue was read', () => {
    expect(lines(60, 24, { ...state, report: undefined })).toHaveLength(1);
  });

  test.each([
    [[0, 1, 2, 4, 8], 5, '▁▂▃▅█'],
    [[0, 0], 4, '  ▁▁'],
    [[5, 9, 9], 2, '██'],
    [[], 3, '   '],
  ])('draws %j in %i columns as %j', (values, width, drawn) => {
    expect(spark(values, width)).toBe(drawn);
  });
});
