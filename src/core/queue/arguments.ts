/**
 * Checks what a program passes to the calls of a queue and its desk, before anything is done: a mistyped name in a filter
 * must not discard more than was meant. Each check returns a copy that holds only what is known.
 */
import { types } from 'node:util';

import {
  below,
  fail,
  integer,
  kindOf,
  list,
  number,
  object,
  oneOf,
  text,
  type Place,
  type Reader,
} from '../check/readers.js';
import { LONGEST_DURATION_MS } from '../check/duration.js';
import { hasLoneSurrogate } from '../check/text.js';
import type { ItemEdits } from '../input/edit-item.js';
import type { JsonChange } from '../json/json-edit.js';
import { REVIEW_REASONS, STATES, WAITING_KINDS } from '../nouns/item.js';
import type { DrainOptions, WatchOptions } from '../runner/options.js';
import type { Actor, Filter, HistoryEntry, IfQueued, PauseScope } from '../store/store.js';
import type { ConfigDocument } from '../config/document.js';
import type { EnqueueFromOptions } from './enqueue-from.js';

const MOST = Number.MAX_SAFE_INTEGER;
/** Last moment a Date can hold. */
const LAST_TIME = 8_640_000_000_000_000;

const count = integer(0, MOST);
const itemId = integer(1, MOST);
const time = number(0, LAST_TIME);
const milliseconds = number(0, LONGEST_DURATION_MS);

const string = ofKind('a string', (value): value is string => typeof value === 'string');
/** Any text that has a UTF-8 form, because it is stored or compared as given. */
const anyText: Reader<string> = (value, at) => {
  const given = string(value, at);
  return hasLoneSurrogate(given) ? fail(at, 'holds half of a surrogate pair, which has no UTF-8 form') : given;
};
const bool = ofKind('true or false', (value): value is boolean => typeof value === 'boolean');
const callback = ofKind('a function', (value): value is () => undefined => typeof value === 'function');
const bytes = ofKind('a Uint8Array', types.isUint8Array);
const anyObject = ofKind(
  'an object',
  (value): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value),
);
/** Duck-typed, because `instanceof` fails across realms (the sandbox of a test runner). */
const signal = ofKind(
  'an AbortSignal',
  (value): value is AbortSignal =>
    typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
);
const unread: Reader<unknown> = (value) => value;

/** Not `list`, which makes a place for each entry: a command may name a million items. */
const itemIds: Reader<number[]> = (value, at) => {
  if (!Array.isArray(value)) return fail(at, `is ${kindOf(value)}; write a list of ids [ … ]`);
  const bad = value.findIndex((entry) => !Number.isSafeInteger(entry) || (entry as number) < 1);
  if (bad >= 0) itemId(value[bad], below(at, bad));
  return [...(value as number[])];
};

function ofKind<T>(what: string, is: (value: unknown) => value is T): Reader<T> {
  return (value, at) => (is(value) ? value : fail(at, `is ${kindOf(value)}; it must be ${what}`));
}

type Shape = Readonly<Record<string, Reader<unknown>>>;
type Values<S extends Shape, R extends keyof S> = { [K in R]: ReturnType<S[K]> } & {
  [K in Exclude<keyof S, R>]?: ReturnType<S[K]>;
};

/** An object of these names and no others. An undefined value counts as not given and is left out of the copy. */
function options<const S extends Shape, const R extends keyof S & string = never>(
  shape: S,
  required: readonly R[] = [],
): Reader<Values<S, R>> {
  const read = object(Object.fromEntries(Object.entries(shape).map(([name, reader]) => [name, optional(reader)])));
  return (value, at) => {
    // A signal or a date has no names of its own and would pass as an empty object.
    if (Object.prototype.toString.call(value) !== '[object Object]') fail(at, `is ${kindOf(value)}; write { … }`);
    const given = Object.entries(read(value, at)).filter(([, entry]) => entry !== undefined);
    const result = Object.fromEntries(given) as Values<S, R>;
    for (const name of required) if (result[name] === undefined) fail(below(at, name), 'is missing');
    return result;
  };
}

function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return (value, at) => (value === undefined ? undefined : reader(value, at));
}

const entityReader = options({ type: anyText, id: anyText }, ['type', 'id']);
const filterReader = options({
  ids: itemIds,
  states: list(oneOf(...STATES, ...WAITING_KINDS), 1),
  entities: list(options({ type: anyText, id: anyText }, ['type']), 1),
  targets: list(anyText, 1),
  operations: list(anyText, 1),
  tags: list(anyText, 1),
  reasons: list(oneOf(...REVIEW_REASONS), 1),
  statuses: list(options({ from: count, to: count }, ['from', 'to']), 1),
  since: time,
  until: time,
  like: itemId,
  behind: itemId,
  search: anyText,
} satisfies Record<keyof Filter, Reader<unknown>>);
const ACTOR = { who: anyText, command: anyText, reason: anyText };
const actorReader = options(ACTOR, ['who', 'command']);

const anyChange = options({ op: oneOf('set', 'unset'), pointer: anyText, value: anyText }, ['op', 'pointer']);
const jsonChange: Reader<JsonChange> = (value, at) => {
  const { op, pointer, value: given } = anyChange(value, at);
  if (op === 'unset') return { op, pointer };
  return given === undefined ? fail(below(at, 'value'), 'is missing') : { op, pointer, value: given };
};
const headerPair: Reader<[string, string]> = (value, at) => {
  const [name, entry, ...more] = list(anyText, 1)(value, at);
  return name !== undefined && entry !== undefined && more.length === 0
    ? [name, entry]
    : fail(at, 'is not [name, value]');
};
const EDITS = {
  json: list(jsonChange, 0),
  payload: bytes,
  contentType: anyText,
  headers: list(headerPair, 0),
  removeHeaders: list(anyText, 0),
  path: anyText,
} satisfies Record<keyof ItemEdits, Reader<unknown>>;

const SENDING = {
  target: anyText,
  concurrency: integer(1, MOST),
  stop: signal,
  abort: signal,
  stopCode: callback,
  onEvent: callback,
} satisfies Partial<Record<keyof DrainOptions, Reader<unknown>>>;

const DRAIN = {
  ...SENDING,
  kind: oneOf('run', 'drain'),
  limit: count,
  maxTimeMs: milliseconds,
  wait: bool,
} satisfies Record<keyof DrainOptions, Reader<unknown>>;

const WATCH = { ...SENDING, onTurn: callback, onUnknownTarget: callback, isReload: bool } satisfies Record<
  keyof WatchOptions,
  Reader<unknown>
>;

/** Exactly one of the two. */
const timeOrDelay: Reader<{ at: number } | { delayMs: number }> = (value, at) => {
  const { at: moment, delayMs } = options({ at: time, delayMs: milliseconds })(value, at);
  if (moment !== undefined && delayMs === undefined) return { at: moment };
  return moment === undefined && delayMs !== undefined ? { delayMs } : fail(at, 'needs either at or delayMs');
};

const scopeReader: Reader<PauseScope> = (value, at) => {
  if (value === 'all') return value;
  const { target, entity: of } = options({ target: anyText, entity: entityReader })(value, at);
  if (target !== undefined && of === undefined) return { target };
  return target === undefined && of !== undefined
    ? { entity: of }
    : fail(at, 'must be "all", { target } or { entity }');
};

type NewEntry = Omit<HistoryEntry, 'id' | 'at'>;
const ENTRY = {
  item: itemId,
  target: anyText,
  who: anyText,
  command: anyText,
  event: anyText,
  reason: anyText,
  detail: anyObject,
} satisfies Record<keyof NewEntry, Reader<unknown>>;

function placeOf(name: string): Place {
  return { path: name, key: name, baseDir: '', source: undefined, isArgument: true };
}

/** Reads the argument `name`. The result throws a QueueError, code 'usage': `NAME.PATH: PROBLEM`. */
function argument<T>(name: string, reader: Reader<unknown>): (value: unknown) => T {
  const at = placeOf(name);
  return (value) => reader(value, at) as T;
}

export const filter = argument<Filter>('filter', filterReader);
export const ids = argument<number[]>('ids', itemIds);
export const id = argument<number>('id', itemId);
export const actor = argument<Actor>('by', actorReader);
export const someActor = argument<Partial<Actor>>('by', options(ACTOR));
export const entity = argument<{ type: string; id: string }>('entity', entityReader);
export const pauseScope = argument<PauseScope>('what', scopeReader);
export const targetName = argument<string>('name', anyText);
export const targetNames = argument<string[]>('targets', list(anyText, 0));
export const limit = argument<number>('limit', count);
export const key = argument<string>('key', anyText);
export const edits = argument<ItemEdits>('edits', options(EDITS));
export const historyEntry = argument<NewEntry>('entry', options(ENTRY, ['who', 'command', 'event']));
export const page = argument<{ after?: number; limit?: number }>('page', options({ after: count, limit: count }));
export const historyFilter = argument<{ item?: number; since?: number; limit?: number }>(
  'filter',
  options({ item: itemId, since: time, limit: count }),
);

export const drainOptions = argument<DrainOptions>('options', options(DRAIN));
export const watchOptions = argument<WatchOptions>('options', options(WATCH));
export const enqueueFromOptions = argument<EnqueueFromOptions>(
  'options',
  options({ partial: bool, stream: bool, onLines: callback }),
);
export const dryRunOptions = argument<{ target?: string; limit?: number }>(
  'options',
  options({ target: anyText, limit: count }),
);
export const waitOptions = argument<{ timeoutMs?: number; stop?: AbortSignal }>(
  'options',
  options({ timeoutMs: milliseconds, stop: signal }),
);
export const retryOptions = argument<{ expires?: { at: number } | { delayMs: number }; dryRun?: boolean }>(
  'options',
  options({ expires: timeOrDelay, dryRun: bool }),
);
export const pauseOptions = argument<{ until?: number }>('options', options({ until: time }));
export const acceptOptions = argument<{ baseUrl?: string }>('options', options({ baseUrl: anyText }));
export const editOptions = argument<{ yes?: boolean }>('options', options({ yes: bool }));
export const pruneOptions = argument<{
  dryRun: boolean;
  by: Actor;
  onProgress?: (done: number) => void | Promise<void>;
}>('options', options({ dryRun: bool, by: actorReader, onProgress: callback }, ['dryRun', 'by']));
export const deskOptions = argument<{ dryRun: boolean; by: Actor }>(
  'options',
  options({ dryRun: bool, by: actorReader }, ['dryRun', 'by']),
);
const enqueueOptions = argument<{ ifQueued?: IfQueued }>(
  'options',
  options({ ifQueued: oneOf('append', 'keep', 'replace') }),
);

/** @param hasEntity `keep` and `replace` look for queued writes of the same entity: without one they are refused */
export function ifQueued(value: unknown, hasEntity: boolean): IfQueued {
  const { ifQueued: mode = 'append' } = enqueueOptions(value);
  if (mode !== 'append' && !hasEntity) fail(placeOf('options.ifQueued'), `${mode} needs a write with an entity`);
  return mode;
}

/** Options of `openQueue`. */
export const openOptions = argument<{
  queue: unknown;
  config?: ConfigDocument;
  baseDir?: string;
  mode?: 'read' | 'write' | 'create';
  env?: Record<string, string | undefined>;
}>(
  'options',
  options({ queue: unread, config: unread, baseDir: text, mode: oneOf('read', 'write', 'create'), env: anyObject }, [
    'queue',
  ]),
);
