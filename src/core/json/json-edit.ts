/**
 * Changes single values of a JSON text by JSON Pointer (RFC 6901) and keeps every other byte: spelling of numbers, order
 * and duplicates of names, white space. Pure.
 */
import { Buffer } from 'node:buffer';

import { QueueError } from '../nouns/errors.js';
import { isPointer, pointerSteps, pointerTo } from './json-pointer.js';
import { jsonFault, rootRange, scanChildren, type JsonChild, type JsonKind, type JsonRange } from './json-scan.js';

export type JsonChange =
  /** `value` is JSON text, spliced in as it is. */
  { op: 'set'; pointer: string; value: string } | { op: 'unset'; pointer: string };

export interface JsonChanged {
  bytes: Uint8Array;
  /** Values whose kind changed, to warn about: a phone number that became a JSON number may be a mistake. */
  kinds: { pointer: string; from: JsonKind; to: JsonKind }[];
}

/**
 * Makes the changes one after the other. `set` replaces a value, adds a member to an object, or appends to an array (step
 * `-`, or the index after the last); the parent must exist. `unset` removes an entry with its comma.
 *
 * @param bytes a valid JSON text
 * @throws {QueueError} code 'bad-item': no such place, or an ambiguous one. Names pointers, never values.
 */
export function changeJson(bytes: Uint8Array, changes: readonly JsonChange[], maxDepth: number): JsonChanged {
  let text = bytes;
  const kinds: JsonChanged['kinds'] = [];
  for (const change of changes) {
    const { pointer } = change;
    const from = change.op === 'set' ? kindAt(text, pointer) : undefined;
    text = change.op === 'set' ? set(text, pointer, Buffer.from(change.value)) : unset(text, pointer);
    const fault = jsonFault(text, maxDepth);
    if (fault !== undefined) refuse(`the payload would no longer be valid JSON: ${fault.reason}`);
    const to = from === undefined ? undefined : kindAt(text, pointer);
    if (from !== undefined && to !== undefined && from !== to) kinds.push({ pointer, from, to });
  }
  return { bytes: text, kinds };
}

/** Splits a pointer into steps; the empty pointer has none. @throws {QueueError} code 'usage' */
export function parsePointer(pointer: string): string[] {
  if (isPointer(pointer)) return pointerSteps(pointer);
  throw new QueueError('usage', 'this is not a JSON Pointer; nothing was changed', {
    hint: 'A pointer is /name/0/name; in a name, ~ is written ~0 and / is written ~1.',
  });
}

/** The JSON text of a value that a person typed: JSON stays as it is, anything else becomes a string. */
export function valueText(typed: string): string {
  return jsonFault(Buffer.from(typed), 1000) === undefined ? typed.trim() : JSON.stringify(typed);
}

interface Place {
  parent: JsonRange;
  children: JsonChild[];
  child: JsonChild | undefined;
  step: string;
}

function set(bytes: Uint8Array, pointer: string, value: Uint8Array): Uint8Array {
  const steps = parsePointer(pointer);
  if (steps.length === 0) return splice(bytes, rootRange(bytes), value);
  const { parent, children, child, step } = placeOf(bytes, pointer, steps);
  if (child !== undefined) return splice(bytes, child, value);
  if (parent.kind === 'array' && step !== '-' && step !== String(children.length)) {
    refuse(`${pointer} is not an index of that array, which has ${children.length} entries`);
  }
  const entry = parent.kind === 'object' ? Buffer.concat([Buffer.from(`${JSON.stringify(step)}:`), value]) : value;
  const last = children.at(-1);
  const at = last === undefined ? parent.start + 1 : last.end;
  return splice(bytes, { start: at, end: at }, last === undefined ? entry : Buffer.concat([Buffer.from(','), entry]));
}

function unset(bytes: Uint8Array, pointer: string): Uint8Array {
  const steps = parsePointer(pointer);
  if (steps.length === 0) refuse('the whole payload cannot be removed; discard the item instead');
  const { children, child } = placeOf(bytes, pointer, steps);
  if (child === undefined) refuse(`the payload has nothing at ${pointer}`);
  const index = children.indexOf(child);
  const [before, after] = [children[index - 1], children[index + 1]];
  // With the comma and the white space on one side.
  if (after !== undefined) return splice(bytes, { start: child.from, end: after.from }, new Uint8Array(0));
  return splice(bytes, { start: before === undefined ? child.from : before.end, end: child.end }, new Uint8Array(0));
}

function kindAt(bytes: Uint8Array, pointer: string): JsonKind | undefined {
  const steps = parsePointer(pointer);
  if (steps.length === 0) return rootRange(bytes).kind;
  return placeOf(bytes, pointer, steps).child?.kind;
}

function placeOf(bytes: Uint8Array, pointer: string, steps: readonly string[]): Place {
  let parent: JsonRange = rootRange(bytes);
  for (let index = 0; ; index++) {
    const step = steps[index] ?? '';
    if (parent.kind !== 'object' && parent.kind !== 'array') {
      refuse(`${prefix(steps, index)} is neither an object nor an array: there is no ${pointer}`);
    }
    const children = scanChildren(bytes, parent);
    const found = childrenAt(parent, children, step);
    if (found.length > 1)
      refuse(`the name at ${prefix(steps, index + 1)} is given twice, so it is not clear which one is meant`);
    const [child] = found;
    if (index === steps.length - 1) return { parent, children, child, step };
    if (child === undefined) refuse(`the payload has nothing at ${prefix(steps, index + 1)}`);
    parent = child;
  }
}

function childrenAt(parent: JsonRange, children: readonly JsonChild[], step: string): JsonChild[] {
  if (parent.kind === 'object') return children.filter(({ name }) => name === step);
  // No leading zeros (RFC 6901, section 4).
  const child = /^(?:0|[1-9]\d*)$/.test(step) ? children[Number(step)] : undefined;
  return child === undefined ? [] : [child];
}

function prefix(steps: readonly string[], length: number): string {
  return length === 0 ? 'the whole payload' : pointerTo(steps.slice(0, length));
}

function splice(bytes: Uint8Array, { start, end }: { start: number; end: number }, value: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, start), value, bytes.subarray(end)]);
}

function refuse(message: string): never {
  throw new QueueError('bad-item', `${message}; nothing was changed`);
}
