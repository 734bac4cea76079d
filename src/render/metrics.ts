/**
 * The queue as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/), limited to what the older
 * Prometheus text format can read: node exporter's textfile collector knows neither `stateset` nor `info`.
 */
import { STATES, TARGET_STATES } from '../core/nouns/item.js';
import type { StatusReport } from '../core/nouns/report.js';

export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Counts that only a running `watch` has, since its start. */
export interface LiveCounts {
  startedAt: number;
  /** By target. */
  delivered: ReadonlyMap<string, number>;
  /** By target and outcome; the key joins them with a line feed. */
  failed: ReadonlyMap<string, number>;
  review: ReadonlyMap<string, number>;
}

type Labels = Record<string, string | number>;
type Sample = [labels: Labels, value: number | undefined];

interface Family {
  name: string;
  type: 'gauge' | 'counter';
  help: string;
  samples: Sample[];
}

export function openMetrics(report: StatusReport, live?: LiveCounts): string {
  const families = [
    ...queueFamilies(report),
    ...targetFamilies(report),
    ...(live === undefined ? [] : liveFamilies(live)),
  ];
  return `${families.flatMap(familyLines).join('\n')}\n# EOF\n`;
}

function gauge(name: string, help: string, samples: Sample[]): Family {
  return { name: `syncq_${name}`, type: 'gauge', help, samples };
}

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);

function queueFamilies(report: StatusReport): Family[] {
  const { runner, lastRun } = report;
  return [
    gauge('queue_exists', '1 when the queue was made already.', [[{}, report.exists ? 1 : 0]]),
    gauge('runner_alive', '1 while a process is sending from this queue.', [
      [{ kind: runner?.kind ?? 'none' }, runner === undefined ? 0 : 1],
    ]),
    gauge('runner_last_active_timestamp_seconds', 'When the runner last did something.', [
      [{}, seconds(runner?.lastActiveAt)],
    ]),
    gauge('last_run_end_timestamp_seconds', 'When the last runner ended in good order.', [
      [{}, seconds(lastRun?.endedAt)],
    ]),
    gauge('last_run_exit_code', 'Exit code of the last runner.', [[{}, lastRun?.exitCode]]),
    gauge(
      'oldest_pending_timestamp_seconds',
      'Since when the oldest unfinished item waits, items in review left out.',
      [[{}, seconds(report.oldestPendingAt)]],
    ),
    gauge('last_completed_timestamp_seconds', 'When an item was last delivered.', [
      [{}, seconds(report.lastCompletedAt)],
    ]),
    gauge('next_due_timestamp_seconds', 'When the next waiting item is due.', [[{}, seconds(report.nextDueAt)]]),
  ];
}

function targetFamilies({ targets }: StatusReport): Family[] {
  const waits = ['due', 'waiting', 'held', 'blocked'] as const;
  return [
    gauge(
      'items',
      'Items by target and state.',
      targets.flatMap((target) => itemStates(target)),
    ),
    gauge(
      'pending_items',
      'Pending items by what they wait for.',
      targets.flatMap((target) => waits.map((why): Sample => [{ target: target.name, why }, target[why]])),
    ),
    gauge(
      'target_state',
      '1 for the state that the target is in.',
      targets.flatMap(({ name, state }) =>
        TARGET_STATES.map((each): Sample => [{ target: name, state: each }, each === state ? 1 : 0]),
      ),
    ),
    gauge(
      'target_state_since_timestamp_seconds',
      'Since when the target is in its state.',
      targets.map(({ name, since }): Sample => [{ target: name }, seconds(since)]),
    ),
    gauge(
      'target_tries',
      'Requests since the last sound answer of the target.',
      targets.map(({ name, tries }): Sample => [{ target: name }, tries]),
    ),
  ];
}

function itemStates(target: StatusReport['targets'][number]): Sample[] {
  return STATES.flatMap((state): Sample[] => {
    const count = state === 'pending' || state === 'sending' || state === 'review' ? target[state] : undefined;
    return count === undefined ? [] : [[{ target: target.name, state }, count]];
  });
}

function liveFamilies({ startedAt, delivered, failed, review }: LiveCounts): Family[] {
  const byTarget = (counts: ReadonlyMap<string, number>): Sample[] =>
    [...counts].map(([target, count]) => [{ target }, count]);
  const counter = (name: string, help: string, samples: Sample[]): Family => ({
    name: `syncq_${name}`,
    type: 'counter',
    help,
    samples,
  });
  return [
    gauge('watch_start_timestamp_seconds', 'When this watch started.', [[{}, seconds(startedAt)]]),
    counter('deliveries', 'Items delivered since this watch started.', byTarget(delivered)),
    counter(
      'failed_attempts',
      'Attempts that ended otherwise since this watch started, by outcome.',
      [...failed].map(([key, count]): Sample => {
        const [target = '', outcome = ''] = key.split('\n');
        return [{ target, outcome }, count];
      }),
    ),
    counter('flagged', 'Items that went to review since this watch started.', byTarget(review)),
  ];
}

/** A family without a value is left out: absent means unknown, 0 would mean none. */
function familyLines({ name, type, help, samples }: Family): string[] {
  const known = samples.filter((sample): sample is [Labels, number] => sample[1] !== undefined);
  if (known.length === 0) return [];
  const suffix = type === 'counter' ? '_total' : '';
  return [
    `# TYPE ${name} ${type}`,
    `# HELP ${name} ${escaped(help)}`,
    ...known.map(([labels, value]) => `${name}${suffix}${labelText(labels)} ${value}`),
  ];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
