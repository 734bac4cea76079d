/** The first lines of `status`: the answer to "is everything all right, and if not, what now?". Pure. */
import type { StatusReport, TargetStatus } from '../report.js';
import { moment } from './time-words.js';
import { quote, targetSentence } from './why.js';

/** States in which items of a target wait for the target rather than for a runner. */
const HOLDING: ReadonlySet<TargetStatus['state']> = new Set([
  'offline',
  'throttled',
  'unavailable',
  'auth',
  'misconfigured',
  'paused',
]);

/**
 * One line per fact, the most urgent first; exactly `all delivered` when nothing is unfinished. Names and reasons are
 * as they were given: whoever prints them makes them harmless.
 *
 * @param user login name, for *No queue yet at PATH (user NAME)*; undefined = leave it out
 */
export function statusAnswer(report: StatusReport, now: number, user?: string): string[] {
  if (!report.exists) return [`No queue yet at ${report.queue}${user === undefined ? '' : ` (user ${user})`}`];
  const lines = [
    ...reviewLine(report),
    ...copyLine(report),
    ...report.targets.flatMap((target) => targetLine(target, now)),
    ...report.pausedEntities.map(
      ({ entity, since, until, reason }) =>
        `${entity.type}/${entity.id} is paused since ${moment(since, now)}` +
        `${until === undefined ? '' : ` until ${moment(until, now)}`}${reason === undefined ? '' : `: ${quote(reason)}`}`,
    ),
    ...dueLine(report),
    ...ownTimeLine(report, now),
  ];
  if (lines.length > 0) return lines;
  const unfinished = report.counts.pending + report.counts.sending;
  return [unfinished === 0 ? 'all delivered' : count(unfinished, 'waits', 'wait')];
}

function reviewLine({ counts, targets }: StatusReport): string[] {
  if (counts.review === 0) return [];
  // Behind a target that is held, blocked items wait for the target first.
  const blocked = targets.reduce(
    (sum, target) => sum + (HOLDING.has(target.state) || target.review === 0 ? 0 : target.blocked),
    0,
  );
  return [
    `${count(counts.review, 'needs', 'need')} you${blocked === 0 ? '' : `, ${count(blocked, 'is', 'are')} blocked`}`,
  ];
}

function copyLine({ copyOf }: StatusReport): string[] {
  return copyOf === undefined ? [] : [`this is a copy (of ${copyOf}): nothing is sent from it`];
}

function targetLine(target: TargetStatus, now: number): string[] {
  const waiting = target.pending;
  if (waiting === 0 || !HOLDING.has(target.state)) return [];
  // A hold whose time is over sends one tester: its items show as due.
  if (target.held === 0 && target.due > 0) return [];
  return [`${count(waiting, 'waits', 'wait')}: ${targetSentence(target, now)}`];
}

function dueLine({ due, counts, runner, copyOf }: StatusReport): string[] {
  if (runner !== undefined) {
    const busy = counts.sending + due;
    return busy === 0 ? [] : [`${count(busy, 'is', 'are')} being sent (${runner.kind}, pid ${runner.pid})`];
  }
  const stranded = due + counts.sending;
  if (stranded === 0 || copyOf !== undefined) return [];
  const items = stranded === 1 ? '1 item is due' : `${stranded} items are due`;
  return [`${items} and nobody is sending. Start: syncq watch (or syncq run)`];
}

function ownTimeLine({ waiting, nextDueAt }: StatusReport, now: number): string[] {
  if (waiting === 0) return [];
  const next = nextDueAt === undefined ? '' : `, the next at ${moment(nextDueAt, now)}`;
  return [waiting === 1 ? `1 waits for its time${next}` : `${waiting} wait for their time${next}`];
}

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
