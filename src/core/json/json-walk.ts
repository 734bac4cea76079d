/** Visits every value of a JSON text with its path and its place, so that a copy can keep each byte it does not change. */
import { Buffer } from 'node:buffer';
import { JsonFault, readString, scanJson, type JsonKind, type JsonRange } from './json-scan.js';

/** One value as it stands in the text. At the beginning of an object or array, `end` is not known yet and -1. */
export interface JsonValue extends JsonRange {
  /** Names and list indexes from the root to this value. The array is reused: copy it to keep it. */
  steps: readonly (string | number)[];
}

interface WalkOptions {
  /** Refuse an object that has the same name twice (`JSON.parse` would keep the last one). Default false. */
  uniqueNames?: boolean;
  /** Called with the place of each member's name, quotes included. */
  visitName?: ((start: number, end: number) => void) | undefined;
}

/** An object or array that has begun and not ended. */
interface Open {
  kind: 'object' | 'array';
  start: number;
  names: Set<string>;
}

/**
 * Walks one JSON text of any depth. Calls `visit` at the beginning of each value, and for objects and arrays again at
 * their end (with `end` set).
 *
 * @throws {JsonFault}
 */
export function walkJson(
  bytes: Uint8Array,
  visit: (value: JsonValue) => void,
  { uniqueNames = false, visitName }: WalkOptions = {},
): void {
  const open: Open[] = [];
  const steps: (string | number)[] = [];
  const begin = (kind: JsonKind, start: number, end: number): void => {
    if (open.at(-1)?.kind === 'array') (steps[steps.length - 1] as number) += 1;
    visit({ steps, kind, start, end });
  };
  scanJson(bytes, Infinity, {
    scalar: begin,
    opened: (kind, start) => {
      begin(kind, start, -1);
      open.push({ kind, start, names: new Set() });
      steps.push(-1);
    },
    closed: (end) => {
      const ended = open.pop();
      steps.pop();
      if (ended !== undefined) visit({ steps, kind: ended.kind, start: ended.start, end });
    },
    name: (start, end) => {
      const name = readString(bytes, start, end);
      steps[steps.length - 1] = name;
      const names = uniqueNames ? open.at(-1)?.names : undefined;
      if (names?.has(name) === true) throw new JsonFault(start, 'a member name is given twice');
      names?.add(name);
      visitName?.(start, end);
    },
  });
}

/** Line and column of a byte, both from 1; the column counts UTF-16 units, as editors do. */
export function positionOf(bytes: Uint8Array, offset: number): { line: number; column: number } {
  const lines = Buffer.from(bytes.subarray(0, offset)).toString().split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

/** A part of a text and what stands there instead. */
export interface Replacement {
  start: number;
  end: number;
  text: string;
}

/** The text with these parts replaced. They come in order and do not overlap. */
export function withReplacements(bytes: Uint8Array, replacements: readonly Replacement[]): Buffer {
  const pieces: Uint8Array[] = [];
  let copied = 0;
  for (const { start, end, text } of replacements) {
    pieces.push(bytes.subarray(copied, start), Buffer.from(text));
    copied = end;
  }
  return Buffer.concat([...pieces, bytes.subarray(copied)]);
}
