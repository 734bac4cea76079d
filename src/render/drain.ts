/** Prints the report and the dry run of `run`. */
import type { DryRunRow } from '../core/runner/options.js';
import type { DrainReport } from '../core/nouns/report.js';
import { span, type TimeView } from '../core/policy/time-words.js';
import { targetSentence } from '../core/policy/why.js';
import type { JsonObject } from './json.js';
import { isoTime } from './json.js';
import { oneLine } from './printable.js';
import { runnerDocument } from './status-document.js';
import type { Look } from './style.js';
import { renderTable } from './table.js';

/** `run --json`. */
export function drainDocument(report: DrainReport): JsonObject {
  return {
    attempts: report.attempts,
    delivered: report.delivered,
    failed: report.failed,
    review: report.review,
    remaining: { ...report.remaining },
    held: report.held.map(({ target, state, reason, until }) => ({
      target,
      state,
      reason: reason ?? null,
      until: isoTime(until),
    })),
    durationMs: Math.round(report.durationMs),
    stopped: report.stopped,
    runner: runnerDocument(report),
  };
}

/** Lines for a person at a terminal, without line feeds. */
export function drainLines(report: DrainReport, view: TimeView): string[] {
  if (report.stopped === 'other-runner') return [otherRunnerLine(report)];
  const { due, waiting, blocked, held } = report.remaining;
  const left = due + waiting + blocked + held;
  const kinds = (
    [
      ['due', due],
      ['waiting', waiting],
      ['blocked', blocked],
      ['held', held],
    ] as const
  ).filter(([, n]) => n > 0);
  const rest = left === 0 ? 'nothing left' : `${left} left (${kinds.map(([name, n]) => `${n} ${name}`).join(', ')})`;
  const review = report.review === 0 ? '' : `, ${report.review} to review`;
  const stop = STOPPED[report.stopped];
  return [
    `${report.delivered} delivered${review}, ${rest}, in ${span(report.durationMs)}${stop === undefined ? '' : `; ${stop}`}`,
    ...report.held.map(({ target: name, state, reason, until }) =>
      oneLine(`held: ${heldWords(name, state, reason, until, view)}`),
    ),
  ];
}

const STOPPED: Readonly<Partial<Record<DrainReport['stopped'], string>>> = {
  limit: 'stopped at --limit',
  time: 'stopped at --max-time',
  signal: 'stopped by a signal',
};

type Held = DrainReport['held'][number];

/** The report has no start time; `status` shows it. */
function heldWords(
  name: string,
  state: Held['state'],
  reason: string | undefined,
  until: number | undefined,
  view: TimeView,
): string {
  return targetSentence({ name, state, since: view.now, reason, until }, view).replace(
    / (?:since|at) (?:\d\d:\d\d|[-\d]+T[-+:\d]+\d)/,
    '',
  );
}

export function otherRunnerLine({ runner }: DrainReport): string {
  return runner === undefined
    ? 'another runner is at work: it sends what is due'
    : oneLine(`${runner.kind} (pid ${runner.pid} on ${runner.host}) is at work: it sends what is due`);
}

export async function dryRunTable(rows: readonly DryRunRow[], look: Look): Promise<string[]> {
  const columns = [
    { title: 'ITEM', align: 'right' as const },
    { title: 'TARGET', flexible: true },
    { title: 'METHOD' },
    { title: 'URL', flexible: true },
    { title: 'BYTES', align: 'right' as const },
  ];
  const cells = rows.map(({ item, target, method, url, payloadBytes }) => [
    String(item), target, method, url, payloadBytes === undefined ? '-' : String(payloadBytes),
  ]); // prettier-ignore
  return renderTable(columns, cells, look);
}

export function dryRunDocument(rows: readonly DryRunRow[]): JsonObject {
  return {
    requests: rows.map(({ item, target, method, url, payloadBytes }) => ({
      item,
      target,
      method,
      url,
      payloadBytes: payloadBytes ?? null,
    })),
    count: rows.length,
  };
}
