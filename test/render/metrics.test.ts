import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import type { StatusReport } from '../../src/core/nouns/report.js';
import { emptyStatus } from '../../src/core/policy/status.js';
import { openMetrics } from '../../src/render/metrics.js';
import { ROOT } from '../support/source-graph.js';

const target: StatusReport['targets'][number] = {
  name: 'pro"du\\ct\nion',
  state: 'offline',
  since: 1_700_000_000_123,
  until: undefined,
  reason: 'refused',
  tries: 3,
  pending: 12,
  sending: 1,
  review: 2,
  due: 0,
  waiting: 0,
  held: 5,
  blocked: 7,
  behindReview: 0,
};
const report: StatusReport = {
  ...emptyStatus({ queue: '/q.db', config: { source: undefined, targets: new Map() } }),
  exists: true,
  oldestPendingAt: 1_700_000_000_000,
  targets: [target],
};
const live = {
  startedAt: 1_700_000_000_000,
  delivered: new Map([['a', 7]]),
  failed: new Map([['a\nunavailable', 2]]),
  review: new Map<string, number>(),
};

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Reads the text as strictly as the OpenMetrics specification has it; throws at the first breach. */
function parse(text: string): Sample[] {
  if (!text.endsWith('\n# EOF\n')) throw new Error('no EOF');
  const samples: Sample[] = [];
  const seen = new Set<string>();
  let family = { name: '', type: '' };
  for (const line of text.split('\n').slice(0, -2)) {
    const meta = /^# (TYPE|HELP|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (meta !== null) {
      const [, kind, name = '', rest = ''] = meta;
      if (kind === 'TYPE') {
        if (!['gauge', 'counter'].includes(rest)) throw new Error(`type of ${line}`);
        if (seen.has(name)) throw new Error(`${name} comes twice`);
        seen.add(name);
        family = { name, type: rest };
      } else if (name !== family.name) throw new Error(`${line} stands beside its family`);
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.]+(?:e[+-]?\d+)?)$/.exec(line);
    if (sample === null) throw new Error(`not a sample: ${line}`);
    const [, name = '', labelText = '', value = ''] = sample;
    if (name !== (family.type === 'counter' ? `${family.name}_total` : family.name))
      throw new Error(`${name} is not of ${family.name}`);
    const labels: Record<string, string> = {};
    let rest = labelText;
    while (rest !== '') {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/.exec(rest);
      if (label === null) throw new Error(`labels of ${line}`);
      labels[label[1]!] = label[2]!.replaceAll(/\\(.)/g, (_whole, character: string) =>
        character === 'n' ? '\n' : character,
      );
      rest = rest.slice(label[0].length);
    }
    const key = `${name} ${JSON.stringify(labels)}`;
    if (seen.has(key)) throw new Error(`${key} comes twice`);
    seen.add(key);
    samples.push({ name, labels, value: Number(value) });
  }
  return samples;
}

describe('metrics', () => {
  test('are valid, also with a name that holds every escape', () => {
    const samples = parse(openMetrics(report, live));
    expect(samples).toContainEqual({
      name: 'syncq_items',
      labels: { target: target.name, state: 'pending' },
      value: 12,
    });
    expect(samples).toContainEqual({
      name: 'syncq_pending_items',
      labels: { target: target.name, why: 'blocked' },
      value: 7,
    });
    expect(samples).toContainEqual({
      name: 'syncq_target_state',
      labels: { target: target.name, state: 'offline' },
      value: 1,
    });
    expect(samples).toContainEqual({
      name: 'syncq_target_state',
      labels: { target: target.name, state: 'online' },
      value: 0,
    });
    expect(samples).toContainEqual({
      name: 'syncq_oldest_pending_timestamp_seconds',
      labels: {},
      value: 1_700_000_000,
    });
    expect(samples).toContainEqual({ name: 'syncq_deliveries_total', labels: { target: 'a' }, value: 7 });
    expect(samples).toContainEqual({
      name: 'syncq_failed_attempts_total',
      labels: { target: 'a', outcome: 'unavailable' },
      value: 2,
    });
    expect(samples).toContainEqual({ name: 'syncq_runner_alive', labels: { kind: 'none' }, value: 0 });
  });

  test('are all in the table of docs/monitoring.md, and nothing else is', () => {
    const lastRun = { kind: 'run', startedAt: 0, endedAt: 1, exitCode: 0, delivered: 0, remaining: 0 } as const;
    const runner = { kind: 'run', id: '', pid: 1, host: '', bootId: '', since: 0, lastActiveAt: 1 } as const;
    const whole = { ...report, lastRun, runner, lastCompletedAt: 1, nextDueAt: 1 };
    const samples = parse(openMetrics(whole, { ...live, review: new Map([['a', 1]]) }));
    const table = readFileSync(join(ROOT, 'docs', 'monitoring.md'), 'utf8').match(/^\| `.*?\|/gm) ?? [];
    const told = table.flatMap((row) => [...row.matchAll(/`(\w+)/g)].map((match) => match[1]));
    expect([...new Set(samples.map(({ name }) => name))].sort()).toEqual(told.sort());
  });

  test('leave out what is unknown, and know a queue that does not exist yet', () => {
    const samples = parse(openMetrics({ ...report, exists: false, targets: [], oldestPendingAt: undefined }));
    expect(samples.map(({ name }) => name)).toEqual(['syncq_queue_exists', 'syncq_runner_alive']);
  });

  test.each([
    ['syncq_x 1\n# EOF\n', 'not of'],
    ['# TYPE syncq_x stateset\nsyncq_x 1\n# EOF\n', 'type of'],
    ['# TYPE syncq_x counter\nsyncq_x 1\n# EOF\n', 'not of'],
    ['# TYPE syncq_x gauge\nsyncq_x{a="b\n"} 1\n# EOF\n', 'not a sample'],
    ['# TYPE syncq_x gauge\nsyncq_x 1\n', 'no EOF'],
  ])('would be found out by this reader: %j', (text, problem) => {
    expect(() => parse(text)).toThrow(problem);
  });
});
