/** Prints the status: the answer first, then the numbers. */
import type { CheckResult, FailedLimit } from '../core/policy/status-check.js';
import { arrivedWords } from '../core/policy/item-words.js';
import { statusAnswer } from '../core/policy/status-answer.js';
import { span } from '../core/policy/time-words.js';
import { targetSentence } from '../core/policy/why.js';
import type { StatusReport, TargetStatus } from '../core/nouns/report.js';
import { fitted, oneLine } from './printable.js';
import type { Look, Style } from './style.js';
import { renderTable } from './table.js';
import { fullTime, timeCell } from './time.js';
import { hanging } from './wrap.js';

/** Lines of the view, without line feeds. `user`: login name, for *No queue yet at PATH (user NAME)*. */
export async function statusView(report: StatusReport, look: Look, user?: string): Promise<string[]> {
  const facts = statusAnswer(report, look, user);
  // In a pipe the first line is complete: `syncq status | head -1`.
  const answer = (look.terminal ? facts : [facts.join('; ')]).flatMap((line) =>
    hanging('', look.suggest(oneLine(line)), look),
  );
  const lines = answer.map((line) => answerColour(report, look.style)(line));
  if (!report.exists) return lines;
  return [
    ...lines,
    '',
    ...countsLines(report, look),
    ...timesLines(report, look),
    ...runnerLines(report, look),
    ...(await targetLines(report.targets, look)),
    ...(await reviewLines(report, look)),
    '',
    `queue   ${oneLine(report.queue)}`,
    `config  ${oneLine(report.config ?? 'none')}`,
  ];
}

function answerColour({ counts, due, runner }: StatusReport, style: Style): (text: string) => string {
  if (counts.review > 0) return style.red;
  if (due > 0 && runner === undefined) return style.yellow;
  return counts.pending + counts.sending === 0 ? style.green : style.yellow;
}

function countsLine({ counts, due, waiting, blocked, held }: StatusReport): string {
  const { pending, sending, review, completed, discarded } = counts;
  const parts = pending === 0 ? '' : ` (due ${due}, waiting ${waiting}, blocked ${blocked}, held ${held})`;
  return `pending ${pending}${parts}, sending ${sending}, review ${review}, completed ${completed}, discarded ${discarded}`;
}

/** One line in a pipe; wrapped on a narrow terminal. */
function countsLines(report: StatusReport, { terminal, columns }: Look): string[] {
  const line = countsLine(report);
  return terminal && line.length > columns ? line.split(/, (?=sending )/) : [line];
}

function timesLines(report: StatusReport, look: Look): string[] {
  const rows: [string, number | undefined][] = [
    ['oldest waiting', report.oldestPendingAt],
    ['next due', report.nextDueAt],
    ['last completed', report.lastCompletedAt],
  ];
  return rows.flatMap(([name, at]) => (at === undefined ? [] : [`${name}: ${fullTime(at, look)}`]));
}

function runnerLines({ runner, lastRun }: StatusReport, look: Look): string[] {
  const now =
    runner === undefined
      ? 'runner: none'
      : `runner: ${runner.kind}, pid ${runner.pid} on ${runner.host}, since ${fullTime(runner.since, look)}, active ${timeCell(runner.lastActiveAt, look)}`;
  if (lastRun === undefined) return hanging('', oneLine(now), look);
  const { kind, startedAt, endedAt, delivered, remaining, exitCode } = lastRun;
  const end =
    endedAt === undefined
      ? 'did not end properly'
      : `took ${span(endedAt - startedAt)}, delivered ${delivered}, left ${remaining}${exitCode === undefined ? '' : `, exit ${exitCode}`}`;
  return [
    ...hanging('', oneLine(now), look),
    ...hanging('', `last ${kind}: ${fullTime(startedAt, look)}, ${end}`, look),
  ];
}

const QUIET: ReadonlySet<TargetStatus['state']> = new Set(['online', 'untried']);

async function targetLines(targets: readonly TargetStatus[], look: Look): Promise<string[]> {
  if (targets.length === 0) return [];
  const rows = targets.map((target) => [
    target.name,
    { text: target.state, paint: QUIET.has(target.state) ? look.style.green : look.style.yellow },
    String(target.pending),
    String(target.sending),
    String(target.review),
    QUIET.has(target.state) ? '-' : targetSentence(target, look),
  ]);
  const columns = [
    { title: 'TARGET', flexible: true },
    { title: 'STATE' },
    { title: 'PENDING', align: 'right' as const },
    { title: 'SENDING', align: 'right' as const },
    { title: 'REVIEW', align: 'right' as const },
    { title: 'WHY', flexible: true },
  ];
  return ['', ...(await renderTable(columns, rows, look))];
}

/** Columns that a wrapped first line may leave unused, so that two lines are enough. */
const WORD_BREAK = 20;
/** Most causes shown on a terminal; the rest is counted. */
const MOST_CAUSES = 10;

/** A cause and the command to see its items: two lines on a terminal, one in a pipe. */
async function reviewLines({ reviewGroups }: StatusReport, look: Look): Promise<string[]> {
  if (reviewGroups.length === 0) return [];
  if (!look.terminal) {
    const rows = reviewGroups.map((group) => [
      String(group.count),
      group.target,
      group.reason,
      group.status === 0 ? '-' : String(group.status),
      group.operation,
      String(group.firstId),
      `${group.message}${arrivedWords(group)}`,
      closerLook(group),
    ]);
    return ['', ...(await renderTable([], rows, look))];
  }
  const shown = reviewGroups.slice(0, MOST_CAUSES);
  const width = Math.max(...shown.map(({ count }) => String(count).length));
  const rest = reviewGroups.slice(MOST_CAUSES).reduce((sum, { count }) => sum + count, 0);
  return [
    '',
    ...shown.flatMap((group) => {
      const { count, target, reason, status, operation, message } = group;
      const head = `${String(count).padStart(width)} in review  `;
      const facts = `${target}, ${operation}, ${reason}${status === 0 ? '' : ` ${status}`}${arrivedWords(group)}: `;
      // People read the sentence out, so it may take a second line before it is cut.
      const room = look.columns - head.length;
      const words = hanging(head, fitted(facts + message, room * 2 - WORD_BREAK), look);
      return [
        ...words.map((line, at) => (at === 0 ? line.replace(reason, look.style.red(reason)) : line)),
        `${' '.repeat(head.length)}look closer: ${look.style.cyan(look.suggest(closerLook(group)))}`,
      ];
    }),
    ...(rest === 0
      ? []
      : [
          `${rest} more in review, for other reasons`,
          `${' '.repeat(width)}            look closer: ${look.style.cyan(look.suggest('syncq inspect --state review'))}`,
        ]),
  ];
}

/** The command that shows the items of a cause. */
export function closerLook({ count, firstId }: { count: number; firstId: number }): string {
  return count === 1 ? `syncq inspect ${firstId}` : `syncq inspect --like ${firstId}`;
}

/** The one line of a failed `status --check`. */
export function checkLine({ failed }: CheckResult): string {
  return oneLine(failed.map(limitWords).join('; '));
}

function limitWords({ limit, allowed, actual, target }: FailedLimit): string {
  const [most, is] = [Number(allowed), Number(actual)];
  switch (limit) {
    case 'max-review':
      return `${is} in review (allowed ${most})`;
    case 'max-age':
      return `the oldest item waits for ${span(is)} (allowed ${span(most)})`;
    case 'max-idle':
      return `nobody has sent for ${span(is)} (allowed ${span(most)})`;
    case 'target':
      return `target ${target ?? ''} needs a person: ${actual}`;
  }
}
