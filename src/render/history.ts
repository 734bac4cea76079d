/** Prints a history as sentences that can be read out, and as JSON. */
import type { Attempt, ItemDetail } from '../core/nouns/item.js';
import type { HistoryEntry } from '../core/index.js';
import { absolute, span } from '../core/policy/time-words.js';
import { deliveredWords, quote, refusedWords } from '../core/policy/why.js';
import type { JsonObject } from './json.js';
import { isoTime } from './json.js';
import { cut, oneLine, textWidth } from './printable.js';
import type { Look } from './style.js';
import { wrapText } from './wrap.js';

/** As `core/queue/timeline.ts` makes it. */
export type Told =
  | { kind: 'stored'; at: number; item: ItemDetail }
  | { kind: 'attempt'; at: number; item: number; target: string; attempt: Attempt }
  | { kind: 'event'; at: number; entry: HistoryEntry };

const LONGEST_NAME = 24;
const GAP = 2;
/** Narrowest column for the sentences. */
const NARROWEST = 30;

/** One line per entry. @param one the history is about one item, so its number is left out */
export function storyLines(entries: readonly Told[], look: Look, one: boolean): string[] {
  const rows = entries.map((told) => ({
    told,
    who: cut(oneLine(whoOf(told)), LONGEST_NAME),
    what: oneLine(sentence(told, one)),
  }));
  if (!look.terminal)
    return rows.map(({ told, who, what }) => [isoTime(told.at), itemOf(told) ?? '-', who, what].join('\t'));
  const width = Math.max(0, ...rows.map(({ who }) => textWidth(who)));
  return rows.flatMap(({ told, who, what }) => {
    const head = `${absolute(told.at)}  ${who}${' '.repeat(width - textWidth(who))}`;
    const room = look.columns - textWidth(head) - GAP;
    // When names are long, the sentences go on lines of their own.
    const indent = room < NARROWEST ? GAP * 2 : look.columns - room;
    const [first = '', ...rest] = wrapText(what, room < NARROWEST ? look.columns - indent : room);
    const tail = [...(room < NARROWEST ? [first] : []), ...rest].map((line) => ' '.repeat(indent) + line);
    return [room < NARROWEST ? look.style.dim(head) : `${look.style.dim(head)}${' '.repeat(GAP)}${first}`, ...tail];
  });
}

function itemOf(told: Told): number | undefined {
  if (told.kind === 'event') return told.entry.item;
  return told.kind === 'stored' ? told.item.id : told.item;
}

function whoOf(told: Told): string {
  if (told.kind === 'event') return told.entry.who;
  return told.kind === 'stored' ? 'enqueue' : told.attempt.runner.replace(/@.*$/, '') || 'runner';
}

function sentence(told: Told, one: boolean): string {
  switch (told.kind) {
    case 'stored': {
      const { method, path, target, entity } = told.item;
      return `stored it: ${method} ${path} for ${target}${entity === undefined ? '' : `, about ${entity.type}/${entity.id}`}`;
    }
    case 'attempt':
      return `attempt ${told.attempt.number}: ${attemptWords(told.attempt)}`;
    case 'event':
      return eventWords(told.entry, one);
  }
}

const OUTCOME_WORDS: Readonly<Record<Exclude<NonNullable<Attempt['outcome']>, 'delivered' | 'rejected'>, string>> = {
  offline: 'the server could not be reached',
  unknown: 'no whole answer came: the server may have it',
  unavailable: 'the server was not available',
  throttled: 'the server asked to wait',
  transient: 'the server failed',
  auth: 'the server did not accept the credential',
  conflict: 'it conflicts with what the server has',
  redirect: 'the server wants it sent elsewhere',
  misconfigured: 'the target is not set up right',
};

function outcomeWords(
  outcome: NonNullable<Attempt['outcome']>,
  { status, message }: Pick<Attempt, 'status' | 'message'>,
): string {
  if (outcome === 'delivered') return deliveredWords(status, message);
  return outcome === 'rejected' ? refusedWords({ status }) : OUTCOME_WORDS[outcome];
}

function attemptWords({ outcome, status, message, durationMs, counted }: Attempt): string {
  if (outcome === undefined) return 'under way';
  const words = outcomeWords(outcome, { status, message });
  const said = outcome === 'delivered' ? '' : quote(message ?? '');
  const facts = [
    status === undefined || new RegExp(`\\b${status}\\b`).test(`${words} ${said}`) ? undefined : String(status),
    said === '' ? undefined : said,
    durationMs === undefined ? undefined : `after ${span(durationMs)}`,
    counted ? 'counted' : undefined,
  ].filter((fact) => fact !== undefined);
  return `${words}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

/** Sentences about events: first people's commands, then rules. */
const ITEM_EVENTS: Readonly<Record<string, string>> = {
  pending: 'put it back in line',
  completed: 'marked it as completed',
  discarded: 'discarded it',
  edited: 'edited it',
  editing: 'opened it in an editor',
  abandoned: 'closed the editor without a change',
  revealed: 'looked at its hidden values',
  erased: 'erased what it held',
  review: 'put it into review',
  removed: 'removed it by the retention rules',
};

const TARGET_EVENTS: Readonly<Record<string, string>> = {
  paused: 'paused',
  resumed: 'resumed',
  accepted: 'accepted the new base URL of',
  moved: 'found another base URL for',
  renamed: 'renamed',
  configured: 'changed settings of',
  removed: 'removed from the config:',
};

function eventWords(entry: HistoryEntry, one: boolean): string {
  const { event, item, target, reason, detail, command } = entry;
  const why = reason === undefined || reason === '' ? '' : `: ${quote(reason)}`;
  if (item !== undefined) {
    const done = ITEM_EVENTS[event] ?? event;
    const what = one
      ? done
      : done.replace(/\bit\b|\bits\b/, (word) => (word === 'its' ? `item ${item}'s` : `item ${item}`));
    return `${what}${detailWords(event, detail)}${why}`;
  }
  if (target === undefined) return `${event}${detailWords(event, detail)} (${command})${why}`;
  const known = TARGET_EVENTS[event];
  return known === undefined ? `${target} is ${event}${why}` : `${known} ${target}${detailWords(event, detail)}${why}`;
}

function detailWords(event: string, detail: Record<string, unknown> | undefined): string {
  // Version 1 of the file stored `lastOutcome`.
  const mayHaveArrived = detail?.['mayHaveArrived'] !== undefined || detail?.['lastOutcome'] === 'unknown';
  const unknown = mayHaveArrived ? ', though the server may have it already' : '';
  if (event === 'edited') {
    const fields = Array.isArray(detail?.['fields'])
      ? detail['fields'].filter((field) => typeof field === 'string')
      : [];
    return `${fields.length === 0 ? '' : ` (${fields.join(', ')})`}, with a new idempotency key${unknown}`;
  }
  if (['renamed', 'accepted', 'moved'].includes(event))
    return typeof detail?.['from'] === 'string' ? ` (it was ${detail['from']})` : '';
  if (event === 'configured') return ` (${Array.isArray(detail?.['keys']) ? detail['keys'].join(', ') : ''})`;
  if (event === 'removed' && detail !== undefined)
    return `: it was ${String(detail['state'])}, its key is ${String(detail['idempotencyKey'])}`;
  if (event === 'exported') {
    const { items, format, to } = detail ?? {};
    return ` ${String(items)} ${items === 1 ? 'item' : 'items'} (${String(format)}) to ${String(to)}`;
  }
  if (event === 'pruned') {
    const [items, payloads] = [Number(detail?.['items'] ?? 0), Number(detail?.['payloads'] ?? 0)];
    return ` ${items} ${items === 1 ? 'item' : 'items'}, ${payloads} ${payloads === 1 ? 'payload' : 'payloads'}`;
  }
  return event === 'editing' ? '' : unknown;
}

export function storyDocument(entries: readonly Told[]): JsonObject[] {
  return entries.map((told) => ({
    at: isoTime(told.at),
    kind: told.kind,
    item: itemOf(told) ?? null,
    target: targetOf(told) ?? null,
    who: whoOf(told),
    what: sentence(told, true),
    ...(told.kind === 'event' ? eventFields(told.entry) : {}),
    ...(told.kind === 'attempt' ? attemptFields(told.attempt) : {}),
  }));
}

function targetOf(told: Told): string | undefined {
  if (told.kind === 'event') return told.entry.target;
  return told.kind === 'stored' ? told.item.target : told.target;
}

function eventFields({ command, event, reason, detail }: HistoryEntry): JsonObject {
  return {
    command,
    event,
    reason: reason ?? null,
    detail: detail === undefined ? null : (plain(detail) as JsonObject),
  };
}

function attemptFields({
  number,
  outcome,
  status,
  message,
  durationMs,
  counted,
  runner,
  idempotencyKey,
}: Attempt): JsonObject {
  return {
    number,
    outcome: outcome ?? null,
    status: status ?? null,
    message: message ?? null,
    durationMs: durationMs ?? null,
    counted,
    runner,
    idempotencyKey: idempotencyKey ?? null,
  };
}

/** A value from a JSON column is plain already, although its type does not say so. */
const plain = (value: unknown): unknown => value;
