/**
 * Readers for untyped values: each turns a value of a config document or of a program's call into its typed form, or
 * names the path of the mistake. Which keys there are is said by the tables in `config` and in `queue/arguments.ts`.
 */
import path from 'node:path';
import { QueueError } from '../nouns/errors.js';
import { durationMs, parseDuration } from './duration.js';
import { nearestWord } from './nearest.js';

/** Where a value stands in its document. */
export interface Place {
  /** Path in the document, such as `targets.production.retry.base`; empty = the whole document. */
  path: string;
  /** The last step of `path`, as written; empty = the whole document. */
  key: string;
  /** Absolute directory that relative file names are relative to. */
  baseDir: string;
  /** The config file, for the hint; undefined = none. */
  source: string | undefined;
  /** The document is an argument of a program's call, not a config. */
  isArgument?: true;
}

/** Reads one value. `fields` and `entries` are the keys it knows; a test compares them with the published schema. */
export interface Reader<T> {
  (value: unknown, at: Place): T;
  fields?: Readonly<Record<string, Reader<unknown>>>;
  entries?: Reader<unknown>;
}

/** Keys with a meaning in JavaScript: never the name of a setting, a target or a header. */
const RESERVED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** @throws {QueueError} always `PATH: PROBLEM`; code 'bad-config' with the file in the hint, for an argument 'usage' */
export function fail(at: Place, problem: string): never {
  if (at.isArgument === true) throw new QueueError('usage', `${at.path}: ${problem}`);
  const hint = at.source === undefined ? 'Fix the config.' : `Fix it in ${at.source}. Nothing was changed.`;
  throw new QueueError('bad-config', `${at.path === '' ? 'the config' : at.path}: ${problem}`, { hint });
}

/** The place of a key or list index below `at`: `.key` where that reads well, else `["key"]`. */
export function below(at: Place, key: string | number): Place {
  const step = String(key);
  if (typeof key === 'number') return { ...at, key: step, path: `${at.path}[${step}]` };
  const shown = step.length > 80 ? `${step.slice(0, 80)}…` : step;
  if (!/^[A-Za-z0-9_$-]+$/.test(shown)) return { ...at, key: step, path: `${at.path}[${JSON.stringify(shown)}]` };
  return { ...at, key: step, path: at.path === '' ? shown : `${at.path}.${shown}` };
}

/** The value for a message, cut to 40 characters. Not for keys that could hold a secret. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return kindOf(value);
}

/** The kind of a value, without the value. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function asObject(value: unknown, at: Place): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return fail(at, `is ${kindOf(value)}; write an object { … }`);
}

function refuseReserved(key: string, at: Place): void {
  if (RESERVED_KEYS.has(key)) fail(below(at, key), 'this name is reserved and cannot be used as a key');
}

type Shape = Readonly<Record<string, Reader<unknown>>>;
type Values<S extends Shape, R extends keyof S> = { [K in R]: ReturnType<S[K]> } & {
  [K in Exclude<keyof S, R>]?: ReturnType<S[K]>;
};

/** An object of known keys, optional unless `required`. Refuses an unknown key and names the nearest known one. */
export function object<const S extends Shape, const R extends keyof S & string = never>(
  shape: S,
  required: readonly R[] = [],
): Reader<Values<S, R>> {
  const known = Object.keys(shape);
  const read: Reader<Values<S, R>> = (value, at) => {
    const result = Object.create(null) as Record<string, unknown>;
    for (const [key, inner] of Object.entries(asObject(value, at))) {
      refuseReserved(key, at);
      const reader = Object.hasOwn(shape, key) ? shape[key] : undefined;
      if (reader === undefined) return fail(below(at, key), unknownKey(key, known, at));
      result[key] = reader(inner, below(at, key));
    }
    for (const key of required) if (!(key in result)) fail(below(at, key), 'is missing');
    return result as Values<S, R>;
  };
  read.fields = shape;
  return read;
}

function unknownKey(key: string, known: readonly string[], { isArgument }: Place): string {
  const near = nearestWord(key, known);
  const advice = near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`;
  return `there is no such ${isArgument === true ? 'name' : 'setting'}; ${advice}`;
}

/** An object of any keys; `checkKey` refuses a bad one by calling `fail`. */
export function record<T>(checkKey: (key: string, at: Place) => void, entry: Reader<T>): Reader<Map<string, T>> {
  const read: Reader<Map<string, T>> = (value, at) => {
    const result = new Map<string, T>();
    for (const [key, inner] of Object.entries(asObject(value, at))) {
      refuseReserved(key, at);
      checkKey(key, below(at, key));
      result.set(key, entry(inner, below(at, key)));
    }
    return result;
  };
  read.entries = entry;
  return read;
}

/** A list with at least `least` entries. */
export function list<T>(entry: Reader<T>, least: number): Reader<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) return fail(at, `is ${kindOf(value)}; write a list [ … ]`);
    if (value.length < least) return fail(at, 'the list is empty');
    return value.map((inner, index) => entry(inner, below(at, index)));
  };
}

/** Any string. Messages never show it. */
export const string: Reader<string> = (value, at) =>
  typeof value === 'string' ? value : fail(at, `is ${kindOf(value)}; write a string`);

/** A non-empty string without control characters. Messages never show it. */
export const text: Reader<string> = (value, at) => {
  const given = string(value, at);
  if (given === '') return fail(at, 'is empty');
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(given)) return fail(at, 'holds a control character');
  return given;
};

export const flag: Reader<boolean> = (value, at) =>
  typeof value === 'boolean' ? value : fail(at, `${show(value)} is not true or false`);

export function oneOf<const T extends string>(...words: readonly T[]): Reader<T> {
  return (value, at) => {
    const word = words.find((candidate) => candidate === value);
    return word ?? fail(at, `${show(value)} is not one of ${words.join(', ')}`);
  };
}

/** A number within the bounds, both included. */
export function number(least: number, most: number): Reader<number> {
  return (value, at) =>
    typeof value === 'number' && value >= least && value <= most
      ? value
      : fail(at, `${show(value)} is not a number from ${String(least)} to ${String(most)}`);
}

/** A whole number within the bounds, both included. */
export function integer(least: number, most: number): Reader<number> {
  return (value, at) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? (value as number)
      : fail(at, `${show(value)} is not a whole number from ${String(least)} to ${String(most)}`);
}

/** A duration (`500ms 30s 5m 2h 7d`) in ms. The bounds are written the same way, both included. */
export function duration(least: string, most: string): Reader<number> {
  const [from, to] = [parseDuration(least), parseDuration(most)];
  return (value, at) => {
    const ms = typeof value === 'string' ? durationMs(value) : undefined;
    if (ms === undefined) return fail(at, `${show(value)} is not a duration; write 500ms, 30s, 5m, 2h or 7d`);
    return ms >= from && ms <= to ? ms : fail(at, `${show(value)} is out of range; write ${least} to ${most}`);
  };
}

/** A reader that goes on where `inner` ends, with the same keys. */
export function refine<A, B>(inner: Reader<A>, next: (value: A, at: Place) => B): Reader<B> {
  const read: Reader<B> = (value, at) => next(inner(value, at), at);
  if (inner.fields !== undefined) read.fields = inner.fields;
  if (inner.entries !== undefined) read.entries = inner.entries;
  return read;
}

/** A file name; a relative one becomes absolute, from the directory of the config file. */
export const filePath: Reader<string> = (value, at) => {
  const given = text(value, at);
  // A shell expands ~, syncq does not; nobody means a directory of that name.
  if (given === '~' || given.startsWith('~/')) return fail(at, '~ is not expanded; write the whole path');
  return path.resolve(at.baseDir, given);
};

/** A command as argv, to run without a shell. A program name with a slash is relative to the config file. */
export const command: Reader<readonly string[]> = (value, at) => {
  if (typeof value === 'string') return fail(at, 'write the program and each argument apart: ["PROGRAM", "ARGUMENT"]');
  const [program, ...rest] = list(argument, 1)(value, at);
  text(program, below(at, 0));
  if (program === undefined) return fail(at, 'the list is empty');
  return [/[/\\]/.test(program) ? filePath(program, below(at, 0)) : program, ...rest];
};

const argument: Reader<string> = (value, at) => {
  const given = string(value, at);
  return given.includes('\0') ? fail(at, 'holds a NUL character') : given;
};
