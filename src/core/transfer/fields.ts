/** Reads the fields of a foreign document one by one; what does not fit is named by field, never by value. */
import { QueueError } from '../errors.js';
import type { Entity } from '../item.js';
import { bytesOf } from './payload-text.js';

/** @throws {QueueError} always; code 'bad-item' */
export function damaged(field: string, why: string): never {
  throw new QueueError('bad-item', `${field} ${why}`);
}

export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #what: string;

  /** @param what names the document in refusals */
  constructor(value: unknown, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) damaged(what, 'is not an object');
    this.#values = value as Record<string, unknown>;
    this.#what = what;
  }

  /** Undefined for a field that is missing or null. */
  optional(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }

  names(): string[] {
    return Object.keys(this.#values);
  }

  text(name: string): string {
    const value = this.optional(name);
    return typeof value === 'string' ? value : this.#refuse(name, 'is not text');
  }

  optionalText(name: string): string | undefined {
    return this.optional(name) === undefined ? undefined : this.text(name);
  }

  matching(name: string, pattern: RegExp): string {
    const value = this.text(name);
    return pattern.test(value) ? value : this.#refuse(name, 'is not of the form it has to be');
  }

  optionalMatching(name: string, pattern: RegExp): string | undefined {
    return this.optional(name) === undefined ? undefined : this.matching(name, pattern);
  }

  count(name: string, least: number): number {
    const value = this.optional(name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= least
      ? value
      : this.#refuse(name, `is not a whole number from ${least} on`);
  }

  optionalCount(name: string): number | undefined {
    return this.optional(name) === undefined ? undefined : this.count(name, 0);
  }

  flag(name: string): boolean {
    const value = this.optional(name);
    return typeof value === 'boolean' ? value : this.#refuse(name, 'is neither true nor false');
  }

  optionalFlag(name: string): boolean | undefined {
    return this.optional(name) === undefined ? undefined : this.flag(name);
  }

  /** Epoch ms of an ISO time. */
  time(name: string): number {
    const at = Date.parse(this.text(name));
    return Number.isNaN(at) ? this.#refuse(name, 'is not a time') : at;
  }

  optionalTime(name: string): number | undefined {
    return this.optional(name) === undefined ? undefined : this.time(name);
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

  entity(): Entity {
    return { type: this.text('type'), id: this.text('id') };
  }

  #refuse(name: string, why: string): never {
    return damaged(`${this.#what}: ${name}`, why);
  }
}
