/** Renders the live view of `watch`: one screen, the answer first, then as much as fits. */
import type { QueueEvent } from '../core/nouns/events.js';
import { arrivedWords } from '../core/policy/item-words.js';
import { statusAnswer } from '../core/policy/status-answer.js';
import { moment, span } from '../core/policy/time-words.js';
import type { StatusReport, TargetStatus } from '../core/nouns/report.js';
import { sentence } from './events.js';
import { cut, fitted, oneLine, textWidth } from './printable.js';
import { hanging } from './wrap.js';
import type { Look, Style } from './style.js';
import { absolute } from './time.js';

export type Sending = Extract<QueueEvent, { event: 'sending' }>;

export interface LiveState {
  /** Undefined until it was first read. */
  report: StatusReport | undefined;
  sending: readonly Sending[];
  /** Deliveries, failures and changes, oldest first. */
  recent: readonly QueueEvent[];
  /** One entry a second, oldest first. */
  delivered: readonly number[];
  backlog: readonly number[];
  totalDelivered: number;
  startedAt: number;
  /** The watch is stopping and waits for requests in flight. */
  isStopping?: boolean;
}

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const RATE_SECONDS = 10;
/** Columns that a wrapped first line may leave unused, so that two lines are enough. */
const WORD_BREAK = 20;
const GROUPS_SHOWN = 3;
const SENDING_SHOWN = 4;
/** Neither the targets nor the other sections may fill the whole screen. */
const LEAST_TARGETS = 4;
/** Lines reserved for the last events and their title, if the screen is high enough. */
const LAST_LINES = 5;
const LOW_SCREEN = 16;

/** At most `rows` lines, none wider than the terminal. */
export function liveLines(state: LiveState, look: Look, rows: number): string[] {
  const { style, columns } = look;
  const keys = state.isStopping === true ? 'stopping' : 'q leaves';
  const title = `${style.bold('syncq watch')} ${style.dim(`for ${span(Math.max(0, look.now - state.startedAt))}`)}`;
  const titleWidth = textWidth(`syncq watch for ${span(Math.max(0, look.now - state.startedAt))}`);
  const head = `${title}${' '.repeat(Math.max(1, columns - titleWidth - keys.length))}${style.dim(keys)}`;
  const { report } = state;
  if (report === undefined) return [head];
  const fixed = [head, ...answer(report, look), '', ...trends(state, look)];
  const others = [
    section('needs you', reviews(report, look), look),
    section(
      'sending',
      state.sending.slice(0, SENDING_SHOWN).map((event) => sendingLine(event, look)),
      look,
    ),
  ].filter((lines) => lines.length > 0);
  const room = Math.max(0, rows - fixed.length);
  const middleRoom = rows < LOW_SCREEN ? room : room - LAST_LINES;
  const taken = others.reduce((sum, lines) => sum + lines.length, 2);
  const shown = shorten(targets(report, look), Math.max(LEAST_TARGETS, middleRoom - taken));
  const middle = fill([section('targets', shown, look), ...others], middleRoom);
  const left = room - middle.length - 2;
  const last =
    left < 1
      ? []
      : section(
          'last',
          state.recent
            .slice(-left)
            .reverse()
            .map((event) => recentLine(event, look)),
          look,
        );
  return [...fixed, ...middle, ...last].slice(0, rows);
}

function answer(report: StatusReport, look: Look): string[] {
  const { style } = look;
  const paint =
    report.counts.review > 0
      ? style.red
      : report.counts.pending + report.counts.sending === 0
        ? style.green
        : style.yellow;
  const room = look.columns * 2 - WORD_BREAK;
  return hanging('', fitted(statusAnswer(report, look).join('; '), room), look).map(paint);
}

/** Rate and backlog, with a small curve each; side by side where there is room. */
function trends({ delivered, backlog, totalDelivered }: LiveState, { columns, style }: Look): string[] {
  const latest = delivered.slice(-RATE_SECONDS);
  const rate = latest.reduce((sum, count) => sum + count, 0) / Math.max(1, latest.length);
  const width = Math.max(8, Math.min(40, Math.floor(columns / 2) - 34));
  const texts = [
    `rate    ${spark(delivered, width)} ${rate.toFixed(1)}/s, ${totalDelivered} delivered`,
    `backlog ${spark(backlog, width)} ${backlog.at(-1) ?? 0}`,
  ];
  const isWide = columns >= 120;
  const [first = '', second = ''] = texts;
  const lines = isWide ? [`${first.padEnd(Math.floor(columns / 2))}${second}`] : texts;
  return lines.map((line) => style.cyan(cut(line, columns)));
}

/** A curve of the last `width` values; its highest bar is the highest value. */
export function spark(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(1, ...shown);
  const bars = shown.map(
    (value) => BARS[Math.min(BARS.length - 1, Math.round((value / most) * (BARS.length - 1)))] ?? ' ',
  );
  return bars.join('').padStart(width);
}

const QUIET: ReadonlySet<TargetStatus['state']> = new Set(['online', 'untried']);

function targets(report: StatusReport, look: Look): string[] {
  const { style, columns } = look;
  const urgentFirst = [...report.targets].sort(
    (a, b) => Number(QUIET.has(a.state)) - Number(QUIET.has(b.state)) || b.pending - a.pending,
  );
  const nameWidth = Math.min(24, Math.max(...urgentFirst.map(({ name }) => textWidth(oneLine(name))), 6));
  return urgentFirst.map((target) => {
    const { state } = target;
    const name = fitted(target.name, nameWidth);
    const facts = `${target.pending} pending${target.review > 0 ? `, ${target.review} in review` : ''}`;
    const why = QUIET.has(state) ? '' : reason(target, look);
    const words = `${state.padEnd(state.length > 11 ? 13 : 11)} since ${moment(target.since, look)}, ${facts}${why}`;
    const rest = fitted(words, Math.max(10, columns - nameWidth - 4));
    return `${name.padEnd(nameWidth)}  ${(QUIET.has(state) ? style.green : style.yellow)(rest)}`;
  });
}

/** Details of a held target; its name and state are shown already. */
function reason({ until, reason: text }: TargetStatus, look: Look): string {
  const next = until !== undefined && until > look.now ? `, next at ${moment(until, look)}` : '';
  return `${next}${text === undefined || text === '' ? '' : `: ${text}`}`;
}

/** At most this many; the rest is counted. */
function shorten(lines: readonly string[], most: number): readonly string[] {
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), `and ${lines.length - most + 1} more: syncq status`];
}

function reviews({ reviewGroups }: StatusReport, { columns, style }: Look): string[] {
  const lines = reviewGroups.slice(0, GROUPS_SHOWN).map((group) => {
    const status = `${group.status === 0 ? '' : ` (${group.status})`}${arrivedWords(group)}`;
    return style.red(
      fitted(
        `${group.count} ${group.reason}${status}, from item ${group.firstId}, ${group.target}: ${group.message}`,
        columns - 2,
      ),
    );
  });
  const more = reviewGroups.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more causes: syncq status`] : lines;
}

function sendingLine(event: Sending, { columns, now }: Look): string {
  return fitted(
    `item ${event.item}, ${event.method} ${event.path} to ${event.target}, for ${span(Math.max(0, now - event.at))}`,
    columns - 2,
  );
}

function recentLine(event: QueueEvent, look: Look): string {
  const time = absolute(event.at).slice(11);
  return `${look.style.dim(time)} ${colourOf(event, look.style)(fitted(sentence(event, look), look.columns - 3 - time.length))}`;
}

function colourOf({ event }: QueueEvent, style: Style): (text: string) => string {
  if (event === 'delivered' || event === 'online') return style.green;
  if (event === 'review') return style.red;
  return event === 'offline' || event === 'held' || event === 'retrying' ? style.yellow : (text) => text;
}

function section(title: string, lines: readonly string[], { style }: Look): string[] {
  return lines.length === 0 ? [] : ['', style.bold(title), ...lines.map((line) => `  ${line}`)];
}

/** Whole sections while they fit; the first that does not is cut. */
function fill(sections: readonly string[][], room: number): string[] {
  const lines: string[] = [];
  for (const each of sections) {
    const left = room - lines.length;
    // A title alone is useless.
    if (left < 3) break;
    lines.push(...each.slice(0, left));
  }
  return lines;
}
