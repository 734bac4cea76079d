/** The answer of `retry`: how many items go on, which do not and why, and who will send them. */
import type { ChangeReport, Next } from '../../core/index.js';
import type { TimeView } from '../../core/policy/time-words.js';
import { targetSentence } from '../../core/policy/why.js';
import type { JsonObject } from '../../render/json.js';
import { oneLine } from '../../render/printable.js';
import { reviewGroupsDocument } from '../../render/status-document.js';
import { causeLines } from './discard-complete.js';
import { countWords, itemWords } from '../program/usage.js';

/** @param next who will send; undefined in a dry run */
export function retryAnswer(
  report: ChangeReport,
  next: Next | undefined,
  view: TimeView,
): { document: JsonObject; lines: string[] } {
  const skipped = [...report.skipped, ...report.missing.map((id) => ({ id, reason: 'there is no such item' }))];
  const dry = next === undefined;
  return {
    document: {
      retried: report.changed,
      count: report.changed.length,
      skipped: skipped.map(({ id, reason }) => ({ id, reason })),
      next: next?.kind ?? null,
      ...(dry ? { groups: reviewGroupsDocument(report.groups), dryRun: true } : {}),
    },
    lines: [
      ...(dry ? dryLines(report) : doneLines(report)),
      ...unknownLines(report),
      ...skipped.slice(0, 20).map(({ id, reason }) => oneLine(`item ${id} is left alone: ${reason}`)),
      ...(skipped.length > 20 ? [`and ${skipped.length - 20} more`] : []),
      ...(next === undefined || report.changed.length === 0 ? [] : [nextLine(next, view)]),
    ],
  };
}

function doneLines({ changed }: ChangeReport): string[] {
  return changed.length === 0
    ? ['nothing to retry']
    : [`${itemWords(changed)} ${changed.length === 1 ? 'goes' : 'go'} on`];
}

function dryLines(report: ChangeReport): string[] {
  return [`${countWords(report.changed.length)} would go on`, ...causeLines(report)];
}

/** A warning before it is sent again: the first time may have arrived. */
function unknownLines({ unknown, underNewKey }: ChangeReport): string[] {
  const same = unknown.filter((id) => !underNewKey.includes(id));
  return [
    ...(same.length === 0
      ? []
      : [`${itemWords(same)} may be at the server already: the idempotency key is the same again`]),
    ...(underNewKey.length === 0
      ? []
      : [
          `mind: the version before the edit of ${itemWords(underNewKey)} may be at the server already; under the new key it takes this for another write`,
        ]),
  ];
}

/** The last line: who will send. */
export function nextLine(next: Next, view: TimeView): string {
  switch (next.kind) {
    case 'sending':
      return `the runner (${next.runner.kind}, pid ${next.runner.pid}) sends it now`;
    case 'no-runner':
      return 'no runner is alive: syncq run';
    case 'held': {
      const { target: name, state, since, reason } = next;
      return oneLine(`it waits: ${targetSentence({ name, state, since, reason }, view)}`);
    }
  }
}
