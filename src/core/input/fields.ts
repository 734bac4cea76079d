/** Readers for the fields of a write that are the same in a line of bulk input and in a program's object. */
import { nearestWord } from '../check/nearest.js';
import type { Entity } from '../nouns/item.js';
import { refuse } from '../check/refuse.js';
import { quoted } from '../check/text.js';

/** Fields that hold text. */
export const TEXT_FIELDS = ['method', 'path', 'url', 'target', 'contentType', 'operation'] as const;

/** @throws {QueueError} code 'bad-item' */
export function text(value: unknown, field: string): string {
  return typeof value === 'string' ? value : refuse(field, 'is not a string');
}

/** @throws {QueueError} code 'bad-item' */
export function tags(value: unknown): string[] {
  return Array.isArray(value)
    ? // Not `map`, which would skip the holes of a list.
      Array.from(value, (tag: unknown) => text(tag, 'a tag'))
    : refuse('tags', 'is not an array of strings');
}

/**
 * `type/id`, or an object of both.
 *
 * @param idOf reads the id of such an object
 * @throws {QueueError} code 'bad-item'
 */
export function entity(value: unknown, idOf: (id: unknown) => string): string | Entity {
  if (typeof value === 'string') return value;
  if (!isRecord(value)) return refuse('entity', 'is neither a string nor an object with type and id');
  const extra = Object.keys(value).find((name) => name !== 'type' && name !== 'id');
  if (extra !== undefined) refuse('entity', `has an unknown member ${quoted(extra)}`);
  return { type: text(value['type'], 'entity type'), id: idOf(value['id']) };
}

/**
 * Refuses an unknown field. Dropping it is not safe: a mistyped field may have been the payload.
 *
 * @throws {QueueError} always; code 'bad-item'
 */
export function refuseField(
  name: string,
  known: readonly string[],
  otherNames: ReadonlyMap<string, string> = new Map(),
): never {
  const meant = otherNames.get(name) ?? nearestWord(name, known);
  const advice = meant === undefined ? '' : `did you mean ${meant}? `;
  return refuse(`field ${quoted(name)}`, 'is not known', `${advice}known fields: ${known.join(' ')}`);
}

/** True for an object that is not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
