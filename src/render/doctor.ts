/** Prints the report of `doctor`: the answer, each finding with what is safe and what to do, then the figures. */
import type { Examination, RepairReport } from '../core/store/doors/care.js';
import type { JsonObject } from './json.js';
import { isoTime } from './json.js';
import { oneLine } from './printable.js';
import type { Style } from './style.js';

export interface DoctorActions {
  repaired: RepairReport | undefined;
  saved:
    | {
        file: string;
        saved: number;
        finishedFile: string | undefined;
        finished: number;
        unreadable: readonly number[];
        altered: readonly number[];
      }
    | undefined;
  /** What the queue was a copy of. */
  adopted: string | undefined;
}

const VERDICT = {
  sound: 'the queue is sound',
  problem: 'the queue can be used, and a person is needed',
  unusable: 'the queue cannot be used as it is',
} as const;

export function doctorLines(path: string, examination: Examination, actions: DoctorActions, style: Style): string[] {
  const { verdict, findings } = examination;
  const paint = { sound: style.green, problem: style.yellow, unusable: style.red }[verdict];
  return [
    `${paint(VERDICT[verdict])}: ${oneLine(path)}`,
    ...actionLines(actions),
    ...findings.flatMap(({ severity, message, safe, next }) => [
      `${{ note: style.dim('note'), problem: style.yellow('problem'), unusable: style.red('unusable') }[severity]}: ${oneLine(message)}`,
      ...(safe === undefined ? [] : [`  safe: ${oneLine(safe)}`]),
      ...(next === undefined ? [] : [`  do:   ${oneLine(next)}`]),
    ]),
    `  ${factLine(examination)}`,
  ];
}

function factLine({ items, payloads, sqlite, schemaVersion, walBytes, freeBytes, runner }: Examination): string {
  const parts = [
    items === undefined ? 'items not read' : `${items} items, ${payloads ?? 0} payloads checked`,
    `file version ${schemaVersion ?? 'unknown'}`,
    `SQLite ${sqlite}`,
    `log ${kilobytes(walBytes)}`,
    `disk ${freeBytes === undefined ? 'unknown' : `${kilobytes(freeBytes)} free`}`,
    runner === undefined
      ? 'nobody is sending'
      : `${runner.kind}, pid ${runner.pid} on ${oneLine(runner.host)}, is sending`,
  ];
  return parts.join(', ');
}

const kilobytes = (bytes: number): string =>
  bytes < 10 * 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.round(bytes / 1024 / 1024)} MiB`;

function actionLines({ repaired, saved, adopted }: DoctorActions): string[] {
  const lines: string[] = [];
  if (adopted !== undefined)
    lines.push(`adopted: this file was a copy of ${oneLine(adopted)}, and is a queue of its own now`);
  if (repaired !== undefined) {
    const { heads, targets, groups } = repaired;
    const nothing = heads + targets + groups === 0;
    lines.push(
      nothing
        ? 'repaired: there was nothing to mend'
        : `repaired: ${heads} places in line, counts of ${targets} targets and ${groups} review groups`,
    );
  }
  if (saved !== undefined) {
    lines.push(`saved: ${saved.saved} unfinished items to ${oneLine(saved.file)}`);
    if (saved.finishedFile !== undefined)
      lines.push(
        `saved: ${saved.finished} items that are at their end to ${oneLine(saved.finishedFile)}; do not enqueue those`,
      );
    if (saved.unreadable.length > 0)
      lines.push(
        `not saved: ${saved.unreadable.length} ids on pages that cannot be read (${listed(saved.unreadable)})`,
      );
    if (saved.altered.length > 0)
      lines.push(
        `not saved: ${saved.altered.length} items whose bytes are not those that were enqueued (${listed(saved.altered)})`,
      );
  }
  return lines;
}

const SHOWN_IDS = 10;

function listed(ids: readonly number[]): string {
  return ids.slice(0, SHOWN_IDS).join(', ') + (ids.length > SHOWN_IDS ? ', ...' : '');
}

export function doctorDocument(
  path: string,
  config: string | undefined,
  examination: Examination,
  { repaired, saved, adopted }: DoctorActions,
): JsonObject {
  const { runner } = examination;
  return {
    queue: path,
    config: config ?? null,
    exists: true,
    verdict: examination.verdict,
    findings: examination.findings.map(({ code, severity, message, safe, next }) => ({
      code,
      severity,
      message,
      safe: safe ?? null,
      next: next ?? null,
    })),
    sqlite: examination.sqlite,
    schemaVersion: examination.schemaVersion ?? null,
    items: examination.items ?? null,
    payloads: examination.payloads ?? null,
    notSealed: examination.unsealed ?? null,
    walBytes: examination.walBytes,
    freeBytes: examination.freeBytes ?? null,
    copyOf: examination.copyOf ?? null,
    runner:
      runner === undefined
        ? null
        : {
            kind: runner.kind,
            pid: runner.pid,
            host: runner.host,
            since: isoTime(runner.since),
            lastActiveAt: isoTime(runner.lastActiveAt),
          },
    repaired: repaired === undefined ? null : { ...repaired },
    saved:
      saved === undefined
        ? null
        : {
            file: saved.file,
            items: saved.saved,
            finishedFile: saved.finishedFile ?? null,
            finished: saved.finished,
            unreadable: [...saved.unreadable],
            altered: [...saved.altered],
          },
    adopted: adopted ?? null,
  };
}
