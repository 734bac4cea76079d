/**
 * Reads the fields of a foreign document one by one: unknown fields are ignored, null counts as missing, and a refusal names
 * the field and never shows its value. The readers of `core/check` are for people's documents and do the opposite.
 */
import { QueueError } from '../nouns/errors.js';
import { isPrintable } from '../check/text.js';
import { bytesOf } from './payload-text.js';

/** The highest count of anything. */
const MOST_COUNT = 1_000_000_000;
/** The end of the year 9999, epoch ms. */
export const LAST_CLOCK_TIME = 253_402_300_799_999;
/** Characters of a text. */
const LONGEST_TEXT = 64 * 1024;

/** @throws {QueueError} always; code 'bad-item' */
export function damaged(field: string, why: string): never {
  throw new QueueError('bad-item', `${field} ${why}`);
}

export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #what: string;

  /** @param what the name of the document in refusals */
  constructor(value: unknown, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) damaged(what, 'is not an object');
    this.#values = value as Record<string, unknown>;
    this.#what = what;
  }

  /** Undefined for a field that is missing or null. */
  optional(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }

  text(name: string): string {
    const value = this.optional(name);
    if (typeof value !== 'string') return this.#refuse(name, 'is not text');
    return value.length <= LONGEST_TEXT ? value : this.#refuse(name, 'is too long');
  }

  optionalText(name: string): string | undefined {
    return this.optional(name) === undefined ? undefined : this.text(name);
  }

  /** Text that can be shown on one line as it is. */
  line(name: string, longest: number): string {
    const value = this.text(name);
    if (value.length > longest) this.#refuse(name, `is longer than ${longest} characters`);
    return isPrintable(value) ? value : this.#refuse(name, 'holds a character that cannot be shown');
  }

  optionalLine(name: string, longest: number): string | undefined {
    return this.optional(name) === undefined ? undefined : this.line(name, longest);
  }

  matching(name: string, pattern: RegExp): string {
    const value = this.text(name);
    return pattern.test(value) ? value : this.#refuse(name, 'is not of the form it has to be');
  }

  optionalMatching(name: string, pattern: RegExp): string | undefined {
    return this.optional(name) === undefined ? undefined : this.matching(name, pattern);
  }

  count(name: string, least: number, most = MOST_COUNT): number {
    const value = this.optional(name);
    return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? value
      : this.#refuse(name, `is not a whole number from ${least} to ${most}`);
  }

  optionalCount(name: string, least = 0, most = MOST_COUNT): number | undefined {
    return this.optional(name) === undefined ? undefined : this.count(name, least, most);
  }

  flag(name: string): boolean {
    const value = this.optional(name);
    return typeof value === 'boolean' ? value : this.#refuse(name, 'is neither true nor false');
  }

  optionalFlag(name: string): boolean | undefined {
    return this.optional(name) === undefined ? undefined : this.flag(name);
  }

  /** Epoch ms of a time in the past. */
  time(name: string): number {
    const at = this.optionalTime(name) ?? this.#refuse(name, 'is missing');
    return at <= LAST_CLOCK_TIME ? at : this.#refuse(name, 'is not a time');
  }

  /** Epoch ms of a time in the form of `Date.toISOString`. */
  optionalTime(name: string): number | undefined {
    if (this.optional(name) === undefined) return undefined;
    const text = this.text(name);
    const at = Date.parse(text);
    return at >= 0 && new Date(at).toISOString() === text ? at : this.#refuse(name, 'is not a time');
  }

  oneOf<T extends string>(name: string, known: readonly T[]): T {
    const value = this.text(name);
    return known.find((candidate) => candidate === value) ?? this.#refuse(name, 'is none of the known ones');
  }

  record(name: string): Record<string, unknown> {
    const value = this.optional(name) ?? {};
    return typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : this.#refuse(name, 'is not an object');
  }

  texts(name: string): Record<string, string> {
    const record = this.record(name);
    if (Object.values(record).some((value) => typeof value !== 'string'))
      this.#refuse(name, 'holds something else than text');
    return record as Record<string, string>;
  }

  list<T>(name: string, read: (value: unknown) => T): T[] {
    const value = this.optional(name) ?? [];
    return Array.isArray(value) ? value.map((entry) => read(entry)) : this.#refuse(name, 'is not a list');
  }

  bytes(name: string): Uint8Array {
    return bytesOf(this.optional(name)) ?? this.#refuse(name, 'holds neither text nor base64');
  }

  #refuse(name: string, why: string): never {
    return damaged(`${this.#what}: ${name}`, why);
  }
}
