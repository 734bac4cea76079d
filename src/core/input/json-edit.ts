/**
 * Changes single values of a JSON text by JSON Pointer (RFC 6901) and leaves every other byte as it was: spelling of
 * numbers, order and duplicates of keys, white space. Pure.
 */
import { Buffer } from 'node:buffer';

import { QueueError } from '../nouns/errors.js';
import {
  rootRange,
  scanChildren,
  validateJson,
  type JsonChild,
  type JsonKind,
  type JsonRange,
} from '../json/json-scan.js';

export type JsonChange =
  /** `value` is JSON text, spliced in as it is. */
  { op: 'set'; pointer: string; value: string } | { op: 'unset'; pointer: string };

export interface JsonChanged {
  bytes: Uint8Array;
  /** Values whose kind changed, for a word about it: a phone number that became a number may not be meant. */
  kinds: { pointer: string; from: JsonKind; to: JsonKind }[];
}

/**
 * Carries out the changes one after the other. `set` replaces a value, adds a member to an object, or appends to an array
 * (the step `-`, or the index behind the last); its parent must exist. `unset` takes an entry away with its comma.
 *
 * @param bytes a valid JSON text
 * @throws {QueueError} code 'bad-item': no such place, or one that is not clear. Names pointers, never values.
 */
export function changeJson(bytes: Uint8Array, changes: readonly JsonChange[], maxDepth: number): JsonChanged {
  let text = bytes;
  const kinds: JsonChanged['kinds'] = [];
  for (const change of changes) {
    if (change.op === 'unset') {
      text = unset(text, change.pointer);
    } else {
      const from = kindAt(text, change.pointer);
      text = set(text, change.pointer, Buffer.from(change.value, 'utf8'));
      const to = kindAt(text, change.pointer);
      if (from !== undefined && to !== undefined && from !== to) kinds.push({ pointer: change.pointer, from, to });
    }
    const verdict = validateJson(text, { maxDepth });
    if (!verdict.ok) refuse(`the payload would not be valid JSON any more: ${verdict.reason}`);
  }
  return { bytes: text, kinds };
}

/** `/a~1b/0` as steps; the empty pointer is the whole text. @throws {QueueError} code 'usage' */
export function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) {
    throw new QueueError('usage', 'this is no JSON Pointer; nothing was changed', {
      hint: 'A pointer is /name/0/name; in a name, ~ is written ~0 and / is written ~1.',
    });
  }
  // ~1 first: "~01" must become "~1" (RFC 6901, section 4).
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** What a person typed as a value: JSON as it is spelled, anything else as a string. */
export function valueText(typed: string): string {
  return validateJson(Buffer.from(typed, 'utf8'), { maxDepth: 1000 }).ok ? typed.trim() : JSON.stringify(typed);
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
    refuse(`${pointer} is no index of the array there, which has ${children.length} entries`);
  }
  const entry = parent.kind === 'object' ? Buffer.concat([Buffer.from(`${JSON.stringify(step)}:`), value]) : value;
  const last = children.at(-1);
  const at = last === undefined ? parent.start + 1 : last.end;
  return splice(bytes, { start: at, end: at }, last === undefined ? entry : Buffer.concat([Buffer.from(','), entry]));
}

function unset(bytes: Uint8Array, pointer: string): Uint8Array {
  const steps = parsePointer(pointer);
  if (steps.length === 0) refuse('the whole payload cannot be taken away; discard the item instead');
  const { children, child } = placeOf(bytes, pointer, steps);
  if (child === undefined) refuse(`the payload has nothing at ${pointer}`);
  const index = children.indexOf(child);
  const [before, after] = [children[index - 1], children[index + 1]];
  // With the comma and the white space towards one neighbour.
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
      refuse(`the name at ${prefix(steps, index + 1)} is given twice, so it is not clear which is meant`);
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
  if (length === 0) return 'the whole payload';
  return steps
    .slice(0, length)
    .map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

function splice(bytes: Uint8Array, { start, end }: { start: number; end: number }, value: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, start), value, bytes.subarray(end)]);
}

function refuse(message: string): never {
  throw new QueueError('bad-item', `${message}; nothing was changed`);
}
