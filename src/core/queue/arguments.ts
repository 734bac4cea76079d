/**
 * Readers of what a program gives to a call: which kind each value is, which names an object may have. `input/calls.ts`
 * has the tables of the queue's own calls; here is what those of its desk need as well.
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
  type Place,
  type Reader,
} from '../check/readers.js';
import { REVIEW_REASONS, STATES } from '../nouns/item.js';
import type { Actor, Filter } from '../store/store.js';
import type { ItemEdits } from '../input/edit-item.js';
import type { JsonChange } from '../json/json-edit.js';
import { LONGEST_DURATION_MS } from '../check/duration.js';
import { hasLoneSurrogate } from '../check/text.js';

export const MOST = Number.MAX_SAFE_INTEGER;
/** Last moment a Date can hold. */
const LAST_TIME = 8_640_000_000_000_000;

export const count = integer(0, MOST);
export const id = integer(1, MOST);
export const time = number(0, LAST_TIME);
export const milliseconds = number(0, LONGEST_DURATION_MS);

const string = ofKind('a string', (value): value is string => typeof value === 'string');
/** Any text that has a UTF-8 form, so that it is stored as given: what is only compared, or shown after it was made printable. */
export const anyText: Reader<string> = (value, at) => {
  const text = string(value, at);
  return hasLoneSurrogate(text) ? fail(at, 'holds half of a surrogate pair, which has no UTF-8 form') : text;
};
export const bool = ofKind('true or false', (value): value is boolean => typeof value === 'boolean');
export const callback = ofKind('a function', (value): value is () => undefined => typeof value === 'function');
const bytes = ofKind('a Uint8Array', types.isUint8Array);
export const anyObject = ofKind(
  'an object',
  (value): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value),
);
/** By what is used of it: a signal of another realm (a test runner's sandbox) is none of this one's class. */
export const signal = ofKind(
  'an AbortSignal',
  (value): value is AbortSignal =>
    typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
);

/** Not `list`, which makes a place for each entry: a command may be about a million items. */
const ids: Reader<number[]> = (value, at) => {
  if (!Array.isArray(value)) return fail(at, `is ${kindOf(value)}; write a list of ids [ … ]`);
  const bad = value.findIndex((entry) => !Number.isSafeInteger(entry) || (entry as number) < 1);
  if (bad >= 0) id(value[bad], below(at, bad));
  return [...(value as number[])];
};

export function unread(value: unknown): unknown {
  return value;
}

function ofKind<T>(what: string, is: (value: unknown) => value is T): Reader<T> {
  return (value, at) => (is(value) ? value : fail(at, `is ${kindOf(value)}; it must be ${what}`));
}

type Shape = Readonly<Record<string, Reader<unknown>>>;
type Values<S extends Shape, R extends keyof S> = { [K in R]: ReturnType<S[K]> } & {
  [K in Exclude<keyof S, R>]?: ReturnType<S[K]>;
};

/** An object of these names and no other. What is undefined counts as not given, and is not there afterwards. */
export function options<const S extends Shape, const R extends keyof S & string = never>(
  shape: S,
  required: readonly R[] = [],
): Reader<Values<S, R>> {
  const read = object(Object.fromEntries(Object.entries(shape).map(([name, reader]) => [name, optional(reader)])));
  return (value, at) => {
    // A signal, a date: an object without names of its own would count as one that says nothing.
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

const FILTER = {
  ids,
  states: list(oneOf(...STATES), 1),
  entities: list(options({ type: anyText, id: anyText }, ['type']), 1),
  targets: list(anyText, 1),
  operations: list(anyText, 1),
  tags: list(anyText, 1),
  reasons: list(oneOf(...REVIEW_REASONS), 1),
  statuses: list(options({ from: count, to: count }, ['from', 'to']), 1),
  since: time,
  until: time,
  like: id,
  search: anyText,
} satisfies Record<keyof Filter, Reader<unknown>>;

export const entity = options({ type: anyText, id: anyText }, ['type', 'id']);
export const filter = options(FILTER);
export const ACTOR = { who: anyText, command: anyText, reason: anyText };
const actor = options(ACTOR, ['who', 'command']);

const anyChange = options({ op: oneOf('set', 'unset'), pointer: anyText, value: anyText }, ['op', 'pointer']);
const jsonChange: Reader<JsonChange> = (value, at) => {
  const { op, pointer, value: text } = anyChange(value, at);
  if (op === 'unset') return { op, pointer };
  return text === undefined ? fail(below(at, 'value'), 'is missing') : { op, pointer, value: text };
};
const pair: Reader<[string, string]> = (value, at) => {
  const [name, entry, ...more] = list(anyText, 1)(value, at);
  return name !== undefined && entry !== undefined && more.length === 0
    ? [name, entry]
    : fail(at, 'is not [name, value]');
};
const EDITS = {
  json: list(jsonChange, 0),
  payload: bytes,
  contentType: anyText,
  headers: list(pair, 0),
  removeHeaders: list(anyText, 0),
  path: anyText,
} satisfies Record<keyof ItemEdits, Reader<unknown>>;

/** Where a problem of the argument `name` is. */
export function placeOf(name: string): Place {
  return { path: name, key: name, baseDir: '', source: undefined, isArgument: true };
}

/** A reader of the argument `name`. What it refuses is a QueueError, code 'usage': `NAME.PATH: PROBLEM`. */
export function argument<T>(name: string, reader: Reader<unknown>): (value: unknown) => T {
  const at = placeOf(name);
  return (value) => reader(value, at) as T;
}

export const readFilter = argument<Filter>('filter', filter);
export const readIds = argument<number[]>('ids', ids);
export const readId = argument<number>('id', id);
export const readActor = argument<Actor>('by', actor);
export const readEntity = argument<{ type: string; id: string }>('entity', entity);
export const readEdits = argument<ItemEdits>('edits', options(EDITS));
export const readEditOptions = argument<{ yes?: boolean }>('options', options({ yes: bool }));
export const readDeskOptions = argument<{ dryRun: boolean; by: Actor }>(
  'options',
  options({ dryRun: bool, by: actor }, ['dryRun', 'by']),
);
