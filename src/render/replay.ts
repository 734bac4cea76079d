/** Prints the comparison of `replay`: public JSON, and lines for a person. */
import type { Comparison, Side } from '../core/replay/compare.js';
import { isExpected } from '../core/policy/verdict.js';
import type { PlannedRequest, ReplayReport } from '../core/replay/replay.js';
import type { Quantiles, ReplayGroup } from '../core/replay/summary.js';
import type { JsonObject } from './json.js';
import { oneLine } from './printable.js';
import type { Column } from './table.js';
import { renderTable } from './table.js';
import type { Look } from './style.js';

/** Most differences that are listed; the report has all of them. */
const MOST_TOLD = 20;

export function comparisonDocument(comparison: Comparison): JsonObject {
  const { item, operation, method, path, sentPath, verdict, reason, original, replay, body, earlier } = comparison;
  return {
    id: item,
    operation,
    method,
    path,
    sentPath,
    verdict,
    reason: reason ?? null,
    original: sideDocument(original),
    replay: sideDocument(replay),
    body:
      body?.map((difference) => ({
        path: difference.path,
        kind: difference.kind,
        original: difference.original ?? null,
        replay: difference.replay ?? null,
      })) ?? null,
    earlier,
  };
}

function sideDocument(side: Side | undefined): JsonObject | null {
  return side === undefined
    ? null
    : { status: side.status ?? null, durationMs: side.durationMs, message: side.message ?? null };
}

/** Everything but the items. */
export function replayDocument(report: ReplayReport): JsonObject {
  const { summary, target, baseUrl, ledger, sent, earlier, remaining, stopped, message, durationMs, missing } = report;
  const { count, same, differs, noAnswer, skipped, bodyDiffers, groups, latency, skips } = summary;
  return {
    target,
    baseUrl,
    ledger,
    chosen: count,
    sent,
    earlier,
    remaining,
    same,
    new: summary.new,
    differs,
    noAnswer,
    skipped,
    bodyDiffers,
    stopped,
    message: message ?? null,
    groups: groups.map(groupDocument),
    latency: { original: quantilesDocument(latency.original), replay: quantilesDocument(latency.replay) },
    skips: skips.map(({ item, reason }) => ({ id: item, reason })),
    missing,
    durationMs,
  };
}

function groupDocument({ operation, original, replay, verdict, count, firstId }: ReplayGroup): JsonObject {
  return { operation, original: original ?? null, replay: replay ?? null, verdict, count, firstId };
}

function quantilesDocument({ count, p50, p95, max }: Quantiles): JsonObject {
  return { count, p50, p95, max };
}

const COLUMNS: readonly Column[] = [
  { title: 'COUNT', align: 'right' },
  { title: 'OPERATION', flexible: true },
  { title: 'ORIGINAL', align: 'right' },
  { title: 'REPLAY', align: 'right' },
  { title: '' },
];

export async function replayLines(report: ReplayReport, look: Look): Promise<string[]> {
  const { summary } = report;
  const rows = summary.groups.map(({ count, operation, original, replay, verdict }) => [
    String(count),
    operation,
    original === undefined ? '-' : String(original),
    replay === undefined ? '-' : String(replay),
    isExpected(verdict) ? verdict : { text: verdict, paint: look.style.red },
  ]);
  return [
    oneLine(answerOf(report)),
    ...(await renderTable(COLUMNS, rows, look)),
    ...differenceLines(summary.differences),
  ];
}

function answerOf({ summary, target, sent, earlier, remaining }: ReplayReport): string {
  const { count, same, differs, noAnswer, skipped, bodyDiffers } = summary;
  if (count === 0) return 'nothing was replayed: no item matches';
  const parts = [
    ...(same > 0 || summary.new === 0 ? [`${same} as before`] : []),
    ...(summary.new > 0 ? [`${summary.new} new (the original has no answer yet)`] : []),
    ...(differs > 0 ? [`${differs} with another class of answer`] : []),
    ...(noAnswer > 0 ? [`${noAnswer} without an answer`] : []),
    ...(bodyDiffers > 0 ? [`${bodyDiffers} with another body`] : []),
    ...(skipped > 0 ? [`${skipped} not sent`] : []),
  ];
  // An answer from an earlier run must not look like a new one.
  const when = `${sent} answered now, ${earlier} in an earlier replay`;
  return `replayed to ${target}: ${parts.join(', ')}; ${when}${remaining > 0 ? `; ${remaining} left` : ''}`;
}

function differenceLines(differences: readonly Comparison[]): string[] {
  const lines = differences.slice(0, MOST_TOLD).flatMap(({ item, method, path, original, replay, body, verdict }) => {
    const head = `item ${item} ${method} ${path}: ${statusWord(original)} -> ${statusWord(replay)}`;
    const said = replay?.message === undefined ? '' : `: ${replay.message}`;
    const changes = verdict === 'same' ? (body ?? []).slice(0, 5) : [];
    return [
      oneLine(head + said),
      ...changes.map((change) =>
        oneLine(
          `  ${change.path === '' ? 'body' : change.path}: ${change.original ?? 'nothing'} -> ${change.replay ?? 'nothing'}`,
        ),
      ),
    ];
  });
  return differences.length > MOST_TOLD
    ? [...lines, `and ${differences.length - MOST_TOLD} more: --report FILE.html shows them`]
    : lines;
}

export function statusWord(side: Side | undefined): string {
  if (side === undefined) return 'no answer yet';
  return side.status === undefined ? 'no answer' : String(side.status);
}

export function plannedDocument({ item, operation, method, url, payloadBytes, skipped }: PlannedRequest): JsonObject {
  return { id: item, operation, method, url, payloadBytes: payloadBytes ?? null, skipped: skipped ?? null };
}

const PLAN_COLUMNS: readonly Column[] = [
  { title: 'ITEM', align: 'right' },
  { title: 'METHOD' },
  { title: 'URL', flexible: true },
  { title: 'BYTES', align: 'right' },
  { title: 'SKIPPED', flexible: true },
];

export async function plannedTable(requests: readonly PlannedRequest[], look: Look): Promise<string[]> {
  const rows = requests.map(({ item, method, url, payloadBytes, skipped }) => [
    String(item),
    method,
    url,
    String(payloadBytes ?? 0),
    skipped ?? '',
  ]);
  return renderTable(PLAN_COLUMNS, rows, look);
}
