/** Prints a runner's events: a line for a person or a log, or NDJSON. */
import type { QueueEvent } from '../core/nouns/events.js';
import { moment, span, type TimeView } from '../core/policy/time-words.js';
import { targetSentence } from '../core/policy/why.js';
import type { JsonObject, JsonValue } from './json.js';
import { isoTime } from './json.js';
import { oneLine } from './printable.js';
import type { Look } from './style.js';
import { absolute } from './time.js';

/** Fields that are times: ISO 8601 in JSON. */
const TIMES: ReadonlySet<string> = new Set(['at', 'until', 'notBefore', 'nextDueAt']);

/** The event as public JSON: `event` and `at` first, missing values null. */
export function eventDocument(event: QueueEvent): JsonObject {
  const { event: name, at, ...rest } = event;
  const fields = Object.entries(rest as Record<string, unknown>).map(([key, value]): [string, JsonValue] => [
    key,
    TIMES.has(key) ? isoTime(value as number | undefined) : plain(value),
  ]);
  return { event: name, at: isoTime(at), ...Object.fromEntries(fields) };
}

function plain(value: unknown): JsonValue {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object') return value as JsonValue;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]));
}

/** One line: local time on a terminal, ISO time in a log. Foreign text is escaped. */
export function eventLine(event: QueueEvent, look: Look): string {
  const time = look.terminal ? absolute(event.at).slice(11) : (isoTime(event.at) ?? '');
  return `${look.style.dim(time)} ${colourOf(event, look.style)(oneLine(sentence(event, look)))}`;
}

function colourOf(event: QueueEvent, style: Look['style']): (text: string) => string {
  switch (event.event) {
    case 'delivered':
    case 'online':
      return style.green;
    case 'review':
      return style.red;
    case 'offline':
    case 'held':
    case 'retrying':
      return style.yellow;
    case 'started':
    case 'standby':
    case 'sending':
    case 'idle':
    case 'stopped':
      return (text) => text;
  }
}

type ItemEvent = Extract<QueueEvent, { item: number }>;

function subject({ item, method, path, target, entity }: ItemEvent): string {
  return `item ${item} (${method} ${path} to ${target}${entity === undefined ? '' : `, ${entity}`})`;
}

/** The event without its time, not yet escaped: `delivered item 1041 (PUT /x to production): 201 after 120 ms`. */
export function sentence(event: QueueEvent, view: TimeView): string {
  switch (event.event) {
    case 'started':
      return `started ${event.kind}, pid ${event.pid}`;
    case 'standby':
      return event.runner === undefined
        ? 'standing by: another runner is at work'
        : `standing by: ${event.runner.kind}, pid ${event.runner.pid} on ${event.runner.host}, is at work`;
    case 'online':
      return `online: ${event.target}${tail(event.reason)}`;
    case 'offline':
      return `offline: ${event.target}${tail(event.reason)}`;
    case 'held': {
      const { target: name, state, until, reason, at } = event;
      return `held: ${targetSentence({ name, state, since: at, until, reason }, view)}`;
    }
    case 'sending':
      return `sending ${subject(event)}, attempt ${event.attempt}`;
    case 'delivered':
      return `delivered ${subject(event)}: ${event.status === undefined ? '' : `${event.status} `}after ${span(event.durationMs)}`;
    case 'retrying':
      return `retrying ${subject(event)}${retryTime(event, view)}: ${event.outcome}${withStatus(event.status)}${tail(event.message)}`;
    case 'review':
      return `review ${subject(event)}: ${event.reason}${withStatus(event.status)}${tail(event.message)}`;
    case 'idle':
      return `idle: ${event.pending === 0 ? 'nothing waits' : `${event.pending} pending`}${
        event.nextDueAt === undefined ? '' : `, the next at ${moment(event.nextDueAt, view)}`
      }`;
    case 'stopped':
      return `stopped: ${event.reason}`;
  }
}

function retryTime({ notBefore }: { notBefore: number | undefined }, view: TimeView): string {
  return notBefore === undefined ? '' : ` at ${moment(notBefore, view)}`;
}

const withStatus = (status: number | undefined): string => (status === undefined ? '' : ` (${status})`);
const tail = (text: string | undefined): string => (text === undefined || text === '' ? '' : `: ${text}`);
