/** The first lines of `status`: the answer to "is everything all right, and if not, what now?". Pure. */
import type { StatusReport, TargetStatus } from '../nouns/report.js';
import { moment, type TimeView } from './time-words.js';
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
 * One fact per line, the most urgent first; exactly `all delivered` when nothing is unfinished. The counts add up to
 * all unfinished items: a blocked item counts with its blocker. Names and reasons are raw; the caller escapes them when
 * it prints.
 *
 * @param user login name, for *No queue yet at PATH (user NAME)*; undefined = leave it out
 */
export function statusAnswer(report: StatusReport, view: TimeView, user?: string): string[] {
  if (!report.exists) return [`No queue yet at ${report.queue}${user === undefined ? '' : ` (user ${user})`}`];
  const holding = report.targets.filter(({ state }) => HOLDING.has(state));
  const lines = [
    ...reviewLine(report),
    ...copyLine(report),
    ...holding.flatMap((target) => targetLine(target, view)),
    ...pausedLine(report, holding, view),
    ...dueLine(report, holding),
    ...ownTimeLine(report, holding, view),
    ...behindLine(report, holding),
  ];
  return lines.length > 0 ? lines : ['all delivered'];
}

type Counted = 'due' | 'waiting' | 'blocked' | 'held' | 'behindReview';

const sum = (targets: readonly TargetStatus[], which: Counted): number =>
  targets.reduce((total, target) => total + target[which], 0);

function reviewLine({ counts, targets }: StatusReport): string[] {
  if (counts.review === 0) return [];
  const blocked = sum(targets, 'behindReview');
  const behind = `${count(blocked, 'waits', 'wait')} behind ${counts.review === 1 ? 'it' : 'them'}`;
  return [`${count(counts.review, 'needs', 'need')} you${blocked === 0 ? '' : `, ${behind}`}`];
}

function copyLine({ copyOf }: StatusReport): string[] {
  return copyOf === undefined ? [] : [`this is a copy (of ${copyOf}): nothing is sent from it`];
}

/** A target is named for as long as it is in its state, also after its hold has expired: then one item tests it. */
function targetLine(target: TargetStatus, view: TimeView): string[] {
  const waiting = target.pending - target.behindReview;
  return waiting === 0 ? [] : [`${count(waiting, 'waits', 'wait')}: ${targetSentence(target, view)}`];
}

function pausedLine(
  { held, pausedEntities }: StatusReport,
  holding: readonly TargetStatus[],
  view: TimeView,
): string[] {
  if (pausedEntities.length === 0) return [];
  const waiting = held - sum(holding, 'held');
  const pauses = pausedEntities.map(
    ({ entity, since, until, reason }) =>
      `${entity.type}/${entity.id} is paused since ${moment(since, view)}` +
      `${until === undefined ? '' : ` until ${moment(until, view)}`}${reason === undefined ? '' : `: ${quote(reason)}`}`,
  );
  return [`${waiting === 0 ? '' : `${count(waiting, 'waits', 'wait')}: `}${pauses.join(', ')}`];
}

function dueLine({ due, counts, runner, copyOf }: StatusReport, holding: readonly TargetStatus[]): string[] {
  const busy = counts.sending + due - sum(holding, 'due');
  if (runner !== undefined)
    return busy === 0 ? [] : [`${count(busy, 'is', 'are')} being sent (${runner.kind}, pid ${runner.pid})`];
  const items = busy === 1 ? '1 item is due' : `${busy} items are due`;
  if (copyOf !== undefined) return busy === 0 ? [] : [items];
  if (busy > 0) return [`${items} and ${NOBODY}`];
  // A runner cannot fix a refused credential; it can end these holds once their time is over.
  const isTestable = holding.some((target) => target.state !== 'auth' && target.due > 0);
  return isTestable ? [NOBODY] : [];
}

const NOBODY = 'nobody is sending. Start: syncq watch (or syncq run)';

function ownTimeLine(report: StatusReport, holding: readonly TargetStatus[], view: TimeView): string[] {
  const { nextDueAt } = report;
  const waiting = report.waiting - sum(holding, 'waiting');
  if (waiting === 0) return [];
  const next = nextDueAt === undefined || nextDueAt <= view.now ? '' : `, the next at ${moment(nextDueAt, view)}`;
  return [waiting === 1 ? `1 waits for its time${next}` : `${waiting} wait for their time${next}`];
}

function behindLine({ blocked, targets }: StatusReport, holding: readonly TargetStatus[]): string[] {
  const elsewhere = sum(holding, 'blocked') - sum(holding, 'behindReview') + sum(targets, 'behindReview');
  const behind = blocked - elsewhere;
  if (behind === 0) return [];
  return [behind === 1 ? '1 waits behind an earlier item' : `${behind} wait behind earlier items`];
}

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
